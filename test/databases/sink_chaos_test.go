package databases

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/test/services"
)

// chaos is a history of rows, delivered in no order, several times, by workers that are killed.
type chaos struct {
	seed           uint64
	rows, versions int
	workers, batch int
	// cut is how often, of a hundred batches, a worker's connection is cut or its call given up in the middle.
	cut int
	// once: each change is delivered once.
	once bool
}

// history makes the changes of all rows, with the time in steps, so that many are decided by the position, and what each
// row is in the end.
func (c chaos) history(r *rand.Rand, table *change.Table) (all []*change.Change, newest map[string]*change.Change) {
	newest = make(map[string]*change.Change)
	for row := range c.rows {
		id := fmt.Sprint("row", row)
		for n := range c.versions {
			v := change.Version{Epoch: uint32(1 + n/(c.versions*2/3+1)), ExecuteTime: int64(1 + n/4), Position: change.Position{File: uint32(9 + n/1000), Offset: uint64(n%1000) * 100, Row: uint32(row)}}
			one := put(table, v, id, v.String(), strings.Repeat("x", 20+r.IntN(40)), v.String())
			if n == 0 {
				one.Op = change.Create
			}
			if r.IntN(5) == 0 || n == c.versions-1 && row%3 == 0 { // a third of the rows ends deleted
				one = del(table, v, id, v.String(), "", v.String())
			}
			all = append(all, one)
			newest[id] = one
		}
	}
	return all, newest
}

// deliveries are the changes once, twice or three times, or once, shuffled; or, with drift, as a topic has them that many partitions
// and replays have made late: each within a window of its place, so that most are newer than what is stored.
func (c chaos) deliveries(r *rand.Rand, all []*change.Change, drift int) (out []*change.Change) {
	for _, one := range all {
		times := 1
		if !c.once {
			times += r.IntN(3)
		}
		for range times {
			out = append(out, one)
		}
	}
	if drift == 0 {
		r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	}
	place := make(map[*change.Change]int, len(all))
	perRow := make(map[string]int)
	for _, c := range all { // the n-th versions of all rows are beside each other
		id := string(c.Image()[0].Raw())
		place[c] = perRow[id] * 100
		perRow[id]++
	}
	type late struct {
		at int
		c  *change.Change
	}
	order := make([]late, len(out))
	for i, c := range out {
		order[i] = late{place[c] + r.IntN(100*drift), c}
	}
	slices.SortStableFunc(order, func(a, b late) int { return cmp.Compare(a.at, b.at) })
	for i := range order {
		out[i] = order[i].c
	}
	return out
}

type tally struct {
	mu       sync.Mutex
	verdicts map[change.Verdict]int
	failed   atomic.Int64
}

// run lets the workers apply everything. A batch whose call fails is applied again, as a consumer that has not committed
// does. disturb is called before each batch and returns the context of the call.
func (c chaos) run(t *testing.T, s sink.Sink, all []*change.Change, disturb func(worker int, r *rand.Rand) (context.Context, context.CancelFunc)) *tally {
	t.Helper()
	count := &tally{verdicts: make(map[change.Verdict]int)}
	batches := make(chan []*change.Change, len(all)/c.batch+1)
	for from := 0; from < len(all); from += c.batch {
		batches <- all[from:min(from+c.batch, len(all))]
	}
	close(batches)
	var workers sync.WaitGroup
	for w := range c.workers {
		r := rand.New(rand.NewPCG(c.seed, uint64(w)))
		workers.Go(func() {
			outcomes := make([]sink.Outcome, c.batch)
			for b := range batches {
				for tries := 0; ; tries++ {
					ctx, cancel := disturb(w, r)
					err := s.Apply(ctx, b, outcomes[:len(b)])
					cancel()
					if err == nil {
						break
					}
					count.failed.Add(1)
					if t.Context().Err() != nil || tries == 2_000 {
						t.Errorf("worker %d gives up: %v", w, err)
						return
					}
				}
				count.mu.Lock()
				for i, o := range outcomes[:len(b)] {
					if o.Err != nil {
						t.Errorf("%s: %v", b[i].Version, o.Err)
					}
					count.verdicts[o.Verdict]++
				}
				count.mu.Unlock()
			}
		})
	}
	workers.Wait()
	return count
}

// differences compares the table with what each row has to be. A row's first and last column carry its version: a row of
// two versions is found, too.
func differences(t testing.TB, db *sql.DB, which mysql.Layout, table string, newest map[string]*change.Change) (wrong []string) {
	t.Helper()
	want := make(map[string]string)
	for id, c := range newest {
		if c.Op != change.Delete {
			want[id] = fmt.Sprintf("%s|%s|%d", c.Version, c.Version, len(c.After[2].Raw()))
		}
	}
	where := ""
	if which == mysql.InRow {
		where = " WHERE NOT row_deleted"
	}
	rows, err := db.QueryContext(t.Context(), "SELECT id, CONCAT_WS('|', first, last, LENGTH(pad)) FROM "+table+where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, got string
		if err := rows.Scan(&id, &got); err != nil {
			t.Fatal(err)
		}
		if got != want[id] {
			wrong = append(wrong, fmt.Sprintf("%s is %s, not %s", id, got, want[id]))
		}
		delete(want, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for id, v := range want {
		wrong = append(wrong, fmt.Sprintf("%s is not there, not %s", id, v))
	}
	return wrong
}

const chaosColumns = "id VARCHAR(20) NOT NULL, first VARCHAR(100) NULL, pad VARCHAR(100) NULL, last VARCHAR(100) NULL"

func chaosTable(name string) *change.Table { return textTable(name, "id", "first", "pad", "last") }

// seeds are those of SKEIN_SEEDS runs, or one.
func seeds() (all []uint64) {
	n, err := strconv.Atoi(os.Getenv("SKEIN_SEEDS"))
	if err != nil || n < 1 {
		n = 1
	}
	for i := range n {
		all = append(all, uint64(i+1))
	}
	return all
}

// undisturbed lets every call be.
func undisturbed(t *testing.T) func(int, *rand.Rand) (context.Context, context.CancelFunc) {
	return func(int, *rand.Rand) (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }
}

// TestSinkChaos: 50 rows of 2,000 versions, each delivered one to three times by eight workers, whose calls are given up
// and whose connections are cut in the middle: in no order, in nearly the right one, and 5,000 rows that all are new; and 2,000
// rows of 50 versions in the right order, of which most batches need no look. Every row ends at its newest version.
func TestSinkChaos(t *testing.T) {
	for _, seed := range seeds() {
		for _, c := range []struct {
			name  string
			chaos chaos
			drift int
		}{
			{"shuffled", chaos{seed: seed, rows: 50, versions: 2_000, workers: 8, batch: 100, cut: 10}, 0},
			{"late", chaos{seed: seed, rows: 50, versions: 2_000, workers: 8, batch: 40, cut: 3}, 10},
			{"in turn", chaos{seed: seed, rows: 2_000, versions: 50, workers: 8, batch: 40, cut: 3, once: true}, 1},
			{"new rows", chaos{seed: seed, rows: 5_000, versions: 2, workers: 8, batch: 20, cut: 3}, 2},
		} {
			t.Run(fmt.Sprintf("%s, seed %d", c.name, seed), func(t *testing.T) {
				layouts(t, func(t *testing.T, l *layout) { c.chaos.everything(t, l, c.drift) })
			})
		}
	}
}

func (c chaos) everything(t *testing.T, l *layout, drift int) {
	l.create("chaos", chaosColumns, "PRIMARY KEY (id)")
	r := rand.New(rand.NewPCG(c.seed, 99))
	all, newest := c.history(r, chaosTable("chaos"))
	delivered := c.deliveries(r, all, drift)
	killed := &atomic.Int64{}
	looked := looks(t, l.db)
	count := c.run(t, l.open(), delivered, c.disturbed(t, l.db, killed))
	if wrong := differences(t, l.db, l.which, "chaos", newest); len(wrong) > 0 {
		t.Errorf("seed %d: %d rows are wrong: %s", c.seed, len(wrong), wrong[0])
	}
	if n := count.verdicts[change.Absent]; n > c.rows {
		t.Errorf("seed %d: %d times a row was new, of %d rows", c.seed, n, c.rows)
	}
	sum := 0
	for _, n := range count.verdicts {
		sum += n
	}
	if sum != len(delivered) || count.verdicts[change.Absent] == 0 || count.verdicts[change.Newer] == 0 || count.verdicts[change.Stale] == 0 && !c.once || killed.Load() == 0 || count.failed.Load() == 0 {
		t.Errorf("%d outcomes of %d: %v; %d connections were cut, %d calls failed", sum, len(delivered), count.verdicts, killed.Load(), count.failed.Load())
	}
	looked = looks(t, l.db) - looked
	if batches := len(delivered) / c.batch; c.once && looked > batches*3/4 {
		t.Errorf("%d looks in %d batches", looked, batches)
	}
	t.Logf("%d deliveries: %v; %d connections cut, %d calls failed, %d looks", len(delivered), count.verdicts, killed.Load(), count.failed.Load(), looked)
}

// disturbed gives calls up after some time, and cuts connections of others.
func (c chaos) disturbed(t *testing.T, db *sql.DB, killed *atomic.Int64) func(int, *rand.Rand) (context.Context, context.CancelFunc) {
	return func(_ int, r *rand.Rand) (context.Context, context.CancelFunc) {
		switch n := r.IntN(100); {
		case n < c.cut/2:
			return context.WithTimeout(t.Context(), time.Duration(r.IntN(4000))*time.Microsecond)
		case n < c.cut:
			var id int64 // of a connection that does something, if there is one
			err := db.QueryRowContext(t.Context(), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'sinker' ORDER BY COMMAND = 'Query' DESC, RAND() LIMIT 1").Scan(&id)
			if err == nil {
				if _, err = db.ExecContext(t.Context(), fmt.Sprintf("KILL CONNECTION %d", id)); err == nil {
					killed.Add(1)
				}
			}
		}
		return context.WithCancel(t.Context())
	}
}

// planted is a sink with a mistake: the guard as people write it.
type planted struct {
	db    *sql.DB
	write func(tx *sql.Tx, c *change.Change) error
}

func (p *planted) Close() error { return nil }

func (p *planted) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	var folder sink.Folder
	clear(outcomes)
	kept := folder.Fold(changes, outcomes, func(dst []byte, c *change.Change) []byte { return c.Image()[0].AppendText(dst, 0) })
	for _, i := range kept {
		for {
			err := p.one(ctx, changes[i])
			if mysqlAgain(err) {
				continue
			}
			if err != nil {
				return err
			}
			break
		}
		outcomes[i].Verdict = change.Newer
	}
	return nil
}

func (p *planted) one(ctx context.Context, c *change.Change) error {
	tx, err := p.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := p.write(tx, c); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// values are the columns of the planted sinks: the row, and its version packed into one.
func values(c *change.Change) []any {
	row := c.Image()
	packed := c.Version.Position.Append(c.Version.AppendExecuteTime(c.Version.AppendEpoch(nil)))
	return []any{string(row[0].Raw()), string(row[1].Raw()), string(row[2].Raw()), string(row[3].Raw()), c.Op == change.Delete, packed}
}

const plantedInsert = "INSERT INTO planted (id, first, pad, last, row_deleted, version) VALUES (?,?,?,?,?,?) ON DUPLICATE KEY UPDATE "

// TestSinkChaosFindsMistakes: what decides whether a sink is right finds the mistakes that people make with the guard, and
// lets pass the one that is right.
func TestSinkChaosFindsMistakes(t *testing.T) {
	assign := func(column string) string {
		return column + " = IF(VALUES(version) > version, VALUES(" + column + "), " + column + ")"
	}
	guarded := func(columns ...string) func(*sql.Tx, *change.Change) error {
		var all []string
		for _, c := range columns {
			all = append(all, assign(c))
		}
		q := plantedInsert + strings.Join(all, ", ")
		return func(tx *sql.Tx, c *change.Change) error { _, err := tx.Exec(q, values(c)...); return err }
	}
	meet := make(chan struct{})
	for _, m := range []struct {
		name  string
		right bool
		write func(tx *sql.Tx, c *change.Change) error
	}{
		{"the version assigned last", true, guarded("first", "pad", "last", "row_deleted", "version")},
		{"the version assigned first", false, guarded("version", "first", "pad", "last", "row_deleted")},
		{"the version assigned in the middle", false, guarded("first", "pad", "version", "last", "row_deleted")},
		{"no guard", false, func(tx *sql.Tx, c *change.Change) error {
			_, err := tx.Exec(plantedInsert+"first=VALUES(first), pad=VALUES(pad), last=VALUES(last), row_deleted=VALUES(row_deleted), version=VALUES(version)", values(c)...)
			return err
		}},
		{"read without a lock, then written", false, func(tx *sql.Tx, c *change.Change) error {
			v := values(c)
			var stored []byte
			err := tx.QueryRow("SELECT version FROM planted WHERE id = ?", v[0]).Scan(&stored)
			if err == nil && string(stored) >= string(v[5].([]byte)) || err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			select { // two that have read write at the same time
			case meet <- struct{}{}:
			case <-meet:
			case <-time.After(20 * time.Millisecond): // nobody else is there
			}
			_, err = tx.Exec(plantedInsert+"first=VALUES(first), pad=VALUES(pad), last=VALUES(last), row_deleted=VALUES(row_deleted), version=VALUES(version)", v...)
			return err
		}},
		{"deleted for good", false, func(tx *sql.Tx, c *change.Change) error {
			v := values(c)
			if c.Op == change.Delete {
				_, err := tx.Exec("DELETE FROM planted WHERE id = ? AND version < ?", v[0], v[5])
				return err
			}
			return guarded("first", "pad", "last", "row_deleted", "version")(tx, c)
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			db := admin(t, mariadbAddr, "target")
			run1(t, db, "DROP TABLE IF EXISTS planted", "CREATE TABLE planted ("+chaosColumns+", row_deleted BOOLEAN NOT NULL, version BINARY(28) NOT NULL, PRIMARY KEY (id))")
			c := chaos{seed: 1, rows: 5, versions: 60, workers: 8, batch: 1}
			r := rand.New(rand.NewPCG(3, 4))
			all, newest := c.history(r, chaosTable("planted"))
			wrong := []string(nil)
			for round := 0; round < 200 && len(wrong) == 0; round++ { // a race may need several
				run1(t, db, "DELETE FROM planted")
				c.run(t, &planted{db: db, write: m.write}, c.deliveries(r, all, 0), undisturbed(t))
				wrong = differences(t, db, mysql.InRow, "planted", newest)
				if m.right && round == 2 {
					break
				}
			}
			if m.right != (len(wrong) == 0) {
				t.Errorf("%d differences: %v", len(wrong), wrong)
			}
		})
	}
}

// TestSinkServerKilled: the server is killed in the middle and started again, several times; no call that failed is taken
// for done, and every row ends at its newest version.
func TestSinkServerKilled(t *testing.T) {
	for name, which := range map[string]mysql.Layout{"in the row": mysql.InRow, "beside": mysql.SideTable} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
			defer cancel()
			server, err := services.NewMariaDB(services.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(ctx); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Kill() })
			db := admin(t, server.Addr(), "target")
			columns := chaosColumns
			if which == mysql.InRow {
				columns += versionColumns
			}
			run1(t, db, "CREATE TABLE chaos ("+columns+", PRIMARY KEY (id))")
			s, err := mysql.Open(ctx, mysql.Config{DSN: fmt.Sprintf("%s:%s@tcp(%s)/target", services.MariaDBUser, services.MariaDBPassword, server.Addr()), Layout: which})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			c := chaos{seed: 7, rows: 50, versions: 600, workers: 8, batch: 60}
			r := rand.New(rand.NewPCG(7, 8))
			all, newest := c.history(r, chaosTable("chaos"))
			delivered := c.deliveries(r, all, 10)
			var calls, kills atomic.Int64
			var crash sync.Mutex
			third := int64(len(delivered) / c.batch / 3)
			count := c.run(t, s, delivered, func(int, *rand.Rand) (context.Context, context.CancelFunc) {
				crash.Lock() // while the server is down nobody calls in vain
				defer crash.Unlock()
				if n := calls.Add(1); n >= third*(kills.Load()+1) && kills.Load() < 2 {
					kills.Add(1)
					if err := errors.Join(server.Kill(), server.Start(ctx)); err != nil {
						t.Error(err)
					}
				}
				return context.WithCancel(ctx)
			})
			if wrong := differences(t, admin(t, server.Addr(), "target"), which, "chaos", newest); len(wrong) > 0 {
				t.Errorf("%d rows are wrong: %s", len(wrong), wrong[0])
			}
			if kills.Load() != 2 || count.failed.Load() == 0 {
				t.Errorf("killed %d times, %d calls failed", kills.Load(), count.failed.Load())
			}
			t.Logf("%v; %d calls failed", count.verdicts, count.failed.Load())
		})
	}
}
