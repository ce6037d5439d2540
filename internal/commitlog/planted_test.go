package commitlog

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
)

// A checker that never fails proves nothing. Each bug here is planted, and the checker that should see it must. Where
// no other test runs the checker without a bug, sound says to do so here.
var planted = []struct {
	name   string
	faults faults
	check  func(t testing.TB, f *faults) error
	sound  bool
}{
	{"acknowledges without a sync", faults{noSync: true}, crashesFind(newWorld, 0), false},
	{"syncs files but not their names", faults{noSyncDir: true}, crashesFind(newWorld, 0), false},
	{"lowers the mark after the truncation", faults{markAfterCut: true}, crashesFind(newWorld, 0), false},
	{"moves the mark before the sync", faults{markUnsynced: true}, crashesFind(newWorld, 0), false},
	{"keeps a torn tail", faults{keepTornTail: true}, crashesFind(newWorld, 0), false},
	{"forgets producers at a restart", faults{noSnapshot: true}, crashesFind(newWorld, 0), false},
	{"remembers one batch of a producer", faults{windowOfOne: true}, crashesFind(newWorld, 0), false},
	{"counts what recovery found as durable", faults{noRecoverySync: true}, failuresFind, false},
	{"swaps a compacted segment in before it is synced", faults{swapBeforeSync: true}, crashesFind(compacting, 6), false},
	{"cuts damage below the mark", faults{cutBelowMark: true}, rotFinds, true},
	{"compacts above the high watermark", faults{compactAboveHW: true}, truncationFinds, true},
	{"serves reads above their bound", faults{readToEnd: true}, readsFind, true},
	{"renames deleted logs before the mark says so", faults{unmarkedDelete: true}, deletionsFind, false},
	{"leaves a note of a clean end after an error", faults{cleanAfterError: true}, failuresFind, false},
}

func TestPlantedBugsAreCaught(t *testing.T) {
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			if p.sound {
				if err := p.check(t, &faults{}); err != nil {
					t.Fatalf("without the bug: %v", err)
				}
			}
			f := p.faults
			err := p.check(t, &f)
			if err == nil {
				t.Fatal("not caught")
			}
			t.Log(err)
		})
	}
}

// crashesFind runs the crash simulation from a seed on until something is found.
func crashesFind(world func(testing.TB, uint64, *faults) *world, first uint64) func(testing.TB, *faults) error {
	return func(t testing.TB, f *faults) error {
		for seed := first; seed < first+30; seed++ {
			if err := crashEverywhere(world(t, seed, f), seed, 100); err != nil {
				return err
			}
		}
		return nil
	}
}

// deletionsFind crashes while a topic is deleted.
func deletionsFind(t testing.TB, f *faults) error {
	for seed := range uint64(30) {
		if err := crashDeletion(t, seed, f); err != nil {
			return err
		}
	}
	return nil
}

// rotFinds flips a bit below the mark: the log must be refused, not cut.
func rotFinds(t testing.TB, f *faults) error {
	w := newWorld(t, 3, f)
	w.config.SegmentBytes = 1 << 20
	if err := w.open(); err != nil {
		return err
	}
	w.d.checkpointEvery = 1 << 20
	for range 20 {
		if err := w.append(); err != nil {
			return err
		}
	}
	if err := w.round(); err != nil {
		return err
	}
	fs := w.fs.Kill()
	if err := fs.Flip(w.l.segments[0].log.name, 8*(8+3)+1); err != nil { // the length of the first batch
		return err
	}
	d, err := openWith(fs, f)
	if err != nil {
		return err
	}
	l, err := d.OpenLog(testName, testID, w.config)
	if _, damaged := errors.AsType[*DamagedError](err); damaged {
		return nil
	}
	if err != nil {
		return err
	}
	return verifyLog(t, l, w.want)
}

// truncationFinds compacts, then truncates above the high watermark: what was committed must still be there.
func truncationFinds(t testing.TB, f *faults) error {
	w := compacting(t, 4, f)
	if err := w.open(); err != nil {
		return err
	}
	all := func(v string) []string { return []string{v, v, v, v} }
	keys := []string{"k0", "k1", "k2", "k3"}
	for i := range 60 {
		b := keyed(t, testNow, record.NoSequence, keys, all(fmt.Sprint("committed ", i)))
		if i >= 20 {
			b = keyed(t, testNow, record.NoSequence, keys, all(fmt.Sprint("not committed ", i)))
		}
		if _, err := w.l.Append(b, AppendOptions{Now: testNow}); err != nil {
			return err
		}
	}
	const highWatermark = 80
	if _, err := w.l.Compact(testNow, highWatermark); err != nil {
		return err
	}
	if err := w.l.TruncateTo(highWatermark); err != nil {
		return err
	}
	got, err := readValues(w.l, 0)
	if err != nil {
		return err
	}
	for o := record.Offset(76); o < 80; o++ {
		if got[o] != "committed 19" {
			return fmt.Errorf("offset %d holds %q after the truncation", o, got[o])
		}
	}
	return nil
}

// readsFind asks for less than there is.
func readsFind(t testing.TB, f *faults) error {
	w := newWorld(t, 5, f)
	if err := w.open(); err != nil {
		return err
	}
	for range 3 {
		if _, err := w.l.Append(batch(t, testNow, "v"), AppendOptions{Now: testNow}); err != nil {
			return err
		}
	}
	s, err := w.l.Read(0, 2, 1<<20, true)
	if err != nil {
		return err
	}
	defer s.Release()
	b, err := s.ReadAll()
	if err != nil {
		return err
	}
	got := map[record.Offset]string{}
	if _, err := collectValues(b, got); err != nil {
		return err
	}
	if len(got) != 2 {
		return fmt.Errorf("read %v below 2", got)
	}
	return nil
}

// failuresFind lets a sync fail, and looks at the directory, after a kill and after a crash.
func failuresFind(t testing.TB, f *faults) error {
	for k := 1; k <= 60; k++ {
		if _, err := failAt(newWorld(t, 5, f), k, syscall.EIO, 0, disk.OpSync); err != nil {
			return err
		}
	}
	return nil
}
