//go:build linux || darwin || freebsd

package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

func spaceOf(dir *os.File) (Space, error) {
	var s unix.Statfs_t
	if err := onDescriptor(dir, "statfs", func(fd int) error { return unix.Fstatfs(fd, &s) }); err != nil {
		return Space{}, err
	}
	block := uint64(s.Bsize)
	return Space{Free: uint64(max(s.Bavail, 0)) * block, Total: s.Blocks * block}, nil
}
