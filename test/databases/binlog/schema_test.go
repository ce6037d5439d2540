package binlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/source"
	"github.com/skein-io/skein/skeintest"
)

// lives are what happens to a table, one after the other.
var lives = []string{
	"CREATE TABLE life (id INT PRIMARY KEY, j JSON, t LONGTEXT, u UUID, b BINARY(16), i6 INET6, i4 INET4, e ENUM('a','b'), c VARCHAR(20), d DATETIME(3))",
	"ALTER TABLE life MODIFY j LONGTEXT",
	"ALTER TABLE life MODIFY t JSON",
	"ALTER TABLE life MODIFY j JSON NOT NULL",
	"ALTER TABLE life MODIFY t LONGTEXT, MODIFY j JSON",
	"ALTER TABLE life RENAME COLUMN t TO j, RENAME COLUMN j TO t",
	"SET GLOBAL mysql56_temporal_format = OFF",
	"ALTER TABLE life ADD k TIME(2) NULL FIRST, ADD COLUMN l TIMESTAMP(4) NULL AFTER id",
	"ALTER TABLE life ADD (m DATETIME NULL, n TIME NULL)",
	"ALTER TABLE life CHANGE COLUMN n o TIME(5), ADD r LONGTEXT",
	"SET GLOBAL mysql56_temporal_format = ON",
	"ALTER TABLE life FORCE",
	"ALTER TABLE life DROP u, ADD u BINARY(16), DROP b, ADD COLUMN b2 UUID",
	"ALTER TABLE life DROP COLUMN u, ADD u INET6",
	"ALTER TABLE life MODIFY e ENUM('a','b','ü','€')",
	"ALTER TABLE life CONVERT TO CHARACTER SET latin1",
	"ALTER TABLE life MODIFY c VARCHAR(30) CHARACTER SET utf16, MODIFY COLUMN e ENUM('a','b','ü') CHARACTER SET utf8mb3",
	"ALTER TABLE life DROP i4, DROP COLUMN IF EXISTS nothing, ADD i4 BINARY(4)",
	"CREATE TABLE _new LIKE life", "ALTER TABLE _new MODIFY t LONGTEXT CHECK (json_valid(t)), MODIFY j LONGTEXT", "INSERT INTO _new SELECT * FROM life",
	"RENAME TABLE life TO _old, _new TO life", "DROP TABLE _old",
	"ALTER TABLE life ADD v INT AS (id + 1) VIRTUAL, ADD x INT INVISIBLE DEFAULT 5, ADD UNIQUE (r(10))",
	"SET STATEMENT lock_wait_timeout = 20 FOR ALTER TABLE `shop`.`life` MODIFY /* back */ t LONGTEXT",
	"DROP TABLE life", "CREATE TABLE life (id INT, j LONGTEXT CHECK (json_valid(j)), t LONGTEXT COLLATE utf8mb4_bin, b BINARY(16), PRIMARY KEY (id)) WITH SYSTEM VERSIONING",
	"SET @@system_versioning_alter_history = KEEP",
	"ALTER TABLE life MODIFY COLUMN j LONGTEXT COLLATE utf8mb4_bin, MODIFY t LONGTEXT CHECK (json_valid(t))",
	"ALTER TABLE life MODIFY j JSON, CHANGE t s JSON",
}

// life is a table whose rows are known, each with what the table was.
type life struct {
	mu    sync.Mutex
	conn  *sql.Conn
	rows  map[int64]livedRow
	ended bool
}

type livedRow struct {
	table *change.Table
	texts []string
}

// live does all that happens to the table, and writes rows in between.
func (l *life) live(ctx context.Context, r *rand.Rand) error {
	for _, statement := range lives {
		l.mu.Lock()
		_, err := l.conn.ExecContext(ctx, statement)
		l.mu.Unlock()
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
		table, err := catalog.Table(ctx, l.conn, "shop", "life")
		if errors.Is(err, catalog.ErrNoTable) {
			continue
		}
		if err != nil {
			return err
		}
		for range 6 {
			if err := l.write(ctx, table, r); err != nil {
				return err
			}
		}
	}
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	return nil
}

func (l *life) write(ctx context.Context, table *change.Table, r *rand.Rand) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := int64(len(l.rows) + 1)
	var names, values, all []string
	for i := range table.Columns {
		c := &table.Columns[i]
		all = append(all, "`"+c.Name+"`")
		if c.Name == "v" || strings.HasPrefix(c.Name, "row_") || strings.HasPrefix(c.Name, "DB_ROW") {
			continue
		}
		value := "NULL"
		switch c.Type {
		case change.Integer:
			value = fmt.Sprint(id)
		case change.JSONType, change.LongText:
			value = fmt.Sprintf(`'{"a": [%d, "x"]}'`, id)
		case change.UUID:
			value = "UUID()"
		case change.INET6:
			value = fmt.Sprintf("'2001:db8::%x'", id)
		case change.INET4:
			value = fmt.Sprintf("'10.0.0.%d'", id%256)
		case change.Binary:
			value = fmt.Sprintf("REPEAT('%c', %d)", 'a'+id%26, c.Length)
		case change.Enum:
			value = "'" + c.Members[r.IntN(2)] + "'"
		case change.VarChar:
			value = "'ünder'"
		case change.TimeType:
			value = "'12:34:56.123456'"
		case change.DateTimeType, change.TimestampType:
			value = "'2024-02-29 12:34:56.123456'"
		}
		names, values = append(names, "`"+c.Name+"`"), append(values, value)
	}
	if _, err := l.conn.ExecContext(ctx, fmt.Sprintf("INSERT INTO life (%s) VALUES (%s)", strings.Join(names, ", "), strings.Join(values, ", "))); err != nil {
		return fmt.Errorf("%s: %w", values, err)
	}
	row := livedRow{table: table, texts: make([]string, len(all))}
	into := make([]any, len(all))
	for i := range into {
		if strings.HasPrefix(table.Columns[i].Name, "DB_ROW") {
			all[i] = "NULL"
		}
		into[i] = &sql.NullString{}
	}
	if err := l.conn.QueryRowContext(ctx, fmt.Sprintf("SELECT %s FROM life WHERE id = %d", strings.Join(all, ", "), id)).Scan(into...); err != nil {
		return err
	}
	for i := range into {
		row.texts[i] = "NULL"
		if s := into[i].(*sql.NullString); s.Valid {
			row.texts[i] = s.String
		}
	}
	l.rows[id] = row
	return nil
}

// check compares a change with what was in the database.
func (l *life) check(t *testing.T, c *change.Change) int64 {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	id := c.After[c.Table.Column("id")].Int()
	want, ok := l.rows[id]
	if !ok {
		t.Fatalf("row %d was never written", id)
	}
	table := want.table
	if !reflect.DeepEqual(c.Table, table) {
		t.Fatalf("row %d: the table is told as\n%+v, and was\n%+v", id, *c.Table, *table)
	}
	for i := range table.Columns {
		if text := shown(c.After[i], &c.Table.Columns[i]); text != want.texts[i] && !strings.HasPrefix(table.Columns[i].Name, "DB_ROW") {
			t.Errorf("row %d, %s %s: %q, not %q", id, table.Columns[i].Name, table.Columns[i].Type, text, want.texts[i])
		}
	}
	return id
}

// A table is altered in every way while rows are written, and read by readers that stop and go on; the history of its schemas is lost
// twice. Each row is told by the table that was in force when it was written, and as SELECT told it then. What cannot be known after a
// loss is refused, and can be declared.
func TestSchemaHistory(t *testing.T) {
	t.Cleanup(func() { _, _ = shared.sql.ExecContext(context.Background(), "SET GLOBAL mysql56_temporal_format = ON") })
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			shared.exec(t, "DROP TABLE IF EXISTS life, _new, _old")
			start := shared.now(t)
			conn, err := shared.sql.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			l := &life{conn: conn, rows: make(map[int64]livedRow)}
			written := make(chan error, 1)
			go func() { written <- l.live(t.Context(), rand.New(rand.NewPCG(seed, 1))) }()
			h := histories{t: t, node: skeintest.Start(t), random: rand.New(rand.NewPCG(seed, 2)), declared: map[string]*change.Table{}, start: start, l: l, seen: map[int64]bool{}}
			if seed == 3 { // all of it is read late
				err, written = <-written, nil
			}
			for err == nil && !h.done() {
				h.read(t)
				if written != nil {
					select {
					case err = <-written:
						written = nil
					default:
					}
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if seed != 1 && h.refused > 0 {
				t.Errorf("%d maps were refused without a loss", h.refused)
			}
			if h.readers < 3 {
				t.Errorf("only %d readers", h.readers)
			}
			t.Logf("%d rows, %d readers, %d losses, %d refused and declared, %d times asked the catalog", len(h.seen), h.readers, h.lost, h.refused, h.asked)
		})
	}
}

// histories are readers, one after the other.
type histories struct {
	t        *testing.T
	node     *skeintest.Node
	random   *rand.Rand
	declared map[string]*change.Table
	start    binlog.Position
	l        *life
	seen     map[int64]bool

	readers, lost, refused, asked int
}

func (h *histories) done() bool {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	return h.l.ended && len(h.seen) == len(h.l.rows)
}

// read reads for a while.
func (h *histories) read(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	h.readers++
	if h.readers%4 == 0 && h.lost < 2 && strings.HasSuffix(t.Name(), "1") {
		h.lose(t)
	}
	history := h.open(ctx)
	defer history.Close()
	follower := perceptor.Follow(history)
	config := shared.config()
	config.Start = h.start
	config.Tables = func(database, name string) bool { return database == "shop" && name == "life" }
	var last *change.Table
	config.Schema = func(ctx context.Context, m *change.Table, at change.Position) (*change.Table, error) {
		last = m
		return follower.Complete(ctx, m, at)
	}
	r, err := binlog.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	from := follower.Changes(streamed{r})
	for left := 1 + h.random.IntN(60); left > 0 && !h.done(); left-- {
		e, err := from.Next(ctx)
		if errors.Is(err, schema.ErrUnknownSchema) {
			h.declare(t, last, err)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case binlog.Row:
			if e.Change.Op == change.Create {
				h.seen[h.l.check(t, e.Change)] = true
			}
		case binlog.Commit, binlog.Statement:
			if h.random.IntN(3) > 0 { // else it dies before the position is kept
				h.start = from.State().Position
			}
		}
	}
}

func (h *histories) open(ctx context.Context) *schema.History {
	history, err := schema.Open(ctx, schema.Config{
		Brokers: h.node.Bootstraps(), Transport: []kgo.Opt{kgo.Dialer(h.node.Dial)}, Epoch: 1, Declared: h.declared,
		Lookup: func(ctx context.Context, database, table string) (*change.Table, error) {
			h.asked++
			return catalog.Table(ctx, shared.sql, database, table)
		},
		Created: func(ctx context.Context, database, table string) (at time.Time, err error) {
			return catalog.Created(ctx, shared.sql, database, table)
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return history
}

func (h *histories) lose(t *testing.T) {
	client, err := kgo.NewClient(kgo.SeedBrokers(h.node.Bootstraps()...), kgo.Dialer(h.node.Dial))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopic(t.Context(), "skein.schemas"); err != nil {
		t.Fatal(err)
	}
	h.lost++
}

// declare tells the table of the first row that was not read yet, as somebody would who knows it.
func (h *histories) declare(t *testing.T, m *change.Table, why error) {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	h.refused++
	if h.lost == 0 || h.refused > 10 {
		t.Fatal(why)
	}
	for id := int64(1); ; id++ {
		row, ok := h.l.rows[id]
		if !ok {
			t.Fatalf("%v, and no row is left", why)
		}
		if !h.seen[id] && schema.Agrees(m, row.table) == nil {
			h.declared = map[string]*change.Table{"shop.life": row.table}
			t.Logf("declared of row %d: %v", id, why)
			return
		}
	}
}

// A history that knows nothing asks the catalog, and keeps what it says: the next one does not ask.
func TestSchemaFromCatalog(t *testing.T) {
	shared.exec(t, "CREATE OR REPLACE TABLE settled (id INT PRIMARY KEY, j JSON, u UUID, t LONGTEXT)")
	for shared.column(t, "SELECT UNIX_TIMESTAMP(CREATE_TIME) < UNIX_TIMESTAMP() - SLEEP(0.05) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'settled'")[0] != "1" {
	}
	h := histories{t: t, node: skeintest.Start(t), random: rand.New(rand.NewPCG(1, 1)), start: shared.now(t), seen: map[int64]bool{}}
	h.l = &life{rows: map[int64]livedRow{}}
	shared.exec(t, `INSERT INTO settled VALUES (1, '{"a": 1}', UUID(), 'x')`)
	for range 2 {
		history := h.open(t.Context())
		follower := perceptor.Follow(history)
		config := shared.config()
		config.Start = h.start
		config.Tables = func(_, name string) bool { return name == "settled" }
		config.Schema = follower.Complete
		r := open(t, config)
		from := follower.Changes(streamed{r})
		for {
			e, err := from.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind == binlog.Row {
				want, err := catalog.Table(t.Context(), shared.sql, "shop", "settled")
				if err != nil || !reflect.DeepEqual(e.Change.Table, want) || !reflect.DeepEqual(history.Tables("shop", "settled"), want) {
					t.Errorf("%+v, not %+v; %v", *e.Change.Table, want, err)
				}
				break
			}
		}
		history.Close()
	}
	if h.asked != 1 {
		t.Errorf("the catalog was asked %d times", h.asked)
	}
}

// Without binlog_row_metadata=FULL, maps tell hardly more than types: the catalog's table of each type agrees with its map, and completes it.
func TestSchemaWithoutNames(t *testing.T) {
	t.Cleanup(func() { _, _ = shared.sql.ExecContext(context.Background(), "SET GLOBAL binlog_row_metadata = FULL") })
	for _, metadata := range []string{"NO_LOG", "MINIMAL"} {
		from := shared.now(t)
		shared.exec(t, "SET GLOBAL binlog_row_metadata = "+metadata)
		cases := typeCases()
		var names []string
		for i, c := range cases {
			name := fmt.Sprintf("bare_%d", i)
			names = append(names, name)
			shared.exec(t, fmt.Sprintf("CREATE OR REPLACE TABLE %s (id INT PRIMARY KEY, v %s)", name, c.column), "INSERT INTO "+name+" VALUES (1, NULL)")
		}
		told := make(map[string]*change.Table)
		config := shared.config()
		config.Start = from
		config.Tables = func(_, name string) bool { return strings.HasPrefix(name, "bare_") }
		config.Schema = func(ctx context.Context, m *change.Table, _ change.Position) (*change.Table, error) {
			found, err := catalog.Table(ctx, shared.sql, m.Database, m.Name)
			if err == nil {
				err = schema.Agrees(m, found)
			}
			if err != nil {
				return nil, err
			}
			told[m.Name] = schema.Refine(m, found)
			return told[m.Name], nil
		}
		got := rows(t, open(t, config), len(cases))
		for i, name := range names {
			want, err := catalog.Table(t.Context(), shared.sql, "shop", name)
			if err != nil || !reflect.DeepEqual(told[name], want) || got[i].Change.Table != told[name] {
				t.Errorf("%s, %s: %+v, not %+v; %v", metadata, cases[i].column, told[name], want, err)
			}
		}
		shared.exec(t, "SET GLOBAL binlog_row_metadata = FULL")
	}
}

// streamed is a reader in the place of a source.
type streamed struct{ *binlog.Reader }

func (s streamed) State() source.State { return source.State{Position: s.Position()} }
