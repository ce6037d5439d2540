package dedupe

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"testing"
)

// errBusy is what the fake says where a real database would wait, or find a deadlock: the transaction has to be tried again.
var errBusy = errors.New("fake: another transaction has the row")

// fake is a database that knows one table and the statements of one dialect, exactly as they are written. A transaction has the
// rows that it wrote or looked at for itself until it ends.
type fake struct {
	stmt statements
	rows map[Partition]Mark
	held map[Partition]*fakeTx
	bug  fakeBug
	said int // statements carried out
}

// fakeBug is a mistake in a statement.
type fakeBug struct {
	anyGeneration bool // apply does not look at the generation
	anyOffset     bool // apply does not look at the offset
	anyEpoch      bool // apply does not look at the leader epoch
	noRaise       bool // claim does not raise the generation
	noLock        bool // rows are not held
}

func newFake(t *testing.T, d Dialect) (*fake, *SQL, *sql.DB) {
	t.Helper()
	s, err := NewSQL(d, "applied")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{stmt: s.stmt, rows: map[Partition]Mark{}, held: map[Partition]*fakeTx{}}
	db := sql.OpenDB(f)
	t.Cleanup(func() { _ = db.Close() })
	return f, s, db
}

func (f *fake) Connect(context.Context) (driver.Conn, error) { return &fakeConn{db: f}, nil }
func (f *fake) Driver() driver.Driver                        { return nil }

type fakeConn struct {
	db *fake
	tx *fakeTx
}

type fakeTx struct {
	conn   *fakeConn
	before map[Partition]Mark // of the rows it has; a row that was not there has generation -2
}

const absent int32 = -2

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("fake: no Prepare") }
func (c *fakeConn) Close() error                        { return nil }
func (c *fakeConn) Begin() (driver.Tx, error) {
	c.tx = &fakeTx{conn: c, before: map[Partition]Mark{}}
	return c.tx, nil
}

func (tx *fakeTx) Commit() error {
	tx.end()
	return nil
}

func (tx *fakeTx) Rollback() error {
	for key, mark := range tx.before {
		if tx.conn.db.rows[key] = mark; mark.Generation == absent {
			delete(tx.conn.db.rows, key)
		}
	}
	tx.end()
	return nil
}

func (tx *fakeTx) end() {
	maps.DeleteFunc(tx.conn.db.held, func(_ Partition, by *fakeTx) bool { return by == tx })
	tx.conn.tx = nil
}

// hold takes a row for the transaction of the connection.
func (c *fakeConn) hold(key Partition) error {
	if c.tx == nil {
		return errors.New("fake: outside of a transaction")
	}
	if by := c.db.held[key]; by != nil && by != c.tx {
		return errBusy
	}
	if _, has := c.tx.before[key]; !has {
		mark, ok := c.db.rows[key]
		if !ok {
			mark.Generation = absent
		}
		c.tx.before[key] = mark
	}
	if !c.db.bug.noLock {
		c.db.held[key] = c.tx
	}
	return nil
}

// arguments reads what a statement was given.
type arguments []driver.NamedValue

func (a arguments) key(at int) Partition {
	return Partition{Group: a[at].Value.(string), Topic: a[at+1].Value.(string), Partition: a.i32(at + 2)}
}
func (a arguments) i64(at int) int64 { return a[at].Value.(int64) }
func (a arguments) i32(at int) int32 { return int32(a[at].Value.(int64)) }

func (c *fakeConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	a := arguments(args)
	c.db.said++
	switch {
	case query == c.db.stmt.apply && len(a) == 9:
		return c.apply(a)
	case query == c.db.stmt.claim && len(a) == 4:
		return c.claim(a)
	case query == c.db.stmt.reset && len(a) == 6:
		if err := c.hold(a.key(0)); err != nil {
			return nil, err
		}
		c.db.rows[a.key(0)] = Mark{Generation: a.i32(3), Offset: a.i64(4), LeaderEpoch: a.i32(5)}
		return driver.RowsAffected(1), nil
	}
	return nil, fmt.Errorf("fake: %q with %d arguments", query, len(a))
}

func (c *fakeConn) apply(a arguments) (driver.Result, error) {
	key, bug := a.key(3), c.db.bug
	mark, ok := c.db.rows[key]
	if !ok {
		return driver.RowsAffected(0), nil
	}
	if by := c.db.held[key]; by != nil && by != c.tx {
		return nil, errBusy
	}
	generation := mark.Generation <= a.i32(6) || bug.anyGeneration
	offset := mark.Offset < a.i64(7) || bug.anyOffset
	epoch := mark.LeaderEpoch >= 0 && mark.LeaderEpoch < a.i32(8) && !bug.anyEpoch
	if !generation || !offset && !epoch {
		return driver.RowsAffected(0), nil
	}
	if err := c.hold(key); err != nil {
		return nil, err
	}
	c.db.rows[key] = Mark{Generation: a.i32(0), Offset: a.i64(1), LeaderEpoch: a.i32(2)}
	return driver.RowsAffected(1), nil
}

func (c *fakeConn) claim(a arguments) (driver.Result, error) {
	key := a.key(0)
	if err := c.hold(key); err != nil {
		return nil, err
	}
	mark, ok := c.db.rows[key]
	if !ok {
		mark = Mark{Generation: a.i32(3), Offset: -1, LeaderEpoch: -1}
	}
	if !c.db.bug.noRaise {
		mark.Generation = max(mark.Generation, a.i32(3))
	}
	c.db.rows[key] = mark
	return driver.RowsAffected(1), nil
}

func (c *fakeConn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	a := arguments(args)
	c.db.said++
	if query != c.db.stmt.look || len(a) != 3 {
		return nil, fmt.Errorf("fake: %q with %d arguments", query, len(a))
	}
	if err := c.hold(a.key(0)); err != nil {
		return nil, err
	}
	mark, ok := c.db.rows[a.key(0)]
	return &fakeRows{mark: mark, left: ok}, nil
}

type fakeRows struct {
	mark Mark
	left bool
}

func (r *fakeRows) Columns() []string {
	return []string{"generation", "applied_offset", "leader_epoch"}
}
func (r *fakeRows) Close() error { return nil }
func (r *fakeRows) Next(to []driver.Value) error {
	if !r.left {
		return io.EOF
	}
	r.left = false
	to[0], to[1], to[2] = int64(r.mark.Generation), r.mark.Offset, int64(r.mark.LeaderEpoch)
	return nil
}
