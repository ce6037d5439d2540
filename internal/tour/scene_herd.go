package tour

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// herdScene: what a group was before it had a coordinator, on a model of ZooKeeper, and the same with one.
var herdScene = Scene{Name: "herd", Begin: func(a *Act) []Step {
	s := &herding{Act: a}
	a.lanes = nil
	return []Step{{Name: "watch", Do: s.watch}, {Name: "split", Do: s.split}, {Name: "coordinator", Do: s.coordinator}, {Name: "fenced", Do: s.fenced}}
}}

const (
	herdPartitions = 6
	// herdCut is how long an old consumer is cut off: longer than its session.
	herdCut = 10 * time.Second
)

type herding struct {
	*Act
	old    *oldHerd
	alive  []*member
	victim *member
}

// watch lets a third old consumer come to two, and each work out its part.
func (s *herding) watch() error {
	s.old = newOldHerd()
	s.old.join("o1")
	s.old.join("o2")
	s.old.begin()
	s.old.join("o3")
	s.draw()
	c := s.old.counts()
	s.table([]string{"member", "notified", "requests", "tries"}, c.rows())
	s.fact(Model, "watch.told", c.notified, map[string]int{"o1": 1, "o2": 1})
	s.fact(Model, "watch.ids", c.idReads, 3*c.allTries())
	s.fact(Model, "watch.collided", slices.Sorted(maps.Keys(c.collided)), []string{"o3"})
	f := s.old.figures()
	s.fact(Model, "watch.unread", f.NoOwner >= oldBackoff, true, f.NoOwner.Seconds(), oldBackoff.Seconds())
	s.fact(Model, "watch.shared", s.old.reading(), map[string][]int32{"o1": {0, 1}, "o2": {2, 3}, "o3": {4, 5}})
	return nil
}

// split cuts one off from ZooKeeper for longer than its session, but not from the brokers.
func (s *herding) split() error {
	s.old.begin()
	s.old.cut("o2", herdCut)
	zombie, owners := s.old.reading()["o2"], s.old.owners(2, 3)
	f := s.old.figures()
	two := float64(2) * (herdCut - oldSession).Seconds()
	s.fact(Model, "split.reads", zombie, []int32{2, 3}, plainly(owners))
	s.fact(Model, "split.owners", owners, map[int32]string{2: "o1", 3: "o3"})
	s.fact(Model, "split.two", f.TwoOwners.Seconds() > two-1 && f.TwoOwners.Seconds() <= two, true, f.TwoOwners.Seconds())
	s.fact(Model, "split.doubled", f.Doubled > 0, true, f.Doubled)
	s.old.heal("o2")
	s.draw()
	s.fact(Model, "split.back", s.old.reading(), map[string][]int32{"o1": {0, 1}, "o2": {2, 3}, "o3": {4, 5}})
	return nil
}

// coordinator lets a third consumer come to two whose group has a coordinator.
func (s *herding) coordinator() error {
	s.lanes = []string{s.words.Say("lane.coordinator")}
	if err := s.createTopic(herdPartitions); err != nil {
		return err
	}
	if err := s.meet(); err != nil {
		return err
	}
	for range 2 {
		if err := s.start(); err != nil {
			return err
		}
		if err := s.awaitMembers(len(s.alive)); err != nil {
			return err
		}
	}
	if _, err := s.settled(); err != nil {
		return err
	}
	before := s.asks()
	if err := s.start(); err != nil {
		return err
	}
	d, err := s.settled()
	if err != nil {
		return err
	}
	told, asked := map[string]int{}, map[string]int{}
	for name, n := range s.asks() {
		asked[name] = n - before[name]
	}
	for _, m := range s.alive {
		for _, x := range exchanges[*protocol.HeartbeatRequest, *protocol.HeartbeatResponse](m.actor) {
			if x.response.ErrorCode == protocol.RebalanceInProgress {
				told[m.name]++
			}
		}
	}
	s.fact(Wire, "coordinator.told", told["c2"], 1)
	s.fact(Wire, "coordinator.asked", asked, map[string]int{"c1": 2, "c2": 2, "c3": 3})
	s.fact(Wire, "coordinator.once", len(d.owners)-len(d.twice), herdPartitions)
	return nil
}

// asks is how many JoinGroup and SyncGroup requests each consumer has sent.
func (s *herding) asks() map[string]int {
	n := map[string]int{}
	for _, m := range s.alive {
		n[m.name] = m.asked(protocol.KeyJoinGroup) + m.asked(protocol.KeySyncGroup)
	}
	return n
}

func (s *herding) start() error {
	i := len(s.alive) + 1
	m, err := s.join(fmt.Sprintf("c%d", i), memberOptions{session: s.broker.Session, beat: s.broker.Heartbeat + time.Duration(i)*s.broker.Heartbeat/11})
	if err == nil {
		s.alive = append(s.alive, m)
	}
	return err
}

func (s *herding) settled() (*described, error) {
	return s.settle(herdPartitions, 3*s.broker.Session+changeSlack, s.alive)
}

// fenced mutes the coordinator for one consumer until its session is over. What it would commit then is sent in its place.
func (s *herding) fenced() error {
	s.victim = s.alive[2]
	if err := s.await("a heartbeat of "+s.victim.name, changeSlack, func() error {
		if len(exchanges[*protocol.HeartbeatRequest, *protocol.HeartbeatResponse](s.victim.actor)) == 0 {
			return errNotYet
		}
		return nil
	}); err != nil {
		return err
	}
	id, generation := s.victim.client.GroupMetadata()
	lost := s.victim.partitions()
	s.alive = s.alive[:2]
	s.victim.mute()
	s.mark(s.words.Say("lane.coordinator"), lane.Pause, "muted", s.victim.name)
	if _, err := s.settled(); err != nil {
		return err
	}
	if err := s.produce(herdPartitions, 1); err != nil {
		return err
	}
	want := map[int32]int64{}
	for p := range int32(herdPartitions) {
		want[p] = 1
	}
	err := s.await("every record to be read", changeSlack, func() error {
		read := map[int32]int64{}
		for _, m := range s.alive {
			maps.Copy(read, m.read())
		}
		if !maps.Equal(read, want) {
			return fmt.Errorf("they are at %v", read)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range s.alive {
		if code, err := m.commit(s.ctx); err != nil || code != protocol.None {
			return fmt.Errorf("the commit of %s was answered with %s: %w", m.name, code, err)
		}
	}
	code, err := s.commitAs(id, generation, lost[0])
	if err != nil {
		return err
	}
	s.fact(Wire, "fenced.refused", code.String(), "UNKNOWN_MEMBER_ID", s.victim.name)
	now, err := s.committed()
	if err != nil {
		return err
	}
	s.fact(Wire, "fenced.kept", now, want)
	s.mark(s.words.Say("lane.coordinator"), lane.Resume, "unmuted")
	s.victim.unmute()
	s.alive = append(s.alive, s.victim)
	d, err := s.settled()
	if err != nil {
		return err
	}
	s.fact(Wire, "fenced.back", len(d.owners)-len(d.twice), herdPartitions, s.victim.name)
	return nil
}

// commitAs commits the offset 0 of a partition, as a member of a generation.
func (s *herding) commitAs(memberID string, generation int32, partition int32) (protocol.Code, error) {
	found, err := s.findCoordinator(s.client, s.group)
	if err != nil {
		return 0, err
	}
	l, err := s.open(fmt.Sprintf("%s:%d", found.Host, found.Port), softwareName)
	if err != nil {
		return 0, err
	}
	defer l.close()
	const version = 7 // names topics, and members by id
	request := protocol.NewOffsetCommitRequest()
	request.GroupID, request.MemberID, request.GenerationIDOrMemberEpoch = s.group, memberID, generation
	p := protocol.NewOffsetCommitRequestPartition()
	p.PartitionIndex, p.CommittedOffset = partition, 0
	t := protocol.NewOffsetCommitRequestTopic()
	t.Name, t.Partitions = s.topic, []protocol.OffsetCommitRequestPartition{p}
	request.Topics = []protocol.OffsetCommitRequestTopic{t}
	response := protocol.NewOffsetCommitResponse()
	if err := l.ask(askLimit, request, version, response); err != nil {
		return 0, err
	}
	return response.Topics[0].Partitions[0].ErrorCode, nil
}
