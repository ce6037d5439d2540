package consumer

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/membership/modern"
)

// Protocol is how a member and its group's coordinator talk (group.protocol).
type Protocol int8

// The protocols.
const (
	// ClassicProtocol: the members join and sync, and one of them computes the assignment. Every broker has it.
	ClassicProtocol Protocol = iota
	// ConsumerProtocol: the coordinator computes the assignment, and each member goes over to its own part of it when it
	// can (KIP-848). Apache Kafka has it from version 4.0 on. A broker without it makes Poll fail with a *GroupError.
	ConsumerProtocol
	// AutoProtocol is ConsumerProtocol if the coordinator has it when the member joins for the first time, else
	// ClassicProtocol for as long as the consumer lives.
	AutoProtocol
)

// String is Kafka's word.
func (p Protocol) String() string {
	switch p {
	case ClassicProtocol:
		return "classic"
	case ConsumerProtocol:
		return "consumer"
	case AutoProtocol:
		return "auto"
	}
	return fmt.Sprintf("Protocol(%d)", int8(p))
}

// GroupProtocol sets how the member talks to its coordinator (group.protocol). Default ClassicProtocol, as in Java.
//
// With ConsumerProtocol the broker decides about session, time between heartbeats and assignor, so SessionTimeout,
// HeartbeatInterval and Assignors are refused beside it; AutoProtocol takes them for the case that it is classic. A
// pattern of SubscribePattern is matched by this consumer, with Go's syntax, under either protocol: the coordinator is
// told names.
func GroupProtocol(p Protocol) Option { return func(c *config) { c.protocol = p } }

// RemoteAssignor names the assignor that the coordinator is to use (group.remote.assignor), such as uniform or range.
// Default: the broker's choice. It is for ConsumerProtocol and AutoProtocol.
func RemoteAssignor(name string) Option { return func(c *config) { c.remoteAssignor = name } }

// checkProtocol refuses options that the protocol has no use for.
func (c *config) checkProtocol(refuse func(wrong bool, format string, args ...any)) {
	refuse(c.protocol < ClassicProtocol || c.protocol > AutoProtocol, "group.protocol is %v; possible are classic, consumer and auto", c.protocol)
	refuse(c.protocol != ClassicProtocol && c.group == "", "group.protocol is %v and group.id is not set: give Group", c.protocol)
	refuse(c.protocol == ClassicProtocol && c.remoteAssignor != "", "group.remote.assignor is for group.protocol=consumer or auto, and that is classic")
	if c.protocol == ConsumerProtocol {
		for _, name := range c.classicOnly {
			refuse(true, "%s is for group.protocol=classic: with consumer the broker decides about it", name)
		}
	}
}

// newMember makes the state machine of the protocol.
func newMember(cfg *config) modern.Member {
	classic := membership.Config{
		Static: cfg.instanceID != "", Cooperative: cfg.cooperative(),
		SessionTimeout: cfg.sessionTimeout, HeartbeatInterval: cfg.heartbeatInterval, PollIntervalMax: cfg.pollIntervalMax,
		RetryBackoff: cfg.retryBackoff, RetryBackoffMax: cfg.retryBackoffMax, Jitter: cfg.jitter,
	}
	if cfg.protocol == ClassicProtocol {
		return membership.New(classic)
	}
	consumer := modern.Config{
		MemberID: newMemberID(), Static: classic.Static, PollIntervalMax: classic.PollIntervalMax,
		RetryBackoff: classic.RetryBackoff, RetryBackoffMax: classic.RetryBackoffMax, Jitter: classic.Jitter,
	}
	if cfg.protocol == ConsumerProtocol {
		return modern.New(consumer)
	}
	return modern.NewAuto(consumer, classic)
}

// newMemberID is a random UUID, written as Kafka writes one.
func newMemberID() string {
	var id [16]byte
	for {
		rand.Read(id[:]) // never fails
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		if s := base64.RawURLEncoding.EncodeToString(id[:]); s[0] != '-' { // which a command line takes for an option
			return s
		}
	}
}
