package onenode

import (
	"fmt"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// failuresMax is up to which call of a kind one is made to fail.
const failuresMax = 200

// TestSimFailureAtEveryCall lets the k-th sync, syncfs or write fail with EIO, for k up to 200: nothing that the node
// acknowledged after it may be lost when the power goes later. With SKEIN_SEEDS of 200 or more it tries every k.
func TestSimFailureAtEveryCall(t *testing.T) {
	for _, of := range []struct {
		op  disk.Op
		max int
	}{{disk.OpSync, failuresMax}, {disk.OpSyncAll, 20}, {disk.OpWrite, failuresMax}} { // a run has about 20 syncfs
		op, step := of.op, of.max/8
		if seeds.Many(t, 0) >= failuresMax {
			step = 1
		}
		t.Run(fmt.Sprint(op), func(t *testing.T) {
			runs, noticed := 0, 0
			for k := 1; k <= of.max; k += step {
				r := Run(DrawFailure(op, k))
				if r.Failed() {
					t.Fatalf("%v %d fails:\n%s", op, k, r.Report(60))
				}
				runs++
				noticed += min(r.Reached["process gave up"]+r.Reached["start failed"], 1)
			}
			if noticed < runs/2 { // an index or a snapshot that could not be written costs nothing
				t.Errorf("of %d runs in which a %v fails the node gave up in %d", runs, op, noticed)
			}
			t.Logf("%d runs, the node gave up in %d", runs, noticed)
		})
	}
}
