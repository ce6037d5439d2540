package tour

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// membersScene: members come and go, and others go on from what they committed.
var membersScene = Scene{Name: "members", Begin: func(a *Act) []Step {
	s := &changing{Act: a}
	return []Step{
		{Name: "work", Do: s.work},
		{Name: "add", Key: 'a', Do: s.add},
		{Name: "leave", Key: 'l', Do: s.leave},
		{Name: "kill", Key: 'k', Do: s.kill},
		{Name: "pause", Key: 'p', Do: s.pause},
	}
}}

const (
	changePartitions = 6
	changeMembersMax = 6 // alive at a time
	// changeSlack is what a rebalance may take beside the session of a member that is silent.
	changeSlack = 15 * time.Second
)

type changing struct {
	*Act
	alive   []*member
	started int
	ends    int64 // log end offset of each partition
}

// start adds a consumer. No two have the same heartbeat interval, so that their lanes can be told apart.
func (s *changing) start() error {
	s.started++
	m, err := s.join(fmt.Sprintf("c%d", s.started),
		memberOptions{session: s.broker.Session, beat: s.broker.Heartbeat + time.Duration(s.started%7)*s.broker.Heartbeat/11})
	if err == nil {
		s.alive = append(s.alive, m)
	}
	return err
}

func (s *changing) settled() (*described, error) {
	return s.settle(changePartitions, 3*s.broker.Session+changeSlack, s.alive)
}

// more produces a record for each partition and waits until the owners have read it.
func (s *changing) more() error {
	if err := s.produce(changePartitions, 1); err != nil {
		return err
	}
	s.ends++
	return s.caughtUp()
}

func (s *changing) caughtUp() error {
	return s.await("every record to be read", changeSlack, func() error {
		for _, m := range s.alive {
			read, fetched := m.read(), m.fetched()
			for _, p := range m.partitions() {
				if at, some := read[p]; at != s.ends && (some || fetched[p] != s.ends) {
					return fmt.Errorf("%s is at %d of %d in partition %d", m.name, at, s.ends, p)
				}
			}
		}
		return nil
	})
}

// commitAll lets everyone but one commit what was read.
func (s *changing) commitAll(but *member) error {
	for _, m := range s.alive {
		if m == but {
			continue
		}
		code, err := m.commit(s.ctx)
		if err == nil && code != protocol.None {
			err = fmt.Errorf("the commit of %s was answered with %s", m.name, code)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *changing) work() error {
	if err := s.createTopic(changePartitions); err != nil {
		return err
	}
	if err := s.meet(); err != nil {
		return err
	}
	for i := range 3 {
		if err := s.start(); err != nil {
			return err
		}
		if err := s.awaitMembers(i + 1); err != nil {
			return err
		}
	}
	d, err := s.settled()
	if err != nil {
		return err
	}
	for range 2 {
		if err := s.more(); err != nil {
			return err
		}
	}
	if err := s.commitAll(nil); err != nil {
		return err
	}
	committed, err := s.committed()
	if err != nil {
		return err
	}
	want := map[int32]int64{}
	for p := range int32(changePartitions) {
		want[p] = s.ends
	}
	s.fact(Wire, "committed", committed, want, s.ends)
	s.fact(Wire, "once", len(d.owners)-len(d.twice), changePartitions)
	return nil
}

func (s *changing) add() error {
	if len(s.alive) == changeMembersMax {
		return s.leave()
	}
	if err := s.commitAll(nil); err != nil {
		return err
	}
	h, err := s.handover()
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	return h.settle(s.alive[len(s.alive)-1], false)
}

func (s *changing) leave() error {
	if err := s.atLeastTwo(); err != nil {
		return err
	}
	if err := s.commitAll(nil); err != nil {
		return err
	}
	h, err := s.handover()
	if err != nil {
		return err
	}
	m := s.remove(1)
	m.leave()
	s.mark(m.name, lane.End, "left", m.name)
	if err := h.settle(m, true); err != nil {
		return err
	}
	return s.expired("leave.expired", h, m, 0)
}

// kill ends a consumer that has read what it did not commit.
func (s *changing) kill() error {
	if err := s.atLeastTwo(); err != nil {
		return err
	}
	victim := s.alive[0]
	if err := s.unsaved(victim); err != nil {
		return err
	}
	h, err := s.handover()
	if err != nil {
		return err
	}
	s.remove(0)
	victim.die()
	s.mark(victim.name, lane.End, "killed", victim.name)
	if err := h.settle(victim, true); err != nil {
		return err
	}
	return s.expired("kill.expired", h, victim, 1)
}

// pause stops a consumer for longer than its session, with a commit under way, and lets it go on.
func (s *changing) pause() error {
	if err := s.atLeastTwo(); err != nil {
		return err
	}
	victim := s.alive[len(s.alive)-1]
	if err := s.unsaved(victim); err != nil {
		return err
	}
	h, err := s.handover()
	if err != nil {
		return err
	}
	s.remove(len(s.alive) - 1)
	victim.actor.pause()
	s.mark(victim.name, lane.Pause, "paused", victim.name)
	answered := make(chan protocol.Code, 1)
	ctx := s.ctx
	go func() {
		code, err := victim.commit(ctx)
		if err != nil {
			code = protocol.UnknownServerError
		}
		answered <- code
	}()
	if err := h.settle(victim, true); err != nil {
		victim.resume()
		return err
	}
	if err := s.expired("pause.expired", h, victim, 1); err != nil {
		return err
	}
	before, err := s.committed()
	if err != nil {
		return err
	}
	s.mark(victim.name, lane.Resume, "resumed", victim.name)
	victim.resume()
	s.fact(Wire, "refused", (<-answered).String(), "UNKNOWN_MEMBER_ID", victim.name)
	s.alive = append(s.alive, victim)
	if _, err := s.settled(); err != nil {
		return err
	}
	after, err := s.committed()
	if err != nil {
		return err
	}
	s.fact(Wire, "kept", after, before, victim.name)
	return s.caughtUp()
}

// unsaved lets a consumer have read more than it has committed.
func (s *changing) unsaved(m *member) error {
	if err := s.commitAll(nil); err != nil {
		return err
	}
	if err := s.more(); err != nil {
		return err
	}
	return s.commitAll(m)
}

// atLeastTwo lets somebody be there who can take over.
func (s *changing) atLeastTwo() error {
	if len(s.alive) >= 2 {
		return nil
	}
	if err := s.start(); err != nil {
		return err
	}
	if _, err := s.settled(); err != nil {
		return err
	}
	return s.caughtUp()
}

func (s *changing) remove(i int) *member {
	m := s.alive[i]
	s.alive = slices.Delete(s.alive, i, i+1)
	return m
}

// expired looks into the recorder: the sessions of a member that ended since the handover began, and after which silence.
func (s *changing) expired(name string, h *handover, m *member, want int) error {
	if s.follower == nil {
		return nil
	}
	r, err := s.told()
	if err != nil {
		return err
	}
	got, silent := 0, time.Duration(0)
	for _, e := range r.expired[h.expired:] {
		if e.member == m.name && e.at.Sub(e.heard) >= s.broker.Session {
			got++
			silent = e.at.Sub(e.heard)
		}
	}
	s.fact(Recorder, name, got, want, m.name, silent.Seconds(), s.broker.Session.Seconds())
	return nil
}
