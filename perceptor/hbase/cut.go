package hbase

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// A truncate takes all rows that are older than it, those that are there and those that come late. It has one version for
// the whole table, which is kept in Options.Truncates: the table's cut.
//
//  1. The cut is written. From then on a change that is older than the cut that its writer knows is not put; its row is cut.
//  2. All rows that are there are cut: those older than the cut become tombstones of its version, with the condition that they
//     are as they were read.
//
// What is left are writers that did not know the cut when they put a row that was not there, behind 2 and its scan. So a
// writer asks for the cut again *after* it has put, and before it says so; if it is newer now, the row is cut. Either the
// scan has seen the row, or the writer sees the cut. A writer that dies in between has acknowledged nothing: the change comes again,
// and whoever has it then asks for the cut, as its verdict is not Newer. A change that is put over an older one (Newer) needs
// no question: the row was there, so the scan has met it, or the change that put it first is asked about.
//
// None of this needs a second scan. So when 2 has ended, that is noted beside the cut (cellTaken), and a truncate that comes again, as it
// does from each partition of its topic, is done with.

// cuts are what this process knows of the versions of truncates. They only grow.
type cuts struct {
	mu    sync.Mutex
	known map[string]cut // by HBase's table
}

// cut is the version of a table's last truncate, if there was one. done: the rows that are older are taken. It is of no matter to cuts.
type cut struct {
	there   bool
	version change.Version
	done    bool
}

// cellTaken has the version of the truncate whose scan has ended.
var cellTaken = []byte("taken")

// takes reports whether what has this version is older than the truncate.
func (c cut) takes(v change.Version) bool { return c.there && v.Compare(c.version) < 0 }

func (c *cuts) get(table string) (k cut, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, known = c.known[table]
	return k, known
}

func (c *cuts) learn(table string, k cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]cut{}
	}
	if have := c.known[table]; !have.there || k.there && have.version.Compare(k.version) < 0 {
		c.known[table] = k
	}
}

// readCut asks HBase for a table's cut.
func (s *Sink) readCut(ctx context.Context, table string) (cut, error) {
	row, err := s.client.Get(ctx, s.truncates, []byte(table), client.Columns{{Family: updateInfo}})
	if err != nil {
		return cut{}, fmt.Errorf("versions of truncates (Sink.Prepare makes their table): %w", err)
	}
	found, err := readStored(&row)
	if err != nil {
		return cut{}, fmt.Errorf("row %q of %q: %w", table, s.truncates, err)
	}
	k := cut{there: found.exists, version: found.version}
	if taken := row.Value(updateInfo, cellTaken); taken != nil && found.exists {
		k.done = bytes.Equal(taken.Value, found.packed)
	}
	s.cuts.learn(table, k)
	return k, nil
}

// applyCut is applyTable for tables that may be truncated. folded: changes of the batch were folded into these.
func (s *Sink) applyCut(ctx context.Context, table string, writes []*write, folded bool) error {
	if s.truncates == "" {
		return s.applyTable(ctx, table, writes)
	}
	before, known := s.cuts.get(table)
	if !known {
		var err error
		if before, err = s.readCut(ctx, table); err != nil {
			return err
		}
	}
	var late, rest []*write
	for _, w := range writes {
		if before.takes(w.change.Version) {
			late = append(late, w)
		} else {
			rest = append(rest, w)
		}
	}
	if err := s.cutWrites(ctx, table, late, before); err != nil {
		return err
	}
	if len(rest) == 0 {
		return nil
	}
	if err := s.applyTable(ctx, table, slices.Clone(rest)); err != nil {
		return err
	}
	if !folded && !slices.ContainsFunc(rest, func(w *write) bool { return w.outcome.Verdict != change.Newer }) {
		return nil
	}
	after, err := s.readCut(ctx, table)
	if err != nil {
		return err
	}
	late = late[:0]
	for _, w := range rest {
		if w.outcome.Err == nil && after.takes(w.change.Version) {
			late = append(late, w)
		}
	}
	return s.cutWrites(ctx, table, late, after)
}

// cutWrites cuts the rows of changes that are older than a truncate: they are what a delete of its version would make of them.
// A row that is not there becomes a tombstone, too: a request that a connection took with it may still reach the server, with a
// put of the row if it is absent.
func (s *Sink) cutWrites(ctx context.Context, table string, late []*write, k cut) error {
	ops := make([]client.Op, len(late))
	byRow := make(map[string]*write, len(late))
	for i, w := range late {
		*w.outcome = sink.Outcome{Verdict: change.Stale, Stored: k.version}
		ops[i].Row = w.row
		byRow[string(w.row)] = w
	}
	fail := func(row []byte, err error) {
		w := byRow[string(row)]
		*w.outcome = sink.Outcome{Err: fmt.Errorf("%s: row %q: %w", w.plan.source, row, err)}
	}
	r := rewriting{
		step: func(row *client.Row) *client.Step {
			step, err := s.cutStep(byRow[string(row.Key)].plan.target, row, k)
			if err != nil {
				fail(row.Key, err)
			}
			return step
		},
		done: func([]byte) {}, failed: fail,
	}
	ops, err := s.lookAgain(ctx, table, ops, r)
	if err != nil {
		return err
	}
	return s.rewrite(ctx, table, ops, r)
}

// cutStep makes a tombstone of a whole row that is older than a truncate, or has no version; a tombstone that is older is made one of the
// truncate, too: what comes late may be newer than it was. nil: the row stays as it is.
func (s *Sink) cutStep(t *Table, row *client.Row, k cut) (*client.Step, error) {
	found, err := readStored(row)
	if err != nil || found.exists && !k.takes(found.version) {
		return nil, err
	}
	condition := absent
	if found.exists {
		condition = unchanged(bytes.Clone(found.packed))
	}
	var gone []client.Cell
	for _, c := range row.Cells {
		if t.owns(c.Family, c.Qualifier) {
			gone = append(gone, client.Cell{Family: bytes.Clone(c.Family), Qualifier: bytes.Clone(c.Qualifier), Timestamp: c.Timestamp})
		}
	}
	at := uint64(max(s.now().UnixMilli(), 0))
	for _, c := range row.Cells {
		at = max(at, c.Timestamp+1)
	}
	if at >= math.MaxInt64 {
		return nil, errors.New("a cell has the latest timestamp that there is, so nothing can be written over it")
	}
	cells := appendGuard(nil, k.version, true)
	for i := range cells {
		cells[i].Timestamp = at
	}
	mutations := []client.Mutation{{Cells: cells}}
	if len(gone) > 0 {
		mutations = append(mutations, client.Mutation{Delete: true, Cells: gone})
	}
	return &client.Step{Condition: condition, Mutations: mutations}, nil
}

// owns reports whether a cell is data of the table's rows: all of its families are, but of update_info only columns that are
// put there by name.
func (t *Table) owns(family, qualifier []byte) bool {
	if string(family) != UpdateInfo {
		return slices.Contains(t.families(), string(family))
	}
	for name, c := range t.Columns {
		if c.Qualifier != "" {
			name = c.Qualifier
		}
		if c.Family == UpdateInfo && !c.Skip && name == string(qualifier) {
			return true
		}
	}
	return t.Family == UpdateInfo && !reserved[string(qualifier)]
}
