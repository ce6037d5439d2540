package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData leaves the times out, which fdatasync need not write.
func syncData(f *os.File) error { return onDescriptor(f, "fdatasync", unix.Fdatasync) }

func (r *Real) syncTree() error { return onDescriptor(r.dir, "syncfs", unix.Syncfs) }
