package schema

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
)

// server is a database that is altered, with what it has written to its binlog.
type server struct {
	r      *rand.Rand
	tables map[string][]change.Column
	made   map[string]int64 // when, in milliseconds
	log    []logged
	now    int64
	fresh  int
}

// logged is an event: a statement, or a row of a table as it is then.
type logged struct {
	sql    string
	row    *change.Table
	offset uint64
	time   int64
	// the catalog then
	tables map[Name]*change.Table
	made   map[Name]time.Time
}

var randomTypes = []struct {
	sql    string
	column change.Column
}{
	{"JSON", change.Column{Type: change.JSONType, Charset: "utf8mb4"}}, {"LONGTEXT", change.Column{Type: change.LongText, Charset: "utf8mb4"}},
	{"LONGTEXT CHECK (json_valid(`%s`))", change.Column{Type: change.JSONType, Charset: "utf8mb4"}}, {"UUID", change.Column{Type: change.UUID}},
	{"INET6", change.Column{Type: change.INET6}}, {"BINARY(16)", change.Column{Type: change.Binary, Length: 16}}, {"INET4", change.Column{Type: change.INET4}},
	{"BINARY(4)", change.Column{Type: change.Binary, Length: 4}}, {"INT", change.Column{Type: change.Integer}}, {"TEXT", change.Column{Type: change.TextType, Charset: "utf8mb4"}},
	{"TIME(3)", change.Column{Type: change.TimeType, Scale: 3}}, {"TIME", change.Column{Type: change.TimeType}},
}

func (s *server) definition(name string) (string, change.Column) {
	t := randomTypes[s.r.IntN(len(randomTypes))]
	c := t.column
	c.Name = name
	if strings.Contains(t.sql, "%s") {
		return "`" + name + "` " + fmt.Sprintf(t.sql, name), c
	}
	return "`" + name + "` " + t.sql, c
}

func (s *server) note(sql string, row *change.Table, made ...string) {
	s.now += int64(s.r.IntN(900))
	for _, name := range made {
		s.made[name] = s.now
	}
	e := logged{sql: sql, row: row, offset: uint64(100 * (len(s.log) + 1)), time: s.now, tables: map[Name]*change.Table{}, made: map[Name]time.Time{}}
	for name := range s.tables {
		e.tables[Name{"d", name}], e.made[Name{"d", name}] = s.table(name), time.UnixMilli(s.made[name])
	}
	s.log = append(s.log, e)
}

func (s *server) table(name string) *change.Table {
	return &change.Table{Database: "d", Name: name, Key: []int{0}, Columns: append([]change.Column{{Name: "id", Type: change.Integer}}, s.tables[name]...)}
}

func (s *server) create(name string) {
	var parts []string
	var columns []change.Column
	for i := range 1 + s.r.IntN(4) {
		sql, c := s.definition(fmt.Sprintf("c%d", i))
		parts, columns = append(parts, sql), append(columns, c)
	}
	s.tables[name] = columns
	s.note("CREATE TABLE "+name+" (id INT PRIMARY KEY, "+strings.Join(parts, ", ")+")", nil, name)
}

// alter does one thing to a table, or several at once.
func (s *server) alter(name string) {
	columns := slices.Clone(s.tables[name])
	var parts []string
	touched := map[string]bool{}
	for range 1 + s.r.IntN(3) {
		i := -1
		if len(columns) > 0 {
			i = s.r.IntN(len(columns))
		}
		switch op := s.r.IntN(5); {
		case op == 0 || i < 0:
			s.fresh++
			sql, c := s.definition(fmt.Sprintf("n%d", s.fresh))
			parts, columns = append(parts, "ADD COLUMN "+sql), append(columns, c)
			touched[c.Name] = true
		case touched[columns[i].Name]:
		case op == 1 && len(columns) > 1:
			parts = append(parts, "DROP COLUMN "+columns[i].Name)
			columns = slices.Delete(columns, i, i+1)
		case op == 2:
			s.fresh++
			to := fmt.Sprintf("r%d", s.fresh)
			parts = append(parts, "RENAME COLUMN "+columns[i].Name+" TO "+to)
			columns[i].Name = to
			touched[to] = true
		case op == 3:
			s.fresh++
			sql, c := s.definition(fmt.Sprintf("x%d", s.fresh))
			parts = append(parts, "CHANGE "+columns[i].Name+" "+sql)
			columns[i] = c
			touched[c.Name] = true
		default:
			sql, c := s.definition(columns[i].Name)
			parts = append(parts, "MODIFY "+sql)
			columns[i] = c
			touched[c.Name] = true
		}
	}
	if len(parts) > 0 {
		s.tables[name] = columns
		s.note("ALTER TABLE "+name+" "+strings.Join(parts, ", "), nil, name)
	}
}

// flip gives columns other types that a map tells in the same way.
func (s *server) flip(name string) {
	columns := slices.Clone(s.tables[name])
	var parts []string
	for i := range columns {
		for _, t := range s.r.Perm(len(randomTypes)) {
			c := randomTypes[t].column
			c.Name = columns[i].Name
			if c.Type != columns[i].Type && reflect.DeepEqual(toldRandom(&change.Table{Columns: []change.Column{c}}), toldRandom(&change.Table{Columns: columns[i : i+1]})) {
				columns[i] = c
				parts = append(parts, "MODIFY "+c.Name+" "+strings.ReplaceAll(randomTypes[t].sql, "%s", c.Name))
				break
			}
		}
	}
	if len(parts) > 0 {
		s.tables[name] = columns
		s.note("ALTER TABLE "+name+" "+strings.Join(parts, ", "), nil, name)
	}
}

func (s *server) step() {
	var names []string
	for name := range s.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	name := names[s.r.IntN(len(names))]
	switch op := s.r.IntN(20); {
	case op < 12:
		s.note("", s.table(name))
	case op < 14:
		s.flip(name)
	case op < 16:
		s.alter(name)
	case op == 16: // as a tool does it
		s.tables["_n"] = s.tables[name]
		s.note("CREATE TABLE _n LIKE "+name, nil, "_n")
		s.alter("_n")
		s.tables["_o"] = s.tables[name]
		s.tables[name] = s.tables["_n"]
		delete(s.tables, "_n")
		s.note("RENAME TABLE "+name+" TO _o, _n TO "+name, nil, name, "_o")
		delete(s.tables, "_o")
		s.note("DROP TABLE _o", nil)
	case op == 17:
		delete(s.tables, name)
		s.note("DROP TABLE IF EXISTS `"+name+"`", nil)
		s.create(name)
	case op == 18:
		s.note("ALTER TABLE "+name+" ADD INDEX (id), ENGINE=InnoDB", nil, name)
	default:
		s.note("TRUNCATE TABLE "+name, nil, name)
	}
}

// toldRandom is told, and old times do not tell their digits.
func toldRandom(t *change.Table) *change.Table {
	m := told(t)
	for i := range m.Columns {
		if m.Columns[i].Type == change.TimeType {
			m.Columns[i].Scale = -1
		}
	}
	return m
}

// A binlog of tables that are altered in every way is read by histories that die, go on at any earlier place and lose their topic, while
// the catalog is far ahead. What is told is what was in force, or it is refused; refused it is only when what was known was lost.
func TestRandom(t *testing.T) {
	refused, taken, lost, read := 0, 0, 0, 0
	for seed := range uint64(4) {
		inBubble(t, func(b *bed) {
			s := &server{r: rand.New(rand.NewPCG(seed, 3)), tables: map[string][]change.Column{}, made: map[string]int64{}, now: 1_000_000}
			for _, name := range []string{"t", "u"} {
				s.create(name)
			}
			for len(s.log) < 120 {
				s.step()
			}
			r := rand.New(rand.NewPCG(seed, 4))
			ahead := 0 // the catalog is as of this event
			asked := false
			c := b.config()
			c.Lookup = func(_ context.Context, database, table string) (*change.Table, error) {
				asked = true
				if found := s.log[ahead].tables[Name{database, table}]; found != nil {
					return found, nil
				}
				return nil, catalog.ErrNoTable
			}
			c.Created = func(_ context.Context, database, table string) (time.Time, error) {
				return s.log[ahead].made[Name{database, table}], nil
			}
			next, forgotten := 0, seed%3 == 2
			if forgotten { // it begins in the middle
				next = 30
			}
			for next < len(s.log) {
				h := b.open(c)
				for left := r.IntN(40); next < len(s.log) && left > 0; left-- {
					e := &s.log[next]
					ahead = max(ahead, next)
					if r.IntN(12) == 0 {
						ahead = min(ahead+r.IntN(20), len(s.log)-1)
					}
					h.At("", e.time)
					if e.row == nil {
						b.statement(h, e.sql, e.offset)
						next++
						continue
					}
					read++
					asked = false
					got, err := h.Complete(b.Context(), toldRandom(e.row), at(e.offset))
					var unknown *UnknownError
					switch {
					case errors.As(err, &unknown) && forgotten:
						refused++
						h.Close() // it is declared
						c.Declared = map[string]*change.Table{"d." + e.row.Name: e.row}
						h = b.open(c)
						c.Declared = nil
						continue
					case err != nil:
						b.Fatalf("seed %d, event %d: %v", seed, next, err)
					case !reflect.DeepEqual(got, e.row):
						b.Fatalf("seed %d, event %d: %+v, not %+v", seed, next, *got, *e.row)
					}
					if next++; asked {
						taken++
					}
				}
				h.Close()
				next = max(0, next-r.IntN(30))
				if seed%2 == 1 && r.IntN(3) > 0 {
					lost, forgotten = lost+1, true
					if _, err := b.admin.DeleteTopic(b.Context(), "skein.schemas"); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	if refused == 0 || taken == 0 || lost == 0 {
		t.Errorf("too tame: %d taken from the catalog, %d refused, %d topics lost", taken, refused, lost)
	}
	t.Logf("%d rows, %d tables taken from the catalog, %d refused, %d topics lost", read, taken, refused, lost)
}
