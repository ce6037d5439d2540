package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

const (
	cooperativeSticky = "cooperative-sticky"
	// awhile is how many records a member takes before something happens, so
	// that it has committed.
	awhile = 50
	// patience is for one step on a slow machine. A session is 6 s.
	patience = 2 * time.Minute
)

// turnover is a group whose members come and go while records keep coming.
type turnover struct {
	env          *Env
	f            *family.Family
	cast         []*family.Family // of the members in the order in which they come; after the last the first again
	topic, group string
	request      line.Request
	seats        []*seat          // that have partitions
	members      []*check.Member  // of all times
	programs     []*seat          // of all times
	floor        map[int32]int64  // the commits that were seen last
	owners       map[int32]string // member ids, when they were seen last
	untold       []check.Run      // what a program took with it (CommitsAhead)
	work         *stream
	notes        Notes
}

// Group lets three members share a topic while records keep coming. In turn
// one is killed with SIGKILL and another takes its place, one is stopped with
// SIGSTOP beyond its session and comes back, one leaves. After each step the
// others have to have all partitions, each once, and go on from the committed
// offsets. No commit may ever move an offset back, no record may be missing,
// and none may come twice unless it was not committed when its partition moved.
func Group(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
	return runTurnover(ctx, env, f, "group", kind{}, []*family.Family{f, f, f})
}

// Cooperative is Group with the assignor cooperative-sticky.
var Cooperative = Scenario{
	Name:    "cooperative",
	Applies: func(f *family.Family) bool { return f.Cooperative },
	Run: func(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
		return runTurnover(ctx, env, f, "cooperative", kind{assignor: cooperativeSticky}, []*family.Family{f, f, f})
	},
}

// kind is the sort of a group: an assignor of the classic protocol, or the consumer protocol. The zero value is classic by
// range.
type kind struct{ assignor, protocol string }

func runTurnover(ctx context.Context, env *Env, f *family.Family, name string, of kind, cast []*family.Family) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, 8*time.Minute)
	defer cancel()
	t := &turnover{env: env, f: f, cast: cast, topic: named(f, name), group: named(f, name), floor: map[int32]int64{}, notes: Notes{}}
	t.request = memberRequest(f, t.topic, t.group, env.Records)
	t.request.Assignor, t.request.Protocol = of.assignor, of.protocol
	defer func() { closeSeats(t.programs) }()
	err := env.topic(ctx, t.topic, partitions)
	if err != nil {
		return nil, err
	}
	if err := env.seed(ctx, f, t.topic, "g", env.Records, time.Now().Add(-24*time.Hour)); err != nil {
		return nil, err
	}
	t.work, err = env.stream(ctx, f.Codecs[len(f.Codecs)-1], t.topic, "s", t.request.RateMax/2)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.work.stop() }()
	if err := t.steps(ctx); err != nil {
		return t.notes, fmt.Errorf("%w; %s", err, histories(t.programs))
	}
	if err := t.work.stop(); err != nil {
		return t.notes, err
	}
	if err := t.end(ctx); err != nil {
		return t.notes, fmt.Errorf("%w; %s", err, histories(t.programs))
	}
	return t.notes, nil
}

func (t *turnover) steps(ctx context.Context) error {
	for range t.cast {
		if err := t.come(ctx); err != nil {
			return err
		}
	}
	if err := t.settled(ctx, "at the start"); err != nil {
		return err
	}
	if err := t.away(ctx, "killed", func(s *seat) error { s.client.Kill(); return nil }); err != nil {
		return err
	}
	if err := t.come(ctx); err != nil {
		return err
	}
	if err := t.settled(ctx, "with another in place of the killed one"); err != nil {
		return err
	}
	if err := t.pauseOne(ctx); err != nil {
		return err
	}
	return t.away(ctx, "left", func(s *seat) error {
		s.client.Stop()
		_, err := s.run.Wait(ctx)
		return err
	})
}

// come adds a member.
func (t *turnover) come(ctx context.Context) error {
	s, err := startSeat(ctx, t.env, t.cast[len(t.members)%len(t.cast)], t.request, len(t.members))
	if err != nil {
		return err
	}
	t.seats, t.programs, t.members = append(t.seats, s), append(t.programs, s), append(t.members, s.Member)
	return nil
}

// settled waits until the members share the partitions and each took some
// records since its assignment changed.
func (t *turnover) settled(ctx context.Context, when string) error {
	return t.until(ctx, "each member has partitions and works, "+when, func() (bool, error) {
		if !share(t.seats) || slices.ContainsFunc(t.seats, func(s *seat) bool { return len(s.Assigned()) == 0 || !tookSince(s.Member) }) {
			return false, nil
		}
		return t.oneOwner(ctx)
	})
}

// tookSince reports whether the member took a while's records in its present
// assignment.
func tookSince(m *check.Member) bool {
	changes := m.Changes()
	return len(changes) > 0 && len(m.Records())-changes[len(changes)-1].After >= awhile
}

// until waits for something while the members work and no commit moves back.
func (t *turnover) until(ctx context.Context, what string, ask func() (bool, error)) error {
	return t.env.until(ctx, what, patience, func() (bool, error) {
		if err := t.work.ended(); err != nil {
			return false, err
		}
		for _, s := range t.seats {
			if err := s.ended(ctx); err != nil {
				return false, err
			}
		}
		if err := t.commits(ctx); err != nil {
			return false, err
		}
		return ask()
	})
}

// commits demands that none moved back since it was seen last.
func (t *turnover) commits(ctx context.Context) error {
	committed, err := t.env.committed(ctx, t.group, t.topic)
	if err != nil {
		return err
	}
	for p, o := range t.floor {
		if committed[p] < o {
			return fmt.Errorf("partition %d was committed at %d and is now at %d", p, o, committed[p])
		}
	}
	t.floor = committed
	return nil
}

// oneOwner asks the broker who has what in the present generation. It is an
// error if a partition is there twice, and true if each is there once.
func (t *turnover) oneOwner(ctx context.Context) (bool, error) {
	if t.request.Protocol == consumerProtocol {
		return t.owned(ctx)
	}
	groups, err := t.env.adm.DescribeGroups(ctx, t.group)
	if err != nil {
		return false, fmt.Errorf("describe %s: %w", t.group, err)
	}
	g := groups[t.group]
	if g.Err != nil || g.State != "Stable" {
		return false, nil
	}
	t.owners = map[int32]string{}
	for _, m := range g.Members {
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			return false, fmt.Errorf("the assignment of %s cannot be read", m.MemberID)
		}
		for _, topic := range assigned.Topics {
			for _, p := range topic.Partitions {
				if other, taken := t.owners[p]; taken {
					return false, fmt.Errorf("partition %d has two owners in one generation: %s and %s", p, other, m.MemberID)
				}
				t.owners[p] = m.MemberID
			}
		}
	}
	return len(t.owners) == partitions, nil
}

// end waits until all is read, lets the rest leave and looks back.
func (t *turnover) end(ctx context.Context) error {
	held, err := check.ReadTopic(ctx, t.env.Bootstrap, t.topic)
	if err != nil {
		return err
	}
	gone := t.takenAway(held)
	if err := waitAll(ctx, t.env, held, t.seats, append(slices.Clone(t.members), gone)); err != nil {
		return err
	}
	for _, m := range t.members {
		if err := m.Steps(); err != nil {
			return err
		}
	}
	if err := check.Owners(t.tellers()...); err != nil {
		return err
	}
	if err := leaveGroup(ctx, t.env, t.seats, held, t.topic, t.group); err != nil {
		return err
	}
	t.notes["records"] = fmt.Sprintf("%d, %d of them twice", held.Len(), taken(t.members)+len(gone.Records())-held.Len())
	return t.commits(ctx)
}

// tellers are the members that say whether their commits succeeded.
func (t *turnover) tellers() []*check.Member {
	var all []*check.Member
	for _, s := range t.programs {
		if !s.f.BlindCommits {
			all = append(all, s.Member)
		}
	}
	return all
}

// takenAway stands for programs that committed records and ended before they
// told them.
func (t *turnover) takenAway(held check.Topic) *check.Member {
	m := check.NewMember("a program that ended")
	for _, r := range t.untold {
		for o := r.From; o < r.Next; o++ {
			if rec, ok := held.At(r.Partition, o); ok {
				m.Take(line.Event{E: line.Rec, P: r.Partition, O: o, K: rec.Key, V: rec.Value, H: rec.Headers}, time.Now())
			}
		}
	}
	if n := len(m.Records()); n > 0 {
		t.notes["committed and not told"] = fmt.Sprintf("%d records", n)
	}
	return m
}

func taken(members []*check.Member) int {
	n := 0
	for _, m := range members {
		n += len(m.Records())
	}
	return n
}
