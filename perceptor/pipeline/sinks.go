package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/sink"
)

// sinkPart is a sink at work: a member of its consumer group.
type sinkPart struct {
	*part
	c      *Config
	s      *spec.Sink
	o      *Options
	to     *cluster
	counts perceptor.Counts
	open   func(ctx context.Context, tables []string) (sink.Sink, error)

	mu      sync.Mutex
	refused *Refusal
	past    past
}

func newSinkPart(c *Config, s *spec.Sink, o *Options, to *cluster) *sinkPart {
	p := &sinkPart{c: c, s: s, o: o, to: to}
	p.part = &part{name: SinkPart(s.Name), log: o.Log, now: time.Now, run: p.apply, tell: func(r *Report) {
		p.mu.Lock()
		defer p.mu.Unlock()
		r.Sink = &SinkReport{Unread: p.counts.Unread(), Fenced: p.counts.Fenced(), Tables: sums(p.counts.Tables()), Refused: p.refused}
	}}
	p.open = func(ctx context.Context, tables []string) (sink.Sink, error) {
		if o.open != nil {
			return o.open(ctx, s, tables)
		}
		return OpenSink(ctx, c, s, tables)
	}
	return p
}

// How often it is looked for topics that are not there yet, and for new ones that fit a pattern.
const (
	lookSoon  = 2 * time.Second
	lookLater = 30 * time.Second
)

// letterMax is how large a dead letter may be: whatever a topic of changes takes.
const letterMax = 1<<31 - 1

// apply writes changes until ctx ends, and begins anew when there are more topics.
func (p *sinkPart) apply(ctx context.Context) error {
	for ctx.Err() == nil {
		all, err := p.to.topics(ctx)
		if err != nil {
			return err
		}
		topics, tables, missing := p.find(all)
		if len(topics) == 0 {
			p.set(Waiting, missing)
			if err := sleep(ctx, lookSoon); err != nil {
				return nil
			}
			continue
		}
		if err := p.applyTables(ctx, all, topics, tables, missing != ""); err != nil {
			return err
		}
	}
	return nil
}

// find is what there is to read among all topics: topics, the tables in them, and what is missing.
func (p *sinkPart) find(all []string) (topics, tables []string, missing string) {
	wanted := TablesOf(p.c, p.s, all)
	if len(p.c.Read.Topics) > 0 {
		for _, t := range p.c.Read.Topics {
			if slices.Contains(all, t) {
				topics = append(topics, t)
			} else {
				missing = "there is no topic " + t + " yet"
			}
		}
		return topics, wanted, missing
	}
	for _, t := range wanted {
		if slices.Contains(all, TopicOf(p.c, t)) {
			topics, tables = append(topics, TopicOf(p.c, t)), append(tables, t)
		} else {
			missing = "there is no topic " + TopicOf(p.c, t) + " yet"
		}
	}
	if len(topics) == 0 && missing == "" {
		missing = "no topic of a table that fits is there yet"
	}
	return topics, tables, missing
}

// applyTables writes the changes of some tables until ctx ends or there are others.
func (p *sinkPart) applyTables(ctx context.Context, all, topics, tables []string, soon bool) error {
	p.connecting("the target")
	s, err := p.open(ctx, tables)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if h, ok := s.(*hbase.Sink); ok {
		if err := h.Prepare(ctx, p.s.HBase.Create); err != nil {
			return err
		}
	}
	if p.s.DeadLetter != "" {
		if err := p.to.ensure(ctx, p.s.DeadLetter, -1, map[string]*string{"max.message.bytes": kadm.StringPtr(strconv.Itoa(letterMax))}); err != nil {
			return err
		}
	}
	known, forget, err := p.schemas(ctx, all)
	if err != nil {
		return err
	}
	defer forget()
	types, err := openTargetTypes(p)
	if err != nil {
		return err
	}
	defer types.close()
	options, err := p.options(known, types.of(ctx))
	if err != nil {
		return err
	}
	p.set(Running, "")
	p.log.Info("it writes", "part", p.name, "tables", tables)
	working, end := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { p.watch(working, end, topics, soon) })
	beside.Go(func() { p.sweep(working, s, tables) })
	err = perceptor.Apply(working, p.s.Group, tables, &watched{Sink: s, part: p, tables: tables}, options...)
	end()
	beside.Wait()
	return err
}

// schemas is what the history of the source's tables tells, if there is one among all topics.
func (p *sinkPart) schemas(ctx context.Context, all []string) (tables func(database, table string) *change.Table, forget func(), err error) {
	if len(p.c.Read.Topics) > 0 || !slices.Contains(all, schemaTopic(p.c)) {
		return nil, func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	h, err := schema.Open(ctx, schema.Config{Brokers: p.c.Brokers.Addresses, Transport: p.to.transport, Prefix: p.c.Topics.Prefix, ReadOnly: true, Log: p.log})
	if err != nil {
		return nil, nil, err
	}
	return h.Tables, h.Close, nil
}

func (p *sinkPart) options(tables func(database, table string) *change.Table, types func(database, table, column string) (change.Column, error)) ([]perceptor.Option, error) {
	read, err := ReadOptions(p.c)
	if err != nil {
		return nil, err
	}
	read.Tables, read.Types = tables, types
	attempts := p.s.Attempts
	if attempts == 0 {
		attempts = 1 << 30
	}
	options := []perceptor.Option{
		perceptor.Prefix(p.c.Topics.Prefix), perceptor.Read(read), perceptor.Workers(p.s.Workers), perceptor.Retries(attempts, p.s.RetryFirst, p.s.RetryLongest),
		perceptor.Batches(p.s.BatchChanges, p.s.BatchParallel), perceptor.Count(&p.counts), perceptor.Logger(slog.New(calm{p.log.Handler()})),
		perceptor.Consumer(consumer.Brokers(p.c.Brokers.Addresses...), consumer.Transport(p.to.transport...), consumer.ClientID("skein-sync"),
			consumer.NoTopicCreation(), consumer.MetadataAgeMax(time.Minute), consumer.AutoCommit(time.Second),
			consumer.SessionTimeout(p.s.SessionTimeout), consumer.HeartbeatInterval(heartbeatInterval(p.s.SessionTimeout))),
	}
	if p.s.DeadLetter != "" {
		options = append(options, perceptor.DeadLetter(p.s.DeadLetter))
	}
	if len(p.c.Read.Topics) > 0 {
		options = append(options, perceptor.From(p.c.Read.Topics, func(database, table string) bool {
			_, wanted := p.s.Target(database, table)
			return wanted
		}))
	}
	return options, nil
}

// heartbeatInterval lets two heartbeats be lost before a session ends.
func heartbeatInterval(session time.Duration) time.Duration { return min(session/3, 3*time.Second) }

// watch ends the work when there are other topics to read.
func (p *sinkPart) watch(ctx context.Context, end context.CancelFunc, reading []string, soon bool) {
	pause := lookLater
	if soon {
		pause = lookSoon
	}
	for sleep(ctx, pause) == nil {
		all, err := p.to.topics(ctx)
		if err != nil {
			continue // the consumer knows better what to do about it
		}
		if topics, _, _ := p.find(all); !slices.Equal(topics, reading) {
			p.log.Info("there are other topics to read", "part", p.name, "topics", topics)
			end()
			return
		}
	}
}

// targetOf is the database and table of a sink of type mysql that rows of a table go to.
func targetOf(s *spec.Sink, to *spec.SinkTable, database, table string) (string, string) {
	name := to.NameFor(database, table)
	if database, table, ok := spec.SplitTable(name); ok {
		return database, table
	}
	return s.MySQL.Database, name
}

// watched is a sink that says how it is doing, and waits for its turn if it has to share.
type watched struct {
	sink.Sink
	part   *sinkPart
	tables []string
}

// Apply implements sink.Sink.
func (w *watched) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	return w.apply(ctx, changes, outcomes, func() error { return w.Sink.Apply(ctx, changes, outcomes) })
}

func (w *watched) apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome, write func() error) error {
	if budget := w.part.o.Budget; budget != nil {
		select {
		case budget <- struct{}{}:
			defer func() { <-budget }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := write(); err != nil {
		if ctx.Err() == nil && (!errors.Is(err, dedupe.ErrFenced) || w.part.past.tooLong(w.part.now())) {
			w.part.set(Waiting, fmt.Sprintf("%s and %d others are not written: %v", one(changes[0]), len(changes)-1, err))
		}
		return err
	}
	w.part.past.over()
	w.part.set(Running, "")
	for i, o := range outcomes {
		if o.Err != nil {
			w.part.refuse(changes[i], o.Err)
		}
	}
	return nil
}

func one(c *change.Change) string {
	return fmt.Sprintf("%s of %s, version %s,", c.Op, c.Table, c.Version)
}

// refuse notes a change that cannot be written.
func (p *sinkPart) refuse(c *change.Change, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = &Refusal{At: p.now().UTC(), Table: c.Table.String(), Reason: err.Error()}
}

// sleep waits, or returns why it must not.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
