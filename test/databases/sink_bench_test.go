package databases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
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
// its two layouts, by INSERT ... ON DUPLICATE KEY UPDATE of the same rows without a guard, and with one that is in the statement. In each
// round, which is one iteration, each way writes 20 batches to a table of its own; the ways come in any order, so that what the server does
// later for one does not always fall upon the same other. What is told are medians over the rounds: of rates, and of a way's rate (x_) and
// rows for the same processor time (cpu_) by those of the statement without a guard.
func BenchmarkSink(b *testing.B) {
	const columns = "id BIGINT NOT NULL, customer BIGINT NULL, price DECIMAL(12,2) NULL, state VARCHAR(20) NULL, at DATETIME NULL, note VARCHAR(600) NULL"
	db := admin(b, mariadbAddr, "target")
	run1(b, db, "DROP TABLE IF EXISTS skein_row_versions")
	ways := []*sinkWay{
		{name: "plain", to: openPlain(b, false)},
		{name: "if", extra: ", version BINARY(28) NOT NULL", to: openPlain(b, true)},
		{name: "row", extra: versionColumns, to: openBench(b, mysql.InRow)},
		{name: "beside", to: openBench(b, mysql.SideTable)},
	}
	for i, way := range ways {
		name := "bench_" + way.name
		run1(b, db, "DROP TABLE IF EXISTS "+name, "CREATE TABLE "+name+" ("+columns+way.extra+", PRIMARY KEY (id)) ENGINE=InnoDB")
		way.r = rand.New(rand.NewPCG(1, uint64(i)))
		defer func() { _ = way.to.Close() }()
		way.table = &change.Table{Database: "shop", Name: name, Key: []int{0}, Columns: []change.Column{
			{Name: "id", Type: change.BigInt}, {Name: "customer", Type: change.BigInt}, {Name: "price", Type: change.Numeric, Length: 12, Scale: 2},
			{Name: "state", Type: change.VarChar}, {Name: "at", Type: change.DateTimeType}, {Name: "note", Type: change.VarChar}}}
		for first := 0; first < benchRows; first += benchBatch {
			way.write(b, first)
		}
	}
	order := rand.New(rand.NewPCG(1, 2))
	told := map[string][]float64{}
	for b.Loop() {
		rate, frugality := map[string]float64{}, map[string]float64{}
		for _, turn := range order.Perm(len(ways)) {
			const batches = 20
			way := ways[turn]
			began, used := time.Now(), cpu(b, db)
			for range batches {
				way.write(b, way.r.IntN(benchRows-benchBatch))
			}
			rate[way.name] = batches * benchBatch / time.Since(began).Seconds()
			frugality[way.name] = batches * benchBatch / max(cpu(b, db)-used, 10*time.Millisecond).Seconds()
		}
		for _, way := range ways {
			told[way.name+"-rows/s"] = append(told[way.name+"-rows/s"], rate[way.name])
			if way != ways[0] {
				told["x_"+way.name] = append(told["x_"+way.name], rate[way.name]/rate["plain"])
				told["cpu_"+way.name] = append(told["cpu_"+way.name], frugality[way.name]/frugality["plain"])
			}
		}
	}
	for name, all := range told {
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], name)
	}
	b.ReportMetric(0, "ns/op")
}

const benchRows, benchBatch = 20_000, 500

// sinkWay is one way to write.
type sinkWay struct {
	name, extra string // extra are columns
	to          sink.Sink
	table       *change.Table
	r           *rand.Rand
	n           uint64
}

var benchNote = change.TextValue([]byte(strings.Repeat("n", 540)))

// write writes a batch of rows from the first on, each with a newer version.
func (w *sinkWay) write(b *testing.B, first int) {
	changes, outcomes := make([]*change.Change, benchBatch), make([]sink.Outcome, benchBatch)
	for i := range changes {
		w.n++
		changes[i] = &change.Change{Op: change.Update, Table: w.table, Version: versionAt(1, int64(w.n/7), w.n), After: change.Row{change.IntValue(int64(first + i)), change.IntValue(w.r.Int64N(1e6)),
			change.DecimalValue([]byte("19.90")), change.TextValue([]byte("paid")), change.DateTimeValue(2024, 2, 29, 43_200_000_000), benchNote}}
	}
	if err := w.to.Apply(b.Context(), changes, outcomes); err != nil {
		b.Fatal(err)
	}
	for _, o := range outcomes {
		if !o.Verdict.Puts() {
			b.Fatalf("%s, %v", o.Verdict, o.Err)
		}
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
	q := []byte("INSERT INTO " + changes[0].Table.Name + " (id,customer,price,state,at,note" + version + ") VALUES ")
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
