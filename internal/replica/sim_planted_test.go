package replica

import (
	"testing"

	"github.com/skein-io/skein/internal/record"
)

// bug is a fault that is put in on purpose, to see that a checker finds it.
type bug struct {
	cutToHighWatermark bool // a follower truncates to its own high watermark (before KIP-101)
	anyEpoch           bool // acknowledgements and fetches of another epoch count
	joinAnywhere       bool // who has reached the high watermark joins the ISR, whatever the epoch's start
	joinByLogEnd       bool // who has reached it with a log's end that is not durable joins, as in Kafka
	shrinkAtOnce       bool // who leaves the ISR is not waited for while the controller has not agreed
	staleLeader        bool // a leader does not heed an image that has another leader
	underMin           bool // the high watermark moves with too few in sync
	readBeyond         bool // consumers read to the log's end
	reportLogEnd       bool // followers report what is not durable

	first uint64        // the seed to begin with: from 0 it is found too, but late
	start record.Offset // what the epoch's start is, while it is hidden
}

// before changes what the state is about to take, after what it has made of it.
func (b *bug) before(n *simNode, e Event) {
	s := &n.state
	switch e := e.(type) {
	case *Durable:
		if p := s.leader.find(e.Node); b.anyEpoch && s.role == leading && p != nil && e.Node != n.id {
			e.Epoch, e.BrokerEpoch, p.matched = s.epoch, p.brokerEpoch, true
			e.End = min(e.End, n.log.end())
		}
	case *Fetched:
		if b.anyEpoch {
			e.Epoch = s.epoch
		}
	}
	b.start = s.leader.start
	if b.joinAnywhere {
		s.leader.start = 0
	}
	if e, ok := e.(*Fetched); ok && b.joinByLogEnd && s.role == leading {
		b.join(s, e)
	}
}

// join hides the epoch's start where a follower has reached it, though not durably.
func (b *bug) join(s *State, e *Fetched) {
	l := &s.leader
	p := l.find(e.Node)
	if p == nil || p.inSync || p.proposed || l.pending.change != nil || !p.matched || !e.Eligible ||
		e.Epoch != s.epoch || e.BrokerEpoch != p.brokerEpoch || e.Offset < s.highWatermark || e.Offset < l.start || p.durableEnd < s.highWatermark {
		return
	}
	l.start = min(l.start, p.durableEnd)
}

func (b *bug) after(n *simNode, e Event) {
	l := &n.state.leader
	if _, ok := e.(*Lead); ok {
		if b.underMin {
			l.isrMin = 0
		}
		return
	}
	if b.joinAnywhere || b.joinByLogEnd {
		l.start = b.start
	}
	if b.shrinkAtOnce {
		for i := range l.replicas {
			if p := &l.replicas[i]; p.leaving {
				p.inSync = false
			}
		}
	}
}

// TestPlantedBugs: each of them is found within a thousand seeds.
func TestPlantedBugs(t *testing.T) {
	for name, b := range map[string]bug{
		"truncates to its own high watermark":  {cutToHighWatermark: true},
		"acknowledgements of any epoch count":  {anyEpoch: true},
		"joins below the start of the epoch":   {joinAnywhere: true},
		"joins with a log end":                 {joinByLogEnd: true, first: 540},
		"who leaves is not waited for":         {shrinkAtOnce: true},
		"a stale leader goes on":               {staleLeader: true},
		"commits under min.insync.replicas":    {underMin: true},
		"consumers read beyond":                {readBeyond: true},
		"followers report what is not durable": {reportLogEnd: true},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range uint64(1000) {
				seed := (b.first + i) % 1000
				if w := runSim(seed, b); len(w.see.found) > 0 {
					t.Logf("seed %d: %s", seed, w.see.found[0])
					return
				}
			}
			t.Fatal("not found in 1,000 seeds")
		})
	}
}
