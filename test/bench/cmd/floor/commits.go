//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// The floor of commits: what every broker that syncs before it answers has to do for an OffsetCommit, and nothing else.
// One thread takes the requests of all connections, writes what it has to one file, syncs that once, and answers. A
// broker has a file for each partition, groups to look up and answers to encode.
const (
	commitConnections = 16
	commitRequest     = 300  // bytes of an OffsetCommit of 10 partitions
	commitRecords     = 1000 // bytes of the batch that keeps it
	commitAnswer      = 150
)

type commitsResult struct {
	PerSecond float64 `json:"per_s"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	CPU       float64 `json:"cpu_us_per_commit"`
}

// commits serves until the peer, which runs for a number of milliseconds, has ended.
func commits(millis int64, dir string) error {
	f, err := os.CreateTemp(dir, "floor")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	listener, port, err := listen()
	if err != nil {
		return err
	}
	cmd := exec.Command(os.Args[0], "peer-commits", strconv.FormatInt(millis, 10), strconv.Itoa(port))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		return err
	}
	served, err := serveCommits(listener, int(f.Fd()))
	if err != nil {
		return err
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		return err
	}
	var r commitsResult
	if err := json.NewDecoder(out).Decode(&r); err != nil {
		return err
	}
	cpu := seconds(after.Utime) + seconds(after.Stime) - seconds(before.Utime) - seconds(before.Stime)
	r.CPU = cpu / float64(served) * 1e6
	return errors.Join(cmd.Wait(), json.NewEncoder(os.Stdout).Encode(r))
}

// serveCommits answers until all connections have been closed, and returns how many requests it answered.
func serveCommits(listener, file int) (served int, err error) {
	poll, err := syscall.EpollCreate1(0)
	if err != nil {
		return 0, err
	}
	for range commitConnections {
		fd, _, err := syscall.Accept(listener)
		if err != nil {
			return 0, err
		}
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		e := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
		if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &e); err != nil {
			return 0, err
		}
	}
	events := make([]syscall.EpollEvent, commitConnections)
	request, answer := make([]byte, commitRequest), make([]byte, commitAnswer)
	records := make([]byte, commitConnections*commitRecords)
	for open := commitConnections; open > 0; {
		n, err := syscall.EpollWait(poll, events, -1)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return served, err
		}
		asked := events[:0]
		for _, e := range events[:n] {
			switch err := readFull(int(e.Fd), request); err {
			case nil:
				asked = append(asked, e)
			case io.ErrUnexpectedEOF:
				open--
				_ = syscall.Close(int(e.Fd))
			default:
				return served, err
			}
		}
		if len(asked) == 0 {
			continue
		}
		if err := writeAll(file, records[:len(asked)*commitRecords]); err != nil {
			return served, err
		}
		if err := syscall.Fdatasync(file); err != nil {
			return served, err
		}
		for _, e := range asked {
			if err := writeAll(int(e.Fd), answer); err != nil {
				return served, err
			}
		}
		served += len(asked)
		events = events[:cap(events)]
	}
	return served, nil
}

// peerCommits is the other end: on each connection one request after the other, as the client of the figure.
func peerCommits(millis int64, port string) error {
	until := time.Now().Add(time.Duration(millis) * time.Millisecond)
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var wait sync.WaitGroup
	start := time.Now()
	for range commitConnections {
		c, err := net.Dial("tcp4", "127.0.0.1:"+port)
		if err != nil {
			return err
		}
		wait.Go(func() {
			took, err := commitOver(c, until)
			mu.Lock()
			defer mu.Unlock()
			all, failed = append(all, took...), errors.Join(failed, err, c.Close())
		})
	}
	wait.Wait()
	in := time.Since(start)
	if failed == nil && len(all) == 0 {
		failed = errors.New("no commit was answered")
	}
	if failed != nil {
		return failed
	}
	slices.Sort(all)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return json.NewEncoder(os.Stdout).Encode(commitsResult{PerSecond: float64(len(all)) / in.Seconds(),
		P50: ms(all[len(all)/2]), P99: ms(all[len(all)*99/100]), Max: ms(all[len(all)-1])})
}

func commitOver(c net.Conn, until time.Time) ([]time.Duration, error) {
	request, answer := make([]byte, commitRequest), make([]byte, commitAnswer)
	took := make([]time.Duration, 0, 1<<16)
	for start := time.Now(); start.Before(until); {
		if _, err := c.Write(request); err != nil {
			return took, err
		}
		if _, err := io.ReadFull(c, answer); err != nil {
			return took, err
		}
		end := time.Now()
		took = append(took, end.Sub(start))
		start = end
	}
	return took, nil
}
