package mysql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// batch is one call of Apply.
type batch struct {
	s        *Sink
	ctx      context.Context
	tokens   []dedupe.Token
	changes  []*change.Change
	outcomes []sink.Outcome
	rows     []row
	targets  map[*change.Table]mapped
	// postponed are rows whose value of a unique key another row has: one that this batch may still change. last is set
	// when none of the others is left.
	postponed []int
	last      bool
	// arena holds the values of all rows as text.
	arena []byte
}

type mapped struct {
	t *target
	m *mapping
}

// row is a change, prepared.
type row struct {
	mapped
	// values is the list of its values in an INSERT, match what the target will show its key as.
	values []byte
	match  string
	key    []byte // appendRowKey
}

// prepare fills rows[i], or the outcome if the change cannot be written.
func (b *batch) prepare(i int, c *change.Change) error {
	err := c.Check()
	if err == nil && c.Op == change.Truncate {
		err = fmt.Errorf("%s: a truncate is not a change of a row: Sink.Truncate applies it", c.Table)
	}
	if err != nil {
		b.outcomes[i].Err = err
		return nil
	}
	at, ok := b.targets[c.Table]
	if !ok {
		if at, err = b.s.mapped(b.ctx, c.Table); err != nil {
			return err
		}
		if b.targets == nil {
			b.targets = make(map[*change.Table]mapped)
		}
		b.targets[c.Table] = at
	}
	if at.m.err != nil {
		b.outcomes[i].Err = at.m.err
		return nil
	}
	image := c.Image()
	for k, key := range at.t.key {
		if column := &at.t.columns[key]; !column.holds(image[at.m.key[k]]) {
			b.outcomes[i].Err = fmt.Errorf("target table %s, column %s of the key: it has less digits than the value %s, so that two rows could be one", at.t, column.name, image[at.m.key[k]])
			return nil
		}
	}
	r := &b.rows[i]
	r.mapped = at
	mark := len(b.arena)
	values, err := b.s.appendValues(b.arena, at, c)
	if err != nil {
		b.outcomes[i].Err = err
		return nil
	}
	b.arena, r.values = values, values[mark:len(values):len(values)]
	r.key = appendRowKey(nil, c.Table.Key, image)
	r.match = string(appendMatch(nil, at, image))
	return nil
}

// appendValues appends a row's values in the order of the mapping's INSERT. Of a deleted row what may be NULL is.
func (s *Sink) appendValues(dst []byte, at mapped, c *change.Change) (_ []byte, err error) {
	image, deleted := c.Image(), c.Op == change.Delete
	dst = append(dst, '(')
	for n, i := range at.m.source {
		if n > 0 {
			dst = append(dst, ',')
		}
		v := image[i]
		if column := at.m.column[n]; deleted && at.t.columns[column].nullable && !slices.Contains(at.t.key, column) {
			v = change.NullValue()
		}
		if dst, err = appendLiteral(dst, v); err != nil {
			return nil, fmt.Errorf("target table %s, column %s: %w", at.t, c.Table.Columns[i].Name, err)
		}
	}
	if s.c.Layout == InRow {
		dst = appendVersion(append(dst, ','), c)
	}
	return append(dst, ')'), nil
}

// appendRowKey appends what names a row among those of its table: the texts of the key's columns, each with its length in
// front.
func appendRowKey(dst []byte, key []int, image change.Row) []byte {
	for _, i := range key {
		at := len(dst)
		dst = append(dst, 0, 0, 0)
		dst = image[i].AppendText(dst, 6)
		n := len(dst) - at - 3
		dst[at], dst[at+1], dst[at+2] = byte(n>>16), byte(n>>8), byte(n)
	}
	return dst
}

// writeAll writes the changes that are kept, those of one table and form together, in the order of their keys: writers that
// lock rows in the same order rarely wait for each other in a circle.
func (b *batch) writeAll(kept []int) error {
	slices.SortStableFunc(kept, func(x, y int) int {
		r, q := &b.rows[x], &b.rows[y]
		if c := cmp.Compare(r.t.quoted, q.t.quoted); c != 0 {
			return c
		}
		if r.m != q.m {
			return cmp.Compare(r.m.insert, q.m.insert)
		}
		return b.compareKeys(x, y)
	})
	for from := 0; from < len(kept); {
		to, bytes := from, 0
		for to < len(kept) && to-from < b.s.c.BatchRows && b.rows[kept[to]].mapped == b.rows[kept[from]].mapped && (to == from || bytes+len(b.rows[kept[to]].values) <= batchBytes) {
			bytes += len(b.rows[kept[to]].values)
			to++
		}
		if err := b.write(kept[from:to]); err != nil {
			return err
		}
		from = to
	}
	return b.writePostponed()
}

// writePostponed tries rows again that collided with a value of a unique key, as long as one of them can be written.
func (b *batch) writePostponed() error {
	for len(b.postponed) > 0 {
		rows := b.postponed
		slices.SortFunc(rows, func(x, y int) int { return b.changes[x].Version.Compare(b.changes[y].Version) })
		b.postponed = nil
		if err := b.writeEach(rows); err != nil {
			return err
		}
		b.last = b.last || len(b.postponed) == len(rows)
	}
	return nil
}

func (b *batch) compareKeys(x, y int) int {
	v, w := b.changes[x].Image(), b.changes[y].Image()
	for _, i := range b.rows[x].m.key {
		a, c := v[i], w[i]
		order := 0
		switch {
		case a.Kind == change.Int && c.Kind == change.Int:
			order = cmp.Compare(a.Int(), c.Int())
		case a.Kind == change.Uint && c.Kind == change.Uint:
			order = cmp.Compare(a.Uint(), c.Uint())
		default:
			order = cmp.Compare(a.String(), c.String())
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// write writes rows of one table in a transaction, again if another writer got in the way. A row that does not fit is found
// by halves, and is the only one that is not written.
func (b *batch) write(rows []int) error {
	t := b.rows[rows[0]].t
	for try, collisions := 1, 0; ; try++ {
		err := b.transaction(rows)
		if err == nil {
			return nil
		}
		switch f := fateOf(err); {
		case f == fateCollide && len(rows) == 1 && collisions+1 == max(b.s.c.Tries, 5): // no race is lost that often
			b.outcomes[rows[0]] = sink.Outcome{Err: rowError(t.String(), b.keyText(rows[0]), fmt.Errorf("the column does not keep the key as it is, so that its row is not found: %w", err))}
			return nil
		case (f == fateAgain || f == fateCollide) && try >= b.s.c.Tries:
			return fmt.Errorf("target table %s: other transactions got in the way %d times: %w", t, try, err)
		case f == fateAgain:
			if err := pause(b.ctx, try); err != nil {
				return err
			}
		case f == fateCollide || errors.Is(err, errOtherKey):
			// Twice may be a race. Then it is a key that is the same to the target and another to us: A and a.
			if collisions++; len(rows) > 1 && (collisions > 2 || errors.Is(err, errOtherKey)) {
				return b.writeEach(rows)
			}
		case f == fateRow && len(rows) == 1:
			if _, unique := duplicateKey(err); unique && !b.last {
				b.postponed = append(b.postponed, rows[0])
				return nil
			}
			b.outcomes[rows[0]] = sink.Outcome{Err: rowError(t.String(), b.keyText(rows[0]), err)}
			return nil
		case f == fateRow:
			if err := b.write(rows[:len(rows)/2]); err != nil {
				return err
			}
			return b.write(rows[len(rows)/2:])
		case f == fateLook:
			b.s.forget(t)
			return named(t.String(), err)
		default:
			return named(t.String(), err)
		}
	}
}

func (b *batch) writeEach(rows []int) error {
	for i := range rows {
		if err := b.write(rows[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// keyText names a row in an error: (1, 'a').
func (b *batch) keyText(i int) string {
	var out []byte
	for n, k := range b.changes[i].Table.Key {
		if n > 0 {
			out = append(out, ", "...)
		}
		v := b.changes[i].Image()[k]
		if len(v.Raw()) > 100 {
			out = append(out, "..."...)
			continue
		}
		out, _ = appendLiteral(out, v)
	}
	return "(" + string(out) + ")"
}
