package mysql

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// What a batch finds is mostly what its changes foretell: of an update or a delete an older version, of a create or what a
// snapshot read nothing. Such a batch is written without a look before it. Its statements fail as a whole where a row is not as it
// was foretold, so that who they succeed for knows the outcome of each row; after a failure the batch looks.

// errUnforetold: a row was not as its change foretold.
var errUnforetold = errors.New("a row of the target is not as its change foretells")

// newerOnly is the assignment of the column Deleted in an ON DUPLICATE KEY UPDATE that lets a newer version pass. Otherwise it is
// 2^64, and the statement writes nothing: that sum is an error whatever the type of the column and the session's mode, and is made only
// when it is needed, since it is no constant. So it is where the row has no version, and where it is another row, which has the
// same value of a second unique key: keys are the quoted columns of the primary one. It is change.Version.Compare in SQL, and
// has to come before what assigns one of the columns that it looks at.
func (s *Sink) newerOnly(keys ...string) string {
	c := &s.c.Columns
	same := ""
	for _, key := range keys {
		same += fmt.Sprintf("%[1]s=VALUES(%[1]s) AND ", key)
	}
	return fmt.Sprintf("%[5]s=IF(%[1]s%[3]s IS NOT NULL AND (%[2]s<VALUES(%[2]s) OR %[2]s=VALUES(%[2]s) AND (%[3]s<VALUES(%[3]s) OR %[3]s=VALUES(%[3]s) AND %[4]s<VALUES(%[4]s))),VALUES(%[5]s),18446744073709551615+(VALUES(%[2]s)>=0))",
		same, Quote(c.Epoch), Quote(c.ExecuteTime), Quote(c.Position), Quote(c.Deleted))
}

// split tells rows whose changes foretell nothing in their place from those that foretell an older version.
func (b *batch) split(rows []int) (fresh, known []int) {
	for _, i := range rows {
		if b.foretellsNothing(i) {
			fresh = append(fresh, i)
		} else {
			known = append(known, i)
		}
	}
	return fresh, known
}

func (b *batch) foretellsNothing(i int) bool {
	op := b.changes[i].Op
	return op == change.Create || op == change.Read
}

// foretold writes rows if all of them are as foretold. If it fails they are as they were.
func (b *batch) foretold(rows []int) error {
	return b.s.once(b.ctx, func(tx *sql.Tx) error {
		last, err := b.begin(tx, rows)
		if err != nil {
			return err
		}
		for _, i := range rows {
			if last.takes(b.changes[i].Version) {
				return errUnforetold
			}
		}
		fresh, known := b.split(rows)
		if b.s.c.Layout == SideTable {
			if len(known) > 0 {
				err = b.allOlder(tx, b.sideInsert(known, b.s.sideNewer()), 2*len(known))
			}
			if err == nil && len(fresh) > 0 {
				_, err = tx.ExecContext(b.ctx, b.sideInsert(fresh, ""))
			}
			if err != nil {
				return err
			}
			return b.writeBare(tx, rows)
		}
		if len(known) > 0 {
			m := b.rows[known[0]].m
			if err := b.allOlder(tx, b.insert(m, known, m.newer), b.rows[known[0]].t.counted*len(known)); err != nil {
				return err
			}
		}
		return b.exec(tx, fresh, "")
	})
}

// allOlder runs a statement with newerOnly of rows that are to be there. It counts 1 for a row that was not, and more for one that was:
// all of them together if all were.
func (b *batch) allOlder(tx *sql.Tx, statement string, all int) error {
	result, err := tx.ExecContext(b.ctx, statement)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != int64(all) {
		return errUnforetold
	}
	return err
}

// setForetold sets the outcomes of rows that were as foretold.
func (b *batch) setForetold(rows []int) {
	for _, i := range rows {
		b.outcomes[i] = sink.Outcome{Verdict: change.Newer}
		if b.foretellsNothing(i) {
			b.outcomes[i].Verdict = change.Absent
		}
	}
}

// asForetold reports whether a look has found of all rows what was foretold.
func (b *batch) asForetold(rows []int, found []stored, outcomes []sink.Outcome) bool {
	for n, i := range rows {
		if nothing := b.foretellsNothing(i); nothing == found[n].present || !nothing && outcomes[n].Verdict != change.Newer {
			return false
		}
	}
	return true
}
