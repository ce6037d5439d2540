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
)

// seat is one member of a group: its program, its command and its memory.
type seat struct {
	*check.Member
	f      *family.Family
	client *line.Client
	run    *line.Run
}

// memberRequest asks for a member that takes about 8 s over its share.
func memberRequest(f *family.Family, topic, group string, records int) line.Request {
	return line.Request{Cmd: "group", Topic: topic, Group: group, Commit: f.Commits[0], Every: 20,
		SessionMs: sessionMs, HeartbeatMs: heartbeatMs, RateMax: max(100, records/24)}
}

// startSeats starts three members.
func startSeats(ctx context.Context, env *Env, f *family.Family, r line.Request) ([]*seat, error) {
	var seats []*seat
	for i := range 3 {
		s, err := startSeat(ctx, env, f, r, i)
		if err != nil {
			return seats, err
		}
		seats = append(seats, s)
	}
	return seats, nil
}

func startSeat(ctx context.Context, env *Env, f *family.Family, r line.Request, i int) (*seat, error) {
	client, err := f.Start(ctx, env.Bootstrap)
	if err != nil {
		return nil, err
	}
	m := check.NewMember(fmt.Sprintf("member %d", i))
	m.Incremental = r.Assignor == cooperativeSticky || r.Protocol == consumerProtocol
	return &seat{Member: m, f: f, client: client, run: client.Send(r, m.Take)}, nil
}

// share reports whether together the members have each partition once.
func share(seats []*seat) bool {
	var all []int32
	for _, s := range seats {
		all = append(all, s.Assigned()...)
	}
	slices.Sort(all)
	return slices.Equal(all, every(partitions))
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
	committed, err := env.committedAnew(ctx, group, topic)
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
