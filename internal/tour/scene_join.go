package tour

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// joinScene: how members become a generation with an assignment.
var joinScene = Scene{Name: "join", Begin: func(a *Act) []Step {
	s := &joining{Act: a, begun: make(chan int, 1), release: make(chan struct{})}
	return []Step{{Name: "unknown", Do: s.unknown}, {Name: "join", Do: s.join}, {Name: "sync", Do: s.sync}, {Name: "empty", Do: s.empty}}
}}

const (
	joinPartitions = 6
	joinMembers    = 3
	// joinSession is long: a person may look at the group while its consumer leader is held.
	joinSession = 5 * time.Minute
	// joinLimit is how long anything here may take, with the initial delay of a broker that the tour did not start.
	joinLimit = 20 * time.Second
)

type joining struct {
	*Act
	members []*member
	begun   chan int      // the consumer leader was told so many members
	release chan struct{} // lets it assign
	once    sync.Once
}

func (s *joining) letGo() { s.once.Do(func() { close(s.release) }) }

// balance holds the consumer leader between JoinGroup and SyncGroup.
func (s *joining) balance(members int) {
	select {
	case s.begun <- members:
	default:
	}
	<-s.release
}

func (s *joining) unknown() error {
	if err := s.createTopic(joinPartitions); err != nil {
		return err
	}
	if err := s.meet(); err != nil {
		return err
	}
	d, err := s.describe()
	if err != nil {
		return err
	}
	s.fact(Wire, "unknown", d.state, "Dead")
	return nil
}

// join starts the consumers while the first of them waits, and lets the consumer leader hold its assignment back.
func (s *joining) join() error {
	for i := range joinMembers {
		m, err := s.Act.join(fmt.Sprintf("c%d", i+1), memberOptions{session: joinSession, beat: time.Second, balance: s.balance})
		if err != nil {
			return err
		}
		s.members = append(s.members, m)
		s.closing = append(s.closing, s.letGo) // before the member is closed, which waits for it
		d, err := s.awaitState("PreparingRebalance", joinLimit)
		if err != nil {
			return err
		}
		if i == 0 {
			s.fact(Wire, "preparing", d.state, "PreparingRebalance")
		}
		if err := s.awaitMembers(i + 1); err != nil {
			return err
		}
	}
	select {
	case <-s.begun:
	case <-time.After(joinLimit):
		return fmt.Errorf("no consumer was told that it leads within %v", joinLimit)
	}
	if err := s.await("every consumer to be in the generation", joinLimit, s.allJoined); err != nil {
		return err
	}
	d, err := s.describe()
	if err != nil {
		return err
	}
	s.fact(Wire, "completing", d.state, "CompletingRebalance")
	codes, members, generations := map[string][]string{}, map[string]int{}, map[string]int32{}
	for _, m := range s.members {
		for _, x := range exchanges[*protocol.JoinGroupRequest, *protocol.JoinGroupResponse](m.actor) {
			codes[m.name] = append(codes[m.name], x.response.ErrorCode.String())
			if x.response.ErrorCode == protocol.None {
				members[m.name], generations[m.name] = len(x.response.Members), x.response.GenerationID
			}
		}
	}
	twice := []string{"MEMBER_ID_REQUIRED", "NONE"}
	s.fact(Wire, "required", codes, map[string][]string{"c1": twice, "c2": twice, "c3": twice})
	s.fact(Wire, "told", members, map[string]int{"c1": joinMembers, "c2": 0, "c3": 0})
	s.fact(Wire, "generation", generations, map[string]int32{"c1": 1, "c2": 1, "c3": 1})
	return nil
}

// allJoined: every consumer has its answer, and all but the consumer leader have asked for their part.
func (s *joining) allJoined() error {
	waiting := 0
	for _, m := range s.members {
		joined := exchanges[*protocol.JoinGroupRequest, *protocol.JoinGroupResponse](m.actor)
		if len(joined) == 0 || joined[len(joined)-1].response.ErrorCode != protocol.None {
			return errNotYet
		}
		waiting += m.asked(protocol.KeySyncGroup)
	}
	if waiting < joinMembers-1 {
		return errNotYet
	}
	return nil
}

func (s *joining) sync() error {
	s.letGo()
	d, err := s.settle(joinPartitions, joinLimit, s.members)
	if err != nil {
		return err
	}
	got, want := map[string][]int32{}, map[string][]int32{}
	for p, owner := range d.owners {
		got[owner] = append(got[owner], p)
	}
	for _, m := range s.members {
		slices.Sort(got[m.name])
		want[m.name] = m.partitions()
	}
	s.fact(Wire, "stable", d.state, "Stable")
	s.fact(Wire, "shared", got, want)
	s.fact(Wire, "once", len(d.owners)-len(d.twice), joinPartitions)
	if s.follower == nil {
		return nil
	}
	r, err := s.told()
	if err != nil {
		return err
	}
	s.fact(Recorder, "states", r.states, []string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable"})
	return nil
}

func (s *joining) empty() error {
	for _, m := range s.members {
		m.leave()
	}
	d, err := s.awaitState("Empty", joinLimit)
	if err != nil {
		return err
	}
	s.fact(Wire, "empty", d.state, "Empty")
	return nil
}
