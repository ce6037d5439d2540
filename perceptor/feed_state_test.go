package perceptor

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/binlog"
)

// What was kept before there were snapshots is read.
func TestResumeOldPosition(t *testing.T) {
	inBubble(t, func(b *bed) {
		cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
		if _, found, err := Resume(b.Context(), cfg); found || err != nil {
			b.Fatal(found, err)
		}
		b.raw(&kgo.Record{Topic: "skein.positions", Key: []byte(cfg.Name), Value: []byte(`{"file":"bin.000007","offset":345,"gtid":"0-1-9","clock":5000,"server":"1/a","epoch":2}`)})
		want := binlog.Position{File: "bin.000007", Offset: 345, GTID: "0-1-9", Clock: 5000, Server: "1/a", Epoch: 2}
		if s, found, err := Resume(b.Context(), cfg); s.Position != want || s.Snapshot != nil || !found || err != nil {
			b.Errorf("it goes on at %+v (%v, %v)", s, found, err)
		}
	})
}
