package replica

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// leader is what a replica knows while it leads.
type leader struct {
	start  record.Offset // of the epoch: the log's end when it began
	logEnd record.Offset // the newest known
	isrMin int
	lagMax time.Duration

	// replicas is sorted by node and always contains this one, in sync.
	replicas []progress
	inSync   int // how many of them the controller has in the ISR

	pending  pending
	notUntil Instant // no growth is proposed before
	lastID   uint64
}

// progress is how far one replica is. What another node said counts only if it said it in this leader epoch, in the
// newest incarnation that was heard of.
type progress struct {
	node        metadata.NodeID
	brokerEpoch metadata.BrokerEpoch
	inSync      bool // the controller has it in the ISR
	proposed    bool // it is in the proposal that is pending, and not in the ISR
	leaving     bool // it is in the ISR and not in the proposal that is pending
	// matched says that its log is a prefix of this one: it has fetched in this epoch, and did not diverge.
	matched  bool
	eligible bool

	logStart, logEnd, durableEnd record.Offset

	heard Instant // when it said something in this leader epoch; when the epoch began, before that

	// caughtUp is the newest time at which it is known to hold all that the leader had then. mark is the leader's end
	// at markAt: when the replica reaches it, it has caught up with that time.
	caughtUp Instant
	mark     record.Offset
	markAt   Instant
}

func (s *State) lead(now Instant, e *Lead) {
	if e.Epoch < s.epoch {
		return
	}
	l := &s.leader
	fresh := s.role != leading || e.Epoch > s.epoch
	l.isrMin, l.lagMax = e.ISRMin, e.LagMax
	l.logEnd = max(l.logEnd, e.LogEnd)
	if fresh {
		s.self, s.role, s.epoch = e.Self, leading, e.Epoch
		l.start, l.logEnd = e.LogEnd, e.LogEnd
		l.replicas, l.notUntil = nil, never
	} else if e.PartitionEpoch <= s.partitionEpoch {
		return // a repeat, or older than an answer of the controller
	}
	s.partitionEpoch = e.PartitionEpoch
	l.pending = pending{}
	l.assign(now, e, fresh)
}

// assign takes the replicas and the ISR of an image. What was said by those that stay is kept within an epoch.
func (l *leader) assign(now Instant, e *Lead, fresh bool) {
	known := l.replicas
	l.replicas = make([]progress, 0, len(e.Replicas))
	for _, node := range e.Replicas {
		p := progress{node: node, brokerEpoch: metadata.NoBrokerEpoch, heard: now, caughtUp: never, mark: l.logEnd, markAt: now}
		if i := slices.IndexFunc(known, func(k progress) bool { return k.node == node }); i >= 0 {
			p = known[i]
		}
		if node == e.Self {
			p.brokerEpoch, p.durableEnd = e.BrokerEpoch, max(p.durableEnd, e.DurableEnd)
		}
		l.replicas = append(l.replicas, p)
	}
	slices.SortFunc(l.replicas, func(a, b progress) int { return cmp.Compare(a.node, b.node) })
	l.setISR(e.ISR, e.Self)
	if fresh {
		for i := range l.replicas {
			if l.replicas[i].inSync {
				l.replicas[i].caughtUp = now
			}
		}
	}
}

// setISR takes what the controller has, and forgets what was proposed.
func (l *leader) setISR(isr []metadata.NodeID, self metadata.NodeID) {
	l.inSync = 0
	for i := range l.replicas {
		p := &l.replicas[i]
		was := p.inSync
		p.inSync = p.node == self || slices.Contains(isr, p.node)
		p.proposed, p.leaving = false, false
		if was && !p.inSync {
			p.eligible = false // until it fetches again: it may be the controller that has fenced it
		}
		if p.inSync {
			l.inSync++
		}
	}
}

func (l *leader) find(node metadata.NodeID) *progress {
	for i := range l.replicas {
		if l.replicas[i].node == node {
			return &l.replicas[i]
		}
	}
	return nil
}

// fenced takes a node for unfit to join until it fetches again: it is not waited for.
func (s *State) fenced(e *Fenced) {
	if p := s.leader.find(e.Node); p != nil && p.node != s.self {
		p.eligible = false
	}
}

// durable takes a durable end: of this node in any role, of another only while leading.
func (s *State) durable(now Instant, e *Durable, effects *Effects) {
	switch {
	case s.role == following && e.Node == s.self:
		s.report(e.End, effects)
	case s.role == leading:
		l := &s.leader
		p := l.find(e.Node)
		if p == nil {
			return
		}
		l.logEnd = max(l.logEnd, e.LogEnd)
		if p.node == s.self {
			p.durableEnd = max(p.durableEnd, e.End)
			return
		}
		if e.Epoch != s.epoch || e.BrokerEpoch != p.brokerEpoch || !p.matched || e.End > l.logEnd {
			return
		}
		effects.Taken = true
		p.heard = now
		p.durableEnd = max(p.durableEnd, e.End)
		p.logEnd = max(p.logEnd, e.End)
		l.observe(p, now)
		s.grow(now, effects)
	}
}

// fetched takes where a follower is.
func (s *State) fetched(now Instant, e *Fetched, effects *Effects) {
	if s.role != leading || e.Epoch != s.epoch || e.Node == s.self {
		return
	}
	l := &s.leader
	p := l.find(e.Node)
	if p == nil || e.BrokerEpoch < p.brokerEpoch {
		return
	}
	l.logEnd = max(l.logEnd, e.LogEnd)
	if e.Offset > l.logEnd {
		return
	}
	if e.BrokerEpoch > p.brokerEpoch { // another process: what the one before said of its disk says nothing of this one's
		p.brokerEpoch, p.durableEnd = e.BrokerEpoch, 0
		p.mark, p.markAt = l.logEnd, now
	}
	effects.Taken = true
	p.heard = now
	p.matched, p.eligible = true, e.Eligible
	p.logStart, p.logEnd = e.LogStart, max(e.Offset, p.durableEnd)
	l.observe(p, now)
	s.grow(now, effects)
}

// observe notes with which time a replica has caught up. What counts is what it holds durably, for that is what the high
// watermark waits for: a replica that fetches but whose disk hangs is behind.
func (l *leader) observe(p *progress, now Instant) {
	switch {
	case p.durableEnd >= l.logEnd:
		p.caughtUp = now
	case p.durableEnd >= p.mark:
		p.caughtUp = max(p.caughtUp, p.markAt)
	default:
		return
	}
	p.mark, p.markAt = l.logEnd, now
}

// current says whether a replica has caught up within replica.lag.time.max.ms, or holds all there is.
func (l *leader) current(p *progress, now Instant) bool {
	return p.durableEnd >= l.logEnd || now.Sub(p.caughtUp) <= l.lagMax
}

// mayJoin says whether a replica that is not in the ISR is fit for it, wherever its log is.
func (l *leader) mayJoin(p *progress, now Instant) bool {
	return p.matched && p.eligible && l.current(p, now)
}

// keepsUp says whether a replica that may join keeps up so well that it is waited for. One that holds what the leader had a while
// ago may be brought up more slowly than records come, over a slow network or under a throttle. To wait for such a one costs each
// produce that while, and is in vain.
func (l *leader) keepsUp(p *progress, now Instant) bool {
	return p.durableEnd >= l.logEnd || now.Sub(p.caughtUp) <= max(l.lagMax/10, keepsUpMin)
}

// keepsUpMin is what a replica whose disk is slow may need to hold what its leader has, however small replica.lag.time.max.ms is.
const keepsUpMin = time.Second

// need is how large the ISR has to be: min.insync.replicas, but never more than there are replicas, as in Kafka. Those that a
// reassignment adds are counted: the leader is never content with less than the controller, which does not count them, and
// keeps as eligible whoever leaves an ISR that is too small.
func (l *leader) need() int { return min(l.isrMin, len(l.replicas)) }

// committable is the end of what the maximal ISR holds, or 0 while the ISR is under min.insync.replicas (KIP-966: the
// high watermark is held then). A replica that keeps up and may join is waited for: under steady load it would otherwise
// never reach a high watermark that moves with the leader's own disk.
func (s *State) committable(now Instant) record.Offset {
	l := &s.leader
	if l.inSync < l.need() {
		return 0
	}
	end := record.Offset(math.MaxInt64)
	for i := range l.replicas {
		p := &l.replicas[i]
		if p.inSync || p.proposed || l.mayJoin(p, now) && l.keepsUp(p, now) && now >= l.notUntil {
			end = min(end, p.durableEnd)
		}
	}
	return end
}

// LowWatermark is where the logs begin at the earliest of the replicas that may be elected, the maximal ISR, as they have
// said in this leader epoch; start is where this replica's own begins. What is below it does not come back with another
// leader.
func (s *State) LowWatermark(start record.Offset) record.Offset {
	for i := range s.leader.replicas {
		if p := &s.leader.replicas[i]; p.node != s.self && (p.inSync || p.proposed) {
			start = min(start, p.logStart)
		}
	}
	return start
}

// Replica is how far one replica is, as its leader sees it.
type Replica struct {
	Node                         metadata.NodeID
	BrokerEpoch                  metadata.BrokerEpoch
	InSync                       bool // in the ISR that the controller has
	Waited                       bool // in the maximal ISR
	Standing                     Standing
	LogStart, LogEnd, DurableEnd record.Offset
	CaughtUp                     time.Duration // how long ago it held all there was; math.MaxInt64 if it never did
}

// Replicas lists the replicas by node, for those who want to look. It is empty where this replica does not lead.
func (s *State) Replicas(now Instant) []Replica {
	if s.role != leading {
		return nil
	}
	l := &s.leader
	list := make([]Replica, 0, len(l.replicas))
	for i := range l.replicas {
		p := &l.replicas[i]
		r := Replica{Node: p.node, BrokerEpoch: p.brokerEpoch, InSync: p.inSync, Waited: p.inSync || p.proposed, Standing: s.standing(p, now),
			LogStart: p.logStart, LogEnd: p.logEnd, DurableEnd: p.durableEnd, CaughtUp: now.Sub(p.caughtUp)}
		if p.node == s.self {
			r.LogEnd = l.logEnd
		}
		if p.node == s.self || p.durableEnd >= l.logEnd {
			r.CaughtUp = 0
		}
		list = append(list, r)
	}
	return list
}
