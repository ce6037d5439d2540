package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The conformance suite is what FS promises, run against every implementation. A line that only one of them can show
// (crashes, symbolic links, other processes) has its own test file.

func testConformance(t *testing.T, open func(t *testing.T) FS) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, d FS)
	}{
		{"create and open", createAndOpen},
		{"read at", readAt},
		{"write at and size", writeAtAndSize},
		{"truncate", truncate},
		{"closed file", closedFile},
		{"directories", directories},
		{"list", list},
		{"stat", stat},
		{"rename", rename},
		{"rename refused", renameRefused},
		{"remove", remove},
		{"open file outlives its name", outlivesName},
		{"sync", syncs},
		{"space", space},
		{"lock", lock},
		{"names refused", namesRefused},
		{"concurrent use", concurrentUse},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func createAndOpen(t *testing.T, d FS) {
	_, err := d.Open("a")
	wantErr(t, err, fs.ErrNotExist)
	f := create(t, d, "a", "hello")
	if f.Name() != "a" {
		t.Errorf("Name() = %q, want a", f.Name())
	}
	_, err = d.Create("a")
	wantErr(t, err, fs.ErrExist)
	_, err = d.Create("no/such/dir")
	wantErr(t, err, fs.ErrNotExist)
	_, err = d.Create("a/b")
	wantErr(t, err, syscall.ENOTDIR)
	_, err = d.Open("a/b")
	wantErr(t, err, syscall.ENOTDIR)
	wantContent(t, d, "a", "hello")
	must(t, d.MkdirAll("dir"))
	_, err = d.Open("dir")
	wantErr(t, err, syscall.EISDIR)
	_, err = d.Create("dir")
	wantErr(t, err, fs.ErrExist)
}

func readAt(t *testing.T, d FS) {
	f := create(t, d, "a", "0123456789")
	for _, c := range []struct {
		at   int64
		size int
		want string
		err  error
	}{
		{0, 10, "0123456789", nil}, {3, 4, "3456", nil}, {8, 4, "89", io.EOF}, {10, 1, "", io.EOF},
		{99, 1, "", io.EOF}, {0, 0, "", nil}, {99, 0, "", nil},
	} {
		b := make([]byte, c.size)
		n, err := f.ReadAt(b, c.at)
		if string(b[:n]) != c.want || err != c.err {
			t.Errorf("ReadAt(%d bytes, %d) = %q, %v; want %q, %v", c.size, c.at, b[:n], err, c.want, c.err)
		}
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("ReadAt at -1 gave no error")
	}
	if _, err := f.WriteAt([]byte("x"), -1); err == nil {
		t.Error("WriteAt at -1 gave no error")
	}
}

func writeAtAndSize(t *testing.T, d FS) {
	f := create(t, d, "a", "")
	wantSize(t, f, 0)
	writeAt(t, f, "end", 5)
	wantSize(t, f, 8)
	wantContent(t, d, "a", "\x00\x00\x00\x00\x00end")
	writeAt(t, f, "begin", 0)
	writeAt(t, f, "", 100)
	wantContent(t, d, "a", "beginend")
	other, err := d.Open("a")
	must(t, err)
	writeAt(t, other, "B", 0)
	wantContent(t, d, "a", "Beginend")
	must(t, other.Close())
}

func truncate(t *testing.T, d FS) {
	f := create(t, d, "a", "0123456789")
	must(t, f.Truncate(4))
	wantContent(t, d, "a", "0123")
	must(t, f.Truncate(6))
	wantContent(t, d, "a", "0123\x00\x00")
	must(t, f.Truncate(0))
	writeAt(t, f, "z", 2)
	wantContent(t, d, "a", "\x00\x00z")
	wantErr(t, f.Truncate(-1), syscall.EINVAL)
}

func closedFile(t *testing.T, d FS) {
	f := create(t, d, "a", "x")
	must(t, f.Close())
	wantErr(t, f.Close(), fs.ErrClosed)
	_, err := f.ReadAt(make([]byte, 1), 0)
	wantErr(t, err, fs.ErrClosed)
	_, err = f.WriteAt([]byte("y"), 0)
	wantErr(t, err, fs.ErrClosed)
	_, err = f.Size()
	wantErr(t, err, fs.ErrClosed)
	wantErr(t, f.Sync(), fs.ErrClosed)
	wantErr(t, f.Truncate(0), fs.ErrClosed)
}

func directories(t *testing.T, d FS) {
	must(t, d.MkdirAll("a/b/c"))
	must(t, d.MkdirAll("a/b/c"))
	must(t, d.MkdirAll("."))
	create(t, d, "a/b/c/f", "x")
	wantErr(t, d.MkdirAll("a/b/c/f"), fs.ErrExist)
	wantErr(t, d.MkdirAll("a/b/c/f/g"), syscall.ENOTDIR)
	wantErr(t, d.Remove("a/b/c"), syscall.ENOTEMPTY)
	must(t, d.Remove("a/b/c/f"))
	must(t, d.Remove("a/b/c"))
	wantNames(t, d, "a/b", "")
}

func list(t *testing.T, d FS) {
	wantNames(t, d, ".", "")
	create(t, d, "b", "12")
	create(t, d, "a", "1")
	must(t, d.MkdirAll("c/inner"))
	create(t, d, "a.b", "")
	wantNames(t, d, ".", "a:1 a.b:0 b:2 c/")
	wantNames(t, d, "c", "inner/")
	_, err := d.List("none")
	wantErr(t, err, fs.ErrNotExist)
	_, err = d.List("a")
	wantErr(t, err, syscall.ENOTDIR)
}

func stat(t *testing.T, d FS) {
	must(t, d.MkdirAll("dir"))
	create(t, d, "dir/f", "12345")
	e, err := d.Stat("dir/f")
	must(t, err)
	if e.Name != "f" || e.Dir || e.Size != 5 || e.ModTime <= 0 {
		t.Errorf("Stat(dir/f) = %+v", e)
	}
	e, err = d.Stat("dir")
	must(t, err)
	if e.Name != "dir" || !e.Dir || e.Size != 0 {
		t.Errorf("Stat(dir) = %+v", e)
	}
	_, err = d.Stat("none")
	wantErr(t, err, fs.ErrNotExist)
}

func rename(t *testing.T, d FS) {
	create(t, d, "a", "A")
	create(t, d, "b", "B")
	must(t, d.Rename("a", "b"))
	wantNames(t, d, ".", "b:1")
	wantContent(t, d, "b", "A")
	must(t, d.MkdirAll("x/y"))
	must(t, d.Rename("b", "x/y/c"))
	must(t, d.Rename("x", "z"))
	wantContent(t, d, "z/y/c", "A")
	must(t, d.Rename("z/y/c", "z/y/c"))
	wantNames(t, d, ".", "z/")
}

func renameRefused(t *testing.T, d FS) {
	create(t, d, "f", "x")
	must(t, d.MkdirAll("dir/inner"))
	must(t, d.MkdirAll("other"))
	wantErr(t, d.Rename("none", "x"), fs.ErrNotExist)
	wantErr(t, d.Rename("f", "none/x"), fs.ErrNotExist)
	wantErr(t, d.Rename("f", "dir"), fs.ErrExist)
	wantErr(t, d.Rename("dir", "f"), syscall.ENOTDIR)
	wantErr(t, d.Rename("other", "dir"), fs.ErrExist)
	wantErr(t, d.Rename("dir", "other"), fs.ErrExist) // also where the directory is empty
	wantErr(t, d.Rename("dir", "dir/inner/x"), syscall.EINVAL)
	wantErr(t, d.Rename("f", "f/x"), syscall.ENOTDIR)
}

func remove(t *testing.T, d FS) {
	wantErr(t, d.Remove("a"), fs.ErrNotExist)
	must(t, d.RemoveAll("a"))
	must(t, d.RemoveAll("a/b/c"))
	create(t, d, "a", "x")
	must(t, d.Remove("a"))
	wantErr(t, d.Remove("a"), fs.ErrNotExist)
	must(t, d.MkdirAll("t/u/v"))
	create(t, d, "t/f", "")
	create(t, d, "t/u/g", "")
	must(t, d.RemoveAll("t"))
	create(t, d, "h", "")
	must(t, d.RemoveAll("h"))
	wantNames(t, d, ".", "")
}

func outlivesName(t *testing.T, d FS) {
	f := create(t, d, "a", "alive")
	must(t, d.Remove("a"))
	writeAt(t, f, "!", 5)
	if got := content(t, f); got != "alive!" {
		t.Errorf("removed file reads %q", got)
	}
	must(t, f.Sync())
	g := create(t, d, "b", "B")
	must(t, d.Rename("b", "c"))
	writeAt(t, g, "C", 0)
	wantContent(t, d, "c", "C")
	if g.Name() != "b" {
		t.Errorf("Name() = %q after a rename, want the name it was opened with", g.Name())
	}
}

func syncs(t *testing.T, d FS) {
	must(t, d.MkdirAll("dir"))
	f := create(t, d, "dir/a", "x")
	must(t, f.Sync())
	must(t, d.SyncDir("dir"))
	must(t, d.SyncDir("."))
	must(t, d.SyncAll())
	wantErr(t, d.SyncDir("none"), fs.ErrNotExist)
	wantErr(t, d.SyncDir("dir/a"), syscall.ENOTDIR)
}

func space(t *testing.T, d FS) {
	s, err := d.Space()
	must(t, err)
	if s.Total == 0 || s.Free > s.Total {
		t.Errorf("Space() = %+v", s)
	}
}

func lock(t *testing.T, d FS) {
	held, err := d.Lock(".lock")
	must(t, err)
	_, err = d.Lock(".lock")
	wantErr(t, err, ErrLocked)
	other, err := d.Lock("other.lock")
	must(t, err)
	must(t, other.Close())
	must(t, held.Close())
	held, err = d.Lock(".lock")
	must(t, err)
	must(t, held.Close())
	wantNames(t, d, ".", ".lock:0 other.lock:0")
	_, err = d.Lock("no/lock")
	wantErr(t, err, fs.ErrNotExist)
}

func namesRefused(t *testing.T, d FS) {
	for _, name := range []string{
		"", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a//b", "a/", "./a", "a/./b", "a\x00b", `a\b`,
		"\xff", strings.Repeat("n", 256), "d/" + strings.Repeat("n", 256),
	} {
		for op, err := range everyName(d, name) {
			if err == nil {
				t.Errorf("%s(%q) was not refused", op, name)
			}
		}
	}
	for op, err := range map[string]error{
		"Remove": d.Remove("."), "RemoveAll": d.RemoveAll("."), "Rename": d.Rename(".", "x"),
		"Rename to": d.Rename("x", "."),
	} {
		if err == nil {
			t.Errorf("%s of the root was not refused", op)
		}
	}
	wantNames(t, d, ".", "")
	create(t, d, strings.Repeat("n", 255), "")
	create(t, d, "..a", "")
}

// everyName calls every method that takes a name.
func everyName(d FS, name string) map[string]error {
	_, open := d.Open(name)
	_, createErr := d.Create(name)
	_, listErr := d.List(name)
	_, statErr := d.Stat(name)
	_, lockErr := d.Lock(name)
	return map[string]error{
		"Open": open, "Create": createErr, "List": listErr, "Stat": statErr, "Lock": lockErr,
		"MkdirAll": d.MkdirAll(name), "Rename": d.Rename(name, "x"), "Rename to": d.Rename("x", name),
		"Remove": d.Remove(name), "RemoveAll": d.RemoveAll(name), "SyncDir": d.SyncDir(name),
	}
}

func concurrentUse(t *testing.T, d FS) {
	shared := create(t, d, "shared", "")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			own := fmt.Sprintf("f%d", i)
			f, err := d.Create(own)
			if err != nil {
				t.Error(err)
				return
			}
			for j := range 20 {
				b := []byte{byte(i)}
				_, err1 := shared.WriteAt(b, int64(i*20+j))
				_, err2 := f.WriteAt(b, int64(j))
				_, err3 := shared.ReadAt(b, int64(i*20+j))
				_, err4 := d.List(".")
				if err := errors.Join(err1, err2, err3, err4, f.Sync()); err != nil || b[0] != byte(i) {
					t.Errorf("writer %d read back %d, %v", i, b[0], err)
				}
			}
			if err := errors.Join(f.Close(), d.Rename(own, own+".done"), d.SyncDir(".")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	wantSize(t, shared, 160)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// create makes a file that the test closes at its end, and fills it.
func create(t *testing.T, d FS, name, content string) File {
	t.Helper()
	f, err := d.Create(name)
	must(t, err)
	t.Cleanup(func() { f.Close() }) //nolint:errcheck // some tests close it themselves
	writeAt(t, f, content, 0)
	return f
}

func writeAt(t *testing.T, f File, content string, at int64) {
	t.Helper()
	if n, err := f.WriteAt([]byte(content), at); n != len(content) || err != nil {
		t.Fatalf("WriteAt(%d bytes, %d) = %d, %v", len(content), at, n, err)
	}
}

func content(t *testing.T, f File) string {
	t.Helper()
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	return string(b)
}

func wantSize(t *testing.T, f File, want int64) {
	t.Helper()
	if got, err := f.Size(); got != want || err != nil {
		t.Errorf("Size() = %d, %v; want %d", got, err, want)
	}
}

func wantContent(t *testing.T, d FS, name, want string) {
	t.Helper()
	f, err := d.Open(name)
	must(t, err)
	if got := content(t, f); got != want {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
	must(t, f.Close())
}

// wantNames compares a listing, written "file:size dir/".
func wantNames(t *testing.T, d FS, dir, want string) {
	t.Helper()
	entries, err := d.List(dir)
	must(t, err)
	got := []string{}
	for _, e := range entries {
		if e.Dir {
			got = append(got, e.Name+"/")
		} else {
			got = append(got, fmt.Sprintf("%s:%d", e.Name, e.Size))
		}
	}
	if !reflect.DeepEqual(got, strings.Fields(want)) {
		t.Errorf("List(%s) = %v, want %v", dir, got, want)
	}
}
