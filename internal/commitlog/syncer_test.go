package commitlog

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// simulatedDir opens a directory with its Syncer running, in a synctest bubble.
func simulatedDir(t testing.TB, fs disk.FS, config DirConfig) *Dir {
	t.Helper()
	config.NodeID, config.ClusterID, config.FreeBytesFloor = 1, "c", -1
	d, err := OpenDir(fs, config)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSyncerTellsWhatIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		told := map[string]int{}
		d := simulatedDir(t, disk.NewSimulated(disk.SimulatedOptions{}), DirConfig{OnDurable: func(logs []*Log) {
			mu.Lock()
			defer mu.Unlock()
			for _, l := range logs {
				told[l.Name().String()]++
				if l.DurableEnd() == 0 {
					t.Error("told of nothing")
				}
			}
		}})
		var logs []*Log
		for i := range int32(20) {
			l, err := d.OpenLog(TopicPartition{"t", i}, testID, DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			logs = append(logs, l)
			appendTo(t, l, batch(t, testNow, "v"))
		}
		synctest.Wait()
		for _, l := range logs {
			if l.DurableEnd() != 1 || told[l.Name().String()] == 0 {
				t.Fatalf("%s: durable end %d, told %d times", l.Name(), l.DurableEnd(), told[l.Name().String()])
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRoundsDoNotPileUp appends while a slow sync is under way: all of it is in the one round that follows.
func TestRoundsDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		d := simulatedDir(t, fs, DirConfig{})
		l, err := d.OpenLog(testName, testID, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		appendTo(t, l, batch(t, testNow, "first"))
		synctest.Wait()
		var syncs atomic.Int32
		fs.SetHook(func(c disk.Call) error {
			if c.Op == disk.OpSync && c.Name != markFile {
				syncs.Add(1)
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		for i := range 50 {
			appendTo(t, l, batch(t, testNow, fmt.Sprint(i)))
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		if n := syncs.Load(); n != 1 || l.DurableEnd() != 1 {
			t.Fatalf("%d syncs, durable end %d", n, l.DurableEnd())
		}
		time.Sleep(time.Second)
		if n := syncs.Load(); n != 2 || l.DurableEnd() != 51 {
			t.Fatalf("%d syncs, durable end %d", n, l.DurableEnd())
		}
		fs.SetHook(nil)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestIdleDirCostsNothing lets an hour pass: the disk is not touched once the mark is synced.
func TestIdleDirCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		d := simulatedDir(t, fs, DirConfig{})
		l, err := d.OpenLog(testName, testID, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		appendTo(t, l, batch(t, testNow, "v"))
		time.Sleep(markSyncEvery + time.Millisecond)
		if d.mark.unsynced() {
			t.Fatal("the mark is not synced after its second")
		}
		calls := fs.Calls()
		time.Sleep(time.Hour)
		if fs.Calls() != calls {
			t.Fatalf("%d operations in an idle hour", fs.Calls()-calls)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestFailedSyncTellsAll lets a sync fail while many wait for it.
func TestFailedSyncTellsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		var offline atomic.Int32
		durable := false
		d := simulatedDir(t, fs, DirConfig{OnOffline: func(error) { offline.Add(1) }, OnDurable: func([]*Log) { durable = true }})
		l, err := d.OpenLog(testName, testID, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		fs.Inject(disk.Fault{Op: disk.OpSync, Count: -1, Err: syscall.EIO})
		fs.Inject(disk.Fault{Op: disk.OpSyncAll, Count: -1, Err: syscall.EIO})
		appendTo(t, l, batch(t, testNow, "v"))
		failed := make(chan error, 10)
		for range 10 {
			go func() { failed <- l.Sync() }()
		}
		synctest.Wait()
		for range 10 {
			if err := <-failed; code(err) != protocol.KafkaStorageError {
				t.Fatal(err)
			}
		}
		if offline.Load() != 1 || durable || d.Offline() == nil || l.DurableEnd() != 0 {
			t.Fatalf("offline %d times, durable %v at %d", offline.Load(), durable, l.DurableEnd())
		}
		if err := l.Sync(); code(err) != protocol.KafkaStorageError {
			t.Fatal(err)
		}
		if err := d.Close(); err == nil {
			t.Fatal("closed as if nothing had happened")
		}
	})
}

// TestPageCacheMode syncs nothing before an append counts, but what is sealed, and all at the end.
func TestPageCacheMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		d := simulatedDir(t, fs, DirConfig{FlushMessages: NeverFlush})
		config := DefaultConfig()
		config.SegmentBytes = 1000
		l, err := d.OpenLog(testName, testID, config)
		if err != nil {
			t.Fatal(err)
		}
		for l.Segments() < 2 {
			synctest.Wait()
			if l.SyncedEnd() != 0 {
				t.Fatalf("synced to %d before the first roll", l.SyncedEnd())
			}
			a := appendTo(t, l, batch(t, testNow, "0123456789012345678901234567890123456789"))
			if l.DurableEnd() != a.Last+1 {
				t.Fatalf("durable end %d after an append to %d", l.DurableEnd(), a.Last)
			}
		}
		synctest.Wait()
		if l.SyncedEnd() == 0 {
			t.Fatal("a sealed segment was not synced")
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		end := l.EndOffset()
		d = simulatedDir(t, fs.Crash(), DirConfig{FlushMessages: NeverFlush})
		if l, err = d.OpenLog(testName, testID, config); err != nil || l.EndOffset() != end || !d.Clean() {
			t.Fatalf("after a clean end and a loss of power: end %d, want %d, %v", l.EndOffset(), end, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFlushEachFewMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := simulatedDir(t, disk.NewSimulated(disk.SimulatedOptions{}), DirConfig{FlushMessages: 10})
		l, err := d.OpenLog(testName, testID, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		for range 9 {
			appendTo(t, l, batch(t, testNow, "v"))
		}
		synctest.Wait()
		if l.SyncedEnd() != 0 || l.DurableEnd() != 9 {
			t.Fatalf("synced %d, durable %d", l.SyncedEnd(), l.DurableEnd())
		}
		appendTo(t, l, batch(t, testNow, "v"))
		synctest.Wait()
		if l.SyncedEnd() != 10 {
			t.Fatalf("synced %d", l.SyncedEnd())
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSlowSyncAll falls back to single files while syncfs is slow, and comes back.
func TestSlowSyncAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		d := simulatedDir(t, fs, DirConfig{})
		var logs []*Log
		for i := range int32(8) {
			l, err := d.OpenLog(TopicPartition{"t", i}, testID, DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			appendTo(t, l, batch(t, testNow, "v"))
			logs = append(logs, l)
		}
		time.Sleep(time.Minute)
		var mu sync.Mutex
		var seen []disk.Op
		slow := true
		fs.SetHook(func(c disk.Call) error {
			mu.Lock()
			if c.Name != markFile && (c.Op == disk.OpSync || c.Op == disk.OpSyncAll) {
				seen = append(seen, c.Op)
			}
			wait := slow && c.Op == disk.OpSyncAll
			mu.Unlock()
			if wait {
				time.Sleep(time.Second)
			}
			return nil
		})
		all := func() []disk.Op {
			d.syncer.round.Lock() // one round takes them all
			for _, l := range logs {
				appendTo(t, l, batch(t, testNow, "v"))
			}
			d.syncer.round.Unlock()
			time.Sleep(3 * time.Second)
			mu.Lock()
			defer mu.Unlock()
			ops := slices.Compact(seen)
			seen = nil
			return ops
		}
		if ops := all(); !slices.Contains(ops, disk.OpSyncAll) {
			t.Errorf("eight files were not synced at once: %v", ops)
		}
		mu.Lock()
		slow = false
		mu.Unlock()
		time.Sleep(syncAllPauseMax)
		if ops := all(); !slices.Contains(ops, disk.OpSyncAll) {
			t.Errorf("syncfs is not tried again: %v", ops)
		}
		fs.SetHook(nil)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
	var c syncAllChoice
	now := time.Unix(1000, 0)
	c.took(8, now, now.Add(time.Second))
	if c.worthIt(8, now.Add(time.Second+syncAllPauseMin-1)) {
		t.Fatal("tried again at once")
	}
	if !c.worthIt(8, now.Add(time.Second+syncAllPauseMin)) {
		t.Fatal("never tried again")
	}
	for range 20 {
		c.took(8, now, now.Add(time.Second))
	}
	if c.pause != syncAllPauseMax {
		t.Fatalf("pause %v", c.pause)
	}
}
