package check

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

func (b *builder) offset(kind Kind, offset record.Offset, metadata string) *builder {
	c := Committed{Partition: t0, Offset: offset, LeaderEpoch: record.LeaderEpoch(offset), Metadata: metadata}
	return b.add(Operation{Kind: kind, Group: "g", Offsets: []Committed{c}})
}

func (b *builder) commit(offset record.Offset) *builder { return b.offset(Commit, offset, "m") }
func (b *builder) fetch(offset record.Offset) *builder  { return b.offset(FetchOffset, offset, "m") }

func TestOffsetRegister(t *testing.T) {
	const bad = "offset-register"
	want(t, history().fetch(-1).commit(5).fetch(5).commit(6).fetch(6))
	want(t, history().commit(5).commit(6).fetch(5), bad)
	want(t, history().commit(5).fetch(-1), bad)
	want(t, history().fetch(5), bad)
	want(t, history().fetch(5).commit(5), bad)
	want(t, history().commit(5).outcome(Fail, "ILLEGAL_GENERATION").fetch(5), bad)
	// Going back is allowed to commits.
	want(t, history().commit(6).commit(5).fetch(5))
	want(t, history().commit(5).commit(6).commit(5).fetch(5))
	// Concurrent commits, in any order.
	want(t, history().commit(5).at(0, 50).commit(6).at(10, 40).fetch(5))
	want(t, history().commit(5).at(0, 50).commit(6).at(10, 40).fetch(6))
	// Under way with the fetch.
	want(t, history().commit(5).commit(6).at(20, 100).fetch(5).at(30, 40).fetch(6).at(50, 60))
	want(t, history().commit(5).commit(6).at(20, 100).fetch(6).at(30, 40).fetch(5).at(50, 60), bad)
	// Unknown outcome: it may take effect at any time, once.
	want(t, history().commit(5).commit(6).outcome(Info, "").fetch(5).fetch(6))
	want(t, history().commit(5).commit(6).outcome(Info, "").fetch(6).fetch(5), bad)
	want(t, history().commit(5).commit(6).at(20, Never).outcome(Info, "").fetch(5).fetch(6))
	// Epoch and metadata come back unchanged.
	want(t, history().commit(5).offset(FetchOffset, 5, "other"), bad)
	want(t, history().commit(5).fetch(5).with(func(o *Operation) { o.Offsets[0].LeaderEpoch = -1 }), bad)
	// Deletion.
	want(t, history().commit(5).offset(DeleteOffset, 0, "").fetch(-1))
	want(t, history().commit(5).offset(DeleteOffset, 0, "").fetch(5), bad)
	want(t, history().commit(5).offset(DeleteOffset, 0, "").outcome(Info, "").fetch(5).fetch(-1))
	want(t, history().commit(5).offset(DeleteOffset, 0, "").outcome(Fail, "").fetch(-1), bad)
	// Other groups and partitions are other registers.
	want(t, history().commit(5).fetch(-1).with(func(o *Operation) { o.Group = "h" }))
	want(t, history().commit(5).fetch(-1).with(func(o *Operation) { o.Offsets[0].Partition.Index = 1 }))
}

func TestOffsetRegisterSaysWhatChanged(t *testing.T) {
	findings := All(history().commit(5).offset(FetchOffset, 5, "other").ops, Options{})
	if len(findings) != 1 || !strings.Contains(findings[0].Message, `offset 5 epoch 5 "m" was`) {
		t.Errorf("found %v", findings)
	}
}

// Porcupine searches every order. Whatever our rule finds, the search must refute too; and of what the search refutes
// our rule must find nearly all.
func TestOffsetRegisterAgainstPorcupine(t *testing.T) {
	r := sim.NewRand(9)
	refuted, found := 0, 0
	for range 1000 {
		b := randomRegister(r)
		legal := porcupine.CheckOperations(registerModel, porcupineOperations(b.ops))
		ours := All(b.ops, Options{})
		if legal && len(ours) > 0 {
			t.Fatalf("found %v in a history that has an order: %+v", ours, b.ops)
		}
		if !legal {
			refuted++
			if len(ours) > 0 {
				found++
			}
		}
	}
	if refuted < 200 || found*100 < refuted*90 {
		t.Errorf("the search refuted %d histories, the rule %d of them", refuted, found)
	}
}

func randomRegister(r *sim.Rand) *builder {
	b := history()
	for i := range 6 {
		kind := Commit
		if r.Chance(600) {
			kind = FetchOffset
		}
		start := r.Int64N(60)
		offset := record.Offset(r.IntN(4) - 1)
		if kind == Commit {
			offset = record.Offset(i % 3)
		}
		b.offset(kind, offset, "").at(start, start+1+r.Int64N(25))
		if kind == Commit && r.Chance(200) {
			b.outcome(Info, "")
		}
	}
	return b
}

var registerModel = porcupine.Model{
	Init: func() any { return record.Offset(-1) },
	Step: func(state, input, output any) (bool, any) {
		op := input.(Operation)
		if op.Kind == FetchOffset {
			return op.Offsets[0].Offset == state.(record.Offset), state
		}
		return true, op.Offsets[0].Offset
	},
}

func porcupineOperations(ops []Operation) []porcupine.Operation {
	var all []porcupine.Operation
	for i, o := range ops {
		end := o.Completed
		if o.Outcome == Info {
			end = math.MaxInt64
		}
		all = append(all, porcupine.Operation{ClientId: i, Input: o, Call: o.Invoked, Output: nil, Return: end})
	}
	return all
}

// A history that no search could take, and that a quadratic rule would not finish.
func TestLongHistory(t *testing.T) {
	b := history()
	for i := range 10_000 {
		b.commit(record.Offset(i)).fetch(record.Offset(i))
		b.send("p", fmt.Sprintf("v%d@%d", i, i)).poll("r", fmt.Sprintf("v%d@%d", i, i)).watermarks(0, record.Offset(i+1))
		if i%20 == 0 {
			b.commit(record.Offset(i)).outcome(Info, "").at(b.clock, Never)
		}
	}
	want(t, b)
}
