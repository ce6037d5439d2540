package nemesis

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// spinMax is how many requests a client may make while no time passes. A broker that answers at once what should wait, or
	// an error that a client repeats without a pause, would stop the bubble's clock for good.
	spinMax = 3000
	// From latencyAfter requests in an instant on the network takes latency: franz-go fetches again at once when a partition
	// has a new leader, until its next metadata.
	latencyAfter = 20
	latency      = 2 * time.Millisecond
)

// spin watches one client for that. It ends the process, for the run would never end: nothing else can tell of it.
type spin struct {
	world *world
	name  string

	mu      sync.Mutex
	instant time.Time
	count   int
}

// OnBrokerE2E counts an answer (kgo.HookBrokerE2E).
func (s *spin) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, _ kgo.BrokerE2E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); !now.Equal(s.instant) {
		s.instant, s.count = now, 0
	}
	s.count++
	if s.count > spinMax {
		s.world.journal.note("%s makes %s requests without a pause", s.name, kmsg.NameForKey(key))
	}
	if s.count > spinMax+20 {
		_, _ = fmt.Fprintf(os.Stderr, "seed %d: %s makes %s requests without a pause\n%s", s.world.options.seed, s.name, kmsg.NameForKey(key), s.world.journal)
		os.Exit(2)
	}
}

// inAnInstant is how many requests were answered since time has passed.
func (s *spin) inAnInstant() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Equal(s.instant) {
		return 0
	}
	return s.count
}

func (s *spin) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.world.node.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return spinning{conn, s}, nil
}

// spinning is a connection that writes down what goes over it while the client spins.
type spinning struct {
	net.Conn
	spin *spin
}

func (c spinning) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.spin.inAnInstant() > latencyAfter {
		time.Sleep(latency)
	}
	c.write("reads", b[:n])
	return n, err
}

func (c spinning) Write(b []byte) (int, error) {
	c.write("writes", b)
	return c.Conn.Write(b)
}

func (c spinning) write(what string, b []byte) {
	if c.spin.inAnInstant() > spinMax {
		c.spin.world.journal.note("%s %s %s: %x", c.spin.name, what, c.RemoteAddr(), b[:min(len(b), 1000)])
	}
}
