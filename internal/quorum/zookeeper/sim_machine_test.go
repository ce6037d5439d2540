package zookeeper

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/ensemble"
)

// machine is a node's machine, with the process on it while it lives.
type machine struct {
	*sim.Node
	history *history
	id      metadata.NodeID
	lives   int
	node    *Node // nil while it is down
	client  *ensemble.Client
	due     bool
	timer   *sim.NodeTimer
}

func (m *machine) start() {
	h := m.history
	m.Node.Start(func() {
		m.lives++
		rand := h.Rand(fmt.Sprint(m.Name(), "/", m.lives))
		m.client = h.ensemble.NewClient(m.Node, rand)
		m.client.Change = h.change
		life := m.lives
		n, err := Open(Config{
			Asker: &asker{m.client, m}, NodeID: m.id, ClusterID: "simulated", Broker: member.Broker{Directory: m.Name(), Controller: m.Name() + ":9093"},
			Controller: controller.Config{SessionTimeout: time.Hour}, SnapshotBytes: 3000, Manual: true, Now: m.clock,
			Random: func(b []byte) {
				for i := range b {
					b[i] = byte(rand.IntN(256))
				}
			},
			OnLeader: func() {
				if m.node == nil || m.lives != life {
					return
				}
				if leader, epoch, ok := m.node.Leader(); ok && leader == m.id {
					if before, led := h.leaders[epoch]; led && before != int(m.id) {
						h.wrong("node %d leads in epoch %d, as node %d did", m.id, epoch, before)
					}
					h.leaders[epoch] = int(m.id)
				}
			},
			OnStopped: func(reason error) { h.wrong("node %d stops: %v", m.id, reason) },
		})
		if err != nil {
			panic(err)
		}
		m.node = n
		n.Subscribe(func(_, after *metadata.Image, _ *metadata.Delta) { h.shown(m, after) })
	})
}

func (m *machine) clock() time.Time { return time.Unix(1000, 0).Add(time.Duration(m.Now())) }

func (m *machine) crash() {
	h := m.history
	m.node = nil
	m.Crash()
	h.After(h.rand.Between(0, 3*time.Second), m.start)
}

// soon has the node work after a moment, within which more may come.
func (m *machine) soon() {
	if m.due || m.node == nil {
		return
	}
	m.due = true
	most := time.Millisecond
	if m.history.attack && m.history.rand.Chance(20) {
		most = time.Second // the process stands still for a while
	}
	m.After(m.history.rand.Between(0, most), func() {
		m.due = false
		if m.node == nil {
			return
		}
		_ = m.node.Work(m.clock())
		if m.timer != nil {
			m.timer.Stop()
		}
		if at, ok := m.node.Deadline(); ok {
			m.timer = m.After(max(at.Sub(m.clock()), time.Millisecond), m.soon)
		}
	})
}

// asker is a node's way to the ensemble, with the bug.
type asker struct {
	*ensemble.Client
	m *machine
}

func (a *asker) Listen(listen func(member.Event)) {
	m := a.m
	m.due = false
	a.Client.Listen(func(e member.Event) {
		switch r := e.(type) {
		case *member.Fired:
			if m.history.bug == watchForgotten {
				return
			}
		case *member.Answer:
			if m.history.bug == lostIsDone && r.Code == member.Lost {
				e = &member.Answer{ID: r.ID, Versions: []int32{0, 0, 0, 0}}
			}
		}
		listen(e)
		m.soon()
	})
}

func (h *history) change(r *member.Request) *member.Request {
	if r.Kind != member.Multi || h.bug != epochUnchecked && h.bug != nothingChecked && h.bug != confirmedBlind {
		return r
	}
	bare := *r
	bare.Ops = slices.Clone(r.Ops)
	for i := range bare.Ops {
		op := &bare.Ops[i]
		confirms := len(r.Ops) == 1 && op.Kind == member.Check
		switch {
		case h.bug == confirmedBlind && confirms, h.bug != confirmedBlind && op.Kind == member.Check && op.Path == member.EpochPath && !confirms,
			h.bug == nothingChecked && op.Path == member.HeadPath:
			op.Version = member.AnyVersion
		}
	}
	return &bare
}
