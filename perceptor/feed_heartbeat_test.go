package perceptor

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/source"
)

// quiet is a server that has nothing but heartbeats, with a position that moves all the same, and then not even these.
type quiet struct {
	left, n int
}

func (q *quiet) State() source.State {
	return source.State{Position: binlog.Position{File: "bin.000003", Offset: uint64(1000 + q.n), Clock: 7, Epoch: 2}}
}

func (q *quiet) Next(ctx context.Context) (binlog.Event, error) {
	pause := time.NewTimer(time.Second)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
			if q.n < q.left {
				q.n++
				return binlog.Event{Kind: binlog.Heartbeat}, nil
			}
		case <-ctx.Done():
			return binlog.Event{}, ctx.Err()
		}
	}
}

// While nothing changes, heartbeats tell that the source lives and how far it is, and the position moves; when the server is not heard
// of, there are none.
func TestFeedHeartbeats(t *testing.T) {
	inBubble(t, func(b *bed) {
		cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
		cfg.HeartbeatEvery = 5 * time.Second
		end := b.start(func(ctx context.Context) error { return Feed(ctx, &quiet{left: 60}, cfg) })
		time.Sleep(5 * time.Minute)
		if at, found, err := Resume(b.Context(), cfg); err != nil || !found || at.Offset != 1060 {
			b.Errorf("it has kept %v (%v, %v)", at, found, err)
		}
		if err := end(); err != nil {
			b.Fatal(err)
		}
		d, err := envelope.NewDecoder(envelope.ReadOptions{})
		if err != nil {
			b.Fatal(err)
		}
		n, last := 0, uint64(0)
		err = cfg.lastRecords(b.Context(), "__debezium-heartbeat.skein", 1, 1<<40, func(r consumer.Record) error {
			out, err := d.Decode(placeOf(r), &envelope.Record{Key: r.Key, Value: r.Value})
			text, _ := r.Headers.Last(envelope.HeaderVersion)
			v, wrong := envelope.ParseVersion(text)
			if out.Kind != envelope.Heartbeat || wrong != nil || v.Epoch != 2 || v.ExecuteTime != 7 || v.Position.File != 3 || v.Position.Offset < last {
				b.Errorf("%s at %s (%v) is read as %s", r.Value, text, wrong, out.Kind)
			}
			n, last = n+1, v.Position.Offset
			return err
		})
		if err != nil || n < 11 || n > 13 || last != 1060 {
			b.Errorf("%d heartbeats in a minute of five, the last at %d (%v)", n, last, err)
		}
	})
}
