//go:build unix

package cli

import "golang.org/x/sys/unix"

// descriptorLimit is how many files this process may open: Go's runtime raises the soft limit to the hard one.
func descriptorLimit() (uint64, bool) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return uint64(limit.Cur), true
}
