package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

// targetTypes are the columns of a MySQL sink's tables. By them records are read that tell no types: Maxwell's, and Debezium's
// without schema. Safe for concurrent use.
type targetTypes struct {
	p  *sinkPart
	db *sql.DB

	mu    sync.Mutex
	known map[string]targetTable // by the source's DATABASE.TABLE
}

type targetTable struct {
	*change.Table
	asked time.Time
}

// A column that is missing is looked for again, but not for each record.
const askAgain = time.Second

// openTargetTypes prepares them; nil for a sink that is no MySQL.
func openTargetTypes(p *sinkPart) (*targetTypes, error) {
	if p.s.Type != spec.MySQL || p.o.open != nil {
		return nil, nil
	}
	config, err := MySQLConfig(p.c, p.s)
	if err != nil {
		return nil, err
	}
	db, err := openTarget(config)
	if err != nil {
		return nil, fmt.Errorf("sink %s: %w", p.s.Name, err)
	}
	return &targetTypes{p: p, db: db, known: map[string]targetTable{}}, nil
}

func (k *targetTypes) close() {
	if k != nil {
		_ = k.db.Close()
	}
}

// of is envelope.ReadOptions.Types until ctx ends; nil if k is.
func (k *targetTypes) of(ctx context.Context) func(database, table, column string) (change.Column, error) {
	if k == nil {
		return nil
	}
	return func(database, table, column string) (change.Column, error) {
		return k.column(ctx, database, table, column)
	}
}

func (k *targetTypes) column(ctx context.Context, database, table, column string) (change.Column, error) {
	to, wanted := k.p.s.Target(database, table)
	if !wanted {
		return change.Column{}, nil // it is passed over
	}
	name := database + "." + table
	database, table = targetOf(k.p.s, to, database, table)
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.known[name]
	at := -1
	if t.Table != nil {
		at = columnNamed(t.Table, column)
	}
	if at < 0 && time.Since(t.asked) > askAgain {
		ctx, cancel := context.WithTimeout(ctx, askMax)
		defer cancel()
		found, err := catalog.Table(ctx, k.db, database, table)
		if err != nil {
			err = fmt.Errorf("the types of %s are not known: %w", name, err)
			if !errors.Is(err, context.Canceled) {
				k.p.set(Waiting, err.Error())
			}
			return change.Column{}, err
		}
		t = targetTable{found, time.Now()}
		k.known[name] = t
		at = columnNamed(found, column)
	}
	if at < 0 {
		return change.Column{}, fmt.Errorf("%w: table %s.%s", envelope.ErrNoColumn, database, table)
	}
	return t.Columns[at], nil
}
