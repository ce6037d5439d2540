package modern

import (
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/backoff"
	"github.com/skein-io/skein/consumer/internal/membership"
)

// Config is what a member is told. Durations are positive.
type Config struct {
	MemberID        string        // made by who makes the member: a new one for each process
	Static          bool          // has a group.instance.id
	PollIntervalMax time.Duration // max.poll.interval.ms; the coordinator gives as long to give partitions up
	RetryBackoff    time.Duration // retry.backoff.ms
	RetryBackoffMax time.Duration // retry.backoff.max.ms
	// Jitter gives numbers of [0,1), which spread the pauses of many members.
	Jitter func() float64
}

// Epochs that are none.
const (
	joining         int32 = 0
	leaving         int32 = -1
	leavingToReturn int32 = -2 // of a static member
)

// What the coordinator may ask for as the time between two heartbeats, and what it is until it has said so.
const (
	intervalLeast = 100 * time.Millisecond
	intervalMost  = 10 * time.Minute
	intervalFirst = 5 * time.Second
)

// Machine is one member. Not safe for concurrent use.
type Machine struct {
	cfg   Config
	state state

	epoch    int32 // of the member; joining while it is in no group
	interval time.Duration
	topics   []string // the subscription

	target  []membership.TopicIDPartition // sorted: what the coordinator assigned last
	renewed bool                          // the target, or what is known of it, has changed since it was looked at
	tell    bool                          // the application is told of a rebalance even if it gets nothing by it
	names   map[membership.TopicID]string // of the metadata
	unnamed []membership.TopicID          // of the target, without a name

	owned  []holding // sorted by name: the application has it, and does not have to give it up
	giving []holding // sorted by name: it has to be given up
	ticket uint64    // of the Revoke that is waited for, or 0

	open     request // that is waited for
	ghost    bool    // the coordinator has this member from before: it has to leave before it can join
	unsure   bool    // a request was not answered that may have made this member known
	full     bool    // the next heartbeat says everything
	soon     bool    // it does not wait for the interval
	ack      bool    // it says what the member holds
	claims   bool    // what was said of that is not answered: until it is, the member must not hold more
	told     []string
	toldOwn  []membership.TopicIDPartition
	attempts uint64 // given out so far

	polled  bool // the application has polled at least once
	polling bool // it is in Poll
	known   bool // the coordinator is

	retryAt      time.Time
	failures     int // in a row
	nameAt       time.Time
	nameFailures int
	beatDue      time.Time
	pollEnds     time.Time

	end ending
}

// request is one that is open; the zero value is none.
type request struct {
	attempt uint64
	kind    kind
}

type kind int8

const (
	nothing   kind = iota
	find           // FindCoordinator
	heartbeat      // with an epoch, or to join
	release        // a leave that does not end the member: it joins again
	farewell       // the leave that ends it
)

// state is what cannot be told from the rest.
type state int8

const (
	running state = iota
	expired       // the application exceeded max.poll.interval.ms; waits for its Poll
	failed        // refused for good
	over          // closed
)

// ending is what happens once the application has given everything up.
type ending int8

const (
	goOn    ending = iota
	toIdle         // it has no subscription any more
	toClose        // Closed came
	toCloseAndLeave
)

// holding is a partition of a topic that has a name.
type holding struct {
	membership.TopicPartition
	id membership.TopicID
}

func (h holding) key() membership.TopicIDPartition {
	return membership.TopicIDPartition{ID: h.id, Partition: h.Partition}
}

// New returns a member that has no subscription.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, interval: intervalFirst, full: true}
}

// Generation is the member epoch, or -1 outside the group. Commits carry it.
func (m *Machine) Generation() int32 {
	if m.epoch == joining {
		return -1
	}
	return m.epoch
}

// MemberID is the same as long as the machine lives.
func (m *Machine) MemberID() string { return m.cfg.MemberID }

// ConsumerProtocol reports that Generation is a member epoch.
func (m *Machine) ConsumerProtocol() bool { return true }

// Rejoins reports that an answer on its way may have made the generation an old one, so that a refusal of it means nothing
// worse: never, since STALE_MEMBER_EPOCH says just that.
func (m *Machine) Rejoins() bool { return false }

// Leader reports that the member computes the group's assignment: never.
func (m *Machine) Leader() bool { return false }

// Awaits reports whether an Assign is waited for: never.
func (m *Machine) Awaits(uint64) bool { return false }

// Rebalancing reports that the assignment is not final: the member joins, gives partitions up, or does not know their names.
func (m *Machine) Rebalancing() bool {
	return m.ticket != 0 || len(m.unnamed) > 0 || m.renewed || m.epoch == joining && m.open.kind != nothing
}

// Step takes one event at the time now, which never goes back, and appends what has to be done.
func (m *Machine) Step(now time.Time, e membership.Event, out *membership.Effects) {
	if m.state == over {
		return
	}
	switch e := e.(type) {
	case membership.Subscribed:
		m.subscribed(e.Topics)
	case membership.PollBegan:
		m.polled, m.polling = true, true
		if m.state == expired && m.end == goOn {
			m.state = running
		}
	case membership.PollEnded:
		m.polling = false
		m.pollEnds = now.Add(m.cfg.PollIntervalMax)
	case membership.PollOverdue:
		m.polling, m.pollEnds = false, now
	case membership.RejoinRequested:
		*out = append(*out, note(now, "was asked to rebalance ("+e.Reason+"), which the consumer protocol leaves to the coordinator"))
	case membership.Released:
		m.released(e.Ticket)
	case membership.Closed:
		m.end = toClose
		if e.Leave {
			m.end = toCloseAndLeave
		}
	case membership.TopicsNamed:
		m.names = e.Names
		m.renewed = m.renewed || len(m.unnamed) > 0
	case membership.CoordinatorFound:
		m.found(now, e, out)
	case membership.CoordinatorMissing:
		m.missing(now, e, out)
	case membership.CoordinatorLost:
		m.coordinatorLost(now, e.Why, out)
	case membership.GenerationLost:
		if e.Generation == m.epoch {
			m.soon = true // the heartbeat tells what is the matter, and the epoch that holds now
		}
	case membership.ConsumerBeaten:
		m.beaten(now, e, out)
	}
	m.advance(now, out)
}

// Next is when Tick is due; the zero time if nothing is.
func (m *Machine) Next() time.Time {
	var next time.Time
	earlier := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if m.state != running || m.open.kind == farewell {
		return next
	}
	earlier(m.retryAt)
	if m.known && m.open.kind == nothing && m.retryAt.IsZero() && m.epoch != joining {
		earlier(m.beatDue)
	}
	if len(m.unnamed) > 0 && m.end == goOn {
		earlier(m.nameAt)
	}
	if m.pollBounded() {
		earlier(m.pollEnds)
	}
	return next
}

// advance does what is due.
func (m *Machine) advance(now time.Time, out *membership.Effects) {
	if m.open.kind == farewell {
		return
	}
	if m.state == running {
		m.checkPoll(now, out)
	}
	switch {
	case m.end != goOn:
		m.finish(now, out)
	case m.state == running && len(m.topics) > 0 && m.polled:
		m.reconcile(now, out)
		m.nameTopics(now, out)
		m.talk(now, out)
	}
}

// talk sends what is due, one request at a time.
func (m *Machine) talk(now time.Time, out *membership.Effects) {
	if now.Before(m.retryAt) || m.open.kind != nothing {
		return
	}
	m.retryAt = time.Time{}
	switch {
	case !m.known:
		m.open = m.request(find)
		*out = append(*out, membership.FindCoordinator{Attempt: m.open.attempt})
	case m.ghost:
		*out = append(*out, note(now, "leaves the group before it joins, because the coordinator has it from before"))
		m.leave(release, m.epochToLeave(), out)
	case m.epoch == joining, m.full, m.soon, m.ack, m.subscriptionChanged(), !now.Before(m.beatDue):
		m.beat(now, out)
	}
}

func (m *Machine) request(k kind) request {
	m.attempts++
	return request{attempt: m.attempts, kind: k}
}

// pause waits before the next request: retry.backoff.ms, doubled at each failure in a row up to
// retry.backoff.max.ms, a fifth more or less (KIP-580).
func (m *Machine) pause(now time.Time) {
	wait := backoff.Pause(m.cfg.RetryBackoff, m.cfg.RetryBackoffMax, m.failures)
	m.failures++
	m.retryAt = now.Add(time.Duration(float64(wait) * (0.8 + 0.4*m.cfg.Jitter())))
}

func (m *Machine) subscribed(topics []string) {
	if slices.Equal(topics, m.topics) {
		return
	}
	had := len(m.topics) > 0
	m.topics = topics
	switch {
	case len(topics) == 0 && had && m.end == goOn:
		m.end = toIdle
	case len(topics) > 0 && m.end == toIdle && m.ticket == 0 && m.open.kind != farewell:
		m.end = goOn
	}
}

func note(now time.Time, text string) membership.Note { return membership.Note{At: now, Text: text} }
