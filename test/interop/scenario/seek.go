package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/test/interop/check"
	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
)

// Seek reads from an offset in the middle of a batch and from moments in time.
func Seek(ctx context.Context, env *Env, f *family.Family) (Notes, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	const records, some = 1000, 20
	topic := named(f, "seek")
	if err := env.topic(ctx, topic, 1); err != nil {
		return nil, err
	}
	start := time.UnixMilli(time.Now().Add(-24 * time.Hour).UnixMilli())
	if err := env.seed(ctx, f, topic, "s", records, start); err != nil {
		return nil, err
	}
	held, err := check.ReadTopic(ctx, env.Bootstrap, topic)
	if err != nil {
		return nil, err
	}
	client, err := f.Start(ctx, env.Bootstrap)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	second := func(n int) int64 { return start.Add(time.Duration(n) * time.Second).UnixMilli() }
	for _, c := range []struct {
		what  string
		r     line.Request
		first int64
	}{
		{"the first offset", line.Request{Offset: 0}, 0},
		{"an offset inside a batch", line.Request{Offset: 537}, 537},
		{"an exact time", line.Request{ByTime: true, Timestamp: second(741)}, 741},
		{"a time between two records", line.Request{ByTime: true, Timestamp: second(315) - 400}, 315},
		{"a time before the first record", line.Request{ByTime: true, Timestamp: second(-60)}, 0},
	} {
		c.r.Cmd, c.r.Topic, c.r.Partitions, c.r.Count = "consume", topic, []int32{0}, some
		if err := seekOnce(ctx, client, c.r, c.first, held); err != nil {
			return nil, fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return nil, nil
}

func seekOnce(ctx context.Context, client *line.Client, r line.Request, first int64, held check.Topic) error {
	reader := check.NewMember("reader")
	if _, err := client.Call(ctx, r, reader.Take); err != nil {
		return err
	}
	got := reader.Records()
	if len(got) < r.Count {
		return fmt.Errorf("%d records, want %d", len(got), r.Count)
	}
	for i, e := range got {
		if want := first + int64(i); e.O != want {
			return fmt.Errorf("record %d has offset %d, want %d", i, e.O, want)
		}
		if err := held.Same(e); err != nil {
			return err
		}
	}
	return nil
}
