package perceptor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/source"
)

// Changes is what Feed reads: a *source.Source.
type Changes interface {
	// Next returns what is next, and waits for it.
	Next(ctx context.Context) (binlog.Event, error)
	// State is behind the last transaction that Next has told to its end, or where Next begins. It is asked after each.
	State() source.State
}

// ErrSuperseded is that another process has taken over. A context that ends with it as its cause ends a Feed at once: nothing that was
// read is written any more, and no position.
var ErrSuperseded = errors.New("perceptor: another process has taken over")

// FeedConfig says where changes go.
type FeedConfig struct {
	// Name is the source's. Its position is kept under it, in the topic PREFIX.positions.
	Name string
	// Encode says how changes are written. Its Prefix is the first part of the topics' names, PREFIX.DATABASE.TABLE.
	Encode envelope.Options
	// Brokers and Transport reach the cluster.
	Brokers   []string
	Transport []kgo.Opt
	// Truncates says of which tables a TRUNCATE TABLE is written to the table's topic, and Drops the same of a DROP TABLE and a CREATE OR REPLACE
	// TABLE, if the topic is there: as a change.Truncate in each partition, all of one version. Nil writes none. envelope.Maxwell has no form
	// for it.
	Truncates, Drops func(database, table string) bool
	// Untold is called with each other loss of rows that no event tells of, of whatever table it is, before what follows is read. After a
	// crash it may be called again. It may be nil.
	Untold func(Untold)
	// DDL says of which tables statements are written, to the topic PREFIX, which has one partition. The table is empty for a whole
	// database. Nil writes none.
	DDL func(database, table string) bool
	// Lookup tells a table as it is now, for what a statement is told to have made of it. Nil, or an error, tells nothing.
	Lookup func(ctx context.Context, database, table string) (*change.Table, error)
	// Partitions of a topic that does not exist yet; 0 is the brokers' default.
	Partitions int32
	// PositionEvery is how often the position is kept, while it moves. 1 s if it is 0. After a crash so much is read again; it
	// is not written again.
	PositionEvery time.Duration
	// HeartbeatEvery is how often a record is written to the topic __debezium-heartbeat.PREFIX as long as the server is heard of, whether
	// rows change or not. 0 writes none.
	HeartbeatEvery time.Duration
	// BufferedBytesMax bounds the records that are not acknowledged yet. 8 MiB if it is 0. When it is reached nothing more is read. The process
	// takes about six times as much for them: encoded, as batches, and what the collector has not taken back.
	BufferedBytesMax int
	Log              *slog.Logger
	// Counts may be nil.
	Counts *FeedCounts
}

func (c *FeedConfig) fill() error {
	if c.Name == "" {
		return errors.New("perceptor: a source needs a name: its position is kept under it")
	}
	if c.PositionEvery < 0 || c.HeartbeatEvery < 0 || c.BufferedBytesMax < 0 || c.Partitions < 0 {
		return fmt.Errorf("perceptor: source %s: PositionEvery %v, HeartbeatEvery %v, BufferedBytesMax %d, Partitions %d: negative", c.Name, c.PositionEvery, c.HeartbeatEvery, c.BufferedBytesMax, c.Partitions)
	}
	c.PositionEvery = cmp.Or(c.PositionEvery, time.Second)
	c.BufferedBytesMax = cmp.Or(c.BufferedBytesMax, 8<<20)
	c.Encode.Prefix = cmp.Or(c.Encode.Prefix, "skein")
	c.Encode.Format = cmp.Or(c.Encode.Format, envelope.Debezium)
	if c.Encode.Format == envelope.Maxwell && (c.Truncates != nil || c.Drops != nil) {
		return fmt.Errorf("perceptor: source %s: the format maxwell has no form for a truncate: use debezium or canal, or leave Truncates and Drops nil", c.Name)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Counts == nil {
		c.Counts = &FeedCounts{}
	}
	return nil
}

func (c *FeedConfig) client(more ...kgo.Opt) (*kgo.Client, error) {
	options := append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers...), kgo.ClientID("skein-sync"), kgo.DisableClientMetrics(),
	}, c.Transport...)
	return kgo.NewClient(append(options, more...)...)
}

// Feed writes changes into topics, one for each table, until ctx ends or changes cannot be read any more. Records are keyed
// by primary key, and those of a key keep their order. The position is kept in a topic when everything up to it is
// acknowledged; Resume reads it.
//
// What was written by a Feed that ended before it could keep its position is recognised by the versions at the topics'
// ends, and is not written again, as long as one Feed at a time writes to them. FeedCounts has the number.
//
// It returns nil after ctx has ended, or from is at its end (io.EOF), and everything that was read is acknowledged; ErrSuperseded if that
// was the cause. A change that cannot be written ends
// it with an error that names the table and the version, and so does a topic that refuses records.
func Feed(ctx context.Context, from Changes, cfg FeedConfig) error {
	if err := cfg.fill(); err != nil {
		return err
	}
	client, err := cfg.client(
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedBytes(cfg.BufferedBytesMax), kgo.MaxBufferedRecords(1<<20),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
	)
	if err != nil {
		return fmt.Errorf("perceptor: source %s: %w", cfg.Name, err)
	}
	defer client.Close()
	f := &feed{cfg: &cfg, client: client, admin: kadm.NewClient(client), topics: map[*change.Table]*topic{}, byName: map[string]*topic{}}
	f.sent, err = newSent(cfg.Encode, cfg.Counts)
	if err != nil {
		return err
	}
	if err := f.positions(ctx); err != nil {
		return err
	}
	// Before anything is written: what is written and deleted in the database before a place is kept would not be told to be deleted by
	// a Feed that begins anew.
	f.sent.reached(from.State())
	if err := f.keepPosition(ctx); err != nil {
		return err
	}
	return f.run(ctx, from)
}

// feed is Feed at work.
type feed struct {
	cfg     *FeedConfig
	client  *kgo.Client
	admin   *kadm.Client
	sent    *sent
	topics  map[*change.Table]*topic
	byName  map[string]*topic
	kept    string      // the position that was kept last
	heard   atomic.Bool // of the server, since the last heartbeat
	place   statementPlace
	encoded []envelope.Record
}

func (f *feed) run(ctx context.Context, from Changes) error {
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.sent.failed = cancel
	var keeping sync.WaitGroup
	keeping.Go(func() { f.keepPositions(reading) })
	keeping.Go(func() { f.heartbeats(reading) })
	err := f.read(reading, from)
	if cause := context.Cause(reading); cause != nil && cause != context.Canceled && ctx.Err() == nil {
		err = cause
	}
	if ctx.Err() != nil {
		err = nil // it was to end
	}
	cancel(nil)
	keeping.Wait()
	if errors.Is(context.Cause(ctx), ErrSuperseded) {
		return fmt.Errorf("source %s: %w", f.cfg.Name, ErrSuperseded)
	}
	ending, end := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer end()
	if flushed := f.client.Flush(ending); flushed != nil && err == nil {
		err = fmt.Errorf("perceptor: source %s: what was read is not acknowledged: %w", f.cfg.Name, flushed)
	}
	if kept := f.keepPosition(ending); kept != nil && err == nil {
		err = kept
	}
	return err
}

// read takes events until there are no more.
func (f *feed) read(ctx context.Context, from Changes) error {
	for {
		e, err := from.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		f.heard.Store(true)
		if err := f.statement(ctx, &e, from.State); err != nil {
			return err
		}
		switch e.Kind {
		case binlog.Row:
			if err := f.row(ctx, e.Change); err != nil {
				return err
			}
		case binlog.Commit, binlog.Statement, binlog.Heartbeat:
			f.sent.reached(from.State())
		}
	}
}

func (f *feed) row(ctx context.Context, c *change.Change) error {
	t, err := f.topic(ctx, c.Table)
	if err != nil {
		return err
	}
	p := f.sent.open()
	f.encoded, err = p.encoder.Encode(f.encoded[:0], c, time.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("perceptor: source %s: change %s: %w", f.cfg.Name, c.Version, err)
	}
	f.send(ctx, p, t, c.Version)
	f.cfg.Counts.changes.Add(1)
	return nil
}

// send writes what is encoded, but not what was written before.
func (f *feed) send(ctx context.Context, p *parcel, t *topic, v change.Version) {
	for i := range f.encoded {
		r := &f.encoded[i]
		partition := t.partition(r.Key)
		if v.Compare(t.ends[partition]) <= 0 {
			f.cfg.Counts.again.Add(1)
			continue
		}
		f.produce(ctx, p, t, partition, r, v)
	}
}

// produce writes one record of a parcel.
func (f *feed) produce(ctx context.Context, p *parcel, t *topic, partition int32, r *envelope.Record, v change.Version) {
	out := p.record()
	*out = kgo.Record{Topic: t.name, Partition: partition, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(v.ExecuteTime)}
	out.Headers = headersOf(r)
	f.sent.sending(p)
	f.client.Produce(context.WithoutCancel(ctx), out, func(r *kgo.Record, err error) {
		if err != nil {
			err = fmt.Errorf("perceptor: source %s: a record of topic %s was not acknowledged: %w", f.cfg.Name, r.Topic, err)
		}
		f.sent.acknowledged(p, err)
	})
}

// headersOf are those of a record, as the client has them.
func headersOf(r *envelope.Record) (all []kgo.RecordHeader) {
	for _, h := range r.Headers {
		all = append(all, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return all
}
