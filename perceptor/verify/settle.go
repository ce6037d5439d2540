package verify

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// suspect is a row that differed when it was read first.
type suspect struct {
	key   []byte
	texts [][]byte // of the key's columns; nil if the sink's key is none that a row of the source could have
	// shape is what the source had when it was looked at last, and since the first place in the binlog at which it had that.
	seen  bool
	shape digest
	since change.Position
	// last is the sink's version of the last look.
	last change.Version
}

// look is a suspect as it is now.
type look struct {
	row   change.Row // nil if the source has none
	want  sink.Stored
	have  sink.Stored
	at    change.Position
	shape digest
}

// settle looks at rows again until each of them is right or differs for good, or the time is over.
func (r *run) settle(ctx context.Context, keys [][]byte) error {
	r.report.Looked += int64(len(keys))
	for part := range slices.Chunk(keys, settleMax) {
		if err := r.settlePart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// settleMax is how many rows wait together.
const settleMax = 20_000

func (r *run) settlePart(ctx context.Context, keys [][]byte) error {
	open := make([]*suspect, len(keys))
	for i, key := range keys {
		open[i] = &suspect{key: key, texts: r.texts(ctx, key)}
	}
	pause, deadline := 100*time.Millisecond, time.Now().Add(r.c.Wait)
	for len(open) > 0 {
		last := !time.Now().Before(deadline)
		r.watch("looking again at rows that differ", int64(len(open)))
		applied, known, err := r.applied(ctx)
		if err != nil {
			return err
		}
		var again []*suspect
		for part := range slices.Chunk(open, lookBatch) {
			left, err := r.round(ctx, part, applied, known, last)
			if err != nil {
				return err
			}
			again = append(again, left...)
		}
		if open = again; len(open) == 0 {
			return nil
		}
		select {
		case <-time.After(min(pause, max(time.Until(deadline), 0))):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, time.Second)
	}
	return nil
}

// applied is up to where the sink has everything.
func (r *run) applied(ctx context.Context) (change.Position, bool, error) {
	if r.c.Progress == nil {
		return change.Position{}, false, nil
	}
	p, known, err := r.c.Progress.Applied(ctx)
	if err != nil || !known || p.Epoch != r.c.Source.epoch {
		return change.Position{}, false, err
	}
	at, err := placeOf(p)
	return at, err == nil, err
}

// round looks at some rows once, and returns those of which nothing is certain yet.
func (r *run) round(ctx context.Context, suspects []*suspect, applied change.Position, known, last bool) (again []*suspect, err error) {
	looks, err := r.looks(ctx, suspects, r.c.Source.view)
	if err != nil {
		return nil, err
	}
	var real []*suspect
	var found []look
	for i, s := range suspects {
		l := &looks[i]
		d := r.difference(s, l)
		if d == nil {
			continue
		}
		switch r.fate(s, l, applied, known, last) {
		case later:
			again = append(again, s)
		case inFlight:
			r.report.InFlight++
			if len(r.report.InFlightKeys) < r.c.Keep {
				r.report.InFlightKeys = append(r.report.InFlightKeys, r.keyText(s))
			}
		case stays:
			real, found = append(real, s), append(found, *l)
		}
	}
	return again, r.told(ctx, real, found)
}

type fate uint8

const (
	later fate = iota
	inFlight
	stays
)

// fate decides about a row that differs. What decides is that the source has had the row so since a place that the sink has
// passed, and that the sink's row is of nothing behind that place: a row may be changed, and changed back, between two looks.
func (r *run) fate(s *suspect, l *look, applied change.Position, known, last bool) fate {
	newer := func(than change.Position) bool {
		return l.have.Versioned && l.have.Version.Epoch == r.c.Source.epoch && behind(than, l.have.Version.Position)
	}
	// The view began before the sink was read, and a server tells a change in its binlog a moment before others see it, so the
	// sink may be ahead. A version that no view reaches in all the time is of no change.
	impossible := last && newer(l.at) && s.last == l.have.Version
	same := s.seen && s.shape == l.shape && (impossible || !newer(s.since))
	if !same {
		s.seen, s.shape, s.since = true, l.shape, l.at
	}
	s.last = l.have.Version
	switch {
	case same && known && !behind(applied, s.since):
		return stays
	case same && last && r.c.Progress == nil:
		return stays
	}
	if last {
		return inFlight
	}
	return later
}

// behind reports whether p is before q. A place between two transactions has no row.
func behind(p, q change.Position) bool {
	p.Row, q.Row = 0, 0
	return p.Compare(q) < 0
}

// looks reads rows in the source, and then in the sink.
func (r *run) looks(ctx context.Context, suspects []*suspect, view func(context.Context) (*view, error)) ([]look, error) {
	looks := make([]look, len(suspects))
	if err := r.lookAtSource(ctx, suspects, looks, view); err != nil {
		return nil, err
	}
	keys := make([][]byte, len(suspects))
	for i, s := range suspects {
		keys[i] = s.key
	}
	have, err := r.c.Sink.Look(ctx, r.c.Source.table, keys)
	if err != nil {
		return nil, err
	}
	for i := range looks {
		looks[i].have = have[i]
	}
	return looks, nil
}

func (r *run) lookAtSource(ctx context.Context, suspects []*suspect, looks []look, begin func(context.Context) (*view, error)) error {
	v, err := begin(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	var texts [][][]byte
	index := make(map[string]int, len(suspects))
	for i, s := range suspects {
		looks[i].at = v.at
		if s.texts == nil {
			continue
		}
		if _, err := r.c.Source.keyCondition([][][]byte{s.texts}); err != nil {
			s.texts = nil // no value of that column
			continue
		}
		texts, index[string(s.key)] = append(texts, s.texts), i
	}
	if len(texts) == 0 {
		return nil
	}
	condition, err := r.c.Source.keyCondition(texts)
	if err != nil {
		return err
	}
	for row, err := range v.rows(ctx, condition) {
		if err != nil {
			return err
		}
		want, err := r.c.Sink.Expect(ctx, r.c.Source.table, row)
		if err != nil {
			return err
		}
		if i, ok := index[string(want.Key)]; ok { // a collation finds others, too
			looks[i].row, looks[i].want, looks[i].shape = row, want, r.digest.row(&want)
		}
	}
	return nil
}

// texts takes a key of the sink apart; nil if no row of the source could have it.
func (r *run) texts(ctx context.Context, key []byte) [][]byte {
	t := r.c.Source.table
	texts, err := r.c.Sink.KeyTexts(ctx, t, key)
	if err != nil {
		return nil
	}
	row, err := keyRow(t, texts)
	if err != nil {
		return nil
	}
	made, err := r.c.Sink.Key(ctx, t, row)
	if err != nil || !bytes.Equal(made, key) {
		return nil
	}
	return texts
}

// difference says how a row differs now; nil if it does not.
func (r *run) difference(s *suspect, l *look) *Difference {
	d := &Difference{Key: r.keyText(s), Deleted: l.have.Deleted}
	if l.have.Versioned {
		v := l.have.Version
		d.Version, d.VersionText = &v, v.String()
	}
	if l.have.Invalid != nil {
		d.Reason = l.have.Invalid.Error()
	}
	live := l.have.Key != nil && !l.have.Deleted
	switch {
	case l.row == nil && (l.have.Key == nil || gone(&l.have)):
		return nil
	case l.row == nil:
		d.Kind = Extra
		if l.have.Leftover {
			d.Reason = "it is deleted, and data are there"
		}
		return d
	case !live:
		d.Kind = Missing
		return d
	}
	for n := range l.want.Columns {
		want, have := &l.want.Columns[n], &l.have.Columns[n]
		if want.Null != have.Null || !bytes.Equal(want.Value, have.Value) {
			d.Columns = append(d.Columns, Column{Name: want.Name, Source: want.Shown(), Sink: have.Shown()})
		}
	}
	switch {
	case len(d.Columns) > 0:
		d.Kind = Different
	case l.have.Invalid != nil:
		d.Kind = BadVersion
	default:
		return nil
	}
	return d
}
