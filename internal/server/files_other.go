//go:build !unix

package server

// connectionFilesMax is no bound where the system sets none.
func connectionFilesMax() int { return 1 << 30 }
