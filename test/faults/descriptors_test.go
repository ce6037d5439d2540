//go:build linux

package faults

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// limited is a broker with so many file descriptors.
func limited(t *testing.T, descriptors int) *broker {
	t.Helper()
	b := newBroker(t, "offsets.topic.num.partitions=4")
	b.wrap = []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, descriptors), "sh"}
	b.start()
	return b
}

// connect opens connections until the system takes no more, or n, and closes them again.
func connect(t *testing.T, address string, n int) {
	t.Helper()
	var conns []net.Conn
	for range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break // refused, which is an answer too
		}
		conns = append(conns, conn)
	}
	t.Logf("%d connections were taken by the system", len(conns))
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// The log keeps 64 descriptors to itself, so with 64 there is hardly one for clients: they are refused, and the broker
// lives.
func TestHardlyAnyFileDescriptor(t *testing.T) {
	b := limited(t, 64)
	connect(t, b.address, 200)
	conn, err := net.Dial("tcp", b.address)
	switch {
	case err == nil:
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")) // refused at once or for what it says
		closed(t, conn)
	case !errors.Is(err, syscall.ECONNRESET): // that is to be refused before Dial has seen that the system took it
		t.Fatal(err)
	}
	b.signal(syscall.SIGTERM)
	b.ends()
	if b.err != nil {
		t.Errorf("the broker ends with %v\n%s", b.err, b.stderr)
	}
	b.wrap = nil
	b.start()
	serves(t, b.address, "orders")
}

// With few descriptors the broker serves some clients and refuses others, and serves more partitions than it has
// descriptors for.
func TestFewFileDescriptors(t *testing.T) {
	b := limited(t, 160)
	createTopic(t, b.address, "orders", 1)
	c := client(t, b.address)
	produce(t, c, "orders", "v", 10)
	connect(t, b.address, 300)
	b.alive()
	if got := consume(t, b.address, "orders", 10); got[9] != "v9" {
		t.Errorf("the tenth record is %q", got[9])
	}
	for i := range 20 {
		topic := fmt.Sprint("wide", i)
		createTopic(t, b.address, topic, 10)
		produce(t, c, topic, "w", 30)
		b.alive()
	}
	for i := range 20 {
		if got := len(consume(t, b.address, fmt.Sprint("wide", i), 30)); got != 30 {
			t.Errorf("wide%d has %d records, want 30", i, got)
		}
	}
	b.kill()
	b.start()
	if got := len(consume(t, b.address, "wide19", 30)); got != 30 {
		t.Errorf("wide19 has %d records after a restart, want 30", got)
	}
}
