package quorum

import (
	"syscall"
	"testing"

	"github.com/skein-io/skein/internal/disk"
)

// The first start is killed before its k-th operation, or its k-th sync fails; the second start goes well; then the power
// is lost. The third start must find everything that the second relied on.
func TestFirstStartCutOffThenPowerLost(t *testing.T) {
	goesOn := func(t *testing.T, second *disk.Simulated, k int) {
		t.Helper()
		mustOpen(t, second, 2, nil)
		for third := range uint64(3) {
			l, err := openLife(second.CrashClone(nil), 3+third, nil)
			if err != nil {
				t.Fatalf("operation %d: %v", k, err)
			}
			l.close(t)
		}
	}
	t.Run("killed", func(t *testing.T) {
		for k, ended := 1, true; ended; k++ {
			fs := disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(k)})
			var second *disk.Simulated
			left := k
			fs.SetHook(func(disk.Call) error {
				if left--; left == 0 {
					second = fs.Kill()
				}
				return nil
			})
			_, err := openLife(fs, 1, nil)
			fs.SetHook(nil)
			if ended = second != nil; ended && err != nil {
				goesOn(t, second, k)
			}
		}
	})
	t.Run("a sync fails", func(t *testing.T) {
		for k, fired := 1, true; fired; k++ {
			fs := disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(k)})
			fs.FailAt(disk.OpSync, k, syscall.EIO)
			_, err := openLife(fs, 1, nil)
			if fired = fs.Fired() > 0; fired && err != nil {
				goesOn(t, fs.Kill(), k)
			}
		}
	})
}
