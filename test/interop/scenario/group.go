package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

const (
	sessionMs   = 6000
	heartbeatMs = 1000
	// inTheSocket is time for a commit that the dead member had sent to be
	// taken; its session ends much later.
	inTheSocket = 700 * time.Millisecond
)

// seat is one member of a group: its program, its command and its memory.
type seat struct {
	*check.Member
	client *line.Client
	run    *line.Run
}

// Group lets three members share a topic, kills one with SIGKILL, and demands
// that the others go on from its committed offsets and nothing is missing.
func Group(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	topic, group := named(f, "group"), named(f, "group")
	if err := env.topic(ctx, topic, partitions); err != nil {
		return nil, err
	}
	if err := env.seed(ctx, f, topic, "g", env.Records, time.Now().Add(-24*time.Hour)); err != nil {
		return nil, err
	}
	held, err := check.ReadTopic(ctx, env.Broker.Addr(), topic)
	if err != nil {
		return nil, err
	}
	seats, err := seatGroup(ctx, env, f, memberRequest(f, topic, group, env.Records))
	defer closeSeats(seats)
	if err != nil {
		return nil, err
	}
	return killOne(ctx, env, seats, held, topic, group)
}

// memberRequest asks for a member that takes about 8 s over its share.
func memberRequest(f *family.Family, topic, group string, records int) line.Request {
	return line.Request{Cmd: "group", Topic: topic, Group: group, Commit: f.Commits[0], Every: 20,
		SessionMs: sessionMs, HeartbeatMs: heartbeatMs, RateMax: max(20, records/24)}
}

// seatGroup starts three members and waits until each has partitions.
func seatGroup(ctx context.Context, env *Env, f *family.Family, r line.Request) ([]*seat, error) {
	seats, err := startSeats(ctx, env, f, r)
	if err != nil {
		return seats, err
	}
	return seats, waitSeated(ctx, env, seats)
}

func startSeats(ctx context.Context, env *Env, f *family.Family, r line.Request) ([]*seat, error) {
	var seats []*seat
	for i := range 3 {
		client, err := f.Start(ctx, env.Broker.Addr())
		if err != nil {
			return seats, err
		}
		m := check.NewMember(fmt.Sprintf("member %d", i))
		seats = append(seats, &seat{Member: m, client: client, run: client.Send(r, m.Take)})
	}
	return seats, nil
}

// waitSeated waits until every partition has one owner and every member has
// some, and each has taken a few records.
func waitSeated(ctx context.Context, env *Env, seats []*seat) error {
	err := env.until(ctx, "three members with partitions", 60*time.Second, func() (bool, error) {
		owned := 0
		for _, s := range seats {
			if err := s.ended(ctx); err != nil {
				return false, err
			}
			parts := s.Assigned()
			if len(parts) == 0 || !tookSince(s.Member) {
				return false, nil
			}
			owned += len(parts)
		}
		return owned == partitions, nil
	})
	if err != nil {
		return fmt.Errorf("%w; %s", err, histories(seats))
	}
	return nil
}

// histories says what became of each member, for an error message.
func histories(seats []*seat) string {
	var b strings.Builder
	for _, s := range seats {
		fmt.Fprintf(&b, "\n%s took %d records;", s.Name, len(s.Records()))
		for _, c := range s.Changes() {
			fmt.Fprintf(&b, " %s %s %v after %d;", c.At.Format("05.000"), c.Kind, c.Parts, c.After)
		}
		fmt.Fprintf(&b, " %s", s.client.Stderr())
	}
	return b.String()
}

// tookSince reports whether the member took 50 records in its present
// assignment, so that it has committed there.
func tookSince(m *check.Member) bool {
	changes := m.Changes()
	return len(changes) > 0 && len(m.Records())-changes[len(changes)-1].After >= 50
}

// ended is the error of a member whose command is over.
func (s *seat) ended(ctx context.Context) error {
	select {
	case <-s.run.Ended():
		_, err := s.run.Wait(ctx)
		return fmt.Errorf("%s ended too soon: %w", s.Name, err)
	default:
		return nil
	}
}

func closeSeats(seats []*seat) {
	for _, s := range seats {
		s.client.Kill()
	}
}

func killOne(ctx context.Context, env *Env, seats []*seat, held check.Topic, topic, group string) (Notes, error) {
	victim, others := seats[0], seats[1:]
	lost := victim.Assigned()
	victim.client.Kill()
	killed := time.Now()
	time.Sleep(inTheSocket)
	committed, err := env.committed(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	members := []*check.Member{victim.Member, others[0].Member, others[1].Member}
	if err := waitAll(ctx, env, held, others, members); err != nil {
		return nil, err
	}
	notes := Notes{"taken over after": fmt.Sprintf("%.1fs", takenOver(killed, others).Sub(killed).Seconds())}
	if err := fromCommitted(killed, lost, committed, others); err != nil {
		return notes, err
	}
	for _, m := range members {
		if err := m.Steps(); err != nil {
			return notes, err
		}
	}
	return notes, leaveGroup(ctx, env, others, held, topic, group)
}

// waitAll waits until the members have seen every record of the topic.
func waitAll(ctx context.Context, env *Env, held check.Topic, running []*seat, members []*check.Member) error {
	var missing error
	err := env.until(ctx, "all records seen", 90*time.Second, func() (bool, error) {
		for _, s := range running {
			if err := s.ended(ctx); err != nil {
				return false, err
			}
		}
		missing = check.Contents(held, members...)
		return missing == nil, nil
	})
	if err != nil && missing != nil {
		return fmt.Errorf("%w: %w", err, missing)
	}
	return err
}

// takenOver is when the first survivor got a new assignment after the kill.
func takenOver(killed time.Time, others []*seat) time.Time {
	at := time.Now()
	for _, s := range others {
		for _, c := range s.Changes() {
			if c.Kind == line.Assigned && len(c.Parts) > 0 && c.At.After(killed) && c.At.Before(at) {
				at = c.At
			}
		}
	}
	return at
}

// fromCommitted demands that the first record a survivor took of each lost
// partition is the one the dead member had committed to.
func fromCommitted(killed time.Time, lost []int32, committed map[int32]int64, others []*seat) error {
	for _, s := range others {
		first := map[int32]int64{}
		after := 0
		for _, c := range s.Changes() {
			if c.Kind == line.Assigned && c.At.After(killed) {
				after = c.After
				break
			}
		}
		for _, e := range s.Records()[after:] {
			if _, known := first[e.P]; !known {
				first[e.P] = e.O
			}
		}
		for p, o := range first {
			if after > 0 && slices.Contains(lost, p) && o != committed[p] {
				return fmt.Errorf("%s took over partition %d at offset %d, %d was committed", s.Name, p, o, committed[p])
			}
		}
	}
	return nil
}

// leaveGroup stops the members politely and looks at the final commits.
func leaveGroup(ctx context.Context, env *Env, seats []*seat, held check.Topic, topic, group string) error {
	for _, s := range seats {
		s.client.Stop()
	}
	for _, s := range seats {
		if _, err := s.run.Wait(ctx); err != nil {
			return fmt.Errorf("%s: leave: %w", s.Name, err)
		}
	}
	committed, err := env.committed(ctx, group, topic)
	if err != nil {
		return err
	}
	for p, records := range held {
		if end := records[len(records)-1].Offset + 1; committed[p] != end {
			return fmt.Errorf("after the last commit partition %d is at %d, its end is %d", p, committed[p], end)
		}
	}
	return nil
}
