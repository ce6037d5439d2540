package disk

import (
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestSimulatedConforms(t *testing.T) {
	testConformance(t, func(t *testing.T) FS { return NewSimulated(SimulatedOptions{}) })
}

func TestSimulatedLockKeepsAnotherProcessOut(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	other := d.Attach()
	held, err := d.Lock(".lock")
	must(t, err)
	_, err = other.Lock(".lock")
	wantErr(t, err, ErrLocked)
	must(t, held.Close())
	wantErr(t, held.Close(), fs.ErrClosed)
	_, err = other.Lock(".lock")
	must(t, err)
	_, err = d.Lock(".lock")
	wantErr(t, err, ErrLocked)
}

// A golden trace: a sync that moves is a line that moves.
func TestTrace(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	must(t, d.MkdirAll("t-0"))
	f := create(t, d, "t-0/a.tmp", "0123456789")
	_, err := f.ReadAt(make([]byte, 4), 2)
	must(t, err)
	must(t, f.Truncate(4))
	must(t, f.Sync())
	must(t, f.Close())
	must(t, d.Rename("t-0/a.tmp", "t-0/a"))
	must(t, d.SyncDir("t-0"))
	must(t, d.SyncAll())
	wantErr(t, d.Remove("t-0"), syscall.ENOTEMPTY)
	d.FailAt(OpRead, 1, syscall.EIO)
	f, err = d.Open("t-0/a")
	must(t, err)
	_, err = f.ReadAt(make([]byte, 4), 0)
	wantErr(t, err, syscall.EIO)
	must(t, d.RemoveAll("t-0"))
	want := []string{
		"mkdir t-0",
		"create t-0/a.tmp",
		"write t-0/a.tmp @0 +10",
		"truncate t-0/a.tmp @4",
		"sync t-0/a.tmp",
		"rename t-0/a.tmp t-0/a",
		"syncdir t-0",
		"syncall",
		"remove t-0 = directory not empty",
		"read t-0/a @0 +4 = input/output error",
		"removeall t-0",
	}
	if got := d.Trace(); !slices.Equal(got, want) {
		t.Errorf("trace\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	d.ResetTrace()
	if len(d.Trace()) != 0 {
		t.Error("ResetTrace left lines")
	}
}

func TestFullDisk(t *testing.T) {
	d := NewSimulated(SimulatedOptions{SpaceBytesMax: 4 * pageBytes})
	f := create(t, d, "a", strings.Repeat("a", pageBytes))
	g := create(t, d, "b", "")
	n, err := g.WriteAt(make([]byte, 4*pageBytes), 100)
	wantErr(t, err, syscall.ENOSPC)
	if n != 3*pageBytes-100 {
		t.Errorf("%d bytes were written, want what fits", n)
	}
	wantSpace(t, d, 0)
	n, err = g.WriteAt([]byte("x"), 3*pageBytes)
	wantErr(t, err, syscall.ENOSPC)
	if n != 0 {
		t.Errorf("%d bytes were written", n)
	}
	writeAt(t, g, "in place", 0)
	must(t, d.Remove("a"))
	wantSpace(t, d, 0) // it is still open
	must(t, f.Close())
	wantSpace(t, d, pageBytes)
	must(t, g.Truncate(1))
	wantSpace(t, d, 3*pageBytes)
	must(t, g.Sync())
	must(t, d.SyncDir("."))
	wantSpace(t, d.CrashClone(nil), 3*pageBytes)
	wantSpace(t, d.Kill(), 3*pageBytes)
	d = NewSimulated(SimulatedOptions{SpaceBytesMax: 100 * pageBytes})
	create(t, d, "a", "x")
	d.SetSpace(0)
	wantSpace(t, d, 0)
	must(t, d.RemoveAll("a"))
}

func wantSpace(t *testing.T, d FS, free uint64) {
	t.Helper()
	if s, err := d.Space(); err != nil || s.Free != free {
		t.Errorf("Space() = %+v, %v; want %d free", s, err, free)
	}
}

func TestRenameOverAFileFreesIt(t *testing.T) {
	d := NewSimulated(SimulatedOptions{SpaceBytesMax: 10 * pageBytes})
	must(t, create(t, d, "a", "x").Close())
	must(t, create(t, d, "b", "y").Close())
	must(t, d.Rename("a", "b"))
	wantSpace(t, d, 9*pageBytes)
}

func TestFlip(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := durableFile(t, d, "a", "\x00\x00")
	must(t, d.Flip("a", 0))
	must(t, d.Flip("a", 15))
	wantContent(t, d, "a", "\x01\x80")
	must(t, f.Sync())
	wantOutcomes(t, d, "a=\x01\x80")
	if d.Flip("a", 16) == nil || d.Flip("a", -1) == nil || d.Flip("none", 0) == nil || d.Flip(".", 0) == nil {
		t.Error("a bit that is not there was flipped")
	}
}

func TestFileTooLarge(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := create(t, d, "a", "")
	_, err := f.WriteAt([]byte("x"), simulatedFileBytesMax)
	wantErr(t, err, syscall.EFBIG)
	wantErr(t, f.Truncate(simulatedFileBytesMax+1), syscall.EFBIG)
}

func TestModTimeFollowsTheClock(t *testing.T) {
	now := int64(1000)
	d := NewSimulated(SimulatedOptions{Now: func() int64 { return now }})
	f := create(t, d, "a", "")
	now = 2000
	writeAt(t, f, "x", 0)
	if e, err := d.Stat("a"); err != nil || e.ModTime != 2000 {
		t.Errorf("Stat = %+v, %v; want ModTime 2000", e, err)
	}
}

func TestReadAtEndIsPlainEOF(t *testing.T) {
	for name, d := range map[string]FS{"real": openReal(t, filepath.Join(t.TempDir(), "x")), "simulated": NewSimulated(SimulatedOptions{})} {
		if _, err := create(t, d, "a", "x").ReadAt(make([]byte, 2), 0); err != io.EOF {
			t.Errorf("%s: %v, want io.EOF itself: callers compare with ==", name, err)
		}
	}
}
