package group

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// group is one consumer group. What of it is in the log is in stored; the rest is built from that on load, or is lost,
// as the join phase is.
type group struct {
	id     string
	stored *GroupValue // the last group record, appended if not yet committed; nil if there is none

	state      State
	previous   State
	stateTime  Instant
	generation int32

	protocolType string // "" is none yet
	protocol     string // "" is none
	leader       string // "" is none
	members      memberSet
	static       map[string]string // instance id to member id
	pending      memberSet         // were given an id (KIP-394) and have not come back

	joining     int            // members with a parked JoinGroup
	syncing     int            // members with pendingSync
	support     map[string]int // protocol name to the number of members that offer it; none is 0
	topics      map[string]struct{}
	topicsKnown bool // topics is what the members subscribe to; else it could not be told

	idle  bool // in Shard.idle
	phase joinPhase
	diary *diary // nil: nothing happened yet
}

func newGroup(id string, now Instant) *group {
	return &group{id: id, previous: Dead, stateTime: now}
}

// to moves the group to another state. A move that the protocol does not have is a bug of ours.
func (g *group) to(state State, now Instant) {
	if !state.follows(g.state) {
		panic(fmt.Sprintf("group %q: %v cannot follow %v", g.id, state, g.state))
	}
	g.previous, g.state, g.stateTime = g.state, state, now
}

// usesConsumerProtocol says whether the members are consumers, and not, for example, Kafka Connect's workers.
func (g *group) usesConsumerProtocol() bool { return g.protocolType == "consumer" }

// add takes in a member. Its protocols have been checked.
func (g *group) add(m *member) {
	if m.instance != "" {
		if other, taken := g.static[m.instance]; taken {
			panic(fmt.Sprintf("group %q: %q and %q have the instance id %q", g.id, other, m.id, m.instance))
		}
		if g.static == nil {
			g.static = make(map[string]string)
		}
		g.static[m.instance] = m.id
	}
	if p := g.pending.get(m.id); p != nil {
		g.pending.remove(p)
	}
	if g.leader == "" {
		g.leader = m.id
	}
	g.members.add(m)
	g.count(m, +1)
}

// remove takes a member out. Its parked requests have been answered. The oldest member leads if the leader goes (J14).
func (g *group) remove(m *member) {
	if m.join != 0 || m.sync != 0 || m.beat.token != 0 {
		panic(fmt.Sprintf("group %q: %q goes with requests parked: join %d, sync %d, heartbeat %d", g.id, m.id, m.join, m.sync, m.beat.token))
	}
	g.expectSync(m, false)
	g.count(m, -1)
	g.members.remove(m)
	if m.instance != "" {
		delete(g.static, m.instance)
	}
	if g.leader == m.id {
		g.leader = ""
		if g.members.first != nil {
			g.leader = g.members.first.id
		}
	}
}

// park notes that the member has a JoinGroup parked, or with 0 that it has none.
func (g *group) park(m *member, token Token) {
	if m.join != 0 {
		g.joining--
	}
	if token != 0 {
		g.joining++
	}
	m.join = token
}

func (g *group) expectSync(m *member, expect bool) {
	if m.pendingSync == expect {
		return
	}
	m.pendingSync = expect
	if expect {
		g.syncing++
	} else {
		g.syncing--
	}
}

// allJoined says whether nobody is missing in the join phase (J9).
func (g *group) allJoined() bool { return g.joining == g.members.len() && g.pending.len() == 0 }

// rebalanceTimeout is the longest of the members' (J9).
func (g *group) rebalanceTimeout() time.Duration {
	var longest time.Duration
	for m := g.members.first; m != nil; m = m.next {
		longest = max(longest, m.rebalanceTimeout)
	}
	return longest
}

// check finds the member that a request speaks for (S5). During names the request, for the reason.
func (g *group) check(memberID, instanceID, during string) (*member, *protocol.Error) {
	if instanceID != "" {
		switch known, ok := g.static[instanceID]; {
		case !ok:
			return nil, protocol.Fail(protocol.UnknownMemberID, "%s: group %q has no member with group.instance.id %q", during, g.id, instanceID)
		case known != memberID:
			return nil, protocol.Fail(protocol.FencedInstanceID,
				"%s: group.instance.id %q of group %q belongs to %q now, not to %q: two clients use the same id", during, instanceID, g.id, known, memberID)
		}
	}
	m := g.members.get(memberID)
	if m == nil {
		return nil, protocol.Fail(protocol.UnknownMemberID,
			"%s: group %q has no member %q: it left, or its session timed out, or the coordinator does not know it yet", during, g.id, memberID)
	}
	return m, nil
}
