package commitlog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// damagedLog is a disk on which a log of 20 records has its tenth batch damaged, all of them durable.
func damagedLog(t *testing.T) (*disk.Simulated, Config) {
	t.Helper()
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	config := Config{FlushMessages: 1}
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.OpenLog(testName, testID, config)
	if err != nil {
		t.Fatal(err)
	}
	var tenth int64
	for i := range 20 {
		if i == 10 {
			tenth = l.Size()
		}
		if _, err := l.Append(keyed(t, testNow, record.NoSequence, []string{"k"}, []string{"v"}), AppendOptions{Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	if err := d.SyncMark(); err != nil {
		t.Fatal(err)
	}
	fs = fs.Crash()
	if err := fs.Flip(join(testName.String(), fileName(0, logSuffix)), 8*(tenth+16)); err != nil {
		t.Fatal(err)
	}
	return fs, config
}

// TestQuarantine: a damaged log is kept aside and begins anew, in every crash on the way either as it was, or as one of which
// nothing is promised and that holds nothing from the damage on.
func TestQuarantine(t *testing.T) {
	fs, config := damagedLog(t)
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.OpenLog(testName, testID, config)
	damaged, ok := errors.AsType[*DamagedError](err)
	if !ok || damaged.Offset != 10 {
		t.Fatalf("the damaged log is opened: %v", err)
	}
	crashes, seen := sim.NewRand(1), map[string]int{}
	fs.SetHook(func(c disk.Call) error {
		if !c.Op.Changes() {
			return nil
		}
		again, err := openWith(fs.CrashClone(crashes.Fork(fmt.Sprint(c.Number))), nil)
		if err != nil {
			t.Fatal(err)
		}
		l, err := again.OpenLog(testName, testID, config)
		switch _, refused := errors.AsType[*DamagedError](err); {
		case refused:
			seen["refused"]++
		case err != nil:
			t.Fatalf("crash before operation %d (%v %s): %v", c.Number, c.Op, c.Name, err)
		case l.EndOffset() != 0 && l.EndOffset() != 10 || l.Recovery().Mark != 0:
			t.Errorf("crash before operation %d (%v %s): the log ends at %d, the mark is at %d", c.Number, c.Op, c.Name, l.EndOffset(), l.Recovery().Mark)
		default:
			seen[fmt.Sprint("ends at ", l.EndOffset())]++
		}
		return nil
	})
	if err := d.Quarantine(testName, testID, damaged); err != nil {
		t.Fatal(err)
	}
	fs.SetHook(nil)
	if seen["refused"] == 0 || seen["ends at 10"] == 0 {
		t.Errorf("crashes left %v", seen)
	}
	l, err := d.OpenLog(testName, testID, config)
	if err != nil || l.StartOffset() != 0 || l.EndOffset() != 0 {
		t.Fatalf("the log begins anew: %v, %v", l, err)
	}
	if err := d.Quarantine(testName, testID, damaged); err == nil {
		t.Error("a log that is open is set aside")
	}
	if _, err := l.Append(keyed(t, testNow, record.NoSequence, []string{"k"}, []string{"v"}), AppendOptions{Now: testNow}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := fs.List(".")
	if err != nil {
		t.Fatal(err)
	}
	kept := ""
	for _, e := range entries {
		if strings.HasPrefix(e.Name, testName.String()+".") && strings.HasSuffix(e.Name, straySuffix) {
			kept = e.Name
		}
	}
	if _, err := fs.Stat(join(kept, fileName(0, logSuffix))); kept == "" || err != nil {
		t.Errorf("what was damaged is not kept: %v", err)
	}
}

// TestSliceCheck: bytes that were read are looked at whole.
func TestSliceCheck(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.OpenLog(testName, testID, Config{FlushMessages: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := l.Append(keyed(t, testNow, record.NoSequence, []string{"k"}, []string{"v"}), AppendOptions{Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
	check := func() error {
		slice, err := l.Read(0, 3, 1<<20, true)
		if err != nil {
			t.Fatal(err)
		}
		defer slice.Release()
		return slice.Check()
	}
	if err := check(); err != nil {
		t.Errorf("a sound log: %v", err)
	}
	second := l.Size() / 3
	if err := fs.Flip(join(testName.String(), fileName(0, logSuffix)), 8*(2*second-1)); err != nil {
		t.Fatal(err)
	}
	err = check()
	if damaged, ok := errors.AsType[*DamagedError](err); !ok || damaged.Position != second || damaged.Offset != 1 {
		t.Errorf("damage in the second batch: %v", err)
	}
}

// lastOffsetDelta is where a batch says, in 4 bytes, how many offsets it has less one.
const lastOffsetDelta = 23

// filled is a log of n batches of one record each, all of them durable, on a disk of its own.
func filled(t *testing.T, n int) (*disk.Simulated, *Dir, *Log) {
	t.Helper()
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.OpenLog(testName, testID, Config{FlushMessages: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := l.Append(keyed(t, testNow, record.NoSequence, []string{"k"}, []string{"v"}), AppendOptions{Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(d.Round(), d.SyncMark()); err != nil {
		t.Fatal(err)
	}
	return fs, d, l
}

// TestTruncateMeetsDamage: what would remain is damaged, or where to cut cannot be known. So nothing is cut, and the other logs of the
// directory go on.
func TestTruncateMeetsDamage(t *testing.T) {
	const batches = 2000 // more than the places that a log remembers
	for _, c := range []struct {
		name     string
		batch    int64 // that is damaged
		bit      int64 // of it
		to       record.Offset
		position int64 // of the damage, in batches
	}{
		{"magic of what remains", 0, 8 * 16, 10, 0},
		{"magic, far from the cut", 3, 8 * 16, 1500, 3},
		{"offsets of the batch before", 9, 8*(lastOffsetDelta+3) + 1, 10, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs, d, l := filled(t, batches)
			size := l.Size() / batches
			if err := fs.Flip(join(testName.String(), fileName(0, logSuffix)), 8*c.batch*size+c.bit); err != nil {
				t.Fatal(err)
			}
			err := l.TruncateTo(c.to)
			if damaged, ok := errors.AsType[*DamagedError](err); !ok || damaged.Position != c.position*size {
				t.Errorf("TruncateTo says %v, want the damage at position %d", err, c.position*size)
			}
			if l.EndOffset() != batches || l.DurableEnd() != batches {
				t.Errorf("the log ends at %d, durably at %d; nothing was to be cut", l.EndOffset(), l.DurableEnd())
			}
			if err := d.Offline(); err != nil {
				t.Errorf("the directory goes offline: %v", err)
			}
		})
	}
}

// TestRotOfTheLastBatch: a batch that says to go on beyond the durable mark is damaged, though nothing behind it contradicts that.
func TestRotOfTheLastBatch(t *testing.T) {
	for bit := range int64(32) {
		fs, _, l := filled(t, 20)
		size := l.Size() / 20
		fs = fs.Crash()
		if err := fs.Flip(join(testName.String(), fileName(0, logSuffix)), 8*(19*size+lastOffsetDelta)+bit); err != nil {
			t.Fatal(err)
		}
		d, err := openWith(fs, nil)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := d.OpenLog(testName, testID, Config{FlushMessages: 1})
		if damaged, ok := errors.AsType[*DamagedError](err); !ok || damaged.Offset != 19 {
			t.Errorf("bit %d: the log is opened, and ends at %v: %v", bit, opened, err)
		}
	}
}

// TestRotOfTheEpochs: whichever bit of the file with the leader epochs is turned over, a log has the epochs of its batches.
func TestRotOfTheEpochs(t *testing.T) {
	fs, d, l := filled(t, 0)
	for i := range 40 {
		batch := keyed(t, testNow, record.NoSequence, []string{"k"}, []string{"v"})
		if _, err := l.Append(batch, AppendOptions{Now: testNow, LeaderEpoch: record.LeaderEpoch(2 * (i / 13))}); err != nil {
			t.Fatal(err)
		}
	}
	want := l.Epochs()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	name := join(testName.String(), epochFile)
	content, err := ReadFile(fs, name, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * int64(len(content)) {
		fs := fs.CrashClone(nil)
		if err := fs.Flip(name, bit); err != nil {
			t.Fatal(err)
		}
		d, err := openWith(fs, nil)
		if err != nil {
			t.Fatal(err)
		}
		l, err := d.OpenLog(testName, testID, Config{FlushMessages: 1})
		if err != nil {
			t.Errorf("bit %d: %v", bit, err)
			continue
		}
		if got := l.Epochs(); !slices.Equal(got, want) {
			t.Errorf("bit %d of %q: the epochs are %v, want %v", bit, content, got, want)
		}
	}
}
