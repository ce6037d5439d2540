package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Options are how a Client reaches a cluster.
type Options struct {
	// ZooKeeper are the host:port of the quorum.
	ZooKeeper []string
	// Root is HBase's znode; empty means /hbase.
	Root string
	// User is who HBase is told is calling; empty means skein. It proves nothing: there is no authentication.
	User string
	// CallTimeout bounds one call of one server, connecting included; 0 means 20 s.
	CallTimeout time.Duration
	// RetryTimeout is for how long what may pass is tried again: a region that moves, a server that is gone or busy; 0 means
	// 90 s. The context of a call may be shorter.
	RetryTimeout time.Duration
	// BatchBytes is about how large one request is; a batch becomes several if it is larger. 0 means 2 MiB.
	BatchBytes int
	// RequestMax is the largest row that is sent, in bytes; 0 means 128 MiB. The servers' hbase.ipc.max.request.size, 256 MiB by
	// default, must be larger: HBase closes the connection on what is not.
	RequestMax int
	// AnswerMax is the largest answer that is taken from a server, in bytes; 0 means 64 MiB.
	AnswerMax uint32
	// Dial connects to HBase's servers; nil means a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client is a way to an HBase cluster. Its methods may be called from several goroutines at the same time.
type Client struct {
	options Options
	regions regions
	lookup  chan struct{}   // holds one token: who has it asks hbase:meta
	life    context.Context // ends with Close, and with it what waits
	end     context.CancelFunc

	mu    sync.Mutex
	conns map[string]*slot
}

// slot holds the connection to one server for one service. Its token is held while a connection is made.
type slot struct {
	token chan struct{}
	conn  *conn
}

// Open prepares a Client. It connects when it is first used.
func Open(o Options) (*Client, error) {
	if len(o.ZooKeeper) == 0 {
		return nil, errors.New("HBase needs the addresses of ZooKeeper")
	}
	if o.Root == "" {
		o.Root = "/hbase"
	}
	if o.User == "" {
		o.User = "skein"
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 20 * time.Second
	}
	if o.RetryTimeout <= 0 {
		o.RetryTimeout = 90 * time.Second
	}
	if o.BatchBytes <= 0 {
		o.BatchBytes = 2 << 20
	}
	if o.RequestMax <= 0 {
		o.RequestMax = 128 << 20
	}
	o.BatchBytes = min(o.BatchBytes, o.RequestMax)
	if o.AnswerMax == 0 {
		o.AnswerMax = 64 << 20
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	c := &Client{options: o, regions: newRegions(), lookup: make(chan struct{}, 1), conns: map[string]*slot{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the connections. Calls that wait fail with ErrClosed.
func (c *Client) Close() error {
	c.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.conns {
		if s.conn != nil {
			s.conn.fail(ErrClosed)
		}
	}
	return nil
}

const (
	regionService = "ClientService"
	masterService = "MasterService"
)

// connect returns the connection to a server, and makes it if there is none that works.
func (c *Client) connect(ctx context.Context, addr, service string) (*conn, error) {
	key := service + " " + addr
	for {
		s, ready, err := c.slot(key)
		if ready != nil || err != nil {
			return ready, err
		}
		select {
		case s.token <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		now, ready, err := c.slot(key)
		if now == s && ready == nil && err == nil {
			ready, err = c.fill(ctx, s, key, addr, service)
		}
		<-s.token
		if ready != nil || err != nil {
			return ready, err
		}
	}
}

// slot returns the slot of a server, and the connection in it if that works: somebody may have made it, or have taken the slot
// away, while another waited for its token.
func (c *Client) slot(key string) (*slot, *conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return nil, nil, ErrClosed
	}
	s := c.conns[key]
	if s == nil {
		s = &slot{token: make(chan struct{}, 1)}
		c.conns[key] = s
	}
	if s.conn != nil && s.conn.alive() {
		return s, s.conn, nil
	}
	return s, nil, nil
}

// fill makes the connection of a slot, whose token is held.
func (c *Client) fill(ctx context.Context, s *slot, key, addr, service string) (*conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	made, err := dialConn(ctx, &c.options, addr, service)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.life.Err() != nil:
		if err == nil {
			made.fail(ErrClosed)
		}
		return nil, ErrClosed
	case err != nil:
		delete(c.conns, key) // servers come and go, and their ports with them
		return nil, err
	}
	s.conn = made
	return made, nil
}

// ask calls a server once.
func (c *Client) ask(ctx context.Context, addr, service, method string, message func([]byte) []byte) ([]byte, error) {
	k, err := c.connect(ctx, addr, service)
	if err != nil {
		return nil, err
	}
	return k.call(ctx, method, c.options.CallTimeout, message)
}

// patience tries again what may pass.
type patience struct {
	ctx   context.Context
	life  context.Context
	until time.Time
	pause time.Duration
}

func (c *Client) patience(ctx context.Context) *patience {
	return &patience{ctx: ctx, life: c.life, until: time.Now().Add(c.options.RetryTimeout)}
}

// progress makes the next wait a short one again.
func (p *patience) progress() { p.pause = 0 }

// wait waits before the next try, longer each time; it returns an error if there is no time for one. cause is what the last
// try ended with.
func (p *patience) wait(cause error) error {
	p.pause = min(max(2*p.pause, 5*time.Millisecond), time.Second)
	if time.Now().Add(p.pause).After(p.until) {
		return fmt.Errorf("%w: %w", ErrUnavailable, cause)
	}
	timer := time.NewTimer(p.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.life.Done():
		return ErrClosed
	case <-p.ctx.Done():
		return fmt.Errorf("%w (%w)", p.ctx.Err(), cause)
	}
}
