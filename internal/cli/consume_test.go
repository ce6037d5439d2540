package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/skein-io/skein"
)

// openNode starts a broker for one test.
func openNode(t *testing.T, set ...string) *skein.Node {
	t.Helper()
	node, err := skein.Open(skein.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Set: append([]string{
		"offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0"}, set...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Close() })
	return node
}

// command runs to its end and returns stdout.
func command(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), args, strings.NewReader(stdin), &out, &errs); code != exitOK {
		t.Fatalf("skein %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// An interrupted consumer has committed what it printed, and is not in the group any more.
func TestInterruptedConsumerCommitsAndLeaves(t *testing.T) {
	at := "--bootstrap-server=" + openNode(t).Bootstrap()
	command(t, "a\nb\nc\n", "produce", "t", at, "-q")

	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	read, written := io.Pipe()
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"consume", "t", at, "--group", "g", "--from-beginning"}, strings.NewReader(""), written, &errs)
		_ = written.Close()
	}()
	lines := bufio.NewScanner(read)
	for _, want := range []string{"a", "b", "c"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("%q, want %q", lines.Text(), want)
		}
	}
	interrupt()
	if code := <-ended; code != exitOK {
		t.Fatalf("exit code %d\n%s", code, errs.String())
	}
	var groups []describedGroup
	if err := json.Unmarshal([]byte(command(t, "", "group", "describe", "g", at, "-o", "json")), &groups); err != nil {
		t.Fatal(err)
	}
	g := groups[0]
	if g.State != "Empty" || len(g.Members) != 0 || len(g.Offsets) != 1 || *g.Offsets[0].Committed != 3 || g.Lag != 0 {
		t.Errorf("%+v", g)
	}
}

// An interrupted producer has stored what it read, and does not wait for more.
func TestInterruptedProducerStoresWhatItRead(t *testing.T) {
	at := "--bootstrap-server=" + openNode(t).Bootstrap()
	command(t, "", "topic", "create", "t", at)
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	stdin, typed := io.Pipe()
	defer typed.Close()
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() { ended <- run(ctx, []string{"produce", "t", at}, stdin, io.Discard, &errs) }()
	if _, err := typed.Write([]byte("first\n")); err != nil {
		t.Fatal(err)
	}
	// The record is read when it can be consumed; the command then waits for the next line.
	if got := command(t, "", "consume", "t", at, "-q", "--from-beginning", "--max", "1", "--timeout", "2m"); got != "first\n" {
		t.Fatalf("%q", got)
	}
	interrupt()
	if code := <-ended; code != exitFailed || !strings.Contains(errs.String(), "interrupted; what was read before is stored") {
		t.Errorf("exit code %d\n%s", code, errs.String())
	}
}

// A broker that goes away ends a producer within --delivery-timeout, with what was not stored.
func TestProducerGivesUp(t *testing.T) {
	t.Parallel() // it waits
	node := openNode(t)
	at := "--bootstrap-server=" + node.Bootstrap()
	command(t, "", "topic", "create", "t", at)
	stdin, typed := io.Pipe()
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		ended <- run(context.Background(), []string{"produce", "t", at, "--delivery-timeout", "20s"}, stdin, io.Discard, &errs)
	}()
	if _, err := typed.Write([]byte("first\n")); err != nil {
		t.Fatal(err)
	}
	if got := command(t, "", "consume", "t", at, "-q", "--from-beginning", "--max", "1", "--timeout", "2m"); got != "first\n" {
		t.Fatalf("%q", got)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := typed.Write([]byte("second\n")); err != nil {
		t.Fatal(err)
	}
	_ = typed.Close()
	if code := <-ended; code != exitFailed || !strings.Contains(errs.String(), "record 2 failed: nothing was stored for the time of --delivery-timeout") {
		t.Errorf("exit code %d\n%s", code, errs.String())
	}
}

func TestFinishKnowsTheEnd(t *testing.T) {
	reached := 0
	f := newFinish(func() { reached++ })
	f.give(0, 3, 5)
	f.give(1, 2, 2)
	f.give(2, 0, 1)
	if f.given(); reached != 0 {
		t.Fatal("at the end before anything was read")
	}
	f.passed(0, 4)
	f.passed(0, 7) // compaction took 4 and 5
	f.passed(7, 2)
	if reached != 0 {
		t.Fatal("at the end with partition 2 unread")
	}
	f.revoked([]int32{2})
	if f.given(); reached != 1 {
		t.Errorf("reached %d times", reached)
	}
}
