package databases

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
)

// modelled is a shape of table. Each has a number n, by which its row is known, and the columns a and b, which its unique keys have.
type modelled struct {
	name, columns, keys string
	truncated           bool
	key                 []change.Column
	of                  func(n int) []change.Value // the key of row n
}

var modelledTables = []modelled{
	{"no other key", "id INT NOT NULL", "PRIMARY KEY (id)", false, []change.Column{{Name: "id", Type: change.Integer}},
		func(n int) []change.Value { return []change.Value{change.IntValue(int64(n * (1 - n%2*2)))} }},
	{"a second key", "id VARCHAR(20) NOT NULL COLLATE utf8mb4_bin", "PRIMARY KEY (id), UNIQUE KEY a (a)", false, []change.Column{{Name: "id", Type: change.VarChar}},
		func(n int) []change.Value {
			return []change.Value{change.TextValue([]byte([]string{"a", "A", "ä", "'", `\`, "a%", " ", "10", "9", "_", "ss", "ß"}[n]))}
		}},
	{"three keys", "k ENUM('x','y') NOT NULL, d DECIMAL(6,2) NOT NULL, at DATETIME(3) NOT NULL, f FLOAT NOT NULL, r BINARY(3) NOT NULL",
		"PRIMARY KEY (d, k, r, at, f), UNIQUE KEY a (a), UNIQUE KEY b (b, v)", false,
		[]change.Column{{Name: "k", Type: change.Enum}, {Name: "d", Type: change.Numeric, Scale: 2}, {Name: "at", Type: change.DateTimeType, Scale: 3}, {Name: "f", Type: change.FloatType}, {Name: "r", Type: change.Binary, Length: 3}},
		func(n int) []change.Value {
			return []change.Value{change.TextValue([]byte([]string{"x", "y"}[n%2])), change.DecimalValue([]byte(fmt.Sprintf("-0.%d0", n/2%2))), change.DateTimeValue(2024, 2, 29, int64(n/4*1000)),
				change.FloatValue(float32(n/8) + 0.1), change.BytesValue([]byte{0xff, 0, 0})}
		}},
	{"truncated", "id BIGINT UNSIGNED NOT NULL", "PRIMARY KEY (id)", true, []change.Column{{Name: "id", Type: change.BigInt, Unsigned: true}},
		func(n int) []change.Value { return []change.Value{change.UintValue(1<<63 + uint64(n))} }},
}

const modelRows = 12

// modelRow is what a row has to be: of a deleted one the values are not there.
type modelRow struct {
	live, versioned, deleted bool
	version                  change.Version
	values                   []string // a, b and v
}

// model is a table that change.Judge writes.
type model struct {
	*layout
	of    modelled
	table *change.Table
	r     *rand.Rand
	rows  [modelRows]modelRow
	now   int64
	cut   modelRow // the last truncate
	tame  bool     // nothing of the batch collides
	seen  map[string]int
}

// TestSinkModel: whatever batches come, the sink writes and tells what change.Judge decides row by row. What collides with a value of a
// unique key is told only if another row has the value in the end, and then the row is as it was.
func TestSinkModel(t *testing.T) {
	for _, seed := range seeds() {
		for i, of := range modelledTables {
			t.Run(fmt.Sprintf("%s, seed %d", of.name, seed), func(t *testing.T) {
				layouts(t, func(t *testing.T, l *layout) {
					if of.truncated && l.which == mysql.SideTable {
						return // there truncates are refused
					}
					l.create("model", of.columns+", n INT NOT NULL, a VARCHAR(10) NULL, b VARCHAR(10) NULL, v VARCHAR(10) NULL", of.keys)
					run1(t, l.db, "DROP TABLE IF EXISTS skein_model_truncates")
					m := &model{layout: l, of: of, r: rand.New(rand.NewPCG(seed, uint64(i)<<8|uint64(l.which))), table: &change.Table{Database: "shop", Name: "model"}, seen: map[string]int{}}
					for k, c := range of.key {
						m.table.Columns, m.table.Key = append(m.table.Columns, c), append(m.table.Key, k)
					}
					m.table.Columns = append(m.table.Columns, change.Column{Name: "n", Type: change.Integer}, change.Column{Name: "a", Type: change.VarChar, Nullable: true},
						change.Column{Name: "b", Type: change.VarChar, Nullable: true}, change.Column{Name: "v", Type: change.VarChar, Nullable: true})
					m.run(150)
				})
			})
		}
	}
}

func (m *model) run(batches int) {
	sinks := []*mysql.Sink{m.sized(500), m.sized(3)}
	for step := 0; step < batches && !m.t.Failed(); step++ {
		s := sinks[m.r.IntN(2)]
		switch m.r.IntN(10) {
		case 0:
			m.meddle()
		case 1:
			m.sweep(s)
		case 2:
			m.truncate(step, s)
		}
		batch := m.batch()
		before := looks(m.t, m.db)
		outcomes := apply(m.t, s, batch...)
		if looks(m.t, m.db) == before {
			m.seen["without a look"]++
		}
		m.judge(step, batch, outcomes)
	}
	unique := strings.Contains(m.of.keys, "UNIQUE")
	for _, want := range []string{"without a look", "new", "newer", "duplicate", "stale", "clock back", "folded", "collision", "misfit"} {
		looking := want == "without a look" && (m.of.truncated || unique && m.which == mysql.SideTable)
		if m.seen[want] < batches/30 && !looking && (want != "collision" || unique) {
			m.t.Errorf("the batches were too tame: %v", m.seen)
		}
	}
	m.t.Log(m.seen)
}

func (m *model) sized(rows int) *mysql.Sink {
	m.t.Helper()
	c := mysql.Config{DSN: dsn("sinker", "sinker", "target"), Layout: m.which, BatchRows: rows}
	if m.of.truncated {
		c.Truncates = "skein_model_truncates"
	}
	s, err := mysql.Open(m.t.Context(), c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = s.Close() })
	return s
}

// batch is one of three kinds: as foretold, as foretold but for one change, or of anything.
func (m *model) batch() (batch []*change.Change) {
	kind := m.r.IntN(3)
	rows := m.r.Perm(modelRows)[:1+m.r.IntN(modelRows)]
	m.tame = kind == 0
	for _, n := range rows {
		if kind == 2 || kind == 1 && n == rows[0] {
			for range 1 + m.r.IntN(2) {
				batch = append(batch, m.change(n, change.Op(m.r.IntN(4))+change.Create, m.version(n)))
			}
			continue
		}
		op := change.Update
		switch there := m.rows[n].versioned; {
		case !there && m.rows[n].live:
			continue // nothing is foretold of a row that has no version
		case !there:
			op = []change.Op{change.Create, change.Read}[m.r.IntN(2)]
		case m.r.IntN(4) == 0:
			op = change.Delete
		}
		m.now++
		batch = append(batch, m.change(n, op, change.Version{Epoch: max(1, m.rows[n].version.Epoch), ExecuteTime: m.now, Position: m.position()}))
	}
	m.r.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	return batch
}

func (m *model) position() change.Position {
	return change.Position{File: 1 + m.r.Uint32N(2), Offset: m.r.Uint64N(3) << 40, Row: m.r.Uint32N(3)}
}

// version is near the one that the row has.
func (m *model) version(n int) change.Version {
	v := m.rows[n].version
	switch m.r.IntN(6) {
	case 0: // the same
	case 1:
		v.Position = m.position()
	case 2:
		v.ExecuteTime = max(0, v.ExecuteTime-m.r.Int64N(3))
		v.Position.File++
	case 3:
		v.Epoch = uint32(m.r.IntN(3))
	case 4:
		v.ExecuteTime, v.Position = max(0, v.ExecuteTime+m.r.Int64N(5)-2), m.position()
	default:
		m.now++
		v.ExecuteTime = m.now
	}
	return v
}

const tooLong = "it does not fit"

// value is one of few, so that rows collide, or the row's own.
func (m *model) value(prefix string, n int) change.Value {
	switch {
	case m.r.IntN(4) == 0:
		return change.NullValue()
	case !m.tame && m.r.IntN(50) == 0:
		return change.TextValue([]byte(tooLong))
	case m.tame:
		return change.TextValue([]byte(fmt.Sprint(prefix, "own", n)))
	}
	return change.TextValue([]byte(fmt.Sprint(prefix, m.r.IntN(modelRows))))
}

func (m *model) change(n int, op change.Op, v change.Version) *change.Change {
	row := append(change.Row(m.of.of(n)), change.IntValue(int64(n)), m.value("a", n), m.value("b", n), m.value("", n))
	c := &change.Change{Op: op, Table: m.table, Version: v, After: row}
	if op == change.Delete {
		c.Before, c.After = row, nil
	}
	return c
}
