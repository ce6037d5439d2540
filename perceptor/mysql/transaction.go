package mysql

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// stored is what is known of a row: that it is there, and which version it has.
type stored struct {
	present   bool
	versioned bool
	deleted   bool
	version   change.Version
}

// errOtherKey: the target found a row for a key that we would not take for the same. The rows are looked for one by one.
var errOtherKey = errors.New("the target has a row whose key is the same only by its collation")

// transaction writes rows of one table. The outcomes are set when it is committed, and not before.
func (b *batch) transaction(rows []int) error {
	t := b.rows[rows[0]].t
	if t.foretold.Load() {
		err := b.foretold(rows)
		switch fate := fateOf(err); {
		case err == nil:
			b.setForetold(rows)
			return nil
		case !errors.Is(err, errUnforetold) && fate != fateCollide && fate != fateRow:
			return err
		}
	}
	outcomes := make([]sink.Outcome, len(rows))
	err := b.s.once(b.ctx, func(tx *sql.Tx) error { return b.judged(tx, rows, outcomes) })
	if errors.Is(err, errNothingNewer) {
		err = nil
	}
	if err != nil {
		return err
	}
	for n, i := range rows {
		b.outcomes[i] = outcomes[n]
	}
	return nil
}

// errNothingNewer ends a transaction in which nothing was to be written.
var errNothingNewer = errors.New("no row is newer than the target's")

// begin is what each transaction begins with: it refuses past owners of the partitions, and holds the table's last truncate.
func (b *batch) begin(tx *sql.Tx, rows []int) (cut, error) {
	if err := b.s.share(b.ctx, tx, b.tokens); err != nil {
		return cut{}, err
	}
	return b.s.lastCut(b.ctx, tx, b.rows[rows[0]].t)
}

// judged locks the rows, decides about each, and writes.
func (b *batch) judged(tx *sql.Tx, rows []int, outcomes []sink.Outcome) error {
	last, err := b.begin(tx, rows)
	if err != nil {
		return err
	}
	found, err := b.lock(tx, rows)
	if err != nil {
		return err
	}
	var fresh, known []int
	for n, i := range rows {
		if outcomes[n] = decide(found[n], b.changes[i]); last.takes(b.changes[i].Version) {
			outcomes[n] = sink.Outcome{Verdict: change.Stale, Stored: last.version}
		}
		switch {
		case !outcomes[n].Verdict.Puts():
		case found[n].present:
			known = append(known, i)
		default:
			fresh = append(fresh, i)
		}
	}
	b.rows[rows[0]].t.foretold.Store(b.asForetold(rows, found, outcomes))
	switch {
	case len(fresh)+len(known) == 0:
		return errNothingNewer
	case b.s.c.Layout == SideTable:
		return b.writeBeside(tx, fresh, known)
	}
	return b.writeRows(tx, fresh, known)
}

// decide is change.Judge, with one case more. A change of the key gives a delete and a create with one version; where the
// target's collation takes both keys for the same, they are of one row, and the create is what has to stay.
func decide(found stored, c *change.Change) sink.Outcome {
	o := sink.Outcome{Verdict: change.Judge(found.version, found.versioned, c.Version), Stored: found.version}
	if o.Verdict == change.Duplicate && found.deleted && c.Op != change.Delete {
		o.Verdict = change.Newer
	}
	return o
}

// lock reads the versions of rows and locks them until the transaction ends. A row that is not there is not locked.
func (b *batch) lock(tx *sql.Tx, rows []int) ([]stored, error) {
	s, first := b.s, &b.rows[rows[0]]
	keys := len(first.t.key)
	var q []byte
	if s.c.Layout == SideTable {
		keys = 1
		q = append(append(append(q, "SELECT row_key"...), s.versionNames()...), " FROM "+s.side+" FORCE INDEX (PRIMARY) WHERE table_name="...)
		q = append(appendString(q, first.t.String()), " AND row_key IN ("...)
		for n, i := range rows {
			if n > 0 {
				q = append(q, ',')
			}
			q = appendString(append(q, "_binary"...), sideKey(b.rows[i].key))
		}
		q = append(q, ") FOR UPDATE"...)
	} else {
		q = append(q, "SELECT "...)
		q = append(append(appendKeyNames(q, first.t), s.versionNames()...), " FROM "...)
		q = append(append(q, first.t.quoted...), " FORCE INDEX (PRIMARY) WHERE "...)
		q = append(b.appendKeys(q, rows), " FOR UPDATE"...)
	}
	index := make(map[string]int, len(rows))
	for n, i := range rows {
		if s.c.Layout == SideTable {
			index[string(appendPart(nil, sideKey(b.rows[i].key)))] = n
		} else {
			index[b.rows[i].match] = n
		}
	}
	return b.readLocked(tx, string(q), keys, index, rows)
}

func (b *batch) readLocked(tx *sql.Tx, q string, keys int, index map[string]int, rows []int) ([]stored, error) {
	answer, err := tx.QueryContext(b.ctx, q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }()
	found := make([]stored, len(rows))
	raw := make([]sql.RawBytes, keys+4)
	into := make([]any, len(raw))
	for i := range raw {
		into[i] = &raw[i]
	}
	var match []byte
	t := b.rows[rows[0]].t
	for answer.Next() {
		if err := answer.Scan(into...); err != nil {
			return nil, err
		}
		match = match[:0]
		for k := range keys {
			if b.s.c.Layout == SideTable {
				match = appendPart(match, raw[k])
			} else {
				match = t.appendShown(match, k, raw[k])
			}
		}
		n, ok := index[string(match)]
		switch {
		case len(rows) == 1:
			n = 0
		case !ok || found[n].present:
			return nil, errOtherKey
		}
		if found[n], err = parseStored(raw[keys:]); err != nil {
			return nil, fmt.Errorf("%v: key %q: %w", t, match, err)
		}
	}
	return found, answer.Err()
}

// parseStored reads epoch, time, position and the flag. A row without a time, or with a part missing, has no version.
func parseStored(raw []sql.RawBytes) (s stored, err error) {
	s.present = true
	if raw[1] == nil {
		return s, nil
	}
	s.versioned = true
	epoch, err1 := strconv.ParseUint(string(raw[0]), 10, 32)
	if raw[0] == nil {
		epoch, err1 = 0, nil
	}
	at, err2 := strconv.ParseInt(string(raw[1]), 10, 64)
	var position change.Position
	var err3 error
	if raw[2] != nil {
		position, err3 = change.ParsePosition(raw[2])
	}
	s.deleted = len(raw[3]) > 0 && !bytes.Equal(raw[3], []byte{'0'})
	s.version = change.Version{Epoch: uint32(epoch), ExecuteTime: at, Position: position}
	return s, errors.Join(err1, err2, err3)
}

// writeRows overwrites rows that are there and locked, so that the primary key is the duplicate, and inserts the others.
// What is there goes first: a deleted row may give up a value of a unique key that a new row takes.
func (b *batch) writeRows(tx *sql.Tx, fresh, known []int) error {
	if len(known) > 0 {
		if err := b.exec(tx, known, b.rows[known[0]].m.update); err != nil {
			return err
		}
	}
	return b.exec(tx, fresh, "")
}

// exec inserts rows into the target.
func (b *batch) exec(tx *sql.Tx, rows []int, tail string) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.ExecContext(b.ctx, b.insert(b.rows[rows[0]].m, rows, tail))
	return err
}

// insert is the statement that inserts rows, with a tail.
func (b *batch) insert(m *mapping, rows []int, tail string) string {
	size := 0
	for _, i := range rows {
		size += len(b.rows[i].values) + 1
	}
	q := append(make([]byte, 0, len(m.insert)+size+len(tail)), m.insert...)
	for n, i := range rows {
		if n > 0 {
			q = append(q, ',')
		}
		q = append(q, b.rows[i].values...)
	}
	return string(append(q, tail...))
}
