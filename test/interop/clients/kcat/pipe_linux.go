package main

import (
	"os"
	"syscall"
)

// setPipeSize has the kernel keep at most size bytes, of whole pages, in a pipe.
func setPipeSize(f *os.File, size int) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	const setPipeSize = 1031 // F_SETPIPE_SZ, Linux
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) { _, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, uintptr(size)) })
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}
