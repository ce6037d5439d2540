package replica

import (
	"fmt"
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// simJudge sees everything and says what must not be. The rules are those of docs and KIP-320:
//
//   - StrongIsr: what any leader presumes committed is durable on every member of the ISR that the controller has.
//   - A follower takes records only onto a log that is the beginning of the leader's; it truncates only by an answer of
//     its own epoch; acknowledgements count in their epoch only; who joins the ISR has reached the epoch's start.
//   - An epoch has one leader; epochs in a log never go back.
//   - At the end all replicas hold what was committed, and nothing acknowledged is missing.
//   - What one consumer sees never goes back and is never taken back.
type simJudge struct {
	world  *simWorld
	found  []string
	ledger []simEntry // what was presumed committed, by offset
	acks   []simWait

	leaders map[int64]metadata.NodeID // by epoch
	healed  int                       // the ledger when the faults ended

	consumer struct {
		epoch         record.LeaderEpoch
		highWatermark record.Offset
		logStart      record.Offset
	}
	states map[string]int // how often something worth reaching was reached
}

func (j *simJudge) wrong(format string, args ...any) {
	j.found = append(j.found, fmt.Sprintf("%v: ", j.world.Now())+fmt.Sprintf(format, args...))
}

func (j *simJudge) reached(state string) {
	if j.states == nil {
		j.states = map[string]int{}
	}
	j.states[state]++
}

// moved looks at a high watermark that moved.
func (j *simJudge) moved(n *simNode) {
	hw := n.state.HighWatermark()
	epoch, leading := n.state.Leading()
	if !leading {
		if int(hw) > len(j.ledger) {
			j.wrong("node %d follows and says %d is committed; no leader went beyond %d", n.id, hw, len(j.ledger))
		}
		return
	}
	if len(n.isr) < simISRMin {
		j.wrong("node %d moves the high watermark in epoch %d to %d with the ISR %v", n.id, epoch, hw, n.isr)
	}
	j.presumes(n)
}

// presumes takes what a leader holds for committed into the ledger, or compares it.
func (j *simJudge) presumes(n *simNode) {
	hw, known := n.state.HighWatermark(), record.Offset(len(j.ledger))
	if hw > n.log.end() {
		j.wrong("node %d says %d is committed, its log ends at %d", n.id, hw, n.log.end())
		return
	}
	for o := max(n.log.start, min(hw, known)-64); o < min(hw, known); o++ {
		if e := n.log.at(o); e != j.ledger[o] {
			j.wrong("offset %d was committed as %v; leader %d has %v", o, j.ledger[o], n.id, e)
			return
		}
	}
	if hw <= known {
		return
	}
	if n.log.start > known {
		j.wrong("leader %d begins at %d, only %d is committed", n.id, n.log.start, known)
		return
	}
	for o := known; o < hw; o++ {
		j.ledger = append(j.ledger, n.log.at(o))
	}
	for _, id := range j.world.ctl.isr {
		j.holds(j.world.node(id), known)
	}
}

// holds looks whether a member of the true ISR holds durably what is committed, from an offset on.
func (j *simJudge) holds(n *simNode, from record.Offset) {
	if int(n.log.durable) < len(j.ledger) {
		j.wrong("StrongIsr: node %d of the ISR is durable up to %d; committed is %d", n.id, n.log.durable, len(j.ledger))
		return
	}
	for o := max(from, n.log.start); int(o) < len(j.ledger); o++ {
		if e := n.log.at(o); e != j.ledger[o] {
			j.wrong("StrongIsr: node %d of the ISR has %v at %d; committed is %v", n.id, e, o, j.ledger[o])
			return
		}
	}
}

// cut looks at a log that lost something.
func (j *simJudge) cut(n *simNode) {
	j.reached("cut")
	if slices.Contains(j.world.ctl.isr, n.id) {
		j.holds(n, record.Offset(len(j.ledger)))
	}
}

// joined looks at a node that the controller takes into the ISR.
func (j *simJudge) joined(leader, id metadata.NodeID) {
	j.reached("joined")
	n, l := j.world.node(id), j.world.node(leader)
	if l.alive && n.log.durable < l.state.EpochStart() {
		j.wrong("node %d joins the ISR with %d; the epoch of leader %d began at %d", id, n.log.durable, leader, l.state.EpochStart())
	}
	j.holds(n, 0)
}

// leads notes who leads an epoch.
func (j *simJudge) leads(n *simNode) {
	j.reached("led")
	epoch, leading := n.state.Leading()
	if !leading {
		return
	}
	if other, ok := j.leaders[int64(epoch)]; ok && other != n.id {
		j.wrong("nodes %d and %d lead in epoch %d", other, n.id, epoch)
	}
	j.leaders[int64(epoch)] = n.id
	j.presumes(n)
}

// serves looks whether a node may act as the leader.
func (j *simJudge) serves(n *simNode, what string) {
	if epoch, _ := n.state.Leading(); n.image.leaderEpoch > epoch {
		j.wrong("node %d %s in epoch %d though it knows of epoch %d", n.id, what, epoch, n.image.leaderEpoch)
	}
}

// takes looks at records that a follower is about to take.
func (j *simJudge) takes(n *simNode, leader metadata.NodeID, a simAnswer) {
	l := j.world.node(leader)
	if epoch, leads := l.state.Leading(); l.alive && leads && epoch == a.Epoch {
		for o := max(n.log.start, l.log.start, n.log.end()-16); o < n.log.end(); o++ {
			if o >= l.log.end() || n.log.at(o) != l.log.at(o) {
				j.wrong("node %d takes records at %d from leader %d, whose log differs at %d", n.id, n.log.end(), leader, o)
				break
			}
		}
	}
	last := n.log.latest()
	for _, e := range a.entries {
		if e.epoch < last {
			j.wrong("node %d takes a record of epoch %d after one of %d", n.id, e.epoch, last)
		}
		last = e.epoch
	}
}

// acked notes a produce that was answered.
func (j *simJudge) acked(w simWait) {
	j.acks = append(j.acks, w)
	if int(w.offset) >= len(j.ledger) || j.ledger[w.offset].value != w.value {
		j.wrong("value %d is acknowledged at %d, which is not what is committed there", w.value, w.offset)
	}
}

// reads is a consumer with the epoch that it knows of (KIP-320): the end of what it may read, and the last record there.
func (j *simJudge) reads(n *simNode) {
	epoch, leading := n.state.Leading()
	c := &j.consumer
	if !leading || epoch < c.epoch {
		return
	}
	j.serves(n, "answers a consumer")
	if epoch > c.epoch {
		c.epoch, c.logStart = epoch, 0 // each replica deletes for itself: a new leader's log may begin earlier
	}
	hw := n.state.HighWatermark()
	if n.world.bug.readBeyond {
		hw = n.log.end()
	}
	if int(hw) > len(j.ledger) {
		j.wrong("node %d gives a consumer the records up to %d; %d are committed", n.id, hw, len(j.ledger))
	}
	if !n.state.Settled() {
		j.reached("offset not available")
		return
	}
	if hw < c.highWatermark || n.log.start < c.logStart {
		j.wrong("a consumer saw the high watermark %d and the log start %d, now %d and %d", c.highWatermark, c.logStart, hw, n.log.start)
	}
	c.highWatermark, c.logStart = hw, n.log.start
}

// atRest looks at the end: everything has progressed, and all replicas are equal.
func (j *simJudge) atRest() {
	w := j.world
	if len(w.ctl.isr) != len(w.nodes) {
		j.wrong("at the end the ISR is %v, leader %d", w.ctl.isr, w.ctl.leader)
		return
	}
	if len(j.ledger) < j.healed+50 {
		j.wrong("after the faults %d records were committed", len(j.ledger)-j.healed)
	}
	for _, n := range w.nodes {
		j.holds(n, 0)
	}
	for _, a := range j.acks {
		if j.ledger[a.offset].value != a.value {
			j.wrong("value %d was acknowledged at %d and is lost", a.value, a.offset)
		}
	}
}
