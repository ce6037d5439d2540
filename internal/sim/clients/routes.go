package clients

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim/check"
)

// routes is where a client takes partitions to be led and groups to be coordinated. It asks any broker, and asks again when
// a broker says that it is not the one, or nothing.
type routes struct {
	leaders      map[check.Partition]int // the number of a broker
	coordinators map[string]int
	finding      map[string][]func(int) // who waits for the coordinator of a group
	watched      []string               // topics beside that of the run
	asking       bool
}

// any is a broker, whichever.
func (c *Client) any() int {
	if len(c.wires) == 1 {
		return 0
	}
	return c.rand.IntN(len(c.wires))
}

// leader is the broker that is asked about a partition: the one that leads as far as is known, else any.
func (c *Client) leader(p check.Partition) int {
	if broker, ok := c.leaders[p]; ok {
		return broker
	}
	c.refresh()
	return c.any()
}

// refresh asks who leads.
func (c *Client) refresh() {
	if len(c.wires) == 1 || c.asking {
		return
	}
	c.asking = true
	q := protocol.NewMetadataRequest()
	q.AllowAutoTopicCreation = false
	q.Topics = []protocol.MetadataRequestTopic{{Name: &c.World.Topic}}
	for _, topic := range c.watched {
		q.Topics = append(q.Topics, protocol.MetadataRequestTopic{Name: &topic})
	}
	c.ask(c.any(), q, RequestTimeout/4, func(answer protocol.Message, err error) {
		c.asking = false
		if err != nil {
			return
		}
		r := answer.(*protocol.MetadataResponse)
		brokers := map[int32]int{}
		for _, b := range r.Brokers {
			brokers[b.NodeID] = c.number(b.Host, b.Port)
		}
		c.leaders = map[check.Partition]int{}
		for i := range r.Topics {
			for _, p := range r.Topics[i].Partitions {
				if broker, ok := brokers[p.LeaderID]; ok {
					c.leaders[check.Partition{Topic: text(r.Topics[i].Name), Index: p.PartitionIndex}] = broker
				}
			}
		}
	})
}

// number is the number of the broker at an address.
func (c *Client) number(host string, port int32) int {
	address := fmt.Sprintf("%s:%d", host, port)
	for i, a := range c.World.Addresses {
		if a == address {
			return i
		}
	}
	panic("clients: no broker is at " + address)
}

// misled notes what a broker says, or that it says nothing: whoever it was taken for, it is not.
func (c *Client) misled(p check.Partition, code protocol.Code, err error) {
	switch {
	case err == nil && code != protocol.NotLeaderOrFollower && code != protocol.UnknownTopicOrPartition && code != protocol.FencedLeaderEpoch &&
		code != protocol.UnknownLeaderEpoch && code != protocol.KafkaStorageError:
		return
	}
	delete(c.leaders, p)
	c.refresh()
}

// coordinator calls then with the broker that coordinates a group, when one says so.
func (c *Client) coordinator(group string, then func(broker int)) {
	if broker, ok := c.coordinators[group]; ok {
		then(broker)
		return
	}
	if c.finding == nil {
		c.finding = map[string][]func(int){}
	}
	c.finding[group] = append(c.finding[group], then)
	if len(c.finding[group]) == 1 {
		c.find(group)
	}
}

// find asks until a broker says who coordinates a group.
func (c *Client) find(group string) {
	q := protocol.NewFindCoordinatorRequest()
	q.CoordinatorKeys = []string{group}
	c.ask(c.any(), q, RequestTimeout, func(answer protocol.Message, err error) {
		if err == nil {
			if found := &answer.(*protocol.FindCoordinatorResponse).Coordinators[0]; found.ErrorCode == protocol.None {
				c.found(group, c.number(found.Host, found.Port))
				return
			}
		}
		c.later(10*time.Millisecond, 300*time.Millisecond, func() { c.find(group) })
	})
}

func (c *Client) found(group string, broker int) {
	if c.coordinators == nil {
		c.coordinators = map[string]int{}
	}
	c.coordinators[group] = broker
	waiting := c.finding[group]
	delete(c.finding, group)
	for _, then := range waiting {
		then(broker)
	}
}

// astray forgets the coordinator of a group if it says that it is none, or nothing.
func (c *Client) astray(group string, code protocol.Code, err error) {
	if err != nil || code == protocol.NotCoordinator || code == protocol.CoordinatorNotAvailable {
		delete(c.coordinators, group)
	}
}
