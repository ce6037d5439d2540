package dedupe

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
)

// Bounds of the names that a row can hold.
const (
	groupBytesMax = 255
	topicBytesMax = 249 // Kafka's own
)

// SQL is a Store in a table of a relational database. One table serves any number of groups.
//
// A record costs one statement, an UPDATE by primary key, as long as all goes in order; one that was applied, and the first
// of a partition, cost two or three more: an INSERT that claims the row, a look at it, and the UPDATE again.
//
// It is right at every isolation level that keeps the row lock of an UPDATE until the transaction ends, which is all of MySQL's,
// PostgreSQL's and SQLite's. At REPEATABLE READ and above a database may refuse with an error of its own a transaction that
// waited for another; two that are the first of a partition may be a deadlock on MySQL, unless the row was made by Claim. In
// either case the caller rolls back and tries again.
type SQL struct {
	stmt statements
}

var _ Store[*sql.Tx] = (*SQL)(nil)

var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$`)

// NewSQL returns a Store in the table of that name: letters, digits and underscores, with a schema and a dot in front if need be.
// Schema gives the statement that creates it.
func NewSQL(d Dialect, table string) (*SQL, error) {
	if d.d == nil {
		return nil, errors.New("dedupe: no dialect; give MySQL, PostgreSQL or SQLite")
	}
	if !tableName.MatchString(table) {
		return nil, fmt.Errorf("dedupe: %q cannot be the name of the table", table)
	}
	return &SQL{stmt: d.d.statements(table)}, nil
}

// Schema is the statement that creates the table, if it is not there. SQL never runs it.
func (s *SQL) Schema() string { return s.stmt.create }

// Claim implements Store.
func (s *SQL) Claim(ctx context.Context, tx *sql.Tx, t Token) (Mark, error) {
	if err := check(t); err != nil {
		return Mark{}, err
	}
	if _, err := tx.ExecContext(ctx, s.stmt.claim, t.Group, t.Topic, t.Partition, t.Generation); err != nil {
		return Mark{}, fmt.Errorf("dedupe: claim %v: %w", t, err)
	}
	var m Mark
	err := tx.QueryRowContext(ctx, s.stmt.look, t.Group, t.Topic, t.Partition).Scan(&m.Generation, &m.Offset, &m.LeaderEpoch)
	if err != nil {
		return Mark{}, fmt.Errorf("dedupe: look for %v: %w", t, err)
	}
	if m.Generation > t.Generation {
		return m, &FencedError{Token: t, Generation: m.Generation}
	}
	return m, nil
}

// Apply implements Store.
func (s *SQL) Apply(ctx context.Context, tx *sql.Tx, t Token) (Verdict, error) {
	if err := check(t); err != nil {
		return 0, err
	}
	if t.Offset < 0 {
		return 0, fmt.Errorf("dedupe: apply %v: a record has an offset", t)
	}
	if done, err := s.apply(ctx, tx, t); err != nil || done {
		return New, err
	}
	// There is no row, or it says that the record is applied, or that another generation has the partition. Claim finds out, and holds
	// the row from there on.
	m, err := s.Claim(ctx, tx, t)
	if err != nil {
		return 0, err
	}
	if m.Has(t) {
		return Already, nil
	}
	done, err := s.apply(ctx, tx, t)
	if err == nil && !done {
		err = fmt.Errorf("dedupe: apply %v: the row is %+v, and would not change while it is locked", t, m)
	}
	return New, err
}

// apply moves the row to the record, if it is one to be applied and the generation has the partition.
func (s *SQL) apply(ctx context.Context, tx *sql.Tx, t Token) (done bool, err error) {
	result, err := tx.ExecContext(ctx, s.stmt.apply, t.Generation, t.Offset, t.LeaderEpoch, t.Group, t.Topic, t.Partition, t.Generation, t.Offset, t.LeaderEpoch)
	if err != nil {
		return false, fmt.Errorf("dedupe: apply %v: %w", t, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("dedupe: apply %v: %w", t, err)
	}
	return n > 0, nil
}

// ErrUnclaimed: the row does not have the token's generation yet. Claim it in a transaction of its own, and try again.
var ErrUnclaimed = errors.New("dedupe: the generation has not claimed the partition")

// Share makes sure that a generation, which has claimed the partition, still owns it, and lets no newer one claim it before the
// transaction ends. Transactions of the same generation do not wait for each other, as they do after Claim. It is for writers whose
// records need no order, because what they write is idempotent by itself: it says nothing of what is applied, so the token may be of
// a consumer that processes records in the order of their keys, or of none.
// SQLite locks no row: there the transaction fails when it writes, if another one has written since.
// The error is a *FencedError if a newer generation has shown itself, ErrUnclaimed if the token's has not.
func (s *SQL) Share(ctx context.Context, tx *sql.Tx, t Token) error {
	t.PerKey = false
	if err := check(t); err != nil {
		return err
	}
	var generation int32
	err := tx.QueryRowContext(ctx, s.stmt.share, t.Group, t.Topic, t.Partition).Scan(&generation)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && generation < t.Generation:
		return ErrUnclaimed
	case err != nil:
		return fmt.Errorf("dedupe: share %v: %w", t, err)
	case generation > t.Generation:
		return &FencedError{Token: t, Generation: generation}
	}
	return nil
}

// Reset implements Store.
func (s *SQL) Reset(ctx context.Context, tx *sql.Tx, t Token) error {
	if err := check(t); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, s.stmt.reset, t.Group, t.Topic, t.Partition, t.Generation, max(t.Offset, -1), max(t.LeaderEpoch, -1)); err != nil {
		return fmt.Errorf("dedupe: reset %v: %w", t, err)
	}
	return nil
}

// check refuses names that a database might cut off: two that begin alike would have one row.
func check(t Token) error {
	switch {
	case t.Topic == "" || len(t.Topic) > topicBytesMax:
		return fmt.Errorf("dedupe: %v: a topic has 1 to %d bytes", t, topicBytesMax)
	case t.PerKey:
		return ErrPerKey
	case len(t.Group) > groupBytesMax:
		return fmt.Errorf("dedupe: %v: the group's name has more than %d bytes", t, groupBytesMax)
	}
	return nil
}
