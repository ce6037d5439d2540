package schema

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/perceptor/change"
)

// History is what is known of a source's tables. One goroutine, the one that reads the binlog, calls Complete, Statement, Learn, At and Enter;
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

// Epoch is that of the places that Complete, Learn and Statement are told.
func (h *History) Epoch() uint32 { return h.c.Epoch }

// Enter is for a source that goes on in another epoch, on another server or anew. What was noted in an earlier epoch behind the place that was
// reached in it is told again, and is dropped. Where nothing was reached, Config.Start is that place.
func (h *History) Enter(epoch uint32, reached Place) {
	if reached == (Place{}) {
		reached = h.c.Start
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.c.Epoch = epoch
	h.states.forget(epoch, reached)
}

var errReadOnly = errors.New("schema: the history is read only")

func (h *History) place(at change.Position) Place {
	return Place{Epoch: h.c.Epoch, Position: at, GTID: h.gtid, Time: h.time}
}

// Complete tells what a map means; it is what binlog.Config.Schema wants. What is decided anew is acknowledged by the topic before it
// is returned. The same decision is the same *change.Table each time. The error is an *UnknownError, one of Config.Lookup, or of
// the topic; in each case nothing is decided.
func (h *History) Complete(ctx context.Context, m *change.Table, at change.Position) (*change.Table, error) {
	if h.c.ReadOnly {
		return nil, errReadOnly
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

// Learn notes what a table is from a place on, told by somebody who knows it there: a snapshot. It is acknowledged by the topic before
// Learn returns.
func (h *History) Learn(ctx context.Context, t *change.Table, at change.Position) error {
	if h.c.ReadOnly {
		return errReadOnly
	}
	name := Name{t.Database, t.Name}
	if err := h.recall(ctx, name); err != nil {
		return err
	}
	p := h.place(at)
	signature := Signature(t)
	h.mu.Lock()
	known := h.states.get(name).decided(signature, p)
	h.mu.Unlock()
	if known != nil {
		return nil
	}
	_, err := h.decide(ctx, name, &decision{table: t, of: signature, signature: signature, from: fromSnapshot}, p)
	return err
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
		return errReadOnly
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
