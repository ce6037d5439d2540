package verify

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/verify"
	"github.com/skein-io/skein/test/services"
)

// patience bounds what takes a second on a machine that is not loaded.
const patience = 2 * time.Minute

// carrier applies what the binlog tells of a database to sinks, a transaction at a time.
type carrier struct {
	sinks []sink.Sink
	// before is asked before a transaction is applied; it may hold it up, or take changes away.
	before func(changes []*change.Change) []*change.Change

	mu      sync.Mutex
	reached binlog.Position
	applied binlog.Position
	ended   chan error
	cancel  context.CancelFunc
}

var _ verify.Progress = (*carrier)(nil)

var replicas atomic.Uint32

func binlogConfig() binlog.Config {
	return binlog.Config{Addr: maria.Addr(), User: services.MariaDBUser, Password: services.MariaDBPassword, ServerID: 2000 + replicas.Add(1), Epoch: 1,
		Heartbeat: 200 * time.Millisecond}
}

// startCarrier begins at the end of the binlog.
func startCarrier(t testing.TB, db string, before func([]*change.Change) []*change.Change, sinks ...sink.Sink) *carrier {
	t.Helper()
	config := binlogConfig()
	start, err := binlog.Current(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	config.Start = start
	config.Tables = func(database, _ string) bool { return database == db }
	known := map[string]*change.Table{}
	config.Schema = func(_ context.Context, told *change.Table, _ change.Position) (*change.Table, error) {
		if known[told.Name] == nil { // what the binlog does not know of types
			s, err := verify.OpenSource(context.Background(), verify.SourceConfig{
				DSN: fmt.Sprintf("%s:%s@tcp(%s)/", services.MariaDBUser, services.MariaDBPassword, maria.Addr()), Database: db, Table: told.Name})
			if err != nil {
				return nil, err
			}
			defer func() { _ = s.Close() }()
			known[told.Name] = s.Table()
		}
		full := *told
		full.Columns = slices.Clone(told.Columns)
		for i := range full.Columns {
			switch typ := known[told.Name].Columns[i].Type; typ {
			case change.UUID, change.INET4, change.INET6, change.JSONType:
				full.Columns[i].Type = typ
			}
		}
		return &full, nil
	}
	reader, err := binlog.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	p := &carrier{sinks: sinks, before: before, reached: start, applied: start, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() {
		err := p.run(ctx, reader)
		if ctx.Err() != nil {
			err = nil // it was to end
		}
		p.ended <- err
	}()
	t.Cleanup(func() { p.end(t); _ = reader.Close() })
	return p
}

func (p *carrier) end(t testing.TB) {
	p.cancel()
	if err := <-p.ended; err != nil {
		t.Errorf("the carrier ended: %v", err)
	}
	p.ended <- nil
}

func (p *carrier) run(ctx context.Context, reader *binlog.Reader) error {
	var changes []*change.Change
	for {
		e, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		if e.Kind == binlog.Row {
			changes = append(changes, e.Change)
			continue
		}
		at := reader.Position()
		p.mu.Lock()
		p.reached = at
		p.mu.Unlock()
		if p.before != nil && len(changes) > 0 {
			changes = p.before(changes)
		}
		if err := p.apply(ctx, changes); err != nil {
			return err
		}
		changes = nil
		p.mu.Lock()
		p.applied = at
		p.mu.Unlock()
	}
}

func (p *carrier) apply(ctx context.Context, changes []*change.Change) error {
	if len(changes) == 0 {
		return nil
	}
	for _, s := range p.sinks {
		outcomes := make([]sink.Outcome, len(changes))
		if err := s.Apply(ctx, changes, outcomes); err != nil {
			return err
		}
		for i, o := range outcomes {
			if o.Err != nil {
				return fmt.Errorf("%s %v: %w", changes[i].Op, changes[i].Image(), o.Err)
			}
		}
	}
	return nil
}

func (p *carrier) Reached(context.Context) (binlog.Position, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reached, true, nil
}

func (p *carrier) Applied(context.Context) (binlog.Position, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.applied, true, nil
}

// behindMax is how many bytes of binlog writers may be ahead.
const behindMax = 20_000

// pace holds a writer up while the sinks are far behind.
func (p *carrier) pace(ctx context.Context) error {
	end, err := binlog.Current(ctx, binlogConfig())
	if err != nil {
		return err
	}
	for {
		at, _, _ := p.Applied(ctx)
		if at.File == end.File && at.Offset+behindMax >= end.Offset {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// caughtUp waits until everything that is in the binlog now is applied.
func (p *carrier) caughtUp(t testing.TB) {
	t.Helper()
	end, err := binlog.Current(t.Context(), binlogConfig())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		at, _, _ := p.Applied(t.Context())
		if at.File == end.File && at.Offset >= end.Offset || at.File > end.File {
			return
		}
		select {
		case err := <-p.ended:
			t.Fatalf("the carrier ended: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the carrier is at %s, and the binlog at %s", at, end)
		}
	}
}
