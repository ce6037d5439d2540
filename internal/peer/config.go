package peer

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// Dial makes a connection to an address of the form host:port. It returns when ctx ends.
type Dial func(ctx context.Context, address string) (net.Conn, error)

// Config is what a Peer is told when it is made. What is 0 or nil has the default that is given with it.
type Config struct {
	Node            string // what errors and the log call the other node; default "the node"
	ClientID        string // "skein-" and this node's id
	SoftwareVersion string // of this build, told in ApiVersions (KIP-511); default "dev"
	Dial            Dial   // default TCP

	// RequestTimeout is the time from Ask to the answer; default 30 s. A request that was sent and has no answer by then
	// fails, and the connection is closed.
	RequestTimeout time.Duration
	ConnectTimeout time.Duration // to connect and to learn the other node's versions; default 10 s
	// BackoffMin and BackoffMax bound the pause after an attempt to connect that failed: it doubles from attempt to
	// attempt, and is cut at random to something between half and all of itself. Defaults 50 ms and 1 s.
	BackoffMin, BackoffMax time.Duration
	// IdleMax is the longest time without a byte after which a connection is still trusted with a request; the other
	// node ends connections that idle (connections.max.idle.ms). Default 5 min.
	IdleMax time.Duration

	InFlightMax   int // requests sent and not answered; more wait. Default 100
	QueueMax      int // requests that wait to be sent; more are refused. Default 1000
	FrameBytesMax int // of a request or a response, without its length; default 100 MiB

	Random func() float64 // for the pauses, in [0,1), from one goroutine at a time; default math/rand/v2
	Logger *slog.Logger   // default none
	// OnDown is told, on a goroutine of the Peer, why a connection ended that had been ready for use, after the requests
	// on it have failed; not when Close ended it. It must not wait.
	OnDown func(error)
}

func (c Config) completed() Config {
	orString(&c.Node, "the node")
	c.SoftwareVersion = softwareVersion(c.SoftwareVersion)
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	orNumber(&c.RequestTimeout, 30*time.Second)
	orNumber(&c.ConnectTimeout, 10*time.Second)
	orNumber(&c.BackoffMin, 50*time.Millisecond)
	orNumber(&c.BackoffMax, time.Second)
	orNumber(&c.IdleMax, 5*time.Minute)
	orNumber(&c.InFlightMax, 100)
	orNumber(&c.QueueMax, 1000)
	orNumber(&c.FrameBytesMax, 100<<20)
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnDown == nil {
		c.OnDown = func(error) {}
	}
	return c
}

func orString(s *string, otherwise string) {
	if *s == "" {
		*s = otherwise
	}
}

func orNumber[N int | time.Duration](n *N, otherwise N) {
	if *n <= 0 {
		*n = otherwise
	}
}

// backoff is the pause after so many failures in a row, at least one.
func (c *Config) backoff(failures int) time.Duration {
	pause := c.BackoffMin
	for range failures - 1 {
		if pause >= c.BackoffMax/2 {
			pause = c.BackoffMax
			break
		}
		pause *= 2
	}
	pause = min(pause, c.BackoffMax)
	return pause/2 + time.Duration(c.Random()*float64(pause/2))
}
