package commitlog

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

// doomedTopic is a topic of several partitions beside another one: all but the last have records, one of them records
// that were never synced.
type doomedTopic struct {
	fs   *disk.Simulated
	d    *Dir
	logs []*Log
}

const doomedPartitions = 5

var (
	doomedID = protocol.UUID{1, 1}
	freshID  = protocol.UUID{2, 2} // of the next topic of that name
	otherID  = protocol.UUID{3, 3}

	otherName = TopicPartition{"other", 0}
)

func newDoomedTopic(t testing.TB, seed uint64, planted *faults) *doomedTopic {
	t.Helper()
	w := &doomedTopic{fs: disk.NewSimulated(disk.SimulatedOptions{Seed: seed})}
	var err error
	if w.d, err = openWith(w.fs, planted); err != nil {
		t.Fatal(err)
	}
	if err := w.d.Close(); err != nil { // the directory's first life is another program's
		t.Fatal(err)
	}
	if w.d, err = openWith(w.fs, planted); err != nil {
		t.Fatal(err)
	}
	other := mustOpen(t, w.d, otherName, otherID)
	appendTo(t, other, batch(t, testNow, "kept"))
	for i := range int32(doomedPartitions) {
		l := mustOpen(t, w.d, TopicPartition{"t", i}, doomedID)
		w.logs = append(w.logs, l)
		if i < doomedPartitions-1 {
			appendTo(t, l, batch(t, testNow, "old"))
		}
		if i == 2 {
			continue
		}
		if err := w.d.Round(); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(t, w.logs[3], batch(t, testNow, "not synced"))
	if err := w.d.SyncMark(); err != nil {
		t.Fatal(err)
	}
	return w
}

func mustOpen(t testing.TB, d *Dir, name TopicPartition, id protocol.UUID) *Log {
	t.Helper()
	l, err := d.OpenLog(name, id, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestDeleteInOneGo: a topic goes with three syncs, however many partitions it has.
func TestDeleteInOneGo(t *testing.T) {
	w := newDoomedTopic(t, 1, nil)
	w.fs.ResetTrace()
	if err := w.d.Delete(w.logs...); err != nil {
		t.Fatal(err)
	}
	golden(t, "delete-topic.trace", w.fs.Trace())
	if err := w.d.Delete(w.logs[0]); code(err) != protocol.KafkaStorageError {
		t.Fatalf("deleted twice: %v", err)
	}
}

// TestCrashWhileATopicIsDeleted crashes a copy of the disk before each operation of the deletion, and again before each
// of the start that follows: no record comes back, a topic of the same name can begin, nothing is left over that was
// being deleted, and the node can end well.
func TestCrashWhileATopicIsDeleted(t *testing.T) {
	for seed := range uint64(seeds(4)) {
		if err := crashDeletion(t, seed, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func crashDeletion(t testing.TB, seed uint64, planted *faults) (wrong error) {
	w := newDoomedTopic(t, seed, planted)
	crashes := sim.NewRand(seed).Fork("crashes")
	begun := false // the mark says so
	crash := func(n int, c disk.Call) {
		if wrong == nil {
			clone := w.fs.CrashClone(crashes.Fork(fmt.Sprint(n)))
			if err := afterDeletion(clone, planted, begun, crashes.Fork(fmt.Sprint("again", n))); err != nil {
				wrong = fmt.Errorf("seed %d, crash before %v %s: %w", seed, c.Op, c.Name, err)
			}
		}
	}
	w.fs.SetHook(func(c disk.Call) error {
		if c.Op.Changes() {
			begun = begun || c.Op == disk.OpRename
			crash(int(c.Number), c)
		}
		return nil
	})
	if err := w.d.Delete(w.logs...); err != nil {
		return err
	}
	crash(-1, disk.Call{})
	return wrong
}

// afterDeletion starts on what a crash left, once as it is and once for each operation of that start with a crash
// before it.
func afterDeletion(fs *disk.Simulated, planted *faults, begun bool, r *sim.Rand) (wrong error) {
	for _, recreated := range []bool{false, true} { // before the crash, as the metadata has it
		first := fs.CrashClone(nil)
		first.SetHook(func(c disk.Call) error {
			if wrong == nil && c.Op.Changes() {
				again := first.CrashClone(r.Fork(fmt.Sprint(recreated, c.Number)))
				if err := startAfterDeletion(again, planted, begun, recreated); err != nil {
					wrong = fmt.Errorf("second crash before %v %s, recreated %v: %w", c.Op, c.Name, recreated, err)
				}
			}
			return nil
		})
		if err := startAfterDeletion(first, planted, begun, recreated); err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
	}
	return nil
}

func startAfterDeletion(fs *disk.Simulated, planted *faults, begun, recreated bool) error {
	d, err := openWith(fs, planted)
	if err != nil {
		return err
	}
	wanted := map[TopicPartition]protocol.UUID{otherName: otherID}
	if recreated {
		for i := range int32(doomedPartitions) {
			wanted[TopicPartition{"t", i}] = freshID
		}
	}
	if err := d.SetAside(wanted); err != nil {
		return err
	}
	other, err := d.OpenLog(otherName, otherID, DefaultConfig())
	if err != nil {
		return err
	}
	if all, err := readValues(other, 0); err != nil || all[0] != "kept" {
		return fmt.Errorf("the other topic holds %v, %w", all, err)
	}
	for i := range int32(doomedPartitions) {
		l, err := d.OpenLog(TopicPartition{"t", i}, freshID, DefaultConfig())
		if err != nil {
			return fmt.Errorf("a topic of the same name cannot begin: %w", err)
		}
		if l.EndOffset() != 0 {
			return fmt.Errorf("%s came back with %d records", l.Name(), l.EndOffset())
		}
	}
	d.Reap(testNow)
	entries, err := fs.List(".")
	if err != nil {
		return err
	}
	left := slices.ContainsFunc(entries, func(e disk.Entry) bool {
		return strings.HasSuffix(e.Name, deleteSuffix) || begun && strings.HasSuffix(e.Name, straySuffix)
	})
	if left {
		return fmt.Errorf("left over: %v", entries)
	}
	if err := d.Close(); err != nil {
		return err
	}
	if d, err = openWith(fs, planted); err != nil {
		return err
	}
	if !d.Clean() {
		return fmt.Errorf("the end was not clean: the mark knows %v", d.mark.keys())
	}
	return nil
}

// TestStrayFolders: what the metadata does not know is kept under another name, and neither its name nor its slot in the
// mark is in anybody's way.
func TestStrayFolders(t *testing.T) {
	w := newDoomedTopic(t, 1, nil)
	if err := w.d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := openWith(w.fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"t-7", "lost+found", "t-0x", "t-00"} { // no topic id, and no folder of a log
		if err := w.fs.MkdirAll(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SetAside(map[TopicPartition]protocol.UUID{otherName: otherID, {"t", 1}: doomedID}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"t-0." + doomedID.String() + "-stray", "t-1", "t-7." + protocol.UUID{}.String() + "-stray", "lost+found", "t-0x", "t-00", "other-0"} {
		if _, err := w.fs.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.fs.Stat("t-0"); !missing(err) {
		t.Error("t-0 has its name yet:", err)
	}
	if n := len(d.mark.keys()); n != 2 {
		t.Errorf("the mark knows %v", d.mark.keys())
	}
	if err := w.fs.MkdirAll("t-7"); err != nil { // again, with the name of the first taken
		t.Fatal(err)
	}
	if err := d.SetAside(map[TopicPartition]protocol.UUID{otherName: otherID}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fs.Stat("t-7." + protocol.UUID{}.String() + ".1-stray"); err != nil {
		t.Error(err)
	}
}

// TestSetAsideAndBack: a replica is taken from a node while that is down, set aside at its start, and given back to it, with a
// crash before each operation of the start: the node begins it anew, or goes on with what it has. It finds no damage.
func TestSetAsideAndBack(t *testing.T) {
	for seed := range uint64(seeds(4)) {
		w := newDoomedTopic(t, seed, nil)
		fs := w.fs.CrashClone(nil)
		crashes := sim.NewRand(seed).Fork("crashes")
		back := func(fs *disk.Simulated) {
			t.Helper()
			d, err := openWith(fs, nil)
			if err != nil {
				t.Fatal(err)
			}
			wanted := map[TopicPartition]protocol.UUID{otherName: otherID}
			for i := range int32(doomedPartitions) {
				wanted[TopicPartition{"t", i}] = doomedID
			}
			if err := d.SetAside(wanted); err != nil {
				t.Fatal(err)
			}
			for i := range int32(doomedPartitions) {
				l, err := d.OpenLog(TopicPartition{"t", i}, doomedID, DefaultConfig())
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				appendTo(t, l, batch(t, testNow, "new"))
			}
		}
		d, err := openWith(fs, nil)
		if err != nil {
			t.Fatal(err)
		}
		fs.SetHook(func(c disk.Call) error {
			if c.Op.Changes() {
				back(fs.CrashClone(crashes.Fork(fmt.Sprint(c.Number))))
			}
			return nil
		})
		if err := d.SetAside(map[TopicPartition]protocol.UUID{otherName: otherID}); err != nil {
			t.Fatal(err)
		}
		fs.SetHook(nil)
		back(fs.CrashClone(crashes.Fork("end")))
	}
}

// TestRoundWhileATopicIsDeleted lets a round begin between the moment when the mark says that a log is being deleted and
// the moment when its folder loses its name. The round must not look for the folder: it would take the directory offline.
func TestRoundWhileATopicIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		d := simulatedDir(t, fs, DirConfig{})
		l := mustOpen(t, d, TopicPartition{"t", 0}, doomedID)
		appendTo(t, l, batch(t, testNow, "old"))
		other := mustOpen(t, d, otherName, otherID)
		synctest.Wait()
		l.mu.Lock()
		l.saveEpochs()
		l.dirty.queued = true // and the Syncer has not woken up yet
		d.syncer.mu.Lock()
		d.syncer.queue = append(d.syncer.queue, l)
		d.syncer.mu.Unlock()
		l.mu.Unlock()
		var began atomic.Bool
		fs.SetHook(func(c disk.Call) error {
			switch {
			case c.Name == markFile && c.Op == disk.OpSync && began.CompareAndSwap(false, true):
				go d.Round()
				time.Sleep(time.Millisecond)
			case strings.Contains(c.Name, epochFile):
				time.Sleep(time.Second)
			}
			return nil
		})
		if err := d.Delete(l); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := d.Offline(); err != nil || !began.Load() {
			t.Fatalf("the round began: %v; the directory: %v", began.Load(), err)
		}
		appendTo(t, other, batch(t, testNow, "kept"))
		time.Sleep(time.Minute)
		if end := other.DurableEnd(); end != 1 {
			t.Errorf("the other log's durable end is %d", end)
		}
		fs.SetHook(nil)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
