package disk

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/skein-io/skein/internal/sim"
)

// durableFile makes a file whose name and content are synced.
func durableFile(t *testing.T, d *Simulated, name, content string) File {
	t.Helper()
	f := create(t, d, name, content)
	must(t, f.Sync())
	must(t, d.SyncDir(dirOf(name)))
	return f
}

func dirOf(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return "."
}

// outcomes crashes a disk n times and counts what is left, each state written as "name=content ...".
func outcomes(t *testing.T, d *Simulated, n int) map[string]int {
	t.Helper()
	states := map[string]int{}
	for i := range n {
		left := d.CrashClone(sim.NewRand(uint64(i)))
		states[strings.Join(tree(t, left, "."), " ")]++
	}
	return states
}

// tree lists every file with its content, and every empty directory.
func tree(t *testing.T, d FS, dir string) []string {
	t.Helper()
	entries, err := d.List(dir)
	must(t, err)
	var lines []string
	for _, e := range entries {
		name := strings.TrimPrefix(dir+"/"+e.Name, "./")
		if !e.Dir {
			f, err := d.Open(name)
			must(t, err)
			lines = append(lines, name+"="+content(t, f))
			must(t, f.Close())
			continue
		}
		inner := tree(t, d, name)
		if len(inner) == 0 {
			inner = []string{name + "/"}
		}
		lines = append(lines, inner...)
	}
	return lines
}

// wantOutcomes says exactly which states crashes may leave; each must have been seen.
func wantOutcomes(t *testing.T, d *Simulated, want ...string) {
	t.Helper()
	got := outcomes(t, d, 300)
	for state := range got {
		if !slices.Contains(want, state) {
			t.Errorf("a crash left %q, want one of %q", state, want)
		}
	}
	for _, state := range want {
		if got[state] == 0 {
			t.Errorf("300 crashes never left %q, only %v", state, got)
		}
	}
}

func TestCrashKeepsWhatWasSynced(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	must(t, d.MkdirAll("dir"))
	must(t, d.SyncDir("."))
	durableFile(t, d, "dir/a", "synced")
	wantOutcomes(t, d, "dir/a=synced")
}

func TestCrashLosesNewNames(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := create(t, d, "a", "x")
	must(t, f.Sync())
	wantOutcomes(t, d, "", "a=x")
}

func TestCrashBringsRemovedNamesBack(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	durableFile(t, d, "a", "x")
	durableFile(t, d, "b", "y")
	must(t, d.Remove("a"))
	must(t, d.Remove("b"))
	wantOutcomes(t, d, "", "a=x", "b=y", "a=x b=y")
	must(t, d.SyncDir("."))
	wantOutcomes(t, d, "")
}

// Syncing a directory does not sync its own name.
func TestCrashLosesDirectoriesThatTheirParentDoesNotName(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	must(t, d.MkdirAll("dir"))
	durableFile(t, d, "dir/a", "x")
	wantOutcomes(t, d, "", "dir/a=x")
	must(t, d.SyncDir("."))
	wantOutcomes(t, d, "dir/a=x")
}

// Replacing a file by write, sync, rename, sync of the directory never shows anything but the old or the new content.
func TestCrashRenameIsAtomic(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	durableFile(t, d, "a", "old")
	f := create(t, d, "a.tmp", "new")
	must(t, f.Sync())
	must(t, d.Rename("a.tmp", "a"))
	wantOutcomes(t, d, "a=old", "a=old a.tmp=new", "a=new")
	must(t, d.SyncDir("."))
	wantOutcomes(t, d, "a=new")
}

// Without the sync before it the new name may lead to nothing.
func TestCrashRenameOfUnsyncedContent(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	durableFile(t, d, "a", "old")
	create(t, d, "a.tmp", "n")
	must(t, d.Rename("a.tmp", "a"))
	must(t, d.SyncDir("."))
	wantOutcomes(t, d, "a=", "a=n", "a=\x00")
}

func TestCrashRenameNeedsBothDirectories(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	must(t, d.MkdirAll("from"))
	must(t, d.MkdirAll("to"))
	must(t, d.SyncDir("."))
	durableFile(t, d, "from/a", "x")
	must(t, d.Rename("from/a", "to/b"))
	wantOutcomes(t, d, "from/a=x to/", "from/ to/b=x")
	must(t, d.SyncDir("to"))
	wantOutcomes(t, d, "from/a=x to/", "from/ to/b=x")
	must(t, d.SyncDir("from"))
	wantOutcomes(t, d, "from/ to/b=x")
}

// A later durable change brings with it what it stands on.
func TestCrashKeepsTheOrderOnOneName(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	must(t, d.MkdirAll("to"))
	must(t, d.SyncDir("."))
	durableFile(t, d, "a", "x")
	must(t, d.Rename("a", "to/b")) // needs both directories
	must(t, d.Rename("to/b", "to/c"))
	must(t, d.SyncDir("to"))
	wantOutcomes(t, d, "to/c=x")
}

func TestCrashRemoveAll(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	must(t, d.MkdirAll("dir"))
	must(t, d.SyncDir("."))
	durableFile(t, d, "dir/a", "x")
	must(t, d.RemoveAll("dir"))
	wantOutcomes(t, d, "", "dir/", "dir/a=x")
	must(t, d.SyncDir("."))
	wantOutcomes(t, d, "")
}

func TestCrashTearsTheLastWriteAtEveryByte(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := durableFile(t, d, "a", "0123")
	writeAt(t, f, "4567", 4)
	seen := map[string]bool{}
	for state := range outcomes(t, d, 500) {
		kept := strings.TrimPrefix(state, "a=")
		if !strings.HasPrefix("01234567", strings.TrimRight(kept, "\x00")) || len(kept) > 8 {
			t.Errorf("a crash left %q", state)
		}
		seen[strings.TrimRight(kept, "\x00")] = true
		seen[fmt.Sprint(strings.Count(kept, "\x00"), " zeros")] = true
	}
	for _, want := range []string{"0123", "01234", "012345", "0123456", "01234567", "0 zeros", "1 zeros", "4 zeros"} {
		if !seen[want] {
			t.Errorf("500 crashes never left %q", want)
		}
	}
}

// Of several writes any may be missing, and of a long one any page.
func TestCrashKeepsAnyOfTheWrites(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := durableFile(t, d, "a", "")
	writeAt(t, f, "AAAA", 0)
	writeAt(t, f, "BBBB", 4)
	got := outcomes(t, d, 300)
	for _, want := range []string{"a=", "a=AAAA", "a=AAAABBBB", "a=\x00\x00\x00\x00BBBB"} {
		if got[want] == 0 {
			t.Errorf("300 crashes never left %q", want)
		}
	}
	long := durableFile(t, d, "long", "")
	writeAt(t, long, strings.Repeat("L", 3*pageBytes), 0)
	hole := false
	for state := range outcomes(t, d, 300) {
		hole = hole || strings.Contains(state, "L\x00") && strings.HasSuffix(state, "L")
	}
	if !hole {
		t.Error("300 crashes never left a page out of a long write")
	}
}

func TestCrashTruncationKeepsItsOrder(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := durableFile(t, d, "a", "old!")
	must(t, f.Truncate(0))
	writeAt(t, f, "NN", 0)
	for state := range outcomes(t, d, 300) {
		kept := strings.TrimPrefix(state, "a=")
		if kept != "old!" && !strings.HasPrefix("NN", strings.TrimRight(kept, "\x00")) {
			t.Errorf("a crash left %q: a write from after the truncation in a file from before it", state)
		}
	}
}

// ATC'20: after a failed sync the cache has the new bytes and the disk the old ones, for good.
func TestCrashAfterAFailedSync(t *testing.T) {
	for _, all := range []bool{false, true} {
		d := NewSimulated(SimulatedOptions{})
		f := durableFile(t, d, "a", "old")
		writeAt(t, f, "new", 0)
		sync, op := f.Sync, OpSync
		if all {
			sync, op = d.SyncAll, OpSyncAll
		}
		d.FailAt(op, 1, syscall.EIO)
		wantErr(t, sync(), syscall.EIO)
		wantContent(t, d, "a", "new")
		must(t, sync())
		wantOutcomes(t, d, "a=old")
		writeAt(t, f, "!", 3)
		must(t, sync())
		wantContent(t, d, "a", "new!")
		wantOutcomes(t, d, "a=old!")
	}
}

func TestCrashAfterAFailedSyncDir(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := create(t, d, "a", "x")
	must(t, f.Sync())
	d.FailAt(OpSyncDir, 1, syscall.EIO)
	wantErr(t, d.SyncDir("."), syscall.EIO)
	must(t, d.SyncDir("."))
	wantOutcomes(t, d, "", "a=x")
	d.FailAt(OpSyncAll, 1, syscall.EIO)
	create(t, d, "b", "")
	wantErr(t, d.SyncAll(), syscall.EIO)
	must(t, d.SyncAll())
	wantOutcomes(t, d, "", "a=x", "b=", "a=x b=")
}

func TestSyncAllMakesEverythingDurable(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	must(t, d.MkdirAll("x/y"))
	create(t, d, "x/y/a", "A")
	create(t, d, "b", "B")
	must(t, d.Rename("b", "x/c"))
	must(t, d.SyncAll())
	wantOutcomes(t, d, "x/c=B x/y/a=A")
}

func TestCrashEndsEveryProcess(t *testing.T) {
	d := NewSimulated(SimulatedOptions{Seed: 4})
	other := d.Attach()
	f := durableFile(t, d, "a", "x")
	_, err := d.Lock(".lock")
	must(t, err)
	next := d.Crash()
	_, err = f.ReadAt(make([]byte, 1), 0)
	wantErr(t, err, ErrCrashed)
	wantErr(t, f.Sync(), ErrCrashed)
	wantErr(t, other.MkdirAll("x"), ErrCrashed)
	wantContent(t, next, "a", "x")
	_, err = next.Lock(".lock")
	must(t, err)
}

func TestCrashOfACrash(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	durableFile(t, d, "a", "x")
	once := d.CrashClone(nil)
	f, err := once.Open("a")
	must(t, err)
	writeAt(t, f, "yy", 1)
	wantContent(t, d, "a", "x")
	must(t, f.Sync())
	wantOutcomes(t, once, "a=xyy")
	wantOutcomes(t, d, "a=x")
}

func TestKillKeepsTheCache(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	f := create(t, d, "a", "unsynced")
	_, err := d.Lock(".lock")
	must(t, err)
	next := d.Kill()
	wantErr(t, f.Close(), ErrCrashed)
	_, err = d.List(".")
	wantErr(t, err, ErrCrashed)
	wantContent(t, next, "a", "unsynced")
	_, err = next.Lock(".lock")
	must(t, err)
	if len(outcomes(t, next, 100)) < 3 {
		t.Error("a kill made something durable")
	}
}

// workload is a random mixture of every operation, with what it knows to be durable.
type workload struct {
	d     *Simulated
	r     *sim.Rand
	files map[string]*tracked
}

// tracked is an append-only file: what was written, how much of it is synced, whether its name is.
type tracked struct {
	file    File
	written []byte
	synced  int
	named   bool
}

func newWorkload(t *testing.T, seed uint64) *workload {
	t.Helper()
	w := &workload{d: NewSimulated(SimulatedOptions{Seed: seed}), r: sim.NewRand(seed).Fork("work"), files: map[string]*tracked{}}
	must(t, w.d.MkdirAll("d"))
	must(t, w.d.SyncDir("."))
	return w
}

func (w *workload) step(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("d/f%d", w.r.IntN(6))
	f := w.files[name]
	if f == nil {
		file, err := w.d.Create(name)
		must(t, err)
		w.files[name] = &tracked{file: file}
		return
	}
	switch w.r.IntN(10) {
	case 0, 1, 2, 3:
		b := bytes.Repeat([]byte{byte(1 + w.r.IntN(255))}, 1+w.r.IntN(6000))
		writeAt(t, f.file, string(b), int64(len(f.written)))
		f.written = append(f.written, b...)
	case 4, 5:
		must(t, f.file.Sync())
		f.synced = len(f.written)
	case 6:
		must(t, w.d.SyncDir("d"))
		for _, f := range w.files {
			f.named = true
		}
	case 7:
		must(t, w.d.SyncAll())
		for _, f := range w.files {
			f.named, f.synced = true, len(f.written)
		}
	case 8:
		must(t, f.file.Close())
		must(t, w.d.Remove(name))
		delete(w.files, name)
	case 9:
		to := fmt.Sprintf("d/f%d", w.r.IntN(6))
		if old := w.files[to]; old != nil && to != name {
			must(t, old.file.Close())
		}
		must(t, w.d.Rename(name, to))
		if to != name {
			delete(w.files, name)
			w.files[to], f.named = f, false
		}
	}
}

// check opens one crashed image: what is known to be durable is there, and nothing is there that was never written.
func (w *workload) check(t *testing.T, left FS) {
	t.Helper()
	for name, f := range w.files {
		if !f.named {
			continue
		}
		file, err := left.Open(name)
		if err != nil {
			t.Errorf("a synced name is gone: %v", err)
			continue
		}
		got := content(t, file)
		must(t, file.Close())
		if len(got) < f.synced || got[:f.synced] != string(f.written[:f.synced]) {
			t.Errorf("%s: %d synced bytes did not survive, %d are left", name, f.synced, len(got))
		}
		if len(got) > len(f.written) {
			t.Errorf("%s grew from %d to %d in a crash", name, len(f.written), len(got))
		}
		for i := f.synced; i < min(len(got), len(f.written)); i++ {
			if got[i] != 0 && got[i] != f.written[i] {
				t.Fatalf("%s: byte %d is %d, was written as %d", name, i, got[i], f.written[i])
			}
		}
	}
}

func TestCrashPropertiesAfterEachOperation(t *testing.T) {
	for seed := range uint64(40) {
		w := newWorkload(t, seed)
		for range 80 {
			w.step(t)
			for range 3 {
				w.check(t, w.d.CrashClone(nil))
			}
			if t.Failed() {
				t.Fatalf("seed %d: %s", seed, strings.Join(w.d.Trace(), "\n"))
			}
		}
	}
}

// The same seed gives the same 50 images, to the byte, and another seed others.
func TestCrashIsDecidedByTheSeed(t *testing.T) {
	images := func(seed uint64) (sums []uint64) {
		w := newWorkload(t, 77)
		w.d.m.rand = sim.NewRand(seed)
		for range 50 {
			for range 4 {
				w.step(t)
			}
			hash := fnv.New64a()
			fmt.Fprint(hash, tree(t, w.d.CrashClone(nil), "."))
			sums = append(sums, hash.Sum64())
		}
		return sums
	}
	first := images(1)
	for range 3 {
		if again := images(1); !slices.Equal(first, again) {
			t.Fatalf("one seed gave two series of images:\n%x\n%x", first, again)
		}
	}
	if slices.Equal(first, images(2)) {
		t.Error("two seeds gave the same images")
	}
}

// A crash in the middle of another goroutine's work is safe; run with -race.
func TestCrashWhileWriting(t *testing.T) {
	d := NewSimulated(SimulatedOptions{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			f, err := d.Create(fmt.Sprint("f", i%10))
			if err != nil {
				err = d.Remove(fmt.Sprint("f", i%10))
			} else if _, err = f.WriteAt(make([]byte, 5000), 0); err == nil {
				err = f.Sync()
			}
			if err != nil {
				if bare(err) != ErrCrashed {
					t.Error(err)
				}
				return
			}
		}
	}()
	for range 50 {
		d.CrashClone(nil)
	}
	next := d.Crash()
	<-done
	if _, err := next.List("."); err != nil {
		t.Error(err)
	}
}
