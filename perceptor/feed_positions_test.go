package perceptor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/binlog"
)

// What a process writes late does not take the place back: not in a file, not in an epoch. A null record forgets it.
func TestResumeLatePosition(t *testing.T) {
	inBubble(t, func(b *bed) {
		cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
		if _, _, err := Resume(b.Context(), cfg); err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name, value, want string
			epoch             uint32
		}{
			{"db1", `{"file":"bin.000007","offset":345,"server":"1/a","epoch":2}`, "bin.000007:345", 2},
			{"db1", `{"file":"bin.000007","offset":344,"server":"1/a","epoch":2}`, "bin.000007:345", 2},
			{"other", `{"file":"bin.000009","offset":344,"server":"1/a","epoch":2}`, "bin.000007:345", 2},
			{"db1", `{"file":"bin.000009","offset":344,"server":"1/a","epoch":1}`, "bin.000007:345", 2},
			{"db1", `{"file":"bin.000008","offset":4,"server":"1/a","epoch":2}`, "bin.000008:4", 2},
			{"db1", `{"file":"bin.000001","offset":4,"server":"2/b","epoch":3}`, "bin.000001:4", 3},
			{"db1", "", "", 0},
			{"db1", `{"file":"bin.000001","offset":5,"server":"1/a","epoch":1}`, "bin.000001:5", 1},
		} {
			r := &kgo.Record{Topic: "skein.positions", Key: []byte(c.name)}
			if c.value != "" {
				r.Value = []byte(c.value)
			}
			b.raw(r)
			s, found, err := Resume(b.Context(), cfg)
			if got := s.Position.String(); err != nil || found != (c.want != "") || found && (got != c.want || s.Epoch != c.epoch) {
				b.Errorf("after %s: it goes on at %s, epoch %d (%v, %v)", c.value, got, s.Epoch, found, err)
			}
		}
	})
}

// A Feed whose place another has taken ends at once, though its brokers do not answer, and keeps no position.
func TestFeedSuperseded(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := write(200)
		w := &wire{dial: b.node.Dial}
		cfg := b.feedConfig(kgo.Dialer(w.Dial))
		cfg.PositionEvery = time.Hour
		ctx, cancel := context.WithCancelCause(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- Feed(ctx, h.from(binlog.Position{}, func() {}), cfg) }()
		b.until("some changes", func() bool { return cfg.Counts.Records() > 100 })
		w.die()
		time.Sleep(time.Minute)
		began := time.Now()
		cancel(ErrSuperseded)
		if err := <-ended; !errors.Is(err, ErrSuperseded) || time.Since(began) > time.Second {
			b.Errorf("it ended with %v, after %v", err, time.Since(began))
		}
		if at, found, err := Resume(b.Context(), b.feedConfig(kgo.Dialer(b.node.Dial))); err != nil || !found || at.Offset != 0 {
			b.Errorf("it has kept %v (%v, %v)", at, found, err)
		}
	})
}
