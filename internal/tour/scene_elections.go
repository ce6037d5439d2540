package tour

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// electionsScene: a leader dies and one that has everything leads; then one dies that alone had everything.
var electionsScene = Scene{Name: "elections", Cluster: true, Begin: func(a *Act) []Step {
	s := &elections{replicated: replicated{Act: a}}
	a.lanes, a.group = nil, ""
	return []Step{{Name: "whole", Do: s.whole}, {Name: "clean", Do: s.clean}, {Name: "alone", Do: s.alone}, {Name: "none", Do: s.none},
		{Name: "unclean", Do: s.unclean}, {Name: "told", Do: s.told}, {Name: "back", Do: s.back}}
}}

// elections is a partition on two nodes of three; the third is the controller, which lives. leader leads first, slow is the
// other one.
type elections struct {
	replicated
	first   standing // before anything dies
	second  standing // led by the other
	third   standing // after the unclean election
	written []string // and acknowledged
	top     int64    // the highest offset that was acknowledged before the unclean election
}

// acknowledge writes records that are given back when they are read.
func (s *elections) acknowledge(values ...string) ([]int64, error) {
	offsets, err := s.write(values...)
	s.written = append(s.written, values[:len(offsets)]...)
	for _, o := range offsets {
		s.top = max(s.top, o)
	}
	return offsets, err
}

func (s *elections) whole() error {
	if err := s.cast(); err != nil {
		return err
	}
	s.drawNodes()
	if err := s.createReplicated(map[string]string{"min.insync.replicas": "1"}, s.leader, s.slow); err != nil {
		return err
	}
	offsets, err := s.acknowledge("a", "b", "c")
	if err != nil {
		return err
	}
	if err := s.awaitBoth(3); err != nil {
		return err
	}
	s.first, err = s.awaitStanding("both replicas to be in sync", func(st standing) bool { return st.leader == s.leader && len(st.isr) == 2 })
	if err != nil {
		return err
	}
	s.fact(Wire, "whole", offsets, []int64{0, 1, 2}, laneOfNode(s.leader), s.first.epoch)
	return nil
}

// leads is the fact that a node leads in the epoch after another.
func (s *elections) leads(name string, st standing, node, before int32) {
	s.mark(laneOfNode(node), lane.Change, "leads", laneOfNode(node), st.epoch)
	s.fact(Wire, name, st.leader == node && st.epoch > before, true, laneOfNode(st.leader), st.epoch)
}

// clean kills the leader.
func (s *elections) clean() (err error) {
	if err = s.kill(s.leader); err != nil {
		return err
	}
	s.second, err = s.awaitStanding("the other to lead", func(st standing) bool { return st.leader >= 0 && st.leader != s.leader })
	if err != nil {
		return err
	}
	s.leads("clean.leader", s.second, s.slow, s.first.epoch)
	epoch, end, err := s.endOfEpoch(s.slow, s.first.epoch)
	if err != nil {
		return err
	}
	s.fact(Wire, "clean.epoch", end, int64(3), epoch, s.second.epoch)
	offsets, err := s.acknowledge("d")
	if err != nil {
		return err
	}
	s.fact(Wire, "clean.next", offsets, []int64{3})
	return s.kept("clean.kept")
}

// kept is the fact that everything which was acknowledged is read.
func (s *elections) kept(name string) error {
	read, err := s.values(len(s.written))
	if err != nil {
		return err
	}
	s.fact(Wire, name, read, slices.Clone(s.written))
	return nil
}

// alone brings the old leader back as a follower, then cuts it off: the new one is alone in the ISR, and acknowledges.
func (s *elections) alone() error {
	if err := s.restart(s.leader); err != nil {
		return err
	}
	if err := s.awaitBoth(4); err != nil {
		return err
	}
	s.broker.Faults.Cut(s.leader, s.slow)
	s.mark(laneOfNode(s.leader), lane.None, "cut", laneOfNode(s.leader), laneOfNode(s.slow))
	offsets, err := s.acknowledge("e", "f") // the first waits until the follower has left the ISR
	if err != nil {
		return err
	}
	st, err := s.awaitStanding("the follower to leave the ISR", func(st standing) bool { return len(st.isr) == 1 })
	if err != nil {
		return err
	}
	s.fact(Wire, "alone.isr", st.isr, []int32{s.slow}, s.nodes(st.isr...))
	s.fact(Wire, "alone.acknowledged", offsets, []int64{4, 5})
	ends, err := s.ends()
	if err != nil {
		return err
	}
	s.fact(Wire, "alone.ends", []int64{ends[s.leader].end, ends[s.slow].end}, []int64{4, 6}, laneOfNode(s.leader), laneOfNode(s.slow))
	return s.kept("alone.read")
}

// awaitBoth waits until both replicas are in sync and durable up to an offset.
func (s *elections) awaitBoth(end int64) error {
	return s.await("both replicas to be in sync", askMax, func() error {
		st, err := s.standing()
		if err != nil {
			return err
		}
		ends, err := s.ends()
		if err == nil && (len(st.isr) != 2 || ends[s.leader].durable != end || ends[s.slow].durable != end) {
			err = fmt.Errorf("%w: %+v, %v", errNotYet, st, ends)
		}
		return err
	})
}

// ends are those of the two replicas.
func (s *elections) ends() (map[int32]replicaEnds, error) {
	ends := map[int32]replicaEnds{}
	for _, node := range []int32{s.leader, s.slow} {
		p, err := s.describe(node)
		if err != nil {
			return nil, err
		}
		ends[node] = replicaEnds{p.LogEndOffset, p.DurableEndOffset, p.HighWatermark}
	}
	return ends, nil
}

// none kills the only one that has everything.
func (s *elections) none() error {
	if err := s.kill(s.slow); err != nil {
		return err
	}
	s.broker.Faults.Heal()
	st, err := s.awaitStanding("the partition to have no leader of before", func(st standing) bool { return st.leader != s.slow })
	if err != nil {
		return err
	}
	s.fact(Wire, "none.leader", st.leader, int32(-1))
	s.fact(Wire, "none.elr", st.elr, []int32{s.slow}, s.nodes(st.elr...))
	s.fact(Wire, "none.code", st.code.String(), protocol.LeaderNotAvailable.String())
	code, err := s.elect(0)
	if err != nil {
		return err
	}
	s.fact(Wire, "none.preferred", code.String(), protocol.PreferredLeaderNotAvailable.String(), laneOfNode(s.leader))
	return nil
}

// elect asks for an election: 0 of the preferred leader, 1 unclean.
func (s *elections) elect(kind int8) (protocol.Code, error) {
	request := kmsg.NewPtrElectLeadersRequest()
	request.ElectionType = kind
	request.Topics = []kmsg.ElectLeadersRequestTopic{{Topic: s.topic, Partitions: []int32{0}}}
	response, err := request.RequestWith(s.ctx, s.client)
	if err != nil {
		return 0, err
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("ElectLeaders was answered with %+v", response)
	}
	return protocol.Code(response.Topics[0].Partitions[0].ErrorCode), nil
}

// unclean lets the one lead that lives, and counts what is lost.
func (s *elections) unclean() error {
	code, err := s.elect(1)
	if err != nil {
		return err
	}
	s.fact(Wire, "unclean.elected", code.String(), protocol.None.String())
	s.third, err = s.awaitStanding("the other to lead", func(st standing) bool { return st.leader >= 0 })
	if err != nil {
		return err
	}
	s.leads("unclean.leader", s.third, s.leader, s.second.epoch)
	led, err := s.describe(s.leader)
	if err != nil {
		return err
	}
	lost := []int64{led.LogEndOffset, s.top}
	s.fact(Wire, "unclean.lost", lost, []int64{4, 5}, lost[0], lost[1])
	offsets, err := s.write("g")
	if err != nil {
		return err
	}
	s.fact(Wire, "unclean.again", offsets, []int64{4})
	s.written = append(s.written[:4:4], "g")
	return s.kept("unclean.read")
}

// told asks what a consumer asks that has read up to offset 6 in the epoch before.
func (s *elections) told() error {
	position := s.top + 1
	epoch, end, err := s.endOfEpoch(s.leader, s.second.epoch)
	if err != nil {
		return err
	}
	s.fact(Wire, "told.diverging", end, int64(4), epoch, position)
	code, err := s.fetchAt(s.leader, position, -1)
	if err != nil {
		return err
	}
	s.fact(Wire, "told.range", code.String(), protocol.OffsetOutOfRange.String(), position)
	if code, err = s.fetchAt(s.leader, position, s.second.epoch); err != nil {
		return err
	}
	s.fact(Wire, "told.fenced", code.String(), protocol.FencedLeaderEpoch.String(), s.second.epoch)
	return nil
}

// back starts the one again that had what is lost.
func (s *elections) back() error {
	if err := s.restart(s.slow); err != nil {
		return err
	}
	if err := s.awaitBoth(5); err != nil {
		return err
	}
	ends, err := s.ends()
	if err != nil {
		return err
	}
	s.fact(Wire, "back.cut", ends[s.slow].end, int64(5), laneOfNode(s.slow), s.top+1)
	// It leads once more, so that it is its log that is read.
	if err := s.kill(s.leader); err != nil {
		return err
	}
	st, err := s.awaitStanding("it to lead", func(st standing) bool { return st.leader >= 0 && st.leader != s.leader })
	if err != nil {
		return err
	}
	s.leads("back.leader", st, s.slow, s.third.epoch)
	return s.kept("back.read")
}
