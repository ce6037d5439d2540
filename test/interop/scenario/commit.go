package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

// Commit consumes half of a topic, ends, and resumes: each way of committing
// in a group of its own. The second member has to start exactly where the
// first one committed, and no record may come twice.
func Commit(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	topic := named(f, "commit")
	if err := env.topic(ctx, topic, partitions); err != nil {
		return nil, err
	}
	if err := env.seed(ctx, f, topic, "c", env.Records, time.Now().Add(-24*time.Hour)); err != nil {
		return nil, err
	}
	held, err := check.ReadTopic(ctx, env.Bootstrap, topic)
	if err != nil {
		return nil, err
	}
	for _, way := range f.Commits {
		if err := resume(ctx, env, f, held, topic, way); err != nil {
			return nil, fmt.Errorf("%s: %w", way, err)
		}
	}
	return Notes{"ways": fmt.Sprint(f.Commits)}, nil
}

func resume(ctx context.Context, env *Env, f *family.Family, held check.Topic, topic, way string) error {
	group := named(f, "commit", way)
	var halves []*check.Member
	at := map[int32]int64{}
	for i, most := range []int{env.Records / 2, env.Records - env.Records/2} {
		m := check.NewMember(fmt.Sprintf("member %d", i))
		halves = append(halves, m)
		if err := consumeSome(ctx, env, f, m, topic, group, way, most); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if err := continues(m, at); err != nil {
			return err
		}
		if err := sameCommits(ctx, env, group, topic, at); err != nil {
			return fmt.Errorf("after %s: %w", m.Name, err)
		}
	}
	if n := len(halves[0].Records()) + len(halves[1].Records()); n != env.Records {
		return fmt.Errorf("the two members took %d records, want %d", n, env.Records)
	}
	return check.Contents(held, halves...)
}

// consumeSome runs one member in a program of its own, for most records.
func consumeSome(ctx context.Context, env *Env, f *family.Family, m *check.Member, topic, group, way string, most int) error {
	client, err := f.Start(ctx, env.Bootstrap)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Call(ctx, line.Request{Cmd: "group", Topic: topic, Group: group, Commit: way, Every: max(1, env.Records/40),
		Max: most, RateMax: max(100, env.Records/2), SessionMs: sessionMs, HeartbeatMs: heartbeatMs}, m.Take)
	if err != nil {
		return err
	}
	for _, c := range m.Commits() {
		if c.Error != "" {
			return fmt.Errorf("a commit failed: %s", c.Error)
		}
	}
	if len(m.Records()) != most {
		return fmt.Errorf("took %d records, want %d", len(m.Records()), most)
	}
	return nil
}

// continues demands that each partition starts at the given offset, and moves
// the offsets on.
func continues(m *check.Member, at map[int32]int64) error {
	for _, e := range m.Records() {
		if e.O != at[e.P] {
			return fmt.Errorf("%s: partition %d is at offset %d, want %d", m.Name, e.P, e.O, at[e.P])
		}
		at[e.P]++
	}
	return nil
}

func sameCommits(ctx context.Context, env *Env, group, topic string, at map[int32]int64) error {
	committed, err := env.committed(ctx, group, topic)
	if err != nil {
		return err
	}
	for p, o := range at {
		if committed[p] != o {
			return fmt.Errorf("partition %d is committed at %d, want %d", p, committed[p], o)
		}
	}
	return nil
}
