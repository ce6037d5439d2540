package endtoend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// work writes tables until enough rows were changed, with several writers that meet each other in the same rows. While the
// server is away they wait.
type work struct {
	source  *sql.DB
	tables  []table
	changes atomic.Int64 // rows that were changed, as far as the server said so
	enough  int64
	harmed  atomic.Bool // all that is to be killed was

	mu      sync.RWMutex // held while a statement that names columns is made and executed, and by DDL
	columns map[string][]string
	added   map[string]map[string]func(*rand.Rand) string
}

func newWork(source *sql.DB, enough int64) *work {
	w := &work{source: source, tables: tables(), enough: enough, columns: map[string][]string{}, added: map[string]map[string]func(*rand.Rand) string{}}
	for _, t := range w.tables {
		w.columns[t.name] = append(append([]string(nil), t.key...), t.others...)
	}
	return w
}

// fill gives each table some rows before anybody reads it.
func (w *work) fill(ctx context.Context, rows int) error {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range w.tables {
		for id := 0; id < rows; id += 100 {
			var statements []string
			for n := range 100 {
				statements = append(statements, w.put(r, &w.tables[i], id+n))
			}
			if err := w.transaction(ctx, statements); err != nil {
				return err
			}
		}
	}
	return nil
}

// run returns when enough is written and everything was killed.
func (w *work) run(ctx context.Context, writers int) error {
	var all sync.WaitGroup
	errs := make([]error, writers)
	for n := range writers {
		all.Go(func() { errs[n] = w.write(ctx, rand.New(rand.NewPCG(uint64(n), 77))) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (w *work) write(ctx context.Context, r *rand.Rand) error {
	for w.changes.Load() < w.enough || !w.harmed.Load() {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.mu.RLock()
		statements := make([]string, 1+r.IntN(12)*r.IntN(2))
		for i := range statements {
			statements[i] = w.statement(r)
		}
		err := w.transaction(ctx, statements)
		w.mu.RUnlock()
		if err != nil && !mayPass(err) {
			return err
		}
		if err != nil {
			time.Sleep(time.Duration(1+r.IntN(20)) * time.Millisecond) // the server is away, or two writers were in each other's way
		}
	}
	return nil
}

// statement is one change. Half of them are of few rows, which so have long histories.
func (w *work) statement(r *rand.Rand) string {
	t := &w.tables[r.IntN(len(w.tables))]
	id := r.IntN(ids)
	if r.IntN(2) == 0 {
		id = r.IntN(20)
	}
	switch n := r.IntN(20); {
	case n < 3:
		return fmt.Sprintf("DELETE FROM %s WHERE %s", t.name, w.where(r, t, id))
	case n < 4 && t.moves != nil:
		return fmt.Sprintf("UPDATE IGNORE %s SET %s WHERE %s", t.name, t.moves(r, id), w.where(r, t, id))
	case n < 10:
		values := t.row(r, id)
		at := r.IntN(len(t.others))
		for !w.has(t, t.others[at]) {
			at = r.IntN(len(t.others))
		}
		return fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", t.name, t.others[at], values[len(t.key)+at], w.where(r, t, id))
	}
	return w.put(r, t, id)
}

func (w *work) has(t *table, column string) bool {
	for _, c := range w.columns[t.name] {
		if c == column {
			return true
		}
	}
	return false
}

func (w *work) where(r *rand.Rand, t *table, id int) string {
	var terms []string
	for i, value := range t.row(r, id)[:len(t.key)] {
		terms = append(terms, t.key[i]+" = "+value)
	}
	return strings.Join(terms, " AND ")
}

// put inserts a row or gives it other values.
func (w *work) put(r *rand.Rand, t *table, id int) string {
	values := t.row(r, id)
	var names, with, sets []string
	for i, c := range append(append([]string(nil), t.key...), t.others...) {
		if !w.has(t, c) {
			continue
		}
		names, with = append(names, c), append(with, values[i])
		if i >= len(t.key) {
			sets = append(sets, fmt.Sprintf("%s = VALUES(%s)", c, c))
		}
	}
	for c, value := range w.added[t.name] {
		names, with, sets = append(names, c), append(with, value(r)), append(sets, fmt.Sprintf("%s = VALUES(%s)", c, c))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON DUPLICATE KEY UPDATE %s", t.name, strings.Join(names, ", "), strings.Join(with, ", "), strings.Join(sets, ", "))
}

func (w *work) transaction(ctx context.Context, statements []string) error {
	tx, err := w.source.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	changed := int64(0)
	for _, s := range statements {
		result, err := tx.ExecContext(ctx, s)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s, err), tx.Rollback())
		}
		n, _ := result.RowsAffected()
		changed += min(n, 1) // an ON DUPLICATE KEY UPDATE that updates says 2
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	w.changes.Add(changed)
	return nil
}

// alter changes a table while it is written. Nobody may be in the middle of a statement that names its columns.
func (w *work) alter(ctx context.Context, t *table) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sql := range t.alter {
		if err := again(ctx, func() error { _, err := w.source.ExecContext(ctx, "ALTER TABLE "+t.name+" "+sql); return err }); err != nil {
			return err
		}
		if dropped, is := strings.CutPrefix(sql, "DROP COLUMN "); is {
			var left []string
			for _, c := range w.columns[t.name] {
				if c != dropped {
					left = append(left, c)
				}
			}
			w.columns[t.name] = left
		}
	}
	w.added[t.name] = t.added
	for c := range t.added {
		w.columns[t.name] = append(w.columns[t.name], c)
	}
	return nil
}
