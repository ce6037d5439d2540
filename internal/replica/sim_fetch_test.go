package replica

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// simFetch is a follower's request, simAnswer what the leader says.
type simFetch struct {
	number      int
	from        metadata.NodeID
	brokerEpoch metadata.BrokerEpoch
	epoch       record.LeaderEpoch
	offset      record.Offset
	last        record.LeaderEpoch
}

type simAnswer struct {
	FetchAnswered
	entries []simEntry
}

const (
	fetchTimeout = 400 * time.Millisecond
	fetchBackoff = 30 * time.Millisecond
	fetchWait    = 15 * time.Millisecond
)

// ask sends the fetch that follows from the log's end and the epoch now.
func (n *simNode) ask() {
	leader, epoch, ok := n.state.Following()
	n.fetch++
	if !ok {
		return
	}
	f := simFetch{number: n.fetch, from: n.id, brokerEpoch: n.brokerEpoch, epoch: epoch, offset: n.log.end(), last: n.log.latest()}
	n.world.send(n.id, leader, func() {
		n.world.node(leader).serve(f, func(a simAnswer) {
			n.world.send(leader, n.id, func() {
				if n.fetch == f.number {
					n.take(leader, a)
				}
			})
		})
	})
	n.again(fetchTimeout)
}

// again asks after a pause, unless something else asks before.
func (n *simNode) again(pause time.Duration) {
	number := n.fetch
	n.after(pause, func() {
		if n.fetch == number {
			n.ask()
		}
	})
}

// serve is the leader's side. It answers at once, or a moment later if there is nothing to tell.
func (n *simNode) serve(f simFetch, reply func(simAnswer)) {
	a := simAnswer{FetchAnswered: FetchAnswered{Epoch: f.epoch, Offset: f.offset, LeaderLogEnd: -1, LeaderLogStart: -1,
		Diverging: EpochEnd{Epoch: record.NoLeaderEpoch, End: -1}}}
	epoch, leading := n.state.Leading()
	if !leading || epoch != f.epoch && !n.world.bug.anyEpoch {
		a.Code = protocol.FencedLeaderEpoch
		reply(a)
		return
	}
	a.LeaderLogStart, a.LeaderHighWatermark = n.log.start, n.state.HighWatermark()
	if f.last != record.NoLeaderEpoch && !n.world.bug.anyEpoch {
		end, known := n.log.leaderEpochEnd(f.last, epoch)
		switch {
		case !known:
			a.Code, a.LeaderLogEnd = protocol.OffsetOutOfRange, n.log.end()
		case end.Epoch < f.last || end.End < f.offset:
			a.Diverging = end
		}
	}
	if f.offset < n.log.start || f.offset > n.log.end() {
		if a.Diverging.Epoch == record.NoLeaderEpoch {
			a.Code, a.LeaderLogEnd = protocol.OffsetOutOfRange, n.log.end()
		}
	}
	if a.Code != protocol.None || a.Diverging.Epoch != record.NoLeaderEpoch {
		reply(a)
		return
	}
	b := n.image.brokers[f.from]
	n.step(&Fetched{Node: f.from, BrokerEpoch: f.brokerEpoch, Epoch: f.epoch, Offset: f.offset, LogEnd: n.log.end(),
		Eligible: !b.fenced && b.epoch == f.brokerEpoch})
	a.LeaderHighWatermark = n.state.HighWatermark()
	if from := f.offset - n.log.start; int(from) < len(n.log.entries) {
		to := min(int(from)+1+n.world.rand.IntN(16), len(n.log.entries))
		a.entries = slices.Clone(n.log.entries[from:to])
		reply(a)
		return
	}
	n.after(fetchWait, func() { reply(a) })
}

// take does what the state makes of an answer.
func (n *simNode) take(leader metadata.NodeID, a simAnswer) {
	a.LogStart, a.LogEnd = n.log.start, n.log.end()
	a.Own, _ = n.log.epochEnd(a.Diverging.Epoch)
	effects := n.step(&a.FetchAnswered)
	switch effects.Action {
	case RetryLater:
		n.again(fetchBackoff)
		return
	case TakeRecords:
		n.world.see.takes(n, leader, a)
		n.log.entries = append(n.log.entries, a.entries...)
		if effects.MoveStart {
			n.log.moveStart(effects.LogStart)
		}
		n.step(&Grown{LogStart: n.log.start, LogEnd: n.log.end(), DurableEnd: n.log.durable})
	case TruncateTo:
		n.truncate(effects.To)
	case ResetTo:
		n.cutting++
		n.log.reset(effects.To)
		n.world.see.cut(n)
		n.step(&Cut{LogStart: n.log.start, LogEnd: n.log.end()})
	}
	n.ask()
}

func (n *simNode) truncate(to record.Offset) {
	n.cutting++
	n.log.truncate(to)
	n.world.see.cut(n)
	n.step(&Cut{LogStart: n.log.start, LogEnd: n.log.end()})
}
