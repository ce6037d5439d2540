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
	// spinMax is how many requests a client may make without a pause of quiet between two: with the network's latency, for 20 s.
	spinMax = 10_000
	quiet   = 10 * time.Millisecond
	// From latencyAfter requests without a pause on the network takes latency. franz-go fetches again at once where one partition
	// of several has an error, until it has metadata anew. A refusal of NOT_LEADER_OR_FOLLOWER that names the leader ends that
	// (KIP-951). Two do not: FENCED_LEADER_EPOCH, from which it does not take the leader, and UNKNOWN_LEADER_EPOCH, from a node that
	// knows less than the client. Kafka's broker answers both at once too. Without latency no time would pass meanwhile, and the
	// metadata would never come.
	latencyAfter = 20
	latency      = 2 * time.Millisecond
)

// spin watches one client for what a broker should not answer at once, or a client not repeat without a pause. It ends the
// process, for the run might never end.
type spin struct {
	world *world
	name  string

	mu    sync.Mutex
	last  time.Time
	count int
}

// OnBrokerE2E counts an answer (kgo.HookBrokerE2E).
func (s *spin) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, _ kgo.BrokerE2E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.last) >= quiet {
		s.count = 0
	}
	s.last = now
	s.count++
	if s.count > spinMax {
		s.world.journal.note("%s makes %s requests without a pause", s.name, kmsg.NameForKey(key))
	}
	if s.count > spinMax+20 {
		_, _ = fmt.Fprintf(os.Stderr, "seed %d: %s makes %s requests without a pause\n%s", s.world.options.seed, s.name, kmsg.NameForKey(key), s.world.journal)
		os.Exit(2)
	}
}

// without is how many requests were answered without a pause.
func (s *spin) without() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.last) >= quiet {
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
	if c.spin.without() > latencyAfter {
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
	if c.spin.without() > spinMax {
		c.spin.world.journal.note("%s %s %s: %x", c.spin.name, what, c.RemoteAddr(), b[:min(len(b), 1000)])
	}
}
