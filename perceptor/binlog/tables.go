package binlog

import (
	"bytes"
	"context"
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/rows"
	"github.com/skein-io/skein/perceptor/change"
)

// tables knows the tables by the numbers that the server gave them. The same map comes in each transaction: it is only read again
// when its bytes are others.
type tables struct{ byID map[uint64]*known }

type known struct {
	body []byte
	// rows is nil if the table is not wanted.
	rows *rows.Table
}

// tablesMax bounds how many tables are known between two transactions, and mapsMax those of one transaction.
const (
	tablesMax = 20_000
	mapsMax   = 200_000
)

// forget is for when numbers may mean other tables: after DDL, and at another connection.
func (t *tables) forget() { t.byID = nil }

// Forget lets Config.Tables and Config.Schema be asked anew of all tables. It is for the goroutine of Next, between two transactions.
func (r *Reader) Forget() { r.tables.forget() }

// trim forgets all if they are many. They are learnt again: each transaction tells the tables that it needs.
func (t *tables) trim() {
	if len(t.byID) > tablesMax {
		t.forget()
	}
}

func (t *tables) add(id uint64, k *known) error {
	if len(t.byID) >= mapsMax {
		return fmt.Errorf("a transaction changes more than %d tables", mapsMax)
	}
	if t.byID == nil {
		t.byID = make(map[uint64]*known)
	}
	t.byID[id] = k
	return nil
}

// mapTable learns what the rows that follow mean.
func (r *Reader) mapTable(ctx context.Context, h event.Header, body []byte) error {
	id := r.format.TableID(h, body)
	if k := r.tables.byID[id]; k != nil && bytes.Equal(k.body, body) {
		return nil
	}
	m, err := r.format.ParseTableMap(h, body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.here(), err)
	}
	k := &known{body: bytes.Clone(body)}
	if r.config.Tables == nil || r.config.Tables(m.Database, m.Name) {
		if k.rows, err = r.describe(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", r.here(), err)
		}
	}
	return r.tables.add(id, k)
}

func (r *Reader) describe(ctx context.Context, m *event.TableMap) (*rows.Table, error) {
	schema, missing, err := rows.Describe(m)
	if err != nil {
		return nil, err
	}
	if r.config.Schema != nil {
		at := change.Position{File: r.place.number, Offset: r.place.start}
		if schema, err = r.config.Schema(ctx, schema, at); err != nil {
			return nil, fmt.Errorf("the schema of table %s.%s: %w", m.Database, m.Name, err)
		}
		if schema == nil {
			return nil, fmt.Errorf("no schema was found for table %s.%s", m.Database, m.Name)
		}
	} else if missing != "" {
		return nil, fmt.Errorf("%w: the binlog does not tell of table %s.%s %s; or give a schema", ErrSettings, m.Database, m.Name, missing)
	}
	if declared := r.config.Keys[schema.String()]; len(schema.Key) == 0 && len(declared) > 0 {
		if schema, err = schema.WithKey(declared); err != nil {
			return nil, err
		}
	}
	return rows.NewTable(m, schema)
}
