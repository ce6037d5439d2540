package databases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/test/services"
)

// BenchmarkSink writes batches of 500 rows of 600 bytes, all newer, over 20,000 rows that are there: through the guard in
// its two layouts, by INSERT ... ON DUPLICATE KEY UPDATE of the same rows without a guard, and with one that is in the statement. One iteration is one batch.
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
		{"plain", "", func() sink.Sink { return openPlain(b, false) }},
		{"guarded by IF, without outcomes", ", version BINARY(28) NOT NULL", func() sink.Sink { return openPlain(b, true) }},
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
			before := cpu(b, db)
			for b.Loop() {
				next(changes)
				write()
			}
			b.ReportMetric(float64((cpu(b, db)-before).Microseconds())/float64(batch*b.N), "cpu-µs/row")
			b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// cpu is what the server and this process have used, which says more than the clock on a machine that others use too.
func cpu(b *testing.B, db *sql.DB) time.Duration {
	file := selected(b, db, "SELECT @@pid_file")
	pid, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	sum := 0
	for _, process := range []string{strings.TrimSpace(string(pid)), "self"} {
		stat, err := os.ReadFile("/proc/" + process + "/stat")
		if err != nil {
			return 0 // no Linux
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, err1 := strconv.Atoi(fields[11])
		system, err2 := strconv.Atoi(fields[12])
		if err := errors.Join(err1, err2); err != nil {
			b.Fatal(err)
		}
		sum += user + system
	}
	return time.Duration(sum) * 10 * time.Millisecond
}

func openBench(b *testing.B, which mysql.Layout) sink.Sink {
	s, err := mysql.Open(b.Context(), mysql.Config{DSN: dsn(services.MariaDBUser, services.MariaDBPassword, "target"), Layout: which})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// plain writes the same rows without a guard, in statements of the same size.
type plain struct {
	db      *sql.DB
	guarded bool
}

func openPlain(b *testing.B, guarded bool) sink.Sink {
	c, err := driver.ParseDSN(dsn(services.MariaDBUser, services.MariaDBPassword, "target"))
	if err != nil {
		b.Fatal(err)
	}
	connector, err := driver.NewConnector(c)
	if err != nil {
		b.Fatal(err)
	}
	return &plain{sql.OpenDB(connector), guarded}
}

func (p *plain) Close() error { return p.db.Close() }

func (p *plain) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	columns := []string{"customer", "price", "state", "at", "note"}
	version, assign := "", "%[1]s=VALUES(%[1]s)"
	if p.guarded {
		version, assign = ",version", "%[1]s=IF(VALUES(version)>version,VALUES(%[1]s),%[1]s)"
		columns = append(columns, "version")
	}
	q := []byte("INSERT INTO bench (id,customer,price,state,at,note" + version + ") VALUES ")
	for i, c := range changes {
		if i > 0 {
			q = append(q, ',')
		}
		r := c.After
		q = fmt.Appendf(q, "(%d,%d,%s,'%s','%s','%s'", r[0].Int(), r[1].Int(), r[2].Raw(), r[3].Raw(), r[4].AppendText(nil, 0), r[5].Raw())
		if p.guarded {
			q = fmt.Appendf(q, ",X'%x'", c.Version.Position.Append(c.Version.AppendExecuteTime(c.Version.AppendEpoch(nil))))
		}
		q = append(q, ')')
		outcomes[i] = sink.Outcome{Verdict: change.Newer}
	}
	for i, name := range columns {
		q = fmt.Appendf(append(q, []string{" ON DUPLICATE KEY UPDATE ", ","}[min(i, 1)]...), assign, name)
	}
	_, err := p.db.ExecContext(ctx, string(q))
	return err
}
