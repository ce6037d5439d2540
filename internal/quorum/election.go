package quorum

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// A node that is not alone has ticks. A leader sends a heartbeat with each, and steps down when in electionTicks of them
// it has not heard from a majority. Another node believes in its leader for that long, 500 ms, after it heard of it; a time
// later that is drawn anew each time, up to 500 ms, it stands for election. So a leader's end is noticed after 0.5 to 1 s;
// with three voters the first of the two that are left has had enough after 0.67 s in the mean. Ten heartbeats in a row must
// be lost or late before that happens to a leader that lives. Two that stand at once may both fail; they try again sooner.
//
// Being wrong about the time costs an election and nothing else: who leads is decided by votes, which are durable, and
// what is agreed upon by a majority that holds it durably. A node that finds its leader gone asks first whether it would be
// elected (pre-vote), and those who hear the leader say no, so a node that is cut off disturbs nobody when it is back.
//
// In a cluster that is new nobody can have a leader. There the voter with the lowest id stands with each tick, until one
// is elected: the first start need not wait.
//
// raft could count a follower's ticks itself, but draws the waiting time from a source that cannot be injected, and a
// simulation could not be replayed. So only a leader's ticks are raft's.
const (
	tickEvery       = 50 * time.Millisecond
	electionTicks   = 10
	electionTimeout = electionTicks * tickEvery
)

// electionTimer is a leader's next heartbeat, and the patience of anybody else.
type electionTimer struct {
	at       time.Time     // of a leader's next tick
	seen     time.Time     // up to when quiet is counted
	quiet    time.Duration // since the leader was heard, or since the node's role last changed
	patience time.Duration // how much quiet there is before the node stands for election
	alone    bool          // quiet has lasted for electionTimeout: the leader is not believed in
	role     role
}

// role is what begins the waiting anew when it changes: a new term, a vote that was given, a defeat.
type role struct {
	term, vote uint64
	state      raft.StateType
}

// ticks says whether time means anything to this node: not to one that is alone, nor to one that is no member yet.
func (n *Node) ticks() bool { return len(n.members) > 0 && !n.members.alone(n.config.NodeID) }

// tick lets time go on. What a node has slept through is not made up for: it looks first at what has come meanwhile.
func (n *Node) tick(now time.Time) {
	if !n.ticks() {
		return
	}
	n.noteRole()
	t := &n.timer
	t.quiet += max(min(now.Sub(t.seen), 2*tickEvery), 0)
	t.seen = now
	if t.role.state == raft.StateLeader {
		if wait := t.at.Sub(now); wait <= 0 || wait > tickEvery {
			t.at = now.Add(tickEvery)
			n.raft.Tick()
		}
		return
	}
	if t.quiet >= electionTimeout && !t.alone {
		t.alone = true
		_ = n.raft.ForgetLeader() // it refuses nothing in this configuration
	}
	if t.quiet >= t.patience {
		n.wait(electionTimeout)
		n.stand()
	}
}

// nextTick is when tick has something to do.
func (n *Node) nextTick() time.Time {
	t := &n.timer
	if t.role.state == raft.StateLeader {
		return t.at
	}
	return t.seen.Add(min(tickEvery, max(t.patience-t.quiet, 0)))
}

// stand has this node stand for election, if it votes.
func (n *Node) stand() {
	if self, ok := n.members.find(n.config.NodeID); !ok || !self.Voter {
		return
	}
	if err := n.raft.Campaign(); err != nil {
		n.logger.Debug("this node cannot stand for election", "cause", err)
	}
}

// noteRole begins the waiting anew if the role has changed. Who stood and was not elected knows that nobody leads, and
// only has to keep out of the way of the others.
func (n *Node) noteRole() {
	s := n.raft.BasicStatus()
	before, now := n.timer.role, role{s.GetTerm(), s.GetVote(), s.RaftState}
	switch {
	case now == before && n.timer.patience > 0:
	case before.state == raft.StateCandidate && now.state == raft.StateFollower && now.term == before.term && s.Lead == raft.None:
		n.wait(2 * tickEvery)
	default:
		n.wait(electionTimeout)
	}
	n.timer.role = now
}

// wait begins the waiting anew: at least for a while, and up to electionTimeout longer.
func (n *Node) wait(least time.Duration) {
	t := &n.timer
	t.quiet, t.alone = 0, false
	if n.opens() {
		t.patience = tickEvery
		return
	}
	t.patience = least + time.Duration(n.config.Random.Number()%uint32(electionTimeout/time.Microsecond))*time.Microsecond
}

// opens says whether this node is the one that is to be elected first in a cluster that has had no leader yet.
func (n *Node) opens() bool {
	if n.raft.BasicStatus().GetTerm() > 0 {
		return false
	}
	for _, m := range n.members { // sorted by id
		if m.Voter {
			return m.ID == n.config.NodeID
		}
	}
	return false
}

// heard begins the waiting anew if a message was the leader's.
func (n *Node) heard(m *raftpb.Message) {
	switch m.GetType() {
	case raftpb.MsgApp, raftpb.MsgHeartbeat, raftpb.MsgSnap:
		if s := n.raft.BasicStatus(); s.GetTerm() == m.GetTerm() && s.Lead == m.GetFrom() {
			n.timer.quiet, n.timer.alone = 0, false
		}
	}
}
