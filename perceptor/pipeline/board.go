package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// board is where parts tell how they are doing: a compacted topic that everybody can read.
type board struct {
	to       *cluster
	topic    string
	pipeline string
	instance string
	every    time.Duration
	log      *slog.Logger
	ready    bool
	cleared  time.Time
	failing  bool
}

// statusTopic is the topic of a pipeline's reports.
func statusTopic(c *Config) string { return c.Topics.Prefix + ".status" }

// StatusEvery is how often parts tell how they are doing, unless Options says otherwise.
const StatusEvery = 2 * time.Second

func newBoard(c *Config, o *Options, to *cluster) *board {
	return &board{to: to, topic: statusTopic(c), pipeline: c.Name, instance: o.Instance, every: o.StatusEvery, log: o.Log}
}

// thisInstance names this process.
func thisInstance() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s.%d", host, os.Getpid())
}

func (b *board) key(part string) string { return b.pipeline + "/" + part + "/" + b.instance }

// run tells reports until ctx ends. It holds nobody up: what cannot be told is told later.
func (b *board) run(ctx context.Context, parts []*part) {
	for {
		asking, cancel := context.WithTimeout(ctx, max(b.every, 5*time.Second))
		err := b.tell(asking, parts)
		cancel()
		if failing := err != nil && ctx.Err() == nil; failing != b.failing {
			b.failing = failing
			if failing {
				b.log.Warn("what skein sync status shows is not told", "topic", b.topic, "error", err)
			} else {
				b.log.Info("what skein sync status shows is told again", "topic", b.topic)
			}
		}
		if sleep(ctx, b.every) != nil {
			return
		}
	}
}

// tell writes a report of each part.
func (b *board) tell(ctx context.Context, parts []*part) error {
	if !b.ready {
		if err := b.prepare(ctx); err != nil {
			return err
		}
		b.ready = true
	}
	if time.Since(b.cleared) > clearEvery {
		if err := b.clear(ctx, parts); err != nil {
			return err
		}
		b.cleared = time.Now()
	}
	records := make([]*kgo.Record, 0, len(parts))
	for _, p := range parts {
		r := p.report()
		r.Pipeline, r.Instance, r.EveryMs = b.pipeline, b.instance, b.every.Milliseconds()
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		records = append(records, &kgo.Record{Topic: b.topic, Key: []byte(b.key(p.name)), Value: text})
	}
	return b.to.put(ctx, records...)
}

// leftAfter is when a report that nobody renews is taken away by another process that runs the part, and clearEvery how often
// those are looked for.
const (
	leftAfter  = 10 * time.Minute
	clearEvery = time.Minute
)

// prepare makes the topic.
func (b *board) prepare(ctx context.Context) error {
	config := map[string]string{"cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.1", "delete.retention.ms": "3600000"}
	properties := map[string]*string{}
	for name, value := range config {
		properties[name] = &value
	}
	return b.to.ensure(ctx, b.topic, 1, properties)
}

// clear takes away what processes have left that failed or died.
func (b *board) clear(ctx context.Context, parts []*part) error {
	all, err := reports(ctx, b.to, b.topic)
	if err != nil {
		return err
	}
	var gone []*kgo.Record
	for key, r := range all {
		for _, p := range parts {
			mine := r.Pipeline == b.pipeline && r.Part == p.name && r.Instance != b.instance
			if mine && (r.State == Failed && b.cleared.IsZero() || time.Since(r.At) > leftAfter) {
				gone = append(gone, &kgo.Record{Topic: b.topic, Key: []byte(key)})
			}
		}
	}
	return b.to.put(ctx, gone...)
}

// end tells the last of each part: nothing of one that was to end, and why of one that failed.
func (b *board) end(parts []*part) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var failed []*part
	var records []*kgo.Record
	for _, p := range parts {
		if state := p.report().State; state == Failed {
			failed = append(failed, p)
			continue
		}
		records = append(records, &kgo.Record{Topic: b.topic, Key: []byte(b.key(p.name))})
	}
	if !b.ready && len(failed) == 0 {
		return // nothing was told
	}
	err := b.tell(ctx, failed)
	if gone := b.to.put(ctx, records...); err == nil {
		err = gone
	}
	if err != nil {
		b.log.Warn("skein sync status will show this process for a while", "topic", b.topic, "error", err)
	}
}

// reports are those of a topic, by their keys. What is none is left out: a newer program may have written it.
func reports(ctx context.Context, from *cluster, topic string) (map[string]Report, error) {
	records, err := from.last(ctx, topic)
	if err != nil {
		return nil, err
	}
	all := map[string]Report{}
	for key, record := range records {
		var r Report
		if json.Unmarshal(record.Value, &r) == nil && r.Pipeline != "" && r.Part != "" {
			all[key] = r
		}
	}
	return all, nil
}
