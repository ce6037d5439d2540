package schema

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
)

// History is what is known of a source's tables. One goroutine, the one that reads the binlog, calls Complete, Statement and At;
// any may call Tables.
type History struct {
	c    Config
	keep keeper

	mu     sync.Mutex
	states *states
	// now is what the transaction that is read tells of itself.
	gtid string
	time int64

	follow sync.Mutex // guards from
	from   *reader
}

// Open reads the history. The topic is made if it is missing, unless the history is ReadOnly. It waits for the cluster until ctx ends.
func Open(ctx context.Context, c Config) (*History, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	h := &History{c: c, states: newStates(c.FoldNames)}
	h.keep.c = &h.c
	var err error
	if c.ReadOnly {
		err = h.refresh(ctx)
	} else if _, err = h.keep.ensure(ctx, true); err == nil {
		err = h.load(ctx, nil)
	}
	if err != nil {
		h.Close()
		return nil, h.named(err)
	}
	h.states.forget(c.Epoch, c.Start)
	return h, nil
}

func (h *History) named(err error) error {
	return fmt.Errorf("schema: topic %s: %w", h.c.topic(), err)
}

// Close gives the connections back.
func (h *History) Close() {
	h.keep.close()
	h.follow.Lock()
	defer h.follow.Unlock()
	if h.from != nil {
		h.from.close()
		h.from = nil
	}
}

// At notes which transaction the maps and statements that follow are of: its GTID, and the time of its event in milliseconds since
// 1970. It is told with what is decided, and Config.Created needs the time.
func (h *History) At(gtid string, time int64) { h.gtid, h.time = gtid, time }

func (h *History) place(at change.Position) Place {
	return Place{Epoch: h.c.Epoch, Position: at, GTID: h.gtid, Time: h.time}
}

// Complete tells what a map means; it is what binlog.Config.Schema wants. What is decided anew is acknowledged by the topic before it
// is returned. The same decision is the same *change.Table each time. The error is an *UnknownError, one of Config.Lookup, or of
// the topic; in each case nothing is decided.
func (h *History) Complete(ctx context.Context, m *change.Table, at change.Position) (*change.Table, error) {
	if h.c.ReadOnly {
		return nil, errors.New("schema: the history is read only")
	}
	name := Name{m.Database, m.Name}
	if err := h.recall(ctx, name); err != nil {
		return nil, err
	}
	p := h.place(at)
	of := Signature(m)
	h.mu.Lock()
	s := h.states.get(name)
	d := s.decided(of, p)
	known, ddl := s.known(p)
	h.mu.Unlock()
	if d != nil {
		return d.table, nil
	}
	t, from, err := h.find(ctx, m, known, p)
	if err != nil {
		return nil, err
	}
	return h.decide(ctx, name, &decision{table: t, of: of, signature: Signature(t), from: from, ddl: ddl}, p)
}

// The ways to decide, as they are told in the topic.
const (
	fromMap      = "map"
	fromDDL      = "ddl"
	fromDeclared = "declared"
	fromCatalog  = "catalog"
)

// find decides what a map means.
func (h *History) find(ctx context.Context, m *change.Table, known facts, p Place) (t *change.Table, from string, err error) {
	unclear := Ambiguous(m)
	if h.c.MySQL && named(m) {
		unclear = nil
	}
	if len(unclear) == 0 {
		return m, fromMap, nil
	}
	if !known.possible(m) {
		known = facts{}
	}
	if t, unclear = known.resolve(m, unclear); t != nil {
		return t, fromDDL, nil
	}
	if t := h.declared(m, known); t != nil {
		return t, fromDeclared, nil
	}
	t, why, err := h.lookup(ctx, m, known, p)
	if err != nil || t != nil {
		return t, fromCatalog, err
	}
	e := &UnknownError{Table: m.String(), At: p, Why: why}
	for _, i := range unclear {
		if name := m.Columns[i].Name; name != "" {
			e.Columns = append(e.Columns, fmt.Sprintf("%q", name))
		} else {
			e.Columns = append(e.Columns, fmt.Sprint(i+1))
		}
	}
	return nil, "", e
}

// declared completes a map with what is declared, where nothing is known.
func (h *History) declared(m *change.Table, known facts) *change.Table {
	d := h.c.Declared[m.Database+"."+m.Name]
	if d == nil {
		return nil
	}
	if !named(m) {
		if Agrees(m, d) != nil {
			return nil
		}
		return Refine(m, d)
	}
	told := factsOf(d)
	for i := range d.Columns { // what is declared to be nothing else is told, too
		if name := strings.ToLower(d.Columns[i].Name); told.columns[name] == (fact{}) {
			told.columns[name] = fact{}
		}
	}
	for name, f := range known.columns {
		if !f.open {
			told.columns[name] = f
		}
	}
	t, _ := told.resolve(m, Ambiguous(m))
	return t
}

// lookup asks the catalog. why tells what is against its answer.
func (h *History) lookup(ctx context.Context, m *change.Table, known facts, p Place) (t *change.Table, why string, err error) {
	if h.c.Lookup == nil {
		return nil, "there is no catalog to ask", nil
	}
	found, err := h.c.Lookup(ctx, m.Database, m.Name)
	switch {
	case errors.Is(err, catalog.ErrNoTable):
		return nil, "the table is not there any more", nil
	case err != nil:
		return nil, "", fmt.Errorf("schema: the catalog's table %s: %w", m, err)
	}
	if err := Agrees(m, found); err != nil {
		return nil, "the table as it is now is another one: " + err.Error(), nil
	}
	if column, is := known.contradicts(found); is {
		return nil, fmt.Sprintf("column %q of the table as it is now is not what it was", column), nil
	}
	if h.c.Created != nil && p.Time > 0 {
		at, err := h.c.Created(ctx, m.Database, m.Name)
		if err != nil && !errors.Is(err, catalog.ErrNoTable) {
			return nil, "", fmt.Errorf("schema: the catalog's table %s: %w", m, err)
		}
		if err != nil || at.Unix() >= p.Time/1000 {
			return nil, fmt.Sprintf("the table as it is now was made at %s, and this is of %s", at.UTC().Format(timeLayout), unixMilli(p.Time).Format(timeLayout)), nil
		}
	}
	return Refine(m, found), "", nil
}

// decide writes a decision, and notes it when it is acknowledged.
func (h *History) decide(ctx context.Context, name Name, d *decision, p Place) (*change.Table, error) {
	h.mu.Lock()
	next := h.states.get(name).copy()
	h.mu.Unlock()
	d = next.decide(d, p)
	if err := h.write(ctx, []message{tableMessage(d)}, next); err != nil {
		return nil, fmt.Errorf("%w; nothing of table %s is read before it is kept", err, name)
	}
	h.c.Log.Info("a table is known", "table", name.String(), "place", p.String(), "from", d.from)
	return d.table, nil
}

// write notes states when the topic has acknowledged their messages. A topic that is gone is made again, with all that is known.
func (h *History) write(ctx context.Context, messages []message, next ...*state) error {
	err := h.keep.write(ctx, messages)
	if errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID) {
		h.c.Log.Warn("the topic of schemas is gone, and is made again", "topic", h.c.topic())
		h.keep.close()
		if _, err = h.keep.ensure(ctx, true); err == nil {
			h.mu.Lock()
			all := append(h.states.messages(), messages...)
			h.mu.Unlock()
			err = h.keep.write(ctx, all)
		}
	}
	if err != nil {
		return h.named(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range next {
		h.states.set(s)
	}
	return nil
}

// Statement follows a statement of the binlog, which database is in use for, and behind which is at. What it changes is acknowledged by
// the topic before it returns. Statements that change no columns are of no matter. In a transaction at.Row tells statements of one
// offset apart.
func (h *History) Statement(ctx context.Context, database, sql string, at change.Position) error {
	if h.c.ReadOnly {
		return errors.New("schema: the history is read only")
	}
	s := parse(database, sql)
	p := h.place(at)
	before := p
	switch q := &before.Position; {
	case q.Row > 0:
		q.Row--
	case q.Offset > 0:
		q.Offset, q.Row = q.Offset-1, math.MaxUint32
	}
	names := s.names
	if s.like != nil {
		names = append(names, *s.like)
	}
	for _, n := range names {
		if err := h.recall(ctx, n); err != nil {
			return err
		}
	}
	h.mu.Lock()
	known := func(n Name) facts {
		f, _ := h.states.get(n).known(before)
		return f
	}
	var effects []effect
	if s.kind == DropDatabase {
		for _, n := range h.states.of(s.names[0].Database) {
			effects = append(effects, effect{n, facts{dropped: true}})
		}
	} else {
		effects = s.effects(known)
	}
	var messages []message
	var next []*state
	for _, e := range effects {
		if known(e.name).equal(e.facts) {
			continue
		}
		changed := h.states.get(e.name).copy()
		if changed.begins(era{since: p, ddl: shortened(sql), facts: e.facts}) {
			messages = append(messages, statementsMessage(changed))
			next = append(next, changed)
		}
	}
	h.mu.Unlock()
	if len(messages) == 0 {
		return nil
	}
	return h.write(ctx, messages, next...)
}

// ddlBytesMax bounds what is kept of a statement's text.
const ddlBytesMax = 4096

func shortened(sql string) string {
	if len(sql) > ddlBytesMax {
		sql = strings.ToValidUTF8(sql[:ddlBytesMax], "") + " ..."
	}
	return sql
}
