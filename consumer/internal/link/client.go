package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// client is a kgo client that learns about nodes within a bound.
//
// By itself kgo asks for nodes with no bound in time. Such a question on a connection that a broker throttles (KIP-219) is not
// sent before the pause is over, and whatever else is for that node waits behind it, even if the connection is gone
// long ago: nobody reads from it. So kgo is not asked to; client asks, and a question that is not sent in time ends the connection.
type client struct {
	*kgo.Client
	timeout   time.Duration
	refreshes atomic.Bool
	nodes     atomic.Pointer[map[int32]bool] // that kgo knows: those of the last answer to Metadata

	open  context.Context // ends with Close
	end   context.CancelFunc
	mu    sync.Mutex
	ended bool // nothing is begun any more
	begun sync.WaitGroup
}

// newClient makes a client; timeout is how long a question for nodes may take.
func newClient(timeout time.Duration, options ...kgo.Opt) (*client, error) {
	cl, err := kgo.NewClient(append(options, kgo.MetadataMaxAge(time.Hour))...) // kgo allows no more
	if err != nil {
		return nil, fmt.Errorf("consumer: options of the connections: %w", err)
	}
	c := &client{Client: cl, timeout: timeout}
	c.open, c.end = context.WithCancel(context.Background())
	return c, nil
}

// begin runs f on a goroutine that Close waits for. It reports whether the client is open.
func (c *client) begin(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.begun.Go(f)
	}
	return !c.ended
}

// Close ends all connections, and waits for what was asked over them; not for long, for a question that a broker throttles
// may stay in kgo.
func (c *client) Close() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.end()
	c.Client.Close()
	all := make(chan struct{})
	go func() {
		c.begun.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(lastWord):
	}
}

// refresh has the client ask for the nodes in the background, unless it does already: one may have another address now.
func (c *client) refresh() {
	if !c.refreshes.CompareAndSwap(false, true) {
		return
	}
	c.begin(func() {
		defer c.refreshes.Store(false)
		_ = c.askNodes(c.open) // who needs them asks again
	})
}

// learn asks for the nodes if this one is not known, for kgo would do so by itself.
func (c *client) learn(ctx context.Context, node int32) error {
	if c.knows(node) {
		return nil
	}
	if err := c.askNodes(ctx); err != nil {
		return err
	}
	if !c.knows(node) {
		return errUnknownNode
	}
	return nil
}

func (c *client) knows(node int32) bool {
	nodes := c.nodes.Load()
	return nodes != nil && (*nodes)[node]
}

// askNodes asks any node for all nodes. kgo remembers what the answer to Metadata says of them.
func (c *client) askNodes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none
	_, err := c.any(ctx, req)
	return err
}

// to sends a request to a node.
func (c *client) to(ctx context.Context, node int32, req kmsg.Request) (kmsg.Response, error) {
	if err := c.learn(ctx, node); err != nil {
		return nil, err
	}
	return c.Broker(int(node)).Request(ctx, req)
}

// any is Request to any node, which waits beyond its ctx while a broker throttles the connection.
func (c *client) any(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	type answer struct {
		resp kmsg.Response
		err  error
	}
	answers := make(chan answer, 1)
	open := c.begin(func() {
		resp, err := c.Request(ctx, req)
		if m, ok := resp.(*kmsg.MetadataResponse); ok && err == nil {
			nodes := make(map[int32]bool, len(m.Brokers))
			for _, b := range m.Brokers {
				nodes[b.NodeID] = true
			}
			c.nodes.Store(&nodes)
		}
		answers <- answer{resp, err}
	})
	if !open {
		return nil, kgo.ErrClientClosed
	}
	select {
	case a := <-answers:
		return a.resp, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answers: // why the last try failed
		return a.resp, a.err
	case <-time.After(lastWord):
		return nil, ctx.Err()
	}
}

// lastWord is how long kgo has to say why it did not get an answer in time, or to end.
const lastWord = 100 * time.Millisecond

// errUnknownNode is for a request to a node of which no other node tells.
var errUnknownNode = errors.New("unknown broker")
