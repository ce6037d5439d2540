package commitlog

import (
	"fmt"
	"math"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

func manualLog(t testing.TB, config Config) (*disk.Simulated, *Dir, *Log) {
	t.Helper()
	fs := disk.NewSimulated(disk.SimulatedOptions{Seed: 1})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fs, d, openLog(t, d, config)
}

func code(err error) protocol.Code { return protocol.CodeOf(err) }

func TestIdempotence(t *testing.T) {
	const id = 42
	_, _, l := manualLog(t, DefaultConfig())
	send := func(epoch int16, sequence int32, n int) (Appended, error) {
		return l.Append(idempotent(t, id, epoch, sequence, make([]string, n)...), AppendOptions{Now: testNow})
	}
	steps := []struct {
		epoch    int16
		sequence int32
		n        int
		want     protocol.Code
		first    record.Offset
		again    bool
	}{
		{0, 5, 2, protocol.None, 0, false},                                     // unknown: may begin anywhere
		{0, 5, 2, protocol.None, 0, true},                                      // a retry
		{0, 8, 1, protocol.OutOfOrderSequenceNumber, 0, false},                 // a gap
		{0, 6, 1, protocol.OutOfOrderSequenceNumber, 0, false},                 // part of what was sent
		{0, 7, 3, protocol.None, 2, false},                                     // goes on
		{0, 10, 1, protocol.None, 5, false},                                    //
		{0, 11, 1, protocol.None, 6, false},                                    //
		{0, 12, 1, protocol.None, 7, false},                                    // five are remembered
		{0, 5, 2, protocol.None, 0, true},                                      // the first of them too
		{0, 13, 1, protocol.None, 8, false},                                    // and now it is forgotten
		{0, 5, 2, protocol.OutOfOrderSequenceNumber, 0, false},                 //
		{0, 7, 3, protocol.None, 2, true},                                      //
		{1, 3, 1, protocol.OutOfOrderSequenceNumber, 0, false},                 // a new epoch begins with 0
		{1, 0, 1, protocol.None, 9, false},                                     //
		{0, 14, 1, protocol.InvalidProducerEpoch, 0, false},                    // the old one is fenced
		{0, 7, 3, protocol.InvalidProducerEpoch, 0, false},                     // its retries too
		{1, 0, 1, protocol.None, 9, true},                                      //
		{7, 0, math.MaxInt16, protocol.None, 10, false},                        //
		{7, math.MaxInt16, 1, protocol.None, 10 + math.MaxInt16, false},        //
		{7, math.MaxInt16 + 2, 1, protocol.OutOfOrderSequenceNumber, 0, false}, //
	}
	for i, s := range steps {
		a, err := send(s.epoch, s.sequence, s.n)
		if code(err) != s.want {
			t.Fatalf("step %d %+v: %v", i, s, err)
		}
		if err == nil && (a.First != s.first || a.Last != s.first+record.Offset(s.n)-1 || a.Duplicate != s.again) {
			t.Fatalf("step %d %+v: %+v", i, s, a)
		}
	}
}

func TestSequenceWraps(t *testing.T) {
	_, _, l := manualLog(t, DefaultConfig())
	for i, sequence := range []int32{math.MaxInt32 - 2, math.MaxInt32, 1} { // two records each: the second wraps
		a, err := l.Append(idempotent(t, 1, 0, sequence, "a", "b"), AppendOptions{Now: testNow})
		if err != nil || a.First != record.Offset(2*i) {
			t.Fatalf("sequence %d: %+v, %v", sequence, a, err)
		}
	}
	a, err := l.Append(idempotent(t, 1, 0, math.MaxInt32, "a", "b"), AppendOptions{Now: testNow})
	if err != nil || !a.Duplicate || a.First != 2 {
		t.Fatalf("the batch that wraps, again: %+v, %v", a, err)
	}
}

func TestCoordinatorIsNotSequenced(t *testing.T) {
	_, _, l := manualLog(t, DefaultConfig())
	for range 2 {
		if _, err := l.Append(idempotent(t, 1, 3, 0, "a"), AppendOptions{Now: testNow, Origin: Coordinator}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.Append(idempotent(t, 1, 2, 0, "a"), AppendOptions{Now: testNow, Origin: Coordinator})
	if code(err) != protocol.InvalidProducerEpoch {
		t.Fatal(err)
	}
}

func TestProducersExpireAndAreBounded(t *testing.T) {
	config := DefaultConfig()
	config.ProducersMax = 100
	config.ProducerIDExpirationMs = 1000
	_, _, l := manualLog(t, config)
	for i := range 250 {
		if _, err := l.Append(idempotent(t, int64(i), 0, 0, "v"), AppendOptions{Now: testNow + int64(i)}); err != nil {
			t.Fatal(err)
		}
		if n := len(l.Producers()); n > 100 {
			t.Fatalf("%d producers", n)
		}
	}
	if ps := l.Producers(); ps[len(ps)-1].ProducerID != 249 {
		t.Fatal("the newest producer was forgotten")
	}
	if _, err := l.Retain(testNow+249+999, 0); err != nil || len(l.Producers()) != 1 {
		t.Fatalf("%d producers, %v", len(l.Producers()), err)
	}
	if _, err := l.Retain(testNow+249+1000, 0); err != nil || len(l.Producers()) != 0 {
		t.Fatalf("%d producers, %v", len(l.Producers()), err)
	}
	// Forgotten producers go on with whatever sequence is next for them.
	if _, err := l.Append(idempotent(t, 249, 0, 1, "v"), AppendOptions{Now: testNow}); err != nil {
		t.Fatal(err)
	}
}

// modelProducer is what the idempotence model knows of one producer.
type modelProducer struct {
	epoch int16
	next  int32 // sequence that is due; -1 if the producer is not known
	kept  []sent
}

// TestIdempotenceModel sends random batches of random producers, right ones, retries and wrong ones, with restarts in
// between, and compares every answer with a model.
func TestIdempotenceModel(t *testing.T) {
	for seed := range uint64(seeds(5)) {
		r := sim.NewRand(seed)
		w := newWorld(t, seed, nil)
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		model := map[int64]*modelProducer{}
		for step := range 400 {
			if r.Chance(30) {
				if err := w.reopen(); err != nil {
					t.Fatal(err)
				}
			}
			id := int64(r.IntN(4))
			m := model[id]
			if m == nil {
				m = &modelProducer{next: -1}
				model[id] = m
			}
			if err := m.send(t, w.l, r, id); err != nil {
				t.Fatalf("seed %d, step %d, producer %d: %v", seed, step, id, err)
			}
		}
	}
}

func (m *modelProducer) send(t testing.TB, l *Log, r *sim.Rand, id int64) error {
	epoch, sequence, n := m.epoch, max(m.next, 0), 1+r.IntN(3)
	vs := make([]string, n)
	wantCode, wantFirst, again := protocol.None, l.EndOffset(), false
	switch how := r.IntN(10); {
	case m.next < 0:
	case how < 2 && len(m.kept) > 0: // a retry
		s := m.kept[r.IntN(len(m.kept))]
		sequence, vs, wantFirst, again = s.sequence, s.values, s.first, true
	case how == 2: // a gap
		sequence, wantCode = record.AddSequence(sequence, int32(1+r.IntN(5))), protocol.OutOfOrderSequenceNumber
	case how == 3: // a new epoch
		epoch, sequence = epoch+1, 0
	case how == 4: // a new epoch that begins wrong
		epoch, sequence, wantCode = epoch+1, 3, protocol.OutOfOrderSequenceNumber
	case how == 5 && epoch > 0:
		epoch, wantCode = epoch-1, protocol.InvalidProducerEpoch
	}
	a, err := l.Append(idempotent(t, id, epoch, sequence, vs...), AppendOptions{Now: testNow})
	if code(err) != wantCode {
		return fmt.Errorf("epoch %d, sequence %d: %w, want %v", epoch, sequence, err, wantCode)
	}
	if err != nil {
		return nil
	}
	if a.First != wantFirst || a.Duplicate != again {
		return fmt.Errorf("epoch %d, sequence %d: %+v, want first %d, duplicate %v", epoch, sequence, a, wantFirst, again)
	}
	if again {
		return nil
	}
	if epoch != m.epoch {
		m.epoch, m.kept = epoch, nil
	}
	m.next = record.AddSequence(sequence, int32(n))
	m.kept = append(m.kept, sent{sequence: sequence, first: a.First, values: vs})
	m.kept = m.kept[max(0, len(m.kept)-batchesKept):]
	return nil
}
