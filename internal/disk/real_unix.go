//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// onDescriptor runs call with the descriptor of f, again if a signal interrupts it: EINTR says nothing was decided.
func onDescriptor(f *os.File, op string, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := conn.Control(func(fd uintptr) {
		for result = call(int(fd)); result == unix.EINTR; {
			result = call(int(fd))
		}
	}); err != nil {
		result = fs.ErrClosed // Control fails for no other reason, and with an error that os does not export
	}
	if result != nil {
		return &os.PathError{Op: op, Path: f.Name(), Err: result}
	}
	return nil
}

// syncDirectory makes the names in an open directory durable.
func syncDirectory(d *os.File) error { return d.Sync() }

// lockFile takes flock, which belongs to the open file description: unlike fcntl's locks it also keeps a second
// opening by this process out, and closing another descriptor of the same file does not release it.
func lockFile(f *os.File) error {
	err := onDescriptor(f, "flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// unlockFile ends the lock of the open file description, whoever has descriptors of it.
func unlockFile(f *os.File) error {
	return onDescriptor(f, "flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_UN) })
}
