package membership

import (
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/backoff"
)

// Config is what a member is told. Durations are positive.
type Config struct {
	Static            bool          // has a group.instance.id
	Cooperative       bool          // all assignors are cooperative (KIP-429)
	SessionTimeout    time.Duration // session.timeout.ms
	HeartbeatInterval time.Duration // heartbeat.interval.ms
	PollIntervalMax   time.Duration // max.poll.interval.ms
	RetryBackoff      time.Duration // retry.backoff.ms
	RetryBackoffMax   time.Duration // retry.backoff.max.ms
	// Jitter gives numbers of [0,1), which spread the pauses of many members.
	Jitter func() float64
	// AttemptsFrom is the last attempt of a machine whose place this one takes. What still comes for that one is not taken
	// for an answer to this one.
	AttemptsFrom uint64
}

// State is where a member is.
type State int8

// The states of a member.
const (
	Idle      State = iota // nothing to do: no topics, or the application has not polled yet
	Finding                // waits for the coordinator's address
	Releasing              // waits for the application to give partitions up before it joins
	Joining                // JoinGroup is sent
	Assigning              // leads the group and computes the assignment
	Syncing                // SyncGroup is sent
	Stable                 // has its assignment
	Expired                // the application exceeded max.poll.interval.ms; waits for its Poll
	Leaving                // LeaveGroup is sent
	Failed                 // refused for good
	Over                   // closed
)

// Machine is one member. Not safe for concurrent use.
type Machine struct {
	cfg   Config
	state State

	memberID   string
	generation int32 // -1: none
	leader     bool
	protocol   string

	topics []string         // the subscription
	joined []string         // the subscription that the last Join sent
	owned  []TopicPartition // sorted; what the application holds or is being given

	had           []TopicPartition // the last assignment, whatever became of it
	hadGeneration int32
	reached       int32 // the last generation that it joined
	missed        bool  // it did not join all of them since hadGeneration

	withheld bool      // the generation may have partitions that nobody was given yet
	followAt time.Time // when a leader no longer waits for the rebalance that gives them out

	polled  bool // the application has polled at least once
	polling bool // it is in Poll
	known   bool // the coordinator is

	attempt  uint64 // of the request that is waited for
	beat     uint64 // of the heartbeat that is waited for, or 0
	attempts uint64 // given out so far
	retryAt  time.Time
	failures int // in a row

	beatDue     time.Time
	sessionEnds time.Time
	pollEnds    time.Time
	idEnds      time.Time // of waiting for the id of a member that ends; zero if it does not wait

	rejoin string // why the member has to join again; "": it has not to
	ticket uint64 // of the Revoke that is waited for, or 0
	giving []TopicPartition
	end    ending
}

// ending is what happens once the application has given everything up.
type ending int8

const (
	goOn    ending = iota
	toIdle         // it has no subscription any more
	toClose        // Closed came
	toCloseAndStay
)

// New returns a member that has no subscription.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, generation: -1, hadGeneration: -1, reached: -1, attempts: cfg.AttemptsFrom}
}

// State tells where the member is.
func (m *Machine) State() State { return m.state }

// Rejoins reports whether the member has a generation and waits for what becomes of it: JoinGroup or SyncGroup is open, and
// the answer may already have made the generation an old one, or the coordinator is looked for.
func (m *Machine) Rejoins() bool {
	return m.generation >= 0 && (m.state == Finding || m.state == Joining || m.state == Syncing)
}

// Generation is the generation whose member this is, or -1. Commits carry it.
func (m *Machine) Generation() int32 { return m.generation }

// MemberID is "" until the coordinator has given one.
func (m *Machine) MemberID() string { return m.memberID }

// Protocol is the assignor that the group chose.
func (m *Machine) Protocol() string { return m.protocol }

// Leader reports whether this member computes the group's assignment.
func (m *Machine) Leader() bool { return m.leader }

// ConsumerProtocol reports whether Generation is a member epoch of the consumer protocol.
func (m *Machine) ConsumerProtocol() bool { return false }

// Awaits reports whether the answer to Assign with this attempt still counts.
func (m *Machine) Awaits(attempt uint64) bool { return m.state == Assigning && m.attempt == attempt }

// Owned is what the member holds, sorted. It is valid until the next Step.
func (m *Machine) Owned() []TopicPartition { return m.owned }

// Rebalancing reports that the assignment is not final: the member joins, or is about to.
func (m *Machine) Rebalancing() bool {
	return m.rejoin != "" || m.state == Releasing || m.state == Joining || m.state == Assigning || m.state == Syncing
}

// Step takes one event at the time now, which never goes back, and appends what has to be done.
func (m *Machine) Step(now time.Time, e Event, out *Effects) {
	if m.state == Over {
		return
	}
	if m.end == goOn {
		m.idEnds = time.Time{}
	}
	switch e := e.(type) {
	case Tick:
	case Subscribed:
		m.subscribed(e.Topics)
	case PollBegan:
		m.pollBegan(now)
	case PollEnded:
		m.polling = false
		m.pollEnds = now.Add(m.cfg.PollIntervalMax)
	case PollOverdue:
		m.polling, m.pollEnds = false, now
	case MetadataChanged:
		if m.leader && m.generation >= 0 {
			m.wantRejoin(e.What)
		}
	case RejoinRequested:
		m.wantRejoin(e.Reason)
	case Released:
		m.released(e.Ticket)
	case Closed:
		m.closed(e.Leave)
	case CoordinatorFound:
		m.found(now, e.Attempt)
	case CoordinatorMissing:
		m.missing(now, e, out)
	case CoordinatorLost:
		m.coordinatorLost(now, e.Why, out)
	case GenerationLost:
		m.generationLost(now, e, out)
	case Joined:
		m.joinAnswer(now, e, out)
	case Assigned:
		m.assigned(now, e, out)
	case Synced:
		m.synced(now, e, out)
	case Beaten:
		m.beaten(now, e, out)
	case Left:
		m.left(e.Attempt)
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
	switch m.state {
	case Over, Failed, Leaving, Expired:
		return next
	}
	earlier(m.retryAt)
	earlier(m.idEnds)
	if m.beats() && m.known {
		earlier(m.sessionEnds)
		if m.beat == 0 && m.retryAt.IsZero() {
			earlier(m.beatDue)
		}
	}
	if m.beats() {
		earlier(m.followAt)
	}
	if m.pollBounded() {
		earlier(m.pollEnds)
	}
	return next
}

// advance does what is due. Each round does one thing that needs no answer; it ends when the member waits.
func (m *Machine) advance(now time.Time, out *Effects) {
	for m.advanceOnce(now, out) {
	}
}

func (m *Machine) advanceOnce(now time.Time, out *Effects) bool {
	switch m.state {
	case Over, Leaving:
		return false
	case Failed, Expired:
		return m.end != goOn && m.finish(now, out)
	}
	if m.pollExpired(now, out) {
		return true
	}
	m.checkSession(now, out)
	m.checkFollowUp(now)
	if m.end != goOn {
		return m.finish(now, out)
	}
	if !m.retryAt.IsZero() {
		if now.Before(m.retryAt) {
			return false
		}
		m.retryAt = time.Time{}
	}
	if len(m.topics) == 0 || !m.polled {
		return false
	}
	if !m.known {
		return m.find(now, out)
	}
	switch m.state {
	case Joining, Syncing:
		return false
	case Assigning:
		m.heartbeat(now, out)
		return false
	case Finding:
		m.rest()
		return true
	}
	if m.ticket == 0 && (m.generation < 0 || m.rejoin != "") {
		return m.prepareJoin(now, out)
	}
	m.heartbeat(now, out)
	return false
}

// find asks for the coordinator.
func (m *Machine) find(now time.Time, out *Effects) bool {
	if m.state == Finding {
		return false
	}
	m.state = Finding
	m.attempt = m.nextAttempt()
	*out = append(*out, FindCoordinator{Attempt: m.attempt})
	return false
}

// rest is the state without an open request.
func (m *Machine) rest() {
	switch {
	case m.generation < 0:
		m.state = Idle
	case m.ticket != 0 && m.rejoin != "":
		m.state = Releasing
	default:
		m.state = Stable
	}
}

func (m *Machine) nextAttempt() uint64 {
	m.attempts++
	return m.attempts
}

// pause waits before the next request: retry.backoff.ms, doubled at each failure in a row up to
// retry.backoff.max.ms, a fifth more or less (KIP-580).
func (m *Machine) pause(now time.Time) {
	wait := backoff.Pause(m.cfg.RetryBackoff, m.cfg.RetryBackoffMax, m.failures)
	m.failures++
	m.retryAt = now.Add(time.Duration(float64(wait) * (0.8 + 0.4*m.cfg.Jitter())))
}

func (m *Machine) wantRejoin(reason string) {
	if m.rejoin == "" && m.generation >= 0 {
		m.rejoin = reason
	}
}

func (m *Machine) subscribed(topics []string) {
	if slices.Equal(topics, m.topics) {
		return
	}
	had := len(m.topics) > 0
	m.topics = topics
	if len(topics) == 0 {
		if had && m.end == goOn {
			m.end = toIdle
		}
		return
	}
	if m.end == toIdle && m.ticket == 0 && m.state != Leaving {
		m.end = goOn
	}
	m.wantRejoin("the subscription changed")
}

func (m *Machine) pollBegan(now time.Time) {
	m.polled, m.polling = true, true
	if m.state != Expired || m.end != goOn {
		return
	}
	m.rest()
	if m.generation >= 0 { // a static member, whose session may be alive
		m.beatDue = now
		m.sessionEnds = now.Add(m.cfg.SessionTimeout)
	}
}

func (m *Machine) closed(leave bool) {
	m.end = toClose
	if m.cfg.Static && !leave {
		m.end = toCloseAndStay
	}
}
