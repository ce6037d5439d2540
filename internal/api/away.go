package api

import (
	"errors"
	"sync/atomic"

	"github.com/skein-io/skein/internal/partition"
)

// Away is what a connection remembers of its client having been sent away from a partition that this node cannot serve any
// more and whose new leader, if there is one, it does not know (partition.ForsakenError).
//
// Such a client asks who leads, or coordinates. Many ask the node again that they have a connection to, which names itself, and
// so they stay for as long as the node is cut off: librdkafka does. So that question ends the connection, and the client asks
// another node. The first question of a new connection is answered as it always was: the last node of several can still be read.
//
// Kafka's brokers answer from their last image, and keep such clients. The methods may be called concurrently.
type Away struct {
	from atomic.Pointer[partition.Partition]
}

// note remembers what an error says.
func (a *Away) note(err error) {
	if a == nil {
		return
	}
	if forsaken, ok := errors.AsType[*partition.ForsakenError](err); ok {
		a.from.Store(forsaken.Partition)
	}
}

// still is why the client has to ask another node, or nil.
func (a *Away) still() error {
	if a == nil {
		return nil
	}
	from := a.from.Load()
	if from == nil {
		return nil
	}
	if err := from.Forsaken(); err != nil {
		return err
	}
	a.from.CompareAndSwap(from, nil)
	return nil
}

// sendsAway ends the connection of a client that asks where to go, if it has been told to go and this node knows no better yet.
func (n *Node) sendsAway(c *Call) bool {
	err := c.Client.Away.still()
	if err == nil {
		return false
	}
	n.fail(c, err)
	c.Close("the client was sent away, and asks here for the way: " + err.Error())
	return true
}
