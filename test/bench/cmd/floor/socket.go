//go:build linux

package main

import (
	"crypto/rand"
	"errors"
	"io"
	"strconv"
	"syscall"
	"time"
)

// The sockets are blocking ones and are used with bare system calls: Go's
// poller costs something, and a broker may be written without it.

func listen() (fd, port int, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, 0, err
	}
	if err := syscall.Listen(fd, 1); err != nil {
		return 0, 0, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, 0, err
	}
	return fd, name.(*syscall.SockaddrInet4).Port, nil
}

// peer is the other end of the socket: it sends random bytes, or takes what
// comes. rate is in MB/s, 0 is as fast as it goes.
func peer(sends bool, n int64, port string, rate int) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	buffer := make([]byte, block)
	_, _ = rand.Read(buffer) // never fails
	move := readFull
	if sends {
		move = writeAll
	}
	start := time.Now()
	for moved := int64(0); moved < n; moved += block {
		if rate > 0 {
			time.Sleep(time.Duration(moved*1000/int64(rate)) - time.Since(start))
		}
		if err := move(fd, buffer[:min(block, n-moved)]); err != nil {
			return err
		}
	}
	return nil
}

func readFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Read(fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		default:
			b = b[n:]
		}
	}
	return nil
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case n == 0:
			return errors.New("nothing was written")
		default:
			b = b[n:]
		}
	}
	return nil
}
