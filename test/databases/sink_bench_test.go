package databases

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/test/services"
)

// BenchmarkSink writes batches of 500 rows of 600 bytes, all newer, over 20,000 rows that are there: through the guard in
// its two layouts, and by INSERT ... ON DUPLICATE KEY UPDATE of the same rows without a guard. One iteration is one batch.
func BenchmarkSink(b *testing.B) {
	const rows, batch = 20_000, 500
	db := admin(b, mariadbAddr, "target")
	table := &change.Table{Database: "shop", Name: "bench", Key: []int{0}, Columns: []change.Column{
		{Name: "id", Type: change.BigInt}, {Name: "customer", Type: change.BigInt}, {Name: "price", Type: change.Numeric, Length: 12, Scale: 2},
		{Name: "state", Type: change.VarChar}, {Name: "at", Type: change.DateTimeType}, {Name: "note", Type: change.VarChar}}}
	note := change.TextValue([]byte(strings.Repeat("n", 540)))
	r := rand.New(rand.NewPCG(1, 2))
	n := uint64(0)
	next := func(changes []*change.Change) {
		first := r.IntN(rows - batch)
		for i := range changes {
			n++
			changes[i] = &change.Change{Op: change.Update, Table: table, Version: versionAt(1, int64(n/7), n), After: change.Row{change.IntValue(int64(first + i)), change.IntValue(r.Int64N(1e6)),
				change.DecimalValue([]byte("19.90")), change.TextValue([]byte("paid")), change.DateTimeValue(2024, 2, 29, 43_200_000_000), note}}
		}
	}
	const columns = "id BIGINT NOT NULL, customer BIGINT NULL, price DECIMAL(12,2) NULL, state VARCHAR(20) NULL, at DATETIME NULL, note VARCHAR(600) NULL"
	ways := []struct {
		name  string
		extra string
		sink  func() sink.Sink
	}{
		{"plain", "", func() sink.Sink { return openPlain(b) }},
		{"guarded in the row", versionColumns, func() sink.Sink { return openBench(b, mysql.InRow) }},
		{"guarded beside", "", func() sink.Sink { return openBench(b, mysql.SideTable) }},
	}
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			run1(b, db, "DROP TABLE IF EXISTS bench, skein_row_versions", "CREATE TABLE bench ("+columns+way.extra+", PRIMARY KEY (id)) ENGINE=InnoDB")
			s := way.sink()
			defer func() { _ = s.Close() }()
			changes, outcomes := make([]*change.Change, batch), make([]sink.Outcome, batch)
			write := func() {
				if err := s.Apply(b.Context(), changes, outcomes); err != nil {
					b.Fatal(err)
				}
				for _, o := range outcomes {
					if !o.Verdict.Puts() {
						b.Fatalf("%s, %v", o.Verdict, o.Err)
					}
				}
			}
			for id := int64(0); id < rows; id += batch {
				next(changes)
				for i := range changes {
					changes[i].After[0] = change.IntValue(id + int64(i))
				}
				write()
			}
			b.ReportAllocs()
			for b.Loop() {
				next(changes)
				write()
			}
			b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func openBench(b *testing.B, which mysql.Layout) sink.Sink {
	s, err := mysql.Open(b.Context(), mysql.Config{DSN: dsn(services.MariaDBUser, services.MariaDBPassword, "target"), Layout: which})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// plain writes the same rows without a guard, in statements of the same size.
type plain struct{ db *sql.DB }

func openPlain(b *testing.B) sink.Sink {
	c, err := driver.ParseDSN(dsn(services.MariaDBUser, services.MariaDBPassword, "target"))
	if err != nil {
		b.Fatal(err)
	}
	connector, err := driver.NewConnector(c)
	if err != nil {
		b.Fatal(err)
	}
	return &plain{sql.OpenDB(connector)}
}

func (p *plain) Close() error { return p.db.Close() }

func (p *plain) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	q := []byte("INSERT INTO bench (id,customer,price,state,at,note) VALUES ")
	for i, c := range changes {
		if i > 0 {
			q = append(q, ',')
		}
		r := c.After
		q = fmt.Appendf(q, "(%d,%d,%s,'%s','%s','%s')", r[0].Int(), r[1].Int(), r[2].Raw(), r[3].Raw(), r[4].AppendText(nil, 0), r[5].Raw())
		outcomes[i] = sink.Outcome{Verdict: change.Newer}
	}
	q = append(q, " ON DUPLICATE KEY UPDATE customer=VALUES(customer),price=VALUES(price),state=VALUES(state),at=VALUES(at),note=VALUES(note)"...)
	_, err := p.db.ExecContext(ctx, string(q))
	return err
}
