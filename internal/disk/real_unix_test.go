//go:build unix

package disk

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestRealLockEndsWithItsClose: also when a child has the descriptor that was just started and has not executed its program yet.
func TestRealLockEndsWithItsClose(t *testing.T) {
	d := openReal(t, t.TempDir())
	held, err := d.Lock(".lock")
	must(t, err)
	childs, err := unix.Dup(int(held.(heldLock).Fd())) // as a fork does
	must(t, err)
	defer unix.Close(childs)
	must(t, held.Close())
	held, err = d.Lock(".lock")
	must(t, err)
	must(t, held.Close())
}
