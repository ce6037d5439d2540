//go:build linux

package faults

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// SIGTERM ends the process with code 0, with clients in every state connected.
func TestTerminatesWithClientsConnected(t *testing.T) {
	b := newBroker(t)
	b.start()
	createTopic(t, b.address, "orders", 3)
	idle := dial(t, b.address)
	producer := client(t, b.address)
	produce(t, producer, "orders", "v", 20)
	member := client(t, b.address, kgo.ConsumerGroup("readers"), kgo.ConsumeTopics("orders"), kgo.FetchMaxWait(30*time.Second))
	if got := member.PollFetches(background(t)).NumRecords(); got == 0 {
		t.Fatal("the member reads nothing")
	}
	polling, stop := context.WithCancel(context.Background())
	defer stop()
	polled := make(chan struct{})
	go func() { // a long poll is under way when the signal comes, and goes on after it
		defer close(polled)
		for polling.Err() == nil {
			member.PollFetches(polling)
		}
	}()
	b.signal(syscall.SIGTERM)
	begun := time.Now()
	b.ends()
	t.Logf("ended %v after SIGTERM", time.Since(begun).Round(time.Millisecond))
	if b.err != nil {
		t.Errorf("the broker ends with %v\n%s", b.err, b.stderr)
	}
	closed(t, idle)
	stop()
	<-polled
	b.start()
	if got := len(consume(t, b.address, "orders", 20)); got != 20 {
		t.Errorf("%d records after the restart, want 20", got)
	}
}

// A process that is stopped and continued goes on as if nothing had been: no record is lost, the group stays.
func TestStoppedAndContinued(t *testing.T) {
	b := newBroker(t)
	b.start()
	createTopic(t, b.address, "orders", 1)
	producer := client(t, b.address)
	produce(t, producer, "orders", "before", 10)
	b.signal(syscall.SIGSTOP)
	acknowledged := make(chan error, 20)
	for i := range 20 {
		r := &kgo.Record{Topic: "orders", Value: fmt.Appendf(nil, "during%d", i)}
		producer.Produce(context.Background(), r, func(_ *kgo.Record, err error) { acknowledged <- err })
	}
	select {
	case err := <-acknowledged:
		t.Fatalf("a stopped broker acknowledges: %v", err)
	case <-time.After(300 * time.Millisecond): // it cannot, however long this is
	}
	b.signal(syscall.SIGCONT)
	for range 20 {
		if err := <-acknowledged; err != nil {
			t.Fatal(err)
		}
	}
	values := consume(t, b.address, "orders", 30)
	for i, v := range values[10:] {
		if want := fmt.Sprint("during", i); v != want {
			t.Fatalf("record %d is %q, want %q", 10+i, v, want)
		}
	}
}
