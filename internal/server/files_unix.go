//go:build unix

package server

import "golang.org/x/sys/unix"

// connectionFilesMax is how many connections the limit on open files allows: a quarter of it, and at least 64, is
// kept for the files of the log, which must not fail because of connections.
func connectionFilesMax() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 30
	}
	files := int(min(uint64(limit.Cur), 1<<30))
	return max(1, files-max(files/4, 64))
}
