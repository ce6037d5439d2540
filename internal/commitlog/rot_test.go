package commitlog

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
)

// magicAt is where what the checksum of a batch covers begins, but for the checksum itself.
const magicAt = 16

func rotConfig() Config {
	c := DefaultConfig()
	c.FlushMessages = 1
	return c
}

// durably is an empty log on a disk of its own; end makes durable what was appended.
func durably(t *testing.T) (fs *disk.Simulated, l *Log, end func()) {
	t.Helper()
	fs = disk.NewSimulated(disk.SimulatedOptions{})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.checkpointEvery = 1 << 20 // none: headers are what is left
	return fs, openLog(t, d, rotConfig()), func() {
		if err := errors.Join(d.Round(), d.SyncMark()); err != nil {
			t.Fatal(err)
		}
	}
}

// produced is a log of batches of two idempotent producers, the first of them in two epochs, all of it durable, and where each
// batch begins.
func produced(t *testing.T) (*disk.Simulated, *Log, []int64) {
	t.Helper()
	fs, l, end := durably(t)
	var places []int64
	send := func(id int64, epoch int16, sequence int32) {
		places = append(places, l.Size())
		appendTo(t, l, idempotent(t, id, epoch, sequence, "a", "b"))
	}
	send(42, 0, 0)
	for i := range int32(7) {
		send(42, 1, 2*i)
		if i%3 == 0 {
			send(43, 0, i/3*2)
		}
	}
	end()
	return fs, l, places
}

// TestRotOfProducers: whichever bit of a header is turned over that a checksum covers, a log that is opened, or cut, knows its
// producers as they were, or is refused. It neither fences a producer nor takes a new batch for one that it has.
func TestRotOfProducers(t *testing.T) {
	fs, l, places := produced(t)
	want := remembered(l)
	name := join(testName.String(), fileName(0, logSuffix))
	outcomes := map[string]int{}
	for i, place := range places {
		for bit := int64(8 * magicAt); bit < 8*record.HeaderSize; bit += slowdown {
			rotten := fs.CrashClone(nil)
			if err := rotten.Flip(name, 8*place+bit); err != nil {
				t.Fatal(err)
			}
			d, err := openWith(rotten, nil)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := d.OpenLog(testName, testID, rotConfig())
			if _, damaged := errors.AsType[*DamagedError](err); damaged {
				outcomes["refused"]++
				continue
			}
			if err != nil {
				t.Fatalf("batch %d, bit %d: %v", i, bit, err)
			}
			outcomes["opened"]++
			if got := remembered(opened); !slices.Equal(got, want) {
				t.Errorf("batch %d, bit %d: the producers are %v, want %v", i, bit, got, want)
			}
		}
	}
	if outcomes["refused"] == 0 || outcomes["opened"] == 0 { // of a batch that is forgotten nothing is asked
		t.Errorf("not every outcome was seen: %v", outcomes)
	}
}

// TestCutMeetsRotOfProducers is the same for a log that is cut.
func TestCutMeetsRotOfProducers(t *testing.T) {
	_, l, places := produced(t)
	last := l.EndOffset() - 2 // where the last batch begins
	if err := l.TruncateTo(last); err != nil {
		t.Fatal(err)
	}
	want := remembered(l)
	refused := 0
	for i, place := range places[:len(places)-1] {
		for bit := int64(8 * magicAt); bit < 8*record.HeaderSize; bit += slowdown {
			fs, l, _ := produced(t)
			if err := fs.Flip(join(testName.String(), fileName(0, logSuffix)), 8*place+bit); err != nil {
				t.Fatal(err)
			}
			err := l.TruncateTo(last)
			if _, damaged := errors.AsType[*DamagedError](err); damaged {
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("batch %d, bit %d: %v", i, bit, err)
			}
			if got := remembered(l); !slices.Equal(got, want) {
				t.Errorf("batch %d, bit %d: the producers are %v, want %v", i, bit, got, want)
			}
		}
	}
	if refused == 0 {
		t.Error("no cut was refused")
	}
}

// remembered is what a log knows of its producers, in words. When they appended last is left out: nothing is decided by it but
// when they are forgotten.
func remembered(l *Log) []string {
	var all []string
	for _, p := range l.producers.sorted() {
		all = append(all, fmt.Sprintf("%d in epoch %d, transaction from %d", p.id, p.epoch, p.txnFirst))
		for _, b := range p.batches[:p.kept] {
			all = append(all, fmt.Sprintf("%d: offsets %d to %d, sequences %d to %d", p.id, b.firstOffset(), b.lastOffset, b.firstSequence(), b.lastSequence))
		}
	}
	return all
}

// TestRotHidesNoRecord: whatever a batch says of its offsets after its header has rotted, a read from an offset of it never begins
// behind that offset, as if the record were gone: it is given the batch, whose checksum is wrong, or told of the damage.
func TestRotHidesNoRecord(t *testing.T) {
	for _, records := range []int{1, 3} {
		for bit := range int64(32) {
			fs, l, end := durably(t)
			size := int64(0)
			const batches, rotten = 40, 20 // more than the places that a log remembers
			for range batches {
				appendTo(t, l, idempotent(t, record.NoProducerID, -1, record.NoSequence, make([]string, records)...))
				size = l.Size() / batches
			}
			end()
			if err := fs.Flip(join(testName.String(), fileName(0, logSuffix)), 8*(rotten*size+lastOffsetDelta)+bit); err != nil {
				t.Fatal(err)
			}
			for offset := record.Offset(rotten * records); offset < record.Offset((rotten+1)*records); offset++ {
				if err := l.reads(offset); err != nil {
					t.Errorf("%d records in a batch, bit %d: %v", records, bit, err)
				}
			}
		}
	}
}

// reads looks whether a read from an offset is given that offset, or told that it is damaged.
func (l *Log) reads(offset record.Offset) error {
	slice, err := l.Read(offset, l.EndOffset(), 1<<20, true)
	if _, damaged := errors.AsType[*DamagedError](err); damaged {
		return nil
	}
	if err != nil {
		return err
	}
	defer slice.Release()
	b, err := slice.ReadAll()
	if err != nil {
		return err
	}
	first, _, err := record.Split(b)
	if err == nil && first.BaseOffset() > offset {
		err = fmt.Errorf("a read from offset %d begins at %d", offset, first.BaseOffset())
	}
	return err
}
