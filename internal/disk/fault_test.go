package disk

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

// Every kind of operation can be made to fail, at its k-th call and only there.
func TestFailAt(t *testing.T) {
	calls := map[Op]func(d *Simulated, f File, i int) error{
		OpOpen:     func(d *Simulated, _ File, _ int) error { _, err := d.Open("f"); return err },
		OpCreate:   func(d *Simulated, _ File, i int) error { _, err := d.Create(fmt.Sprint("new", i)); return err },
		OpRead:     func(_ *Simulated, f File, _ int) error { _, err := f.ReadAt(make([]byte, 1), 0); return err },
		OpWrite:    func(_ *Simulated, f File, _ int) error { _, err := f.WriteAt([]byte("x"), 0); return err },
		OpTruncate: func(_ *Simulated, f File, _ int) error { return f.Truncate(9) },
		OpSync:     func(_ *Simulated, f File, _ int) error { return f.Sync() },
		OpSyncDir:  func(d *Simulated, _ File, _ int) error { return d.SyncDir(".") },
		OpSyncAll:  func(d *Simulated, _ File, _ int) error { return d.SyncAll() },
		OpMkdir:    func(d *Simulated, _ File, i int) error { return d.MkdirAll(fmt.Sprint("dir", i)) },
		OpRename: func(d *Simulated, _ File, i int) error {
			return d.Rename(fmt.Sprint("old", i), fmt.Sprint("renamed", i))
		},
		OpRemove:    func(d *Simulated, _ File, i int) error { return d.Remove(fmt.Sprint("old", i)) },
		OpRemoveAll: func(d *Simulated, _ File, _ int) error { return d.RemoveAll("none") },
		OpList:      func(d *Simulated, _ File, _ int) error { _, err := d.List("."); return err },
		OpStat:      func(d *Simulated, _ File, _ int) error { _, err := d.Stat("f"); return err },
		OpSpace:     func(d *Simulated, _ File, _ int) error { _, err := d.Space(); return err },
		OpLock:      func(d *Simulated, _ File, i int) error { _, err := d.Lock(fmt.Sprint("lock", i)); return err },
	}
	for op := OpOpen; op <= OpLock; op++ {
		call := calls[op]
		if call == nil {
			t.Fatalf("no call for %v", op)
		}
		for k := 1; k <= 3; k++ {
			d := NewSimulated(SimulatedOptions{})
			f := create(t, d, "f", "content")
			for i := range 4 {
				create(t, d, fmt.Sprint("old", i), "")
			}
			before := tree(t, d, ".")
			d.FailAt(op, k, syscall.EIO)
			for i := range 4 {
				err := call(d, f, i)
				if failed := errors.Is(err, syscall.EIO); failed != (i+1 == k) || err != nil && !failed {
					t.Errorf("%v: call %d with a fault at %d gave %v", op, i+1, k, err)
				}
				if i == 0 && k == 1 && fmt.Sprint(before) != fmt.Sprint(tree(t, d, ".")) {
					t.Errorf("%v changed something although it failed", op)
				}
			}
			if d.Fired() != 1 {
				t.Errorf("%v: %d faults fired, want 1", op, d.Fired())
			}
		}
	}
}

func TestShortWrite(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := create(t, d, "a", "")
	d.Inject(Fault{Op: OpWrite, Err: syscall.ENOSPC, Short: 3})
	n, err := f.WriteAt([]byte("012345"), 0)
	wantErr(t, err, syscall.ENOSPC)
	if n != 3 {
		t.Errorf("%d bytes written, want 3", n)
	}
	wantContent(t, d, "a", "012")
	d.Inject(Fault{Op: OpRead, Err: syscall.EIO, Short: 2})
	n, err = f.ReadAt(make([]byte, 3), 0)
	wantErr(t, err, syscall.EIO)
	if n != 2 {
		t.Errorf("%d bytes read, want 2", n)
	}
}

func TestFaultByName(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	a, b := create(t, d, "a.log", ""), create(t, d, "b.index", "")
	d.Inject(Fault{Op: OpSync, Name: "*.log", Count: -1, Err: syscall.EIO})
	d.Inject(Fault{Op: OpWrite, Name: "b.index", Skip: 1, Count: 2, Err: syscall.EIO})
	for range 3 {
		wantErr(t, a.Sync(), syscall.EIO)
		must(t, b.Sync())
		writeAt(t, a, "x", 0)
	}
	for i := range 4 {
		_, err := b.WriteAt([]byte("x"), 0)
		if (err != nil) != (i == 1 || i == 2) {
			t.Errorf("write %d gave %v", i+1, err)
		}
	}
	if d.Fired() != 5 {
		t.Errorf("%d fired, want 5", d.Fired())
	}
	d.ClearFaults()
	must(t, a.Sync())
}

func TestFaultOfAny(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := create(t, d, "a", "")
	d.FailAt(OpAny, 2, syscall.EIO)
	must(t, d.SyncDir("."))
	wantErr(t, f.Sync(), syscall.EIO)
	must(t, f.Sync())
}

// The hook sees each operation before it happens: crashing there at every k covers every moment of a history.
func TestHookCrashesAtEachOperation(t *testing.T) {
	work := func(d *Simulated) error {
		f, err := d.Create("a.tmp")
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("new"), 0)
		return errors.Join(err, f.Sync(), f.Close(), d.Rename("a.tmp", "a"), d.SyncDir("."))
	}
	for k := uint64(1); ; k++ {
		d := NewSimulated(SimulatedOptions{Seed: k})
		durableFile(t, d, "a", "old")
		base := d.Calls()
		var left *Simulated
		d.SetHook(func(c Call) error {
			if c.Number == base+k {
				left = d.Crash()
			}
			return nil
		})
		err := work(d)
		if left == nil {
			must(t, err)
			if k != 7 {
				t.Errorf("the work took %d operations, want 6", k-1)
			}
			return
		}
		wantErr(t, err, ErrCrashed)
		f, err := left.Open("a")
		must(t, err)
		if got := content(t, f); got != "old" && (got != "new" || k < 6) {
			t.Errorf("crash at %d left %q", k, got)
		}
	}
}

func TestHookFails(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := durableFile(t, d, "a", "old")
	var seen []Call
	d.SetHook(func(c Call) error {
		seen = append(seen, c)
		if c.Op == OpSync {
			return syscall.EIO
		}
		return nil
	})
	writeAt(t, f, "new", 1)
	wantErr(t, f.Sync(), syscall.EIO)
	must(t, d.Rename("a", "b"))
	d.SetHook(nil)
	must(t, d.SyncDir("."))
	wantOutcomes(t, d, "b=old")
	want := []Call{{Op: OpWrite, Name: "a", At: 1, Bytes: 3}, {Op: OpSync, Name: "a"}, {Op: OpRename, Name: "a", To: "b"}}
	for i := range want {
		want[i].Number = seen[0].Number + uint64(i)
		if seen[i] != want[i] {
			t.Errorf("call %+v, want %+v", seen[i], want[i])
		}
	}
}

func TestOpNames(t *testing.T) {
	if OpAny.String() != "any" || OpClose.String() != "close" || len(opNames) != int(OpClose)+1 {
		t.Error("the names of operations are out of step")
	}
}
