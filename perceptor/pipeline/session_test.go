package pipeline

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
)

// After a process was killed, the next one has its work when the session is over: 45 s later if nothing is said.
func TestSessionTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		key         string
		least, most time.Duration
	}{
		"said":    {", session-timeout: 10s", 5 * time.Second, 15 * time.Second},
		"default": {"", 40 * time.Second, 50 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, strings.Replace(oneSinkFile, ", zookeeper", test.key+", zookeeper", 1), func(b *bed) {
				b.topic("skein.shop.a")
				b.put("a", 0, 1, 10)
				way, before := newNetwork(b.node.Dial), &memory{rows: map[string]change.Version{}}
				first := b.options()
				first.Instance, first.Transport = "here.0", []kgo.Opt{kgo.Dialer(way.dial)}
				first.open = func(context.Context, *spec.Sink, []string) (sink.Sink, error) { return before, nil }
				endFirst := b.start(first)
				b.until("the first process writes", func() bool { return before.len() == 10 && b.inspect().Sinks[0].Lag == 0 })

				way.cut()
				killed := time.Now()
				b.put("a", 0, 11, 1)
				end := b.start(b.options())
				b.until("the next process writes", func() bool { return b.to.len() == 1 })
				if took := time.Since(killed); took < test.least || took > test.most {
					t.Errorf("the next process had the work after %v, and not %v to %v", took, test.least, test.most)
				}
				for _, end := range []func() error{end, endFirst} {
					if err := end(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// A session that the brokers do not allow ends the sink with an error that says so.
func TestSessionTimeoutRefused(t *testing.T) {
	inBubble(t, strings.Replace(oneSinkFile, ", zookeeper", ", session-timeout: 10s, zookeeper", 1), func(b *bed) {
		b.topic("skein.shop.a")
		b.c.Sinks[0].SessionTimeout = 2 * time.Second // as if the brokers' least were more
		err := Run(b.Context(), b.c, b.options())
		if err == nil || !strings.Contains(err.Error(), "INVALID_SESSION_TIMEOUT") {
			t.Errorf("it ended with %v", err)
		}
	})
}
