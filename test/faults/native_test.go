//go:build linux

package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/sim/check"
)

// What librdkafka does in the load: a producer of its own, and a group of its own.
const (
	nativeProducer = "rdkafka"
	nativeGroup    = "rdkafka-readers"
	nativeMembers  = 2
)

// buildNative compiles native/client.c once; an empty name says that this machine has no compiler or no librdkafka.
var buildNative = sync.OnceValues(func() (string, error) {
	program := filepath.Join(filepath.Dir(binary), "client")
	out, err := exec.Command("cc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", program, "native/client.c", "-lrdkafka").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// native is a client of librdkafka in a process of its own.
type native struct {
	t       *testing.T
	name    string
	stdin   io.WriteCloser
	done    chan struct{} // history is complete
	history []check.Operation
	failed  error
	stderr  *output
}

// addNatives starts a producer and a group of librdkafka, if there is one here.
func (l *load) addNatives(c *cluster) {
	l.t.Helper()
	program, err := buildNative()
	if err != nil {
		l.t.Logf("librdkafka takes no part: on Debian, apt-get install gcc librdkafka-dev (%.200v)", err)
		return
	}
	var seeds []string
	for _, b := range c.nodes {
		seeds = append(seeds, b.address)
	}
	own := []string{"bootstrap.servers=" + strings.Join(seeds, ","), "socket.timeout.ms=3000", "socket.connection.setup.timeout.ms=1000",
		"topic.metadata.refresh.interval.ms=5000", "reconnect.backoff.max.ms=1000"}
	if os.Getenv(clientLogs) != "" {
		own = append(own, "debug=metadata,broker,topic,cgrp,protocol")
	}
	var wrap []string
	if c.net != nil {
		wrap = c.net.wrap(c.net.clients)
	}
	produce := append([]string{program, "produce", nativeProducer, killTopic, fmt.Sprint(killPartitions)}, own...)
	l.expectSends(nativeProducer)
	l.expectGroup(nativeGroup)
	l.addNative(nativeProducer, append(wrap, append(produce, "request.timeout.ms=2000", "linger.ms=2", "retry.backoff.ms=20")...))
	for i := range nativeMembers {
		name := fmt.Sprint("rdmember", i)
		l.addNative(name, append(wrap, append([]string{program, "consume", name, killTopic, nativeGroup}, own...)...))
	}
}

func (l *load) addNative(name string, args []string) {
	l.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n := &native{t: l.t, name: name, done: make(chan struct{}), stderr: new(output)}
	cmd.Stderr = io.MultiWriter(n.stderr, clientLog(l.t, name))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	n.stdin = stdin
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-n.done
	})
	l.natives = append(l.natives, n)
	go func() {
		defer close(n.done)
		n.failed = n.read(stdout, &l.pulse)
		if err := cmd.Wait(); n.failed == nil {
			n.failed = err
		}
	}()
}

// read takes the history as it comes.
func (n *native) read(stdout io.Reader, p *pulse) error {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var o check.Operation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return fmt.Errorf("%w in %.200q", err, lines.Bytes())
		}
		n.history = append(n.history, o)
		switch {
		case o.Kind == check.Send && o.Outcome != check.OK:
			n.t.Errorf("%s gives %s up: %s", n.name, o.Records[0].Value, o.Error)
		case o.Kind == check.Send:
			p.beat(work{kind: check.Send, process: n.name, partition: o.Records[0].Index}, o.Invoked, o.Completed)
		case o.Kind == check.Poll:
			for _, r := range o.Records {
				p.beat(work{kind: check.Poll, group: nativeGroup, partition: r.Index}, o.Invoked, o.Completed)
			}
		case o.Kind == check.Commit && o.Outcome == check.OK:
			p.beat(work{kind: check.Commit, group: o.Group}, o.Invoked, o.Completed)
		}
	}
	return lines.Err()
}

// stop ends the client. A producer waits for all acknowledgements before.
func (n *native) stop() {
	n.t.Helper()
	_ = n.stdin.Close()
	select {
	case <-n.done:
	case <-time.After(patience):
		n.t.Fatalf("%s does not end within %v\n%s", n.name, patience, n.stderr)
	}
	if n.failed != nil {
		n.t.Errorf("%s: %v\n%s", n.name, n.failed, n.stderr)
	}
}
