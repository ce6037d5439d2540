package controller

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Controller decides. One goroutine steps it.
type Controller struct {
	config Config

	leading bool
	epoch   record.LeaderEpoch
	// image contains every record that was proposed, committed or not: nobody else proposes while this node leads. It is
	// dropped on Resign and never shown.
	image    *metadata.Image
	offset   record.Offset // of the last entry known to be committed
	sequence uint64        // of the last proposal; grows over all times of leading
	pending  []pending     // not committed, oldest first
	waiting  int           // replies in pending

	several   bool // the quorum has other voters
	contacts  map[metadata.NodeID]*contact
	balancing bool       // the BalanceTimer runs
	defaults  topicRules // without what the image says
}

// pending is a proposal and the answers that wait for it: its own, and those of later requests that changed nothing but
// may have read what it changed.
type pending struct {
	sequence uint64
	replies  []Reply
}

// New makes a controller that does not lead.
func New(config Config) *Controller {
	return &Controller{
		config:   config.completed(),
		contacts: make(map[metadata.NodeID]*contact),
		defaults: defaultRules(config.Rules),
	}
}

// Leading says whether this node is the controller.
func (c *Controller) Leading() bool { return c.leading }

// Image is the image with every proposal in it, nil while this node does not lead.
func (c *Controller) Image() *metadata.Image { return c.image }

// Idle says whether everything that was proposed is committed.
func (c *Controller) Idle() bool { return len(c.pending) == 0 }

// Sequence is the number of the last proposal, 0 before the first.
func (c *Controller) Sequence() uint64 { return c.sequence }

// Step takes one event and appends what is to be done to effects.
func (c *Controller) Step(now time.Time, event Event, effects *Effects) {
	before := c.sequence
	switch e := event.(type) {
	case *Lead:
		c.lead(now, e, effects)
	case *SeveralChanged:
		c.severalChanged(now, e, effects)
	case *Resign:
		c.resign(e, effects)
	case *Committed:
		c.committed(e, effects)
	case *SessionExpired:
		c.sessionExpired(e, effects)
	case *HeartbeatConnectionLost:
		c.connectionLost(now, e, effects)
	case *BrokerRefused:
		c.brokerRefused(e, effects)
	case *BalanceDue:
		c.balance(now, effects)
	default:
		c.request(now, event, effects)
	}
	if c.sequence != before {
		c.raise(effects)
	}
}

// request takes an event that waits for an answer.
func (c *Controller) request(now time.Time, event Event, effects *Effects) {
	token := tokenOf(event)
	_, heartbeat := event.(*BrokerHeartbeat) // one of each broker; it must not be fenced because others ask for too much
	switch {
	case !c.leading:
		effects.fail(token, protocol.Fail(protocol.NotController, "node %d is not the controller", c.config.Self))
		return
	case c.waiting >= WaitingMax && !heartbeat:
		effects.fail(token, protocol.Fail(protocol.ThrottlingQuotaExceeded,
			"%d requests to the controller wait for the metadata log already", c.waiting))
		return
	}
	switch e := event.(type) {
	case *RegisterBroker:
		c.registerBroker(now, e, effects)
		return
	case *BrokerHeartbeat:
		c.brokerHeartbeat(now, e, effects)
		return
	case *UnregisterBroker:
		c.unregisterBroker(e, effects)
		return
	}
	response, records, err := c.decide(event)
	if err == nil && !separable(event) {
		err = c.checkSize(records)
	}
	if err != nil {
		effects.fail(token, err)
		return
	}
	c.beforeConfig(records, effects)
	c.finish(Reply{Token: token, Response: response}, records, effects)
	c.afterConfig(records, effects)
}

// separable says whether the records of a request belong to partitions of which each changes by itself, so that they may
// come in several proposals.
func separable(event Event) bool {
	switch event.(type) {
	case *AlterPartition, *AlterPartitionReassignments, *ElectLeaders, *AssignReplicas:
		return true
	}
	return false
}

// checkSize refuses records that do not go into one entry of the metadata log, with the
// code that Kafka has for that.
func (c *Controller) checkSize(records []metadata.Record) error {
	if c.config.ProposalBytesMax <= 0 || len(records) == 0 {
		return nil
	}
	if size := len(metadata.AppendRecords(nil, records...)); size > c.config.ProposalBytesMax {
		return protocol.Fail(protocol.PolicyViolation, "the request takes %d records of %d bytes in the metadata log; at most %d bytes go in one: ask for less at once",
			len(records), size, c.config.ProposalBytesMax)
	}
	return nil
}

// decide finds what a request changes and what is answered once that is committed.
func (c *Controller) decide(event Event) (protocol.Message, []metadata.Record, error) {
	switch e := event.(type) {
	case *CreateTopics:
		return c.createTopics(e)
	case *DeleteTopics:
		return c.deleteTopics(e)
	case *CreatePartitions:
		return c.createPartitions(e)
	case *IncrementalAlterConfigs:
		return c.incrementalAlterConfigs(e)
	case *AlterConfigs:
		return c.alterConfigs(e)
	case *ElectLeaders:
		return c.electLeaders(e)
	case *AllocateProducerIDs:
		return c.allocateProducerIDs(e)
	case *AlterPartition:
		return c.alterPartition(e)
	case *AssignReplicas:
		return c.assignReplicas(e)
	case *AlterPartitionReassignments:
		return c.alterReassignments(e)
	case *ListPartitionReassignments:
		return c.listReassignments(e), nil, nil
	}
	panic(fmt.Sprintf("controller: event %T is not known", event))
}

func tokenOf(event Event) Token {
	switch e := event.(type) {
	case *CreateTopics:
		return e.Token
	case *DeleteTopics:
		return e.Token
	case *CreatePartitions:
		return e.Token
	case *IncrementalAlterConfigs:
		return e.Token
	case *AlterConfigs:
		return e.Token
	case *ElectLeaders:
		return e.Token
	case *AllocateProducerIDs:
		return e.Token
	case *RegisterBroker:
		return e.Token
	case *BrokerHeartbeat:
		return e.Token
	case *UnregisterBroker:
		return e.Token
	case *AlterPartition:
		return e.Token
	case *AssignReplicas:
		return e.Token
	case *AlterPartitionReassignments:
		return e.Token
	case *ListPartitionReassignments:
		return e.Token
	}
	panic(fmt.Sprintf("controller: event %T has no token", event))
}
