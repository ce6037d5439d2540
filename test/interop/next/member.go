package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/test/services"
)

// bench is what a step works with.
type bench struct {
	ctx      context.Context
	name     string
	addr     string            // of all nodes, with commas between
	cluster  *services.Cluster // nil with a single node
	replicas int16             // of topics
	adm      *kadm.Client
	members  []*member
}

// topic makes a topic of the step; its name is "name-tag".
func (b *bench) topic(tag string, partitions int32) (string, error) {
	name := b.name + "-" + tag
	resp, err := b.adm.CreateTopic(b.ctx, partitions, b.replicas, nil, name)
	if err == nil {
		err = resp.Err
	}
	if err != nil {
		return "", fmt.Errorf("create %s: %w", name, err)
	}
	return name, nil
}

// write appends n records to each partition. The client is a new one: franz-go does not write to a topic that was made
// again under the name of one that it knew.
func (b *bench) write(topic string, partitions, n int) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(b.addr, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer cl.Close()
	var records []*kgo.Record
	for i := range partitions * n {
		records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: fmt.Append(nil, i)})
	}
	return cl.ProduceSync(b.ctx, records...).FirstErr()
}

// committedAnew lists the group's offsets of a topic, asked for by a client that knows nothing yet: franz-go asks a coordinator
// that it cannot reach again and again. None is there if nobody answers.
func (b *bench) committedAnew(topic string) (at []int64) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(b.addr, ",")...))
	if err != nil {
		return nil
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	offsets, err := kadm.NewClient(cl).FetchOffsets(ctx, b.name)
	if err != nil {
		return nil
	}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == topic && o.Err == nil {
			at = append(at, o.At)
		}
	})
	return at
}

// until asks until the answer is yes.
func (b *bench) until(what string, ask func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ask() {
			return nil
		}
		if b.ctx.Err() != nil {
			return b.ctx.Err()
		}
	}
	return fmt.Errorf("%s: not within %v", what, patience)
}

func (b *bench) end() {
	for _, m := range b.members {
		m.kill()
	}
}

func (b *bench) histories() string {
	var s strings.Builder
	for i, m := range b.members {
		fmt.Fprintf(&s, "\n  member %d: %s; %v\n%s", i, strings.Join(m.told(), ", "), m.lastError(), m.log.String())
	}
	return s.String()
}

// member is a consumer of the step's group that polls until it is stopped.
type member struct {
	c     *consumer.Consumer
	log   *strings.Builder
	stop  context.CancelFunc
	done  chan struct{}
	first string // member id

	mu    sync.Mutex
	lines []string // what the listener was told
	taken map[consumer.TopicPartition][]consumer.Record
	idle  chan struct{} // it does not poll until this is closed; nil if it does
	err   error
}

// join starts a member that subscribes to topics, by the consumer protocol unless the options say something else.
func (b *bench) join(subscribe func(*consumer.Consumer) error, options ...consumer.Option) (*member, error) {
	m := &member{log: &strings.Builder{}, done: make(chan struct{}), taken: map[consumer.TopicPartition][]consumer.Record{}}
	told := func(what string) func(context.Context, *consumer.Consumer, []consumer.TopicPartition) {
		return func(_ context.Context, _ *consumer.Consumer, p []consumer.TopicPartition) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.lines = append(m.lines, fmt.Sprint(what, " ", len(p)))
		}
	}
	c, err := consumer.New(b.ctx, append([]consumer.Option{
		consumer.Brokers(strings.Split(b.addr, ",")...), consumer.Group(b.name), consumer.GroupProtocol(consumer.ConsumerProtocol), consumer.ResetTo(consumer.Earliest),
		consumer.NoTopicCreation(), consumer.MetadataAgeMax(2 * time.Second), consumer.AutoCommit(500 * time.Millisecond),
		consumer.Listen(consumer.Listener{Assigned: told("assigned"), Revoked: told("revoked"), Lost: told("lost")}),
		consumer.Logger(slog.New(slog.NewTextHandler(m.log, nil))),
	}, options...)...)
	if err != nil {
		return nil, err
	}
	if err := subscribe(c); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(b.ctx)
	m.c, m.stop, m.first = c, stop, c.GroupMetadata().ID
	b.members = append(b.members, m)
	go m.loop(ctx)
	return m, nil
}

func topics(names ...string) func(*consumer.Consumer) error {
	return func(c *consumer.Consumer) error { return c.Subscribe(names...) }
}

func (m *member) loop(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		m.mu.Lock()
		idle := m.idle
		m.mu.Unlock()
		if idle != nil {
			<-idle
		}
		records, err := m.c.Poll(ctx)
		m.mu.Lock()
		if err != nil && !errors.Is(err, context.Canceled) {
			m.err = err
		}
		for r := range records.All() {
			m.taken[r.TopicPartition()] = append(m.taken[r.TopicPartition()], r)
		}
		m.mu.Unlock()
		if errors.Is(err, consumer.ErrFatal) || errors.Is(err, consumer.ErrFenced) {
			return
		}
	}
}

// rest keeps the application from polling until the returned function is called.
func (m *member) rest() (goOn func()) {
	idle := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = idle
	return func() {
		m.mu.Lock()
		m.idle = nil
		m.mu.Unlock()
		close(idle)
	}
}

// close ends the member as an application does.
func (m *member) close() error {
	m.stop()
	<-m.done
	return m.c.Close(context.Background())
}

// kill ends the member without a word to the coordinator: the time to leave is over before it begins.
func (m *member) kill() {
	m.stop()
	<-m.done
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.c.Close(over)
}

func (m *member) told() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}

// turned reports that it speaks the classic protocol now.
func (m *member) turned() bool { return m.c.GroupMetadata().ID != m.first }

func (m *member) lastError() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// took is the number of records of a topic.
func (m *member) took(topic string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for p, records := range m.taken {
		if p.Topic == topic {
			n += len(records)
		}
	}
	return n
}

// has reports that the members share so many partitions of the topics, each once, and none has more than two more than
// another.
func has(partitions int, members ...*member) func() bool {
	return func() bool {
		seen := map[consumer.TopicPartition]bool{}
		least, most := partitions, 0
		for _, m := range members {
			mine := m.c.Assignment()
			for _, p := range mine {
				if seen[p] {
					return false
				}
				seen[p] = true
			}
			least, most = min(least, len(mine)), max(most, len(mine))
		}
		return len(seen) == partitions && most-least <= 2
	}
}
