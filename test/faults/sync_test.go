//go:build linux

package faults

import (
	"context"
	"fmt"
	"os/exec"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestSyncFails lets fdatasync fail, injected by strace: nothing is acknowledged from then on, the broker ends and says
// why, and after a restart everything that was acknowledged is there. The kill -9 that a supervisor might send in place
// of it, and a loss of power after it, are in internal/sim/onenode.
func TestSyncFails(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Log("strace is not installed: the simulated disk (internal/sim/onenode, planted and real sync failures) stands in for it")
		return
	}
	for _, from := range []int{8, 15, 40} {
		t.Run(fmt.Sprintf("from call %d of a thread on", from), func(t *testing.T) {
			b := newBroker(t, "offsets.topic.num.partitions=1")
			b.wrap = []string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,syncfs",
				"-e", fmt.Sprintf("inject=fdatasync,syncfs:error=EIO:when=%d+", from), "--"}
			b.start()
			acked := produceUntilTheEnd(t, b)
			b.ends()
			if b.err == nil {
				t.Errorf("the broker ends with code 0 although a sync failed\n%s", b.stderr)
			}
			says(t, b.stderr.String(), "log directory is offline", "input/output error")
			t.Logf("%d records were acknowledged", acked)
			b.wrap = nil
			b.start()
			if acked == 0 {
				serves(t, b.address, "other")
				return
			}
			for i, v := range consume(t, b.address, "orders", acked)[:acked] {
				if want := fmt.Sprint("r", i); v != want {
					t.Fatalf("record %d is %q, want %q", i, v, want)
				}
			}
		})
	}
}

// produceUntilTheEnd sends records one after the other until the broker has ended, and returns how many were acknowledged.
func produceUntilTheEnd(t *testing.T, b *broker) int {
	t.Helper()
	c := client(t, b.address, kgo.AllowAutoTopicCreation(), kgo.RetryBackoffFn(briefly))
	defer c.Close()
	go func() { // an idempotent record whose outcome nobody knows waits for its broker, whatever its context says
		<-b.exited
		c.Close()
	}()
	for i := 0; ; i++ {
		r := &kgo.Record{Topic: "orders", Value: fmt.Append(nil, "r", i)}
		if err := c.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			return i
		}
		if i > 100_000 {
			t.Fatal("no sync fails")
		}
	}
}
