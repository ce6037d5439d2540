package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/skein-io/skein/test/interop/line"
)

// consume reads Count records of all given partitions without a group.
func consume(s *line.Session, r line.Request) (any, error) {
	from := strconv.FormatInt(r.Offset, 10)
	if r.ByTime {
		from = "s@" + strconv.FormatInt(r.Timestamp, 10)
	}
	if r.Offset == 0 && !r.ByTime {
		from = "beginning"
	}
	args := []string{"-C", "-J", "-q", "-t", r.Topic, "-o", from, "-c", strconv.Itoa(r.Count), "-X", "check.crcs=true"}
	if len(r.Partitions) == 1 {
		args = append(args, "-p", strconv.Itoa(int(r.Partitions[0])))
	}
	return nil, eachMessage(kcat(args...), func(m message) bool {
		s.Emit(m.event())
		return !s.Stopped()
	})
}

// group is one member: kcat -G, which commits every 500 ms what it has
// printed. A pipe of the pace makes kcat wait.
func group(s *line.Session, r line.Request) (any, error) {
	args := []string{"-E", "-G", r.Group, "-J", "-X", "auto.offset.reset=earliest", "-X", "auto.commit.interval.ms=500",
		"-X", "partition.assignment.strategy=" + cmp.Or(r.Assignor, "range"), "-X", "queued.min.messages=1", "-u",
		"-X", fmt.Sprintf("session.timeout.ms=%d", r.SessionMs), "-X", fmt.Sprintf("heartbeat.interval.ms=%d", r.HeartbeatMs)}
	if r.Max > 0 {
		args = append(args, "-c", strconv.Itoa(r.Max))
	}
	cmd := kcat(append(args, r.Topic)...)
	told, err := rebalances(s, cmd)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { // SIGINT makes kcat commit and leave
		for !s.Stopped() {
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		_ = cmd.Process.Signal(syscall.SIGINT)
	}()
	pace := line.NewPace(r.RateMax)
	err = eachMessage(cmd, func(m message) bool {
		pace.Wait()
		s.Emit(m.event())
		s.Flush()
		return true
	})
	close(ended)
	<-told
	var exit *exec.ExitError
	if s.Stopped() && errors.As(err, &exit) {
		err = nil // ended by our signal
	}
	return nil, err
}

// kcat says it in two ways: all partitions of the member, or those that came or
// went with a cooperative assignor.
var (
	rebalance   = regexp.MustCompile(`% Group \S+ rebalanced \(memberid .*\): (assigned|revoked): ?(.*)`)
	incremental = regexp.MustCompile(`% Group \S+ rebalanced: incremental (assignment|revoke) of .* rebalance protocol\): ?(.*)`)
	kinds       = map[string]string{"assigned": line.Assigned, "assignment": line.Assigned, "revoked": line.Revoked, "revoke": line.Revoked}
)

// rebalances turns what kcat says on stderr into events. The channel is closed
// at the end of stderr.
func rebalances(s *line.Session, cmd *exec.Cmd) (<-chan struct{}, error) {
	cmd.Stderr = nil
	text, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(text)
		for lines.Scan() {
			m := rebalance.FindStringSubmatch(lines.Text())
			if m == nil {
				m = incremental.FindStringSubmatch(lines.Text())
			}
			if m == nil {
				fmt.Fprintln(os.Stderr, lines.Text())
				continue
			}
			s.Emit(line.Event{E: kinds[m[1]], Ps: partitionsOf(m[2])})
		}
		_, _ = io.Copy(io.Discard, text)
	}()
	return done, nil
}

// partitionsOf reads "topic [0], topic [1]".
func partitionsOf(text string) []int32 {
	var all []int32
	for _, one := range strings.Split(text, ",") {
		_, number, _ := strings.Cut(one, "[")
		number, _, _ = strings.Cut(number, "]")
		if n, err := strconv.Atoi(number); err == nil {
			all = append(all, int32(n))
		}
	}
	return all
}
