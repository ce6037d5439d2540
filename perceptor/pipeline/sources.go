package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/source"
)

// sourcePart is the source at work.
type sourcePart struct {
	*part
	c      *Config
	o      *Options
	to     *cluster
	counts perceptor.FeedCounts
	read   source.Counts
	untold untold
	at     atomic.Pointer[source.State]
	// lost: the connection to the server is being made anew.
	lost atomic.Bool
	// oldEpoch is the one that is left if a new snapshot is to be taken.
	resnapshot sync.Once
	oldEpoch   uint32
}

func newSourcePart(c *Config, o *Options, to *cluster) *sourcePart {
	p := &sourcePart{c: c, o: o, to: to}
	p.part = &part{name: SourcePart, log: o.Log, now: time.Now, run: func(ctx context.Context) error { return elect(ctx, p, p.feed) }, tell: func(r *Report) {
		r.Source = &SourceReport{Changes: p.counts.Changes(), Records: p.counts.Records(), Again: p.counts.Again(), SnapshotRows: p.read.Read(), Failovers: p.read.Failovers()}
		r.Source.Untold, r.Source.UntoldCount = p.untold.report()
		if at := p.at.Load(); at != nil {
			r.Source.Position = at.Position
			r.Source.Snapshot = snapshotSums(at)
		}
	}}
	return p
}

// FeedConfig says where the source's changes go, and under which name it keeps its position.
func FeedConfig(c *Config) (perceptor.FeedConfig, error) {
	f := perceptor.FeedConfig{Name: c.Name, Brokers: c.Brokers.Addresses, Partitions: c.Topics.Partitions}
	f.Encode.Prefix = c.Topics.Prefix
	if s := c.Source; s != nil {
		format, err := envelope.ParseFormat(s.Format)
		if err != nil {
			return f, err
		}
		if s.Truncates {
			f.Truncates = s.Wants
		}
		if s.Drops {
			f.Drops = s.Wants
		}
		f.Encode = envelope.Options{Format: format, Schemas: s.Schemas, Decimals: decimalsOf(s.Decimals), Prefix: c.Topics.Prefix, Connector: s.Connector}
		f.HeartbeatEvery = s.HeartbeatRecords
	}
	return f, nil
}

// SourceConfig says what the source reads.
func SourceConfig(c *Config) (source.Config, error) {
	b, err := BinlogConfig(c)
	if err != nil {
		return source.Config{}, err
	}
	b.Tables = nil // it is the source's
	s := source.Config{Binlog: b, Tables: c.Source.Wants, LagMax: c.Source.FailoverWait, Keys: map[string][]string{}}
	for _, k := range c.Source.Keys {
		s.Keys[k.Table] = k.Columns
	}
	switch c.Source.Snapshot {
	case spec.SnapshotInitial:
		s.Snapshot = source.Initial
	case spec.SnapshotNever:
		s.Snapshot = source.Never
	case spec.SnapshotOnly:
		s.Snapshot = source.Only
	default:
		return s, fmt.Errorf("source.snapshot: there is no %q", c.Source.Snapshot)
	}
	return s, nil
}

// feed reads the database's changes into topics, for one turn.
func (p *sourcePart) feed(ctx context.Context, turn *lease) error {
	p.connecting("the brokers and the database")
	to, err := FeedConfig(p.c)
	if err != nil {
		return err
	}
	to.Transport, to.Log, to.Counts, to.Untold = turn.transport(p.to), p.log, &p.counts, p.tellUntold
	from, err := SourceConfig(p.c)
	if err != nil {
		return err
	}
	from.Log, from.Counts = p.log, &p.read
	from.Binlog.Dial = turn.dial((&net.Dialer{}).DialContext) // else one that wakes up would push the elected one out of the server
	from.Binlog.Retrying = func(err error, wait time.Duration) {
		p.lost.Store(true)
		p.set(Waiting, err.Error())
		p.log.Warn("the connection is made anew", "part", p.name, "after", wait, "error", err)
	}
	from.Waiting = func(err error) {
		p.lost.Store(true)
		p.set(Waiting, err.Error())
	}
	asking, cancel := context.WithTimeout(ctx, 2*askMax)
	at, found, err := perceptor.Resume(asking, to)
	cancel()
	if err != nil {
		return err
	}
	if p.o.Resnapshot && found {
		p.resnapshot.Do(func() { p.oldEpoch = at.Epoch })
		from.Resnapshot = at.Epoch <= p.oldEpoch // else this process has begun anew already
	}
	known, err := openSchemas(ctx, p, at, to.Transport)
	if err != nil {
		return err
	}
	defer known.close()
	follower := perceptor.Follow(known.History)
	from.Schema = follower.Complete
	s, err := source.Open(ctx, from, at, found)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	p.set(Running, "")
	p.log.Info("it reads", "part", p.name, "server", p.c.Source.Address, "from", s.State().String())
	m := &metered{Source: s, part: p, turn: turn}
	err = perceptor.Feed(ctx, follower.Changes(m), to)
	switch {
	case m.ended && (err == nil || errors.Is(err, io.EOF)):
		return nil
	case err == nil && ctx.Err() == nil:
		return fmt.Errorf("the source ended and has not said so: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// metered is a source that says where it is.
type metered struct {
	*source.Source
	part  *sourcePart
	turn  *lease
	ended bool
}

// Next implements perceptor.Changes.
func (m *metered) Next(ctx context.Context) (binlog.Event, error) {
	e, err := m.Source.Next(ctx)
	switch {
	case err == nil && m.part.lost.Load():
		m.part.lost.Store(false)
		m.part.set(Running, "")
	case err == io.EOF: // a connection's end is wrapped; this is the source's own
		m.ended = true
	}
	if err == nil && !m.turn.holds() {
		err = perceptor.ErrSuperseded
	}
	return e, err
}

// State implements perceptor.Changes.
func (m *metered) State() source.State {
	s := m.Source.State()
	m.part.at.Store(&s)
	return s
}

func snapshotSums(at *source.State) *SnapshotSums {
	all := at.Snapshot.Tables()
	if len(all) == 0 {
		return nil
	}
	s := &SnapshotSums{Tables: len(all)}
	for name, t := range all {
		s.Rows += t.Rows
		if t.Done {
			s.Done++
		} else if len(t.Last) > 0 {
			s.Reading = name + " (" + strconv.FormatUint(t.Rows, 10) + " rows)"
		}
	}
	return s
}
