package modern

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/internal/sim"
)

// What the coordinator grants a member, and asks of it.
const (
	simSession  = 6 * time.Second
	simInterval = time.Second
	simRequest  = 5 * time.Second // request.timeout.ms
)

type partition = membership.TopicIDPartition

type partitionSet map[partition]bool

// memberState is how far a member has gone over to its target.
type memberState int8

const (
	stableState     memberState = iota
	unrevokedState              // it has not said yet that it gave up what is taken away
	unreleasedState             // another has not given up yet what it is to have
)

// enrolled is a member as the coordinator knows it.
type enrolled struct {
	id, instance string
	life         int // a new one whenever the member begins anew
	topics       []string
	epoch        int32
	previous     int32
	state        memberState
	assigned     partitionSet
	pending      partitionSet // to be given up
	session      *sim.Timer
	revocation   *sim.Timer
}

// simCoordinator is a model of a KIP-848 coordinator, by Kafka's own: group epoch, target epoch and member epochs, partitions
// that are not revoked or not released, sessions, fencing. It is on one of two nodes. What it decides is in its log before it
// answers, so it is not forgotten when it moves; sessions begin anew.
type simCoordinator struct {
	w       *simWorld
	rand    *sim.Rand
	node    int  // where the group is
	loading bool // the node does not answer for it yet
	cut     [2]bool
	strict  bool          // who is known is not taken in with epoch 0 (before 4.3)
	batch   time.Duration // between two target assignments

	epoch       int32 // of the group
	targetEpoch int32
	target      map[string]partitionSet // by member id
	computed    sim.Instant
	topics      map[string]simTopic // that the target was computed from
	members     map[string]*enrolled
	lives       int
}

// simTopic is a topic of the world.
type simTopic struct {
	id         membership.TopicID
	partitions int32
}

func newSimCoordinator(w *simWorld) *simCoordinator {
	c := &simCoordinator{w: w, rand: w.Rand("coordinator"), target: map[string]partitionSet{}, members: map[string]*enrolled{}, topics: map[string]simTopic{}}
	c.strict = c.rand.Chance(500)
	c.batch = time.Duration(c.rand.IntN(2)) * time.Second
	return c
}

// move gives the group to the other node, which loads for a while.
func (c *simCoordinator) move() {
	c.node, c.loading = 1-c.node, true
	node := c.node
	c.w.Notef("the coordinator moves to node %d", node)
	for _, m := range c.members {
		m.session.Stop()
	}
	c.w.After(c.rand.Between(0, 2*time.Second), func() {
		if c.node == node && c.loading {
			c.loading = false
			for _, id := range slices.Sorted(maps.Keys(c.members)) {
				c.renew(c.members[id])
			}
		}
	})
}

// answer is what a member is told, and in which life of it.
type answer struct {
	membership.ConsumerBeaten
	life int
}

func (c *simCoordinator) refuse(code membership.Code, why string, args ...any) answer {
	return answer{ConsumerBeaten: membership.ConsumerBeaten{Failure: membership.Failure{Code: code, Text: fmt.Sprintf(why, args...)}}}
}

// guard is what a node says that has not the group.
func (c *simCoordinator) guard(node int) (membership.Code, bool) {
	switch {
	case node != c.node:
		return membership.NotCoordinator, false
	case c.loading:
		return membership.CoordinatorLoadInProgress, false
	}
	return membership.None, true
}

// beat takes a heartbeat at a node.
func (c *simCoordinator) beat(node int, p *process, h membership.ConsumerHeartbeat) answer {
	if code, ok := c.guard(node); !ok {
		return c.refuse(code, "by the node")
	}
	if h.Epoch < joining {
		return c.leave(p, h)
	}
	m, refused, ok := c.admit(p, h)
	if !ok {
		return refused
	}
	c.w.see.claimed(p, m, h)
	before := maps.Clone(m.assigned)
	if h.Topics != nil && !slices.Equal(h.Topics, m.topics) {
		m.topics = h.Topics
		c.epoch++
	}
	if !maps.Equal(c.topics, c.w.topics) {
		c.topics = maps.Clone(c.w.topics)
		c.epoch++
	}
	c.assign()
	c.reconcile(m, h.Owned)
	c.renew(m)
	a := answer{life: m.life, ConsumerBeaten: membership.ConsumerBeaten{Epoch: m.epoch, Interval: simInterval}}
	if h.Epoch == joining || h.Full || !maps.Equal(before, m.assigned) {
		a.Assigned, a.Target = true, m.assigned.sorted()
	}
	return a
}

// admit finds the member, or makes it.
func (c *simCoordinator) admit(p *process, h membership.ConsumerHeartbeat) (*enrolled, answer, bool) {
	m := c.members[h.MemberID]
	if instance := p.slot.instance; instance != "" {
		other := c.ofInstance(instance)
		switch {
		case h.Epoch == joining && other != nil && other.epoch != leavingToReturn:
			return nil, c.refuse(membership.UnreleasedInstanceID, "%s has it", other.id), false
		case h.Epoch == joining && other != nil:
			c.drop(other, false)
			m = c.enrol(p, h)
			m.topics, m.assigned = other.topics, other.assigned
			c.target[m.id] = c.target[other.id]
			if other.id != m.id {
				delete(c.target, other.id)
			}
			return m, answer{}, true
		case h.Epoch != joining && other == nil:
			return nil, c.refuse(membership.UnknownMemberID, "there is no such instance"), false
		case h.Epoch != joining && other.id != h.MemberID:
			return nil, c.refuse(membership.FencedInstanceID, "%s has it", other.id), false
		}
	}
	switch {
	case m == nil && h.Epoch == joining:
		return c.enrol(p, h), answer{}, true
	case m == nil:
		return nil, c.refuse(membership.UnknownMemberID, "there is no such member"), false
	case h.Epoch == joining && !c.strict:
		c.lives++
		m.life = c.lives // it holds nothing: it says so
		return m, answer{}, true
	case h.Epoch > m.epoch:
		return nil, c.refuse(membership.FencedMemberEpoch, "it is in epoch %d", m.epoch), false
	case h.Epoch < m.epoch && (h.Epoch != m.previous || h.Owned == nil || !m.assigned.has(h.Owned)):
		return nil, c.refuse(membership.FencedMemberEpoch, "it is in epoch %d", m.epoch), false
	}
	if h.Epoch == joining {
		c.lives++
		m.life = c.lives
	}
	return m, answer{}, true
}

func (c *simCoordinator) enrol(p *process, h membership.ConsumerHeartbeat) *enrolled {
	c.lives++
	m := &enrolled{id: h.MemberID, instance: p.slot.instance, life: c.lives, assigned: partitionSet{}, pending: partitionSet{}}
	c.members[m.id] = m
	return m
}

func (c *simCoordinator) ofInstance(instance string) *enrolled {
	for _, m := range c.members {
		if m.instance == instance {
			return m
		}
	}
	return nil
}

func (c *simCoordinator) leave(p *process, h membership.ConsumerHeartbeat) answer {
	m := c.members[h.MemberID]
	if p.slot.instance != "" {
		if m = c.ofInstance(p.slot.instance); m != nil && m.id != h.MemberID {
			return c.refuse(membership.FencedInstanceID, "%s has it", m.id)
		}
	}
	if m == nil {
		return c.refuse(membership.UnknownMemberID, "there is no such member")
	}
	c.w.see.claimed(p, m, membership.ConsumerHeartbeat{Owned: []partition{}})
	if h.Epoch == leavingToReturn {
		m.epoch, m.pending = leavingToReturn, partitionSet{}
		c.cancelRevocation(m)
	} else {
		c.drop(m, true)
	}
	return answer{ConsumerBeaten: membership.ConsumerBeaten{Epoch: h.Epoch}}
}

// drop takes a member out. If it is for good the others get what it had.
func (c *simCoordinator) drop(m *enrolled, good bool) {
	c.w.Notef("coordinator: %s is out", m.id)
	delete(c.members, m.id)
	if m.session != nil {
		m.session.Stop()
	}
	c.cancelRevocation(m)
	if good {
		delete(c.target, m.id)
		c.epoch++
	}
}

func (c *simCoordinator) cancelRevocation(m *enrolled) {
	if m.revocation != nil {
		m.revocation.Stop()
		m.revocation = nil
	}
}

// renew begins a session.
func (c *simCoordinator) renew(m *enrolled) {
	if m.session != nil {
		m.session.Stop()
	}
	m.session = c.w.After(simSession, func() {
		if c.members[m.id] == m && !c.loading {
			c.w.see.reach("a session ended")
			c.drop(m, true)
		}
	})
}

// assign computes a target if the group has changed: who has something keeps it, unless another has two fewer.
func (c *simCoordinator) assign() {
	if c.epoch <= c.targetEpoch || c.computed > 0 && c.w.Now().Sub(c.computed) < c.batch {
		return
	}
	old := c.target
	c.target, c.targetEpoch, c.computed = map[string]partitionSet{}, c.epoch, c.w.Now()
	ids := slices.Sorted(maps.Keys(c.members))
	for _, id := range ids {
		c.target[id] = partitionSet{}
	}
	for _, topic := range slices.Sorted(maps.Keys(c.topics)) {
		for n := range c.topics[topic].partitions {
			p := partition{ID: c.topics[topic].id, Partition: n}
			best := ""
			for _, id := range ids {
				if !slices.Contains(c.members[id].topics, topic) {
					continue
				}
				weight := func(id string) int { // what it has already counts less
					if old[id][p] {
						return len(c.target[id]) - 2
					}
					return len(c.target[id])
				}
				if best == "" || weight(id) < weight(best) {
					best = id
				}
			}
			if best != "" {
				c.target[best][p] = true
			}
		}
	}
	c.w.Notef("coordinator: target of epoch %d", c.targetEpoch)
}

// owner reports whether somebody has a partition, or has not said yet that it gave it up.
func (c *simCoordinator) owned(p partition) bool {
	for _, m := range c.members {
		if m.assigned[p] || m.pending[p] {
			return true
		}
	}
	return false
}

// reconcile takes a member as far towards its target as it can go. owned is nil if the member did not say.
func (c *simCoordinator) reconcile(m *enrolled, owned []partition) {
	holds := func(set partitionSet) bool {
		return owned == nil || slices.ContainsFunc(owned, func(p partition) bool { return set[p] })
	}
	if c.w.bug.hastyCoordinator {
		holds = func(partitionSet) bool { return false }
	}
	switch {
	case m.state == stableState && m.epoch == c.targetEpoch && m.epoch > 0:
		return
	case m.state == unrevokedState && holds(m.pending):
		return
	}
	target := c.target[m.id]
	keep, revoke, add := partitionSet{}, partitionSet{}, partitionSet{}
	waits := false
	for p := range m.assigned {
		if target[p] {
			keep[p] = true
		} else {
			revoke[p] = true
		}
	}
	for p := range target {
		switch {
		case keep[p]:
		case c.owned(p) && !m.pending[p]:
			waits = true
		default:
			add[p] = true
		}
	}
	m.previous = m.epoch
	if len(revoke) > 0 && holds(revoke) {
		m.state, m.assigned, m.pending = unrevokedState, keep, revoke
		c.w.see.reach("a partition had to be given up")
		c.awaitRevocation(m)
		return
	}
	c.cancelRevocation(m)
	maps.Copy(keep, add)
	m.state, m.assigned, m.pending, m.epoch = stableState, keep, partitionSet{}, c.targetEpoch
	if waits {
		m.state = unreleasedState
		c.w.see.reach("a partition was not released yet")
	}
}

// awaitRevocation fences the member if it does not give up in time.
func (c *simCoordinator) awaitRevocation(m *enrolled) {
	c.cancelRevocation(m)
	epoch := m.epoch
	m.revocation = c.w.After(simPollInterval, func() {
		if c.members[m.id] == m && m.epoch == epoch && m.state == unrevokedState {
			c.w.see.reach("a member did not give up in time")
			c.drop(m, true)
		}
	})
}

// commit is OffsetCommit's look at the member.
func (c *simCoordinator) commit(node int, id string, epoch int32) membership.Code {
	if code, ok := c.guard(node); !ok {
		return code
	}
	m := c.members[id]
	switch {
	case m == nil:
		return membership.UnknownMemberID
	case m.epoch != epoch:
		return membership.StaleMemberEpoch
	}
	return membership.None
}

func (s partitionSet) sorted() []partition {
	return slices.SortedFunc(maps.Keys(s), func(a, b partition) int { return cmp.Or(a.Compare(b)) })
}

func (s partitionSet) has(all []partition) bool {
	return !slices.ContainsFunc(all, func(p partition) bool { return !s[p] })
}
