package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// lost is what a member had when something happened to it.
type lost struct {
	partitions []int32
	least      map[int32]int64 // committed for certain
	most       map[int32]int64 // one past what it, or another before it, took
	took       []int           // records of each other member by then
	runs       []int           // runs of each other member by then
	at         time.Time
}

// away lets something happen to the first member and demands that the others
// take over.
func (t *turnover) away(ctx context.Context, how string, happen func(*seat) error) error {
	_, err := t.takeOver(ctx, how, happen)
	return err
}

// takeOver is away that returns what the member had.
func (t *turnover) takeOver(ctx context.Context, how string, happen func(*seat) error) (*lost, error) {
	victim := t.seats[0]
	t.seats = t.seats[1:]
	if err := t.commits(ctx); err != nil {
		return nil, err
	}
	l := &lost{partitions: victim.Assigned(), least: maps.Clone(t.floor), at: time.Now()}
	for _, s := range t.seats {
		l.took, l.runs = append(l.took, len(s.Records())), append(l.runs, len(s.Runs()))
	}
	if err := happen(victim); err != nil {
		return nil, fmt.Errorf("%s, to be %s: %w", victim.Name, how, err)
	}
	err := t.until(ctx, fmt.Sprintf("the others have all partitions after %s was %s, and work on %v", victim.Name, how, l.partitions),
		func() (bool, error) {
			if !share(t.seats) || !t.workOn(l) {
				return false, nil
			}
			return t.oneOwner(ctx)
		})
	if err != nil {
		return nil, err
	}
	t.notes[how+", taken over after"] = fmt.Sprintf("%.1fs", time.Since(l.at).Seconds())
	if !victim.f.BlindCommits {
		for p, o := range victim.Durable() {
			l.least[p] = max(l.least[p], o)
		}
	}
	l.most = t.reached(l)
	return l, t.goOn(l, how)
}

// reached is one past the last record of each lost partition that any member
// took before the others took over.
func (t *turnover) reached(l *lost) map[int32]int64 {
	most := map[int32]int64{}
	for _, m := range t.members {
		runs := m.Runs()
		if i := slices.IndexFunc(t.seats, func(s *seat) bool { return s.Member == m }); i >= 0 {
			runs = runs[:l.runs[i]]
		}
		for _, r := range runs {
			if slices.Contains(l.partitions, r.Partition) {
				most[r.Partition] = max(most[r.Partition], r.Next)
			}
		}
	}
	return most
}

// workOn reports whether the others took records of each lost partition.
func (t *turnover) workOn(l *lost) bool {
	for _, p := range l.partitions {
		if !slices.ContainsFunc(t.after(l), func(e line.Event) bool { return e.P == p }) {
			return false
		}
	}
	return true
}

// after are the records that the others took since.
func (t *turnover) after(l *lost) []line.Event {
	var all []line.Event
	for i, s := range t.seats {
		all = append(all, s.Records()[l.took[i]:]...)
	}
	return all
}

// goOn demands that the others began with what was committed: not before it,
// and not behind what the member had taken.
func (t *turnover) goOn(l *lost, how string) error {
	first := map[int32]int64{}
	for i, s := range t.seats {
		for _, r := range s.Runs()[l.runs[i]:] {
			if !slices.Contains(l.partitions, r.Partition) {
				continue
			}
			if r.From < l.least[r.Partition] {
				return fmt.Errorf("%s: %s took over partition %d at offset %d, %d was committed", how, s.Name, r.Partition, r.From, l.least[r.Partition])
			}
			if o, known := first[r.Partition]; !known || r.From < o {
				first[r.Partition] = r.From
			}
		}
	}
	for p, o := range first {
		most, known := l.most[p]
		switch {
		case !known || o <= most:
		case t.f.CommitsAhead && how == "paused": // it tells the rest when it is back
		case t.f.CommitsAhead:
			t.untold = append(t.untold, check.Run{Partition: p, From: most, Next: o})
		default:
			return fmt.Errorf("%s: partition %d goes on at offset %d, the member before had taken up to %d", how, p, o, most-1)
		}
	}
	return nil
}

// pauseOne stops a member beyond its session. It comes back amid records that
// others have taken and committed, with commits of its own to send.
func (t *turnover) pauseOne(ctx context.Context) error {
	victim := t.seats[0]
	ids := t.owners
	l, err := t.takeOver(ctx, "paused", func(s *seat) error { return s.client.Pause() })
	if err != nil {
		return err
	}
	err = t.until(ctx, "the others have committed more than the paused member took", func() (bool, error) {
		return !slices.ContainsFunc(l.partitions, func(p int32) bool { return t.floor[p] <= l.most[p] }), nil
	})
	if err != nil {
		return err
	}
	for _, p := range l.partitions {
		if err := t.fenced(ctx, ids[p], p); err != nil {
			return err
		}
	}
	before, back := len(victim.Changes()), time.Now()
	if err := victim.client.Resume(); err != nil {
		return err
	}
	t.seats = append(t.seats, victim)
	err = t.until(ctx, "the paused member finds out that it lost its partitions", func() (bool, error) {
		return len(victim.Changes()) > before, nil
	})
	if err != nil {
		return err
	}
	told := victim.Changes()[before]
	t.notes["paused, told"] = fmt.Sprintf("%s after %.1fs", told.Kind, told.At.Sub(back).Seconds())
	return t.settled(ctx, "with the paused one back")
}

// fenced commits offset 0 in the name of a member whose session is over. Not
// every library tries to commit when it comes back, so this does.
func (t *turnover) fenced(ctx context.Context, memberID string, p int32) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(line.Addresses(t.env.Bootstrap)...), kgo.MaxVersions(kversion.V3_6_0())) // topics by name
	if err != nil {
		return err
	}
	defer cl.Close()
	req := kmsg.NewOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = t.group, memberID, 1
	topic, partition := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	topic.Topic, partition.Partition = t.topic, p
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("commit for %q: %w", memberID, err)
	}
	if got := kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode); !errors.Is(got, kerr.UnknownMemberID) {
		return fmt.Errorf("a commit of member %q after its session: %v, want %v", memberID, got, kerr.UnknownMemberID)
	}
	return t.commits(ctx)
}
