package perceptor

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/source"
)

func (c *FeedConfig) positionsTopic() string { return c.Encode.Prefix + ".positions" }

// positionsConfig is that of a topic in which each key has a new record each second: small segments are compacted soon, so that what
// Resume reads stays small.
func positionsConfig() map[string]*string {
	return map[string]*string{"cleanup.policy": new("compact"), "segment.bytes": new("1048576"), "min.cleanable.dirty.ratio": new("0.1")}
}

// positions makes the topic of positions.
func (f *feed) positions(ctx context.Context) error {
	n, err := f.ensure(ctx, f.cfg.positionsTopic(), 1, positionsConfig())
	if err == nil && n != 1 {
		err = fmt.Errorf("perceptor: topic %s has %d partitions; it must have one, so that the last position is the last record", f.cfg.positionsTopic(), n)
	}
	return err
}

// keepPositions keeps the position now and then.
func (f *feed) keepPositions(ctx context.Context) {
	for {
		select {
		case <-time.After(f.cfg.PositionEvery):
		case <-ctx.Done():
			return
		}
		if err := f.keepPosition(ctx); err != nil && ctx.Err() == nil {
			f.cfg.Log.Warn("the position is not kept", "source", f.cfg.Name, "error", err)
		}
	}
}

// keepPosition writes the position if it has moved.
func (f *feed) keepPosition(ctx context.Context) error {
	position, known := f.sent.now()
	if !known {
		return nil
	}
	text, err := json.Marshal(position)
	if err != nil || string(text) == f.kept {
		return err
	}
	r := &kgo.Record{Topic: f.cfg.positionsTopic(), Key: []byte(f.cfg.Name), Value: text}
	err = f.put(ctx, r)
	if err != nil {
		return fmt.Errorf("perceptor: source %s: its position: %w", f.cfg.Name, err)
	}
	f.kept = string(text)
	return nil
}

// MakePositions makes the topic of positions if it is not there, and returns its name.
func MakePositions(ctx context.Context, cfg FeedConfig) (topic string, err error) {
	if err := cfg.fill(); err != nil {
		return "", err
	}
	client, err := cfg.client()
	if err != nil {
		return "", err
	}
	defer client.Close()
	f := &feed{cfg: &cfg, client: client, admin: kadm.NewClient(client)}
	return cfg.positionsTopic(), f.positions(ctx)
}

// Resume returns the place that the source of this name has kept; found is false if there is none. What follows it may
// have been written already; Feed knows.
func Resume(ctx context.Context, cfg FeedConfig) (position source.State, found bool, err error) {
	if _, err := MakePositions(ctx, cfg); err != nil {
		return position, false, err
	}
	if err := cfg.fill(); err != nil {
		return position, false, err
	}
	const all = 1 << 40
	var kept Kept
	err = cfg.lastRecords(ctx, cfg.positionsTopic(), 1, all, func(r consumer.Record) error {
		if string(r.Key) != cfg.Name {
			return nil
		}
		if err := kept.Take(r.Value); err != nil {
			return fmt.Errorf("perceptor: source %s: the position at offset %d of %s: %w", cfg.Name, r.Offset, r.Topic, err)
		}
		return nil
	})
	return kept.State, kept.Found, err
}

// Kept is the place that the records of a source in the topic of positions tell, taken in order. A place never goes back: what a process
// writes late, when another goes on in its stead, does not count. The zero Kept is none.
type Kept struct {
	State source.State
	Found bool
}

// Take takes the next record's value; nil forgets all before it.
func (k *Kept) Take(value []byte) error {
	if value == nil {
		*k = Kept{}
		return nil
	}
	var next source.State
	if err := json.Unmarshal(value, &next); err != nil {
		return err
	}
	if !k.Found || !next.Before(k.State.Position) {
		k.State, k.Found = next, true
	}
	return nil
}
