package mysql

import (
	"crypto/sha256"
	"database/sql"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// sideKeySize is the size of a key in the side table. A longer key is its hash.
const sideKeySize = 255

// sideSchema makes the side table: one row for each row of every target table that was ever written or deleted.
func (s *Sink) sideSchema() string {
	c := &s.c.Columns
	q := append([]byte("CREATE TABLE IF NOT EXISTS "), s.side...)
	q = append(q, " (table_name VARCHAR(129) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, row_key VARBINARY(255) NOT NULL, "...)
	q = append(appendName(q, c.Epoch), " INT UNSIGNED NOT NULL, "...)
	q = append(appendName(q, c.ExecuteTime), " BIGINT NOT NULL, "...)
	q = append(appendName(q, c.Position), " BINARY(16) NOT NULL, "...)
	q = append(appendName(q, c.Deleted), " BOOLEAN NOT NULL, PRIMARY KEY (table_name, row_key)) ENGINE=InnoDB"...)
	return string(q)
}

// sideKey is a row's key in the side table. A hash has a byte in front that no length has.
func sideKey(key []byte) []byte {
	if len(key) <= sideKeySize {
		return key
	}
	sum := sha256.Sum256(key)
	return append([]byte{0xff}, sum[:]...)
}

// writeBeside writes the versions first: who comes second waits there, before it touches a row.
func (b *batch) writeBeside(tx *sql.Tx, fresh, known []int) error {
	for _, part := range []struct {
		rows []int
		tail string
	}{{fresh, ""}, {known, b.s.sideUpdate()}} {
		if len(part.rows) == 0 {
			continue
		}
		if _, err := tx.ExecContext(b.ctx, b.sideInsert(part.rows, part.tail)); err != nil {
			return err
		}
	}
	return b.writeBare(tx, append(fresh[:len(fresh):len(fresh)], known...))
}

// writeBare writes rows whose versions are written beside.
func (b *batch) writeBare(tx *sql.Tx, rows []int) error {
	var puts, deletes []int
	for _, i := range rows {
		if b.changes[i].Op == change.Delete {
			deletes = append(deletes, i)
		} else {
			puts = append(puts, i)
		}
	}
	if err := b.delete(tx, deletes); err != nil || len(puts) == 0 {
		return err
	}
	r := &b.rows[puts[0]]
	if r.t.unique == "" { // only the primary key can be a duplicate
		return b.exec(tx, puts, r.m.update)
	}
	there, err := b.lockTarget(tx, puts)
	if err != nil {
		return err
	}
	var absent, present []int
	for n, i := range puts {
		if there[n] {
			present = append(present, i)
		} else {
			absent = append(absent, i)
		}
	}
	return b.writeRows(tx, absent, present)
}

func (b *batch) sideInsert(rows []int, tail string) string {
	c := &b.s.c.Columns
	q := append([]byte("INSERT INTO "), b.s.side...)
	q = append(q, " (table_name,row_key"...)
	for _, name := range []string{c.Deleted, c.Epoch, c.ExecuteTime, c.Position} {
		q = appendName(append(q, ','), name)
	}
	q = append(q, ") VALUES "...)
	for n, i := range rows {
		if n > 0 {
			q = append(q, ',')
		}
		q = appendString(append(q, '('), b.rows[i].t.String())
		q = appendString(append(q, ",_binary"...), sideKey(b.rows[i].key))
		q = append(appendVersion(append(q, ','), b.changes[i]), ')')
	}
	return string(append(q, tail...))
}

func (s *Sink) sideUpdate() string {
	c := &s.c.Columns
	return onDuplicate + strings.Join(assignments(c.Deleted, c.Epoch, c.ExecuteTime, c.Position), ",")
}

// sideNewer is sideUpdate with newerOnly.
func (s *Sink) sideNewer() string {
	c := &s.c.Columns
	return onDuplicate + strings.Join(append([]string{s.newerOnly()}, assignments(c.Epoch, c.ExecuteTime, c.Position)...), ",")
}

// delete deletes rows whose key is exactly the one that was deleted: to a collation that knows no case the row A is there
// when a was deleted, and it may be what a became.
func (b *batch) delete(tx *sql.Tx, rows []int) error {
	if len(rows) == 0 {
		return nil
	}
	t := b.rows[rows[0]].t
	q := append(append([]byte("DELETE FROM "), t.quoted...), " WHERE "...)
	for n, i := range rows {
		if n > 0 {
			q = append(q, " OR "...)
		}
		q = b.appendKey(append(q, '('), i)
		for k, at := range t.key {
			if t.columns[at].noCase {
				q = append(appendName(append(q, " AND CONVERT("...), t.columns[at].name), " USING utf8mb4)="...)
				q, _ = appendLiteral(q, b.keyValue(i, k))
				q = append(q, " COLLATE utf8mb4_bin"...)
			}
		}
		q = append(q, ')')
	}
	_, err := tx.ExecContext(b.ctx, string(q))
	return err
}

// lockTarget finds and locks the rows of the target that are there.
func (b *batch) lockTarget(tx *sql.Tx, rows []int) ([]bool, error) {
	t := b.rows[rows[0]].t
	q := appendKeyNames([]byte("SELECT "), t)
	q = append(append(append(q, " FROM "...), t.quoted...), " FORCE INDEX (PRIMARY) WHERE "...)
	q = append(b.appendKeys(q, rows), " FOR UPDATE"...)
	answer, err := tx.QueryContext(b.ctx, string(q))
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }()
	index := make(map[string]int, len(rows))
	for n, i := range rows {
		index[b.rows[i].match] = n
	}
	there := make([]bool, len(rows))
	raw := make([]sql.RawBytes, len(t.key))
	into := make([]any, len(raw))
	for i := range raw {
		into[i] = &raw[i]
	}
	for answer.Next() {
		if err := answer.Scan(into...); err != nil {
			return nil, err
		}
		var match []byte
		for k, part := range raw {
			match = t.appendShown(match, k, part)
		}
		n, ok := index[string(match)]
		switch {
		case len(rows) == 1:
			n = 0
		case !ok:
			return nil, errOtherKey
		}
		there[n] = true
	}
	return there, answer.Err()
}
