//go:build linux

// Command floor does what no broker can do without, and nothing else: it shows
// what the machine itself costs.
//
//	floor in      BYTES DIR [MB_PER_S]   loopback socket to file, with the CRC32C of every MiB
//	floor in-sync BYTES DIR [MB_PER_S]   the same with an fdatasync after each MiB
//	floor out     BYTES DIR              file to loopback socket with sendfile
//	floor commits MILLISECONDS DIR       16 sockets to one file: small requests, answered when they are synced
//
// The other end of the socket is a second process. With MB_PER_S it sends each
// MiB when it is due. One JSON object on stdout tells how long it took and the
// processor time of this process alone.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// block is what one call moves: the size of a producer's large batch.
const block = 1 << 20

// allowed bounds the whole run.
const allowed = 5 * time.Minute

type result struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	User    float64 `json:"cpu_user_s"`
	System  float64 `json:"cpu_system_s"`
}

func main() {
	time.AfterFunc(allowed, func() { fail(errors.New("not done after " + allowed.String())) })
	if len(os.Args) != 4 && len(os.Args) != 5 {
		fail(errors.New("usage: floor in|in-sync|out BYTES DIR [MB_PER_S], or floor commits MILLISECONDS DIR"))
	}
	n, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		fail(err)
	}
	rate := 0
	if len(os.Args) == 5 {
		if rate, err = strconv.Atoi(os.Args[4]); err != nil {
			fail(err)
		}
	}
	if err := run(os.Args[1], n, os.Args[3], rate); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "floor:", err)
	os.Exit(1)
}

// run does one mode. rate is in MB/s, 0 is as fast as it goes.
func run(mode string, n int64, where string, rate int) error {
	switch mode {
	case "peer-send", "peer-receive": // where is the port of the first process
		return peer(mode == "peer-send", n, where, rate)
	case "peer-commits":
		return peerCommits(n, where)
	case "in", "in-sync", "out":
		return measure(mode, n, where, rate)
	case "commits":
		return commits(n, where)
	}
	return fmt.Errorf("unknown mode %q", mode)
}

// measure runs the peer and then counts from the first byte to the last.
func measure(mode string, n int64, dir string, rate int) error {
	f, err := os.CreateTemp(dir, "floor")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := os.Remove(f.Name()); err != nil { // the open file is enough
		return err
	}
	if mode == "out" {
		if err := fill(f, n); err != nil {
			return err
		}
	}
	socket, wait, err := connect(mode, n, rate)
	if err != nil {
		return err
	}
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		return err
	}
	start := time.Now()
	if mode == "out" {
		err = send(socket, int(f.Fd()), n)
	} else {
		err = receive(socket, int(f.Fd()), n, mode == "in-sync")
	}
	took := time.Since(start)
	if err != nil {
		return err
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		return err
	}
	if err := errors.Join(syscall.Close(socket), wait()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result{Bytes: n, Seconds: took.Seconds(),
		User: seconds(after.Utime) - seconds(before.Utime), System: seconds(after.Stime) - seconds(before.Stime)})
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// connect starts the peer and accepts its connection.
func connect(mode string, n int64, rate int) (int, func() error, error) {
	listener, port, err := listen()
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = syscall.Close(listener) }()
	role := "peer-send"
	if mode == "out" {
		role = "peer-receive"
	}
	cmd := exec.Command(os.Args[0], role, strconv.FormatInt(n, 10), strconv.Itoa(port), strconv.Itoa(rate))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	socket, _, err := syscall.Accept(listener)
	return socket, cmd.Wait, err
}

// receive is the way in.
func receive(socket, file int, n int64, sync bool) error {
	buffer := make([]byte, block)
	table := crc32.MakeTable(crc32.Castagnoli)
	var sum uint32
	for at := int64(0); at < n; {
		part := buffer[:min(block, n-at)]
		if err := readFull(socket, part); err != nil {
			return err
		}
		sum ^= crc32.Checksum(part, table)
		if err := writeAll(file, part); err != nil {
			return err
		}
		if sync {
			if err := syscall.Fdatasync(file); err != nil {
				return err
			}
		}
		at += int64(len(part))
	}
	if sum == 1 {
		fmt.Fprintln(os.Stderr, "floor: an unlikely sum") // the sum is used, so that it is computed
	}
	return nil
}

// send is the way out.
func send(socket, file int, n int64) error {
	for at := int64(0); at < n; {
		sent, err := syscall.Sendfile(socket, file, &at, int(min(block, n-at)))
		if err != nil && err != syscall.EINTR {
			return err
		}
		if err == nil && sent == 0 {
			return errors.New("the file ended early")
		}
	}
	return nil
}

func fill(f *os.File, n int64) error {
	buffer := make([]byte, block)
	for ; n > 0; n -= block {
		if _, err := f.Write(buffer[:min(block, n)]); err != nil {
			return err
		}
	}
	return nil
}
