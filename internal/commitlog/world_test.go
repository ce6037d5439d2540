package commitlog

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// history is what a log held at some time: keys and values from an offset on.
type history struct {
	first  record.Offset
	keys   []string
	values []string
}

// tombstone stands for a null value.
const tombstone = "<null>"

func (h history) end() record.Offset { return h.first + record.Offset(len(h.values)) }

func (h history) at(o record.Offset) (string, bool) {
	if o < h.first || o >= h.end() {
		return "", false
	}
	return h.values[o-h.first], true
}

func (h history) cut(end record.Offset) history {
	n := max(0, end-h.first)
	return history{h.first, slices.Clone(h.keys[:n]), slices.Clone(h.values[:n])}
}

// sent is a batch of the idempotent producer.
type sent struct {
	sequence int32
	first    record.Offset
	keys     []string
	values   []string
}

// expected is what must be true after a crash.
type expected struct {
	histories []history     // the log holds the beginning of one of them
	acked     record.Offset // and at least up to here
	startLow  record.Offset // the log start offset is at least this
	startHigh record.Offset // and at most this
	sent      []sent
	epochs    []EpochStart  // of the newest history
	cleanable record.Offset // below it compaction may have removed what a newer record replaces
}

func (e expected) clone() expected {
	e.histories = slices.Clone(e.histories)
	e.sent = slices.Clone(e.sent)
	e.epochs = slices.Clone(e.epochs)
	return e
}

// world drives one log on a simulated disk and knows what it must hold.
type world struct {
	t         testing.TB
	fs        *disk.Simulated
	faults    *faults
	d         *Dir
	l         *Log
	config    Config
	r         *sim.Rand
	want      expected
	epoch     record.LeaderEpoch
	next      int32 // sequence
	value     int
	now       int64
	syncAll   int      // a round of this many files and folders is one syncfs; 0 is the default
	namesLost bool     // a sync of names failed
	lines     []string // what was done, for the report
}

func newWorld(t testing.TB, seed uint64, planted *faults) *world {
	w := &world{t: t, faults: planted, r: sim.NewRand(seed), config: DefaultConfig(), epoch: 1, now: testNow}
	w.fs = disk.NewSimulated(disk.SimulatedOptions{Seed: seed})
	if seed%2 == 1 { // so that files, then names are synced, as while syncfs is slow
		w.syncAll = 4
	}
	w.config.SegmentBytes = 1500
	w.config.IndexIntervalBytes = 200
	w.config.FileDeleteDelayMs = 0
	w.config.RetentionMs = Unlimited
	w.want.histories = []history{{}}
	return w
}

// open opens directory and log; the world's faults are planted in it.
func (w *world) open() error {
	d, err := openWith(w.fs, w.faults)
	if err != nil {
		return err
	}
	w.d = d
	d.syncer.all.files = w.syncAll
	w.l, err = d.OpenLog(testName, testID, w.config)
	return err
}

// openWith opens a directory for one goroutine, with small checkpoints.
func openWith(fs disk.FS, planted *faults) (*Dir, error) {
	d, err := OpenDir(fs, DirConfig{
		NodeID: 1, ClusterID: "test-cluster", DirectoryID: protocol.UUID{9}, FreeBytesFloor: -1, Manual: true,
	})
	if err == nil {
		d.checkpointEvery = 500
		d.faults = planted
	}
	return d, err
}

// keyed makes a batch, of producer 7 if the sequence is not negative.
func keyed(t testing.TB, timestamp int64, sequence int32, keys, values []string) []byte {
	b := record.NewBuilder()
	if sequence >= 0 {
		b.SetProducer(7, 0, sequence)
	}
	for i, v := range values {
		value := []byte(v)
		if v == tombstone {
			value = nil
		}
		if err := b.Add(timestamp+int64(i), []byte(keys[i]), value); err != nil {
			t.Fatal(err)
		}
	}
	made, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (w *world) current() *history { return &w.want.histories[len(w.want.histories)-1] }

func (w *world) note(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

// append appends a batch of one to four records, half of the time as the idempotent producer.
func (w *world) append() error {
	var ks, vs []string
	for range 1 + w.r.IntN(4) {
		w.value++
		ks = append(ks, fmt.Sprint("k", w.r.IntN(8)))
		if w.config.Compact && w.r.Chance(150) {
			vs = append(vs, tombstone)
		} else {
			vs = append(vs, fmt.Sprintf("%0*d", 1+w.r.IntN(60), w.value))
		}
	}
	producing := w.r.Chance(500)
	sequence := record.NoSequence
	if producing {
		sequence = w.next
	}
	b := keyed(w.t, testNow+int64(w.l.EndOffset()), sequence, ks, vs)
	// Before the call: a crash within it may leave the records already.
	h := w.current()
	first := h.end()
	h.keys = append(slices.Clip(h.keys), ks...)
	h.values = append(slices.Clip(h.values), vs...)
	if n := len(w.want.epochs); n == 0 || w.want.epochs[n-1].Epoch < w.epoch {
		w.want.epochs = append(w.want.epochs, EpochStart{w.epoch, first})
	}
	if producing {
		w.want.sent = append(w.want.sent, sent{w.next, first, ks, vs})
		w.next = record.AddSequence(w.next, int32(len(vs)))
	}
	w.note("append %d at %d", len(vs), first)
	before := w.want.clone()
	a, err := w.l.Append(b, AppendOptions{LeaderEpoch: w.epoch, Now: testNow})
	if err == nil && a.First != first {
		w.t.Fatalf("appended at %d, want %d", a.First, first)
	}
	if err != nil && w.d.Offline() == nil { // then nothing happened
		*w.current() = before.histories[len(before.histories)-1].cut(first)
		w.want.epochs = slices.DeleteFunc(w.want.epochs, func(e EpochStart) bool { return e.Start == first })
		if producing {
			w.want.sent = w.want.sent[:len(w.want.sent)-1]
			w.next = sequence
		}
	}
	return err
}

// round syncs; what was appended before is acknowledged after it.
func (w *world) round() error {
	end := w.l.EndOffset()
	start := w.l.StartOffset()
	w.note("round")
	if err := w.d.Round(); err != nil {
		return err
	}
	if w.l.DurableEnd() != end {
		w.t.Fatalf("durable end %d after a round, want %d", w.l.DurableEnd(), end)
	}
	w.want.acked = end
	w.want.histories = w.want.histories[len(w.want.histories)-1:]
	_ = start
	return nil
}

func (w *world) truncate() error {
	h := w.current()
	low := max(w.l.StartOffset(), h.first, w.want.cleanable) // nobody truncates below the high watermark
	to := low + record.Offset(w.r.Int64N(int64(h.end()-low)+1))
	w.note("truncate to %d", to)
	// Cut where the log will: at the beginning of the batch that holds the offset.
	end := to
	if to < h.end() {
		s, err := w.l.Read(to, w.l.EndOffset(), 1, true)
		if err != nil {
			return err
		}
		b, err := s.ReadAll()
		s.Release()
		if err != nil {
			return err
		}
		if len(b) > 0 {
			end = min(to, record.Batch(b).BaseOffset())
		}
		if end < w.want.cleanable { // the batch goes below it: leave it
			return nil
		}
	}
	w.want.acked = min(w.want.acked, end)
	w.want.startLow = min(w.want.startLow, end)
	w.want.histories = append(w.want.histories, h.cut(end))
	for n := len(w.want.epochs); n > 0 && w.want.epochs[n-1].Start >= end; n-- {
		w.want.epochs = w.want.epochs[:n-1]
	}
	w.want.sent = slices.DeleteFunc(w.want.sent, func(s sent) bool { return s.first+record.Offset(len(s.values)) > end })
	w.next = 0
	if n := len(w.want.sent); n > 0 {
		last := w.want.sent[n-1]
		w.next = record.AddSequence(last.sequence, int32(len(last.values)))
	}
	if err := w.l.TruncateTo(to); err != nil {
		return err
	}
	if w.l.EndOffset() != end {
		w.t.Fatalf("truncated to %d, the log ends at %d, want %d", to, w.l.EndOffset(), end)
	}
	return nil
}

func (w *world) deleteRecords() error {
	low, high := w.l.StartOffset(), w.l.DurableEnd()
	if high <= low {
		return nil
	}
	to := low + record.Offset(w.r.Int64N(int64(high-low)+1))
	w.note("delete records below %d", to)
	w.want.startHigh = max(w.want.startHigh, to)
	if err := w.l.DeleteRecords(to); err != nil {
		return err
	}
	w.want.startLow = max(w.want.startLow, to)
	return nil
}

func (w *world) retain() error {
	w.note("retain")
	_, err := w.l.Retain(testNow, w.l.DurableEnd())
	return err
}

func (w *world) reopen() error {
	w.note("close and open")
	end := w.l.EndOffset()
	if err := w.d.Close(); err != nil {
		return err
	}
	w.want.acked = end
	w.want.histories = w.want.histories[len(w.want.histories)-1:]
	if err := w.open(); err != nil {
		return err
	}
	if w.faults == nil && (!w.d.Clean() || w.l.Recovery().CheckedBatches > 0) {
		w.t.Fatalf("after a clean end: clean %v, recovery %+v", w.d.Clean(), w.l.Recovery())
	}
	return nil
}

func (w *world) compact() error {
	w.note("compact")
	w.want.cleanable = max(w.want.cleanable, w.l.DurableEnd())
	w.now += 10_000
	_, err := w.l.Compact(w.now, w.l.DurableEnd())
	return err
}

// step does one thing.
func (w *world) step() error {
	switch n := w.r.IntN(100); {
	case n < 55:
		return w.append()
	case n < 80:
		return w.round()
	case n < 85:
		w.epoch++
		return nil
	case n < 89:
		return w.truncate()
	case n < 93:
		return w.deleteRecords()
	case n < 95:
		return w.retain()
	case n < 96 && w.config.Compact:
		return w.compact()
	case n < 98:
		return w.d.SyncMark()
	default:
		return w.reopen()
	}
}

// verify opens what a crash left and compares. It returns what is wrong.
func verify(t testing.TB, fs *disk.Simulated, config Config, want expected, planted *faults) error {
	d, err := openWith(fs, planted)
	if err != nil {
		return fmt.Errorf("open directory: %w", err)
	}
	l, err := d.OpenLog(testName, testID, config)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	if err := verifyLog(t, l, want); err != nil {
		return fmt.Errorf("%w (recovery %+v)", err, l.Recovery())
	}
	// What was served after recovery survives the next crash (D10).
	served := history{first: l.StartOffset()}
	all, err := readValues(l, l.StartOffset())
	if err != nil {
		return err
	}
	for o := l.StartOffset(); o < l.EndOffset(); o++ {
		served.keys = append(served.keys, "")
		served.values = append(served.values, all[o]) // "" where compaction left a gap
	}
	durable := l.DurableEnd()
	again := expected{histories: []history{served}, acked: durable, startHigh: l.StartOffset()}
	atOnce := again // what a failed sync of the first life took for written may still come back
	atOnce.histories = append(slices.Clone(want.histories), served)
	if want.cleanable == 0 {
		if err := reverify(t, fs.CrashClone(nil), config, atOnce, planted); err != nil {
			return fmt.Errorf("after a second crash at once: %w", err)
		}
	}
	if err := d.Round(); err != nil {
		return err
	}
	again.acked = l.EndOffset()
	a, err := l.Append(batch(t, testNow, "after the crash"), AppendOptions{LeaderEpoch: 1000, Now: testNow})
	if err != nil {
		return err
	}
	if a.First != served.end() {
		return fmt.Errorf("appended at %d after recovery to %d", a.First, served.end())
	}
	again.histories[0].keys = append(again.histories[0].keys, "")
	again.histories[0].values = append(again.histories[0].values, "after the crash")
	if err := reverify(t, fs.CrashClone(nil), config, again, planted); err != nil {
		return fmt.Errorf("after a second crash: %w", err)
	}
	return nil
}

func reverify(t testing.TB, fs *disk.Simulated, config Config, want expected, planted *faults) error {
	d, err := openWith(fs, planted)
	if err != nil {
		return err
	}
	l, err := d.OpenLog(testName, testID, config)
	if err != nil {
		return err
	}
	return verifyLog(t, l, want)
}

func verifyLog(t testing.TB, l *Log, want expected) error {
	start, end := l.StartOffset(), l.EndOffset()
	if end < want.acked {
		return fmt.Errorf("the log ends at %d; %d was acknowledged", end, want.acked)
	}
	if l.DurableEnd() > end {
		return fmt.Errorf("durable end %d beyond the end %d", l.DurableEnd(), end)
	}
	if start < want.startLow || start > want.startHigh {
		return fmt.Errorf("the log starts at %d, not between %d and %d", start, want.startLow, want.startHigh)
	}
	all, err := readValues(l, start)
	if err != nil {
		return err
	}
	var wrong error
	for i, h := range slices.Backward(want.histories) {
		err := h.holds(all, start, end, want.cleanable)
		if err == nil {
			wrong = nil
			break
		}
		if i == len(want.histories)-1 {
			wrong = err
		}
	}
	if wrong != nil {
		return wrong
	}
	if err := verifyLookups(l, start, end); err != nil {
		return err
	}
	if err := verifyEpochs(l, want, start, end); err != nil {
		return err
	}
	return verifyProducer(t, l, want, end)
}

// verifyEpochs compares the leader epochs with what was appended, where that is certain.
func verifyEpochs(l *Log, want expected, start, end record.Offset) error {
	if len(want.histories) != 1 || want.epochs == nil || start == end {
		return nil
	}
	var due []EpochStart
	for i, e := range want.epochs {
		if e.Start >= end || i+1 < len(want.epochs) && want.epochs[i+1].Start <= start {
			continue
		}
		due = append(due, EpochStart{e.Epoch, max(e.Start, start)})
	}
	if got := l.Epochs(); !slices.Equal(got, due) {
		return fmt.Errorf("epochs %v, want %v", got, due)
	}
	return nil
}

// holds compares what a log has with the history. What is missing must have been replaced by a newer record that
// compaction could see, or be a tombstone that had its time; and of each key the newest record is there, or it was
// such a tombstone and nothing is there: an older value never comes back.
func (h history) holds(all map[record.Offset]string, start, end, cleanable record.Offset) error {
	newest := map[string]record.Offset{}  // of each key
	nearest := map[string]record.Offset{} // of each key, the next behind the offset at hand
	for o := end - 1; o >= start; o-- {
		v, ok := h.at(o)
		if !ok {
			return fmt.Errorf("offset %d is not in the history, which ends at %d", o, h.end())
		}
		got, there := all[o]
		if there && got != v {
			return fmt.Errorf("offset %d holds %q, want %q", o, got, v)
		}
		key := h.keys[o-h.first]
		later, replaced := newest[key]
		if !there && v != "" {
			gone := replaced && nearest[key] < cleanable || v == tombstone && o < cleanable
			if !gone {
				return fmt.Errorf("offset %d is missing; it held %q of key %s (newer at %d, %v)", o, v, key, nearest[key], replaced)
			}
		}
		if there && replaced && key != "" {
			if _, ok := all[later]; !ok && h.values[later-h.first] == tombstone {
				return fmt.Errorf("offset %d of key %s came back: its tombstone at %d is gone", o, key, later)
			}
		}
		if !replaced {
			newest[key] = o
		}
		nearest[key] = o
	}
	return nil
}

// verifyLookups reads from every offset and finds every batch by its index.
func verifyLookups(l *Log, start, end record.Offset) error {
	for o := start; o < end; o++ {
		s, err := l.Read(o, end, 1, true)
		if err != nil {
			return err
		}
		b, err := s.ReadAll()
		s.Release()
		if err != nil {
			return err
		}
		if len(b) < record.HeaderSize || record.Batch(b).LastOffset() < o || record.Batch(b).BaseOffset() > o && !l.Config().Compact {
			return fmt.Errorf("read from %d gives another batch", o)
		}
	}
	return nil
}

// verifyProducer sends the last five batches again: those that are in the log are known with their offsets.
func verifyProducer(t testing.TB, l *Log, want expected, end record.Offset) error {
	if len(want.histories) != 1 {
		return nil
	}
	kept := want.sent
	for len(kept) > 0 && kept[len(kept)-1].first+record.Offset(len(kept[len(kept)-1].values)) > end {
		kept = kept[:len(kept)-1]
	}
	for _, s := range kept[max(0, len(kept)-batchesKept):] {
		a, err := l.Append(keyed(t, testNow, s.sequence, s.keys, s.values), AppendOptions{LeaderEpoch: 1000, Now: testNow})
		if err != nil || !a.Duplicate || a.First != s.first {
			return fmt.Errorf("batch with sequence %d at %d sent again: %+v, %v", s.sequence, s.first, a, err)
		}
	}
	return nil
}
