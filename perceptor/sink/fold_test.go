package sink

import (
	"math/rand/v2"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// What is kept of a row is its newest change, once, and the others say why they are not.
func TestFoldKeepsTheNewestOfEachRow(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	table := &change.Table{Name: "t", Columns: []change.Column{{Name: "id"}}, Key: []int{0}}
	key := func(dst []byte, c *change.Change) []byte { return c.After[0].AppendText(dst, 0) }
	var f Folder
	seen := map[change.Verdict]int{}
	for range 2_000 {
		changes := make([]*change.Change, r.IntN(30))
		outcomes := make([]Outcome, len(changes))
		newest := map[int64]change.Version{}
		for i := range changes {
			id := r.Int64N(5)
			v := change.Version{Epoch: uint32(r.IntN(2)), ExecuteTime: r.Int64N(3), Position: change.Position{Offset: r.Uint64N(3)}}
			changes[i] = &change.Change{Op: change.Update, Table: table, After: change.Row{change.IntValue(id)}, Version: v}
			if have, there := newest[id]; !there || v.Compare(have) > 0 {
				newest[id] = v
			}
		}
		kept := map[int]bool{}
		rows := map[int64]bool{}
		for _, i := range f.Fold(changes, outcomes, key) {
			id := changes[i].After[0].Int()
			if rows[id] || changes[i].Version != newest[id] || outcomes[i].Verdict != 0 {
				t.Fatalf("row %d: %s is kept, newest is %s, outcome %s", id, changes[i].Version, newest[id], outcomes[i].Verdict)
			}
			rows[id], kept[i] = true, true
		}
		if len(rows) != len(newest) {
			t.Fatalf("%d rows kept of %d", len(rows), len(newest))
		}
		for i, o := range outcomes {
			seen[o.Verdict]++
			if !kept[i] && (o.Verdict != change.Folded && o.Verdict != change.Duplicate || o.Stored.Compare(changes[i].Version) < 0) {
				t.Fatalf("change %d (%s) is left out as %s for %s", i, changes[i].Version, o.Verdict, o.Stored)
			}
		}
	}
	if seen[change.Folded] == 0 || seen[change.Duplicate] == 0 {
		t.Fatalf("the batches were too tame: %v", seen)
	}
}
