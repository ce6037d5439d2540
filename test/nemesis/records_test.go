package nemesis

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

// producer is an idempotent producer with acks=all that never gives up.
type producer struct {
	world   *world
	name    string
	client  *kgo.Client
	rand    *sim.Rand
	stop    context.CancelFunc
	done    chan struct{}
	sent    int
	waiting atomic.Int32 // records that are not answered
}

// waitingMax is how many records of a producer may be unanswered.
const waitingMax = 30

func startProducer(w *world, name string) *producer {
	ctx, stop := context.WithCancel(context.Background())
	p := &producer{world: w, name: name, client: w.client(name), rand: w.rand.Fork(name), stop: stop, done: make(chan struct{})}
	go p.work(ctx)
	return p
}

func (p *producer) work(ctx context.Context) {
	defer close(p.done)
	for sleep(ctx, p.rand.Between(5*time.Millisecond, 150*time.Millisecond)) {
		for range 1 + p.rand.IntN(3) {
			if p.waiting.Load() < waitingMax {
				p.send()
				time.Sleep(time.Microsecond) // the history goes by the time
			}
		}
	}
}

func (p *producer) send() {
	topic := topics[p.rand.IntN(len(topics))]
	r := &kgo.Record{Topic: topic.name, Partition: p.rand.Int32N(topic.partitions), Value: fmt.Appendf(nil, "%s-%d", p.name, p.sent)}
	p.sent++
	p.waiting.Add(1)
	pending := p.world.history.Begin(check.Operation{Process: p.name, Kind: check.Send, Idempotent: true, Records: []check.Record{{
		Partition: check.Partition{Topic: r.Topic, Index: r.Partition}, Offset: check.NoOffset, Value: string(r.Value)}}})
	p.client.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		defer p.waiting.Add(-1)
		if err == nil {
			pending.End(check.OK, func(o *check.Operation) { o.Records[0].Offset = record.Offset(r.Offset) })
			return
		}
		pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
		if !errors.Is(err, kgo.ErrClientClosed) { // a client that retries without end is told of what no retry helps against
			p.world.fail("%s was told %v for %s in %s-%d", p.name, err, r.Value, r.Topic, r.Partition)
		}
	})
}

// quiet ends the sending.
func (p *producer) quiet() {
	p.stop()
	<-p.done
}

func (p *producer) end() {
	p.quiet()
	p.client.Close()
}

// reader reads every partition from its start.
type reader struct {
	world  *world
	name   string
	client *kgo.Client
	stop   context.CancelFunc
	done   chan struct{}
	next   [8]atomic.Int64 // by slot
}

// slot is the place of a partition among all.
func slot(topic string, partition int32) int {
	for _, t := range topics {
		if t.name == topic {
			return int(partition)
		}
		partition += t.partitions
	}
	return -1
}

func startReader(w *world, name string) *reader {
	assigned := map[string]map[int32]kgo.Offset{}
	var positions []check.Position
	for _, topic := range topics {
		assigned[topic.name] = map[int32]kgo.Offset{}
		for p := range topic.partitions {
			assigned[topic.name][p] = kgo.NewOffset().At(0)
			positions = append(positions, check.Position{Partition: check.Partition{Topic: topic.name, Index: p}})
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &reader{world: w, name: name, stop: stop, done: make(chan struct{}),
		client: w.client(name, kgo.ConsumePartitions(assigned), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(time.Second))}
	w.history.Begin(check.Operation{Process: name, Kind: check.Assign, Positions: positions}).End(check.OK, nil)
	go r.work(ctx)
	return r
}

func (r *reader) work(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		poll(ctx, r.world, r.name, r.client, func(record *kgo.Record) {
			r.next[slot(record.Topic, record.Partition)].Store(record.Offset + 1)
		})
	}
}

// poll takes what a client has fetched into the history.
func poll(ctx context.Context, w *world, name string, client *kgo.Client, each func(*kgo.Record)) {
	pending := w.history.Begin(check.Operation{Process: name, Kind: check.Poll})
	fetched := client.PollFetches(ctx)
	var records []check.Record
	fetched.EachRecord(func(r *kgo.Record) {
		records = append(records, check.Record{Partition: check.Partition{Topic: r.Topic, Index: r.Partition},
			Offset: record.Offset(r.Offset), Value: string(r.Value)})
		each(r)
	})
	fetched.EachError(func(topic string, partition int32, err error) {
		var loss *kgo.ErrDataLoss
		switch {
		case errors.As(err, &loss):
			w.fail("%s was told that %s-%d lost records: %v", name, topic, partition, err)
		case ctx.Err() == nil:
			w.journal.note("%s: %s-%d: %v", name, topic, partition, err)
		}
	})
	pending.End(check.OK, func(o *check.Operation) { o.Records = records })
}

func (r *reader) end() {
	r.stop()
	<-r.done
	r.client.Close()
}
