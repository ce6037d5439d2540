package hbase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/internal/arena"
	"github.com/skein-io/skein/perceptor/sink"
)

// Sink writes changes to HBase. It keeps the interface's promises: it may be called from many goroutines and processes.
type Sink struct {
	client    *client.Client
	tables    map[string]*Table
	truncates string
	now       func() time.Time
	// replays has a flag for each HBase table: of the last batch most was discarded. Then a look is cheaper than a try. It
	// decides what is asked first, never what is written.
	replays map[string]*atomic.Bool

	mu    sync.Mutex
	plans map[string]*plan // the last of each source table

	cuts       cuts
	truncating sink.Turns
	folders    sync.Pool
}

var _ sink.Truncater = (*Sink)(nil)

// Open prepares a sink. It connects when it is first used.
func Open(o Options) (*Sink, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c, err := client.Open(o.Client)
	if err != nil {
		return nil, err
	}
	s := &Sink{
		client: c, tables: map[string]*Table{}, truncates: o.Truncates, now: o.Now, replays: map[string]*atomic.Bool{}, plans: map[string]*plan{},
		folders: sync.Pool{New: func() any { return new(sink.Folder) }},
	}
	for source, t := range o.Tables {
		s.tables[source] = &t
		s.replays[t.Name] = new(atomic.Bool)
	}
	return s, nil
}

// Close implements sink.Sink.
func (s *Sink) Close() error { return s.client.Close() }

// Apply implements sink.Sink. Of each row the newest change is written, if the server finds that it is newer than what is
// stored. A batch whose changes are all written takes one round trip; rows that lose cells (deletes, updates with a NULL)
// and changes that are discarded take a second. While most of what comes is discarded, as when a topic is read again, versions
// are read first, which makes that one round trip, too; what is to be written is compared by the server as always.
//
// If a connection broke after the server had written a change and before it said so, the change is found to be stored, and
// its verdict is Duplicate.
func (s *Sink) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	if len(changes) != len(outcomes) {
		return fmt.Errorf("%d changes and %d outcomes", len(changes), len(outcomes))
	}
	writes := make([]write, len(changes))
	var memory arena.Arena
	for i, c := range changes {
		if i > 0 && c.Table == changes[i-1].Table {
			writes[i].plan = writes[i-1].plan
		}
		outcomes[i] = sink.Outcome{Err: s.prepare(c, &writes[i], &memory)}
	}
	folder := s.folders.Get().(*sink.Folder)
	defer s.folders.Put(folder)
	next := 0
	kept := folder.Fold(changes, outcomes, func(dst []byte, c *change.Change) []byte {
		for changes[next] != c || outcomes[next].Err != nil { // it is asked once for each change without an error, in their order
			next++
		}
		w := &writes[next]
		next++
		return append(append(append(dst, w.plan.target.Name...), 0), w.row...)
	})
	folded := map[string]bool{}
	for i, o := range outcomes {
		if o.Verdict != 0 {
			folded[writes[i].plan.target.Name] = true
		}
	}
	tables := map[string][]*write{}
	for _, i := range kept {
		w := &writes[i]
		w.outcome = &outcomes[i]
		tables[w.plan.target.Name] = append(tables[w.plan.target.Name], w)
	}
	errs := make(chan error, len(tables))
	for table, writes := range tables {
		go func() { errs <- s.applyCut(ctx, table, writes, folded[table]) }()
	}
	var failed []error
	for range tables {
		if err := <-errs; err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// prepare works out which row a change is of and what is to be written, in memory. An error is the change's. The plan is looked up if it
// is not there yet.
func (s *Sink) prepare(c *change.Change, w *write, memory *arena.Arena) (err error) {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Op == change.Truncate {
		return fmt.Errorf("%s: a truncate is not a change of a row: Sink.Truncate applies it", c.Table)
	}
	if w.plan == nil {
		if w.plan, err = s.plan(c.Table); err != nil {
			return err
		}
	}
	w.change = c
	if w.row, err = w.plan.rowKey(c, memory); err != nil {
		return err
	}
	w.packed = memory.Keep(appendPacked(memory.Buffer(packedSize), c.Version, c.Op == change.Delete))
	if c.Op != change.Delete {
		w.data, w.nulls, err = w.plan.data(c.After, memory)
	}
	return err
}

func (s *Sink) plan(source *change.Table) (*plan, error) {
	name := source.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[name]; p != nil && p.source == source {
		return p, nil
	}
	to := s.tables[name]
	if to == nil {
		return nil, fmt.Errorf("%s: no HBase table is configured for it", source)
	}
	p, err := newPlan(source, to)
	if err != nil {
		return nil, err
	}
	s.plans[name] = p
	return p, nil
}

// roundsMax bounds how often a row is looked at again because somebody else changed it meanwhile. Each time it got a newer
// version or was swept, so it ends long before.
const roundsMax = 1000

// replayRows is how many rows a batch must have to say something about the next.
const replayRows = 8

// applyTable writes changes of different rows of one table: what can be guessed is tried at once; for what did not hold the
// row's version is read, and that decides between discarding the change and trying what fits, until it holds.
func (s *Sink) applyTable(ctx context.Context, table string, writes []*write) error {
	replay := s.replays[table]
	if replay.Load() {
		for _, w := range writes {
			w.step = read
		}
	}
	rows, discarded := len(writes), 0
	defer func() {
		if rows >= replayRows {
			replay.Store(2*discarded > rows)
		}
	}()
	for range roundsMax {
		ops := make([]client.Op, len(writes))
		for i, w := range writes {
			ops[i] = s.op(w)
		}
		err := s.client.Batch(ctx, table, ops)
		if errors.Is(err, client.ErrTableNotFound) {
			for _, w := range writes {
				w.outcome.Err = fmt.Errorf("%s: %w: create it, or map the rows to another", w.plan.source, err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		again := writes[:0]
		for i, w := range writes {
			if !w.settle(&ops[i]) {
				again = append(again, w)
			} else if w.outcome.Err == nil && !w.outcome.Verdict.Puts() {
				discarded++
			}
		}
		if writes = again; len(writes) == 0 {
			return nil
		}
	}
	return fmt.Errorf("row %q of %q was changed by others %d times while it was looked at", writes[0].row, table, roundsMax)
}

// Prepare checks that all tables are there with all their families, and says what is missing. With create, tables that are
// not there are made, with a region for each value of their salt.
func (s *Sink) Prepare(ctx context.Context, create bool) error {
	var wrong []error
	for source, t := range s.tables {
		wrong = append(wrong, s.prepareTable(ctx, source, client.TableSpec{Name: t.Name, Families: t.families(), Splits: t.splits()}, create))
	}
	if s.truncates != "" {
		wrong = append(wrong, s.prepareTable(ctx, "versions of truncates", client.TableSpec{Name: s.truncates, Families: []string{UpdateInfo}}, create))
	}
	return errors.Join(wrong...)
}

func (s *Sink) prepareTable(ctx context.Context, source string, spec client.TableSpec, create bool) error {
	families, err := s.client.Families(ctx, spec.Name)
	if create && errors.Is(err, client.ErrTableNotFound) {
		if err = s.client.CreateTable(ctx, spec); err == nil {
			return nil
		}
	}
	if errors.Is(err, client.ErrTableNotFound) {
		err = fmt.Errorf("%w: create it with create '%s', '%s'", err, spec.Name, strings.Join(spec.Families, "', '"))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	var wrong []error
	for _, f := range spec.Families {
		if !slices.Contains(families, f) {
			wrong = append(wrong, fmt.Errorf("%s: table %q: %w %q: add it with alter '%[2]s', '%[4]s'", source, spec.Name, client.ErrNoFamily, f))
		}
	}
	return errors.Join(wrong...)
}

func (t *Table) splits() (rows [][]byte) {
	for i := 1; i < t.Salt; i++ {
		rows = append(rows, []byte{byte(i)})
	}
	return rows
}
