package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

const timeLayout = time.DateTime

func unixMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// states are what is known of all tables. Those that were not asked for the longest are forgotten when there are more than max,
// and are read again.
type states struct {
	byName    map[Name]*state
	fold      bool
	max       int
	clock     uint64
	forgotten bool
	// epoch and behind are what forget was told.
	epoch  uint32
	behind Place
}

// tablesMax bounds the tables that are held in memory.
const tablesMax = 10_000

func newStates(fold bool) *states {
	return &states{byName: make(map[Name]*state), fold: fold, max: tablesMax}
}

func (s *states) key(n Name) Name {
	if s.fold {
		return Name{strings.ToLower(n.Database), strings.ToLower(n.Table)}
	}
	return n
}

// get returns what is known of a table, which may be nothing. It is not to be changed.
func (s *states) get(n Name) *state {
	one := s.byName[s.key(n)]
	if one == nil {
		return &state{name: n}
	}
	s.clock++
	one.used = s.clock
	return one
}

func (s *states) set(one *state) {
	s.clock++
	one.used = s.clock
	s.byName[s.key(one.name)] = one
	if len(s.byName) > s.max {
		s.trim()
	}
}

// trim forgets a tenth.
func (s *states) trim() {
	used := make([]uint64, 0, len(s.byName))
	for _, one := range s.byName {
		used = append(used, one.used)
	}
	slices.Sort(used)
	last := used[len(used)/10]
	for n, one := range s.byName {
		if one.used <= last {
			delete(s.byName, n)
		}
	}
	s.forgotten = true
}

// of are the tables of a database, in their order.
func (s *states) of(database string) (names []Name) {
	database = s.key(Name{Database: database}).Database
	for n, one := range s.byName {
		if n.Database == database {
			names = append(names, one.name)
		}
	}
	slices.SortFunc(names, func(a, b Name) int { return strings.Compare(a.Table, b.Table) })
	return names
}

func (s *states) forget(epoch uint32, behind Place) {
	if behind == (Place{}) {
		return
	}
	s.epoch, s.behind = epoch, behind
	for _, one := range s.byName {
		one.forget(epoch, behind)
	}
}

// copy is a state that may be changed.
func (s *state) copy() *state {
	c := *s
	c.eras = slices.Clone(s.eras)
	c.decisions = make([]*decision, len(s.decisions))
	for i, d := range s.decisions {
		one := *d
		c.decisions[i] = &one
	}
	return &c
}

// messages are the records that tell all states.
func (s *states) messages() (all []message) {
	for _, one := range s.byName {
		if len(one.eras) > 0 {
			all = append(all, statementsMessage(one))
		}
		for _, d := range one.decisions {
			all = append(all, tableMessage(d))
		}
	}
	return all
}

func tableMessage(d *decision) message {
	doc := documentOf(d.table)
	doc.Map, doc.From, doc.DDL = d.of, d.from, d.ddl
	for _, p := range d.since {
		doc.Since = append(doc.Since, placeOf(p))
	}
	key := tableName(d.table.Database, d.table.Name) + "@" + d.of
	if d.signature != d.of {
		key += ":" + d.signature
	}
	return message{key: key, value: doc}
}

// other is how a column is called in the topic that is nothing but what a map says, and unclear one that nobody knows.
const (
	other   = "other"
	unclear = "open"
)

func statementsMessage(s *state) message {
	doc := statementsDocument{Kind: kindStatements, Database: s.name.Database, Table: s.name.Table, Cut: s.cut, Eras: []eraDocument{}}
	for i := range s.eras {
		e := &s.eras[i]
		d := eraDocument{Since: placeOf(e.since), DDL: e.ddl, Dropped: e.facts.dropped}
		for name, f := range e.facts.columns {
			kind := f.Type.String()
			switch {
			case f.open:
				kind = unclear
			case f.Type == change.Unknown:
				kind = other
			}
			d.Columns = append(d.Columns, factDocument{Name: name, Type: kind, Scale: f.Scale})
		}
		slices.SortFunc(d.Columns, func(a, b factDocument) int { return strings.Compare(a.Name, b.Name) })
		doc.Eras = append(doc.Eras, d)
	}
	return message{key: tableName(s.name.Database, s.name.Table), value: doc}
}

// apply notes what a record of the topic tells. only leaves out other tables; nil is all.
func (s *states) apply(value []byte, only *Name) error {
	var kind struct{ Kind, Database, Table string }
	if err := json.Unmarshal(value, &kind); err != nil {
		return err
	}
	name := Name{kind.Database, kind.Table}
	if name.Database == "" || name.Table == "" {
		return fmt.Errorf("it names no table")
	}
	if only != nil && s.key(*only) != s.key(name) {
		return nil
	}
	next := s.get(name).copy()
	var err error
	switch kind.Kind {
	case kindTable:
		err = next.applyTable(value)
	case kindStatements:
		err = next.applyStatements(value)
	default:
		return nil // of a later version
	}
	if err != nil {
		return err
	}
	if s.behind != (Place{}) {
		next.forget(s.epoch, s.behind)
	}
	s.set(next)
	return nil
}

func (s *state) applyTable(value []byte) error {
	var doc tableDocument
	if err := json.Unmarshal(value, &doc); err != nil {
		return err
	}
	t, err := doc.table()
	if err != nil {
		return err
	}
	d := &decision{table: t, of: doc.Map, signature: Signature(t), from: doc.From, ddl: doc.DDL}
	for _, p := range doc.Since {
		d.since = insert(d.since, p.place())
	}
	if doc.Map == "" || len(d.since) == 0 {
		return fmt.Errorf("table %s: it tells no map or no place", t)
	}
	for i, known := range s.decisions {
		if known.of == d.of && known.signature == d.signature {
			known.since, known.from, known.ddl = d.since, d.from, d.ddl
			// It is the newest one now.
			s.decisions = append(slices.Delete(s.decisions, i, i+1), known)
			return nil
		}
	}
	if len(s.decisions) >= decisionsMax {
		s.decisions = slices.Delete(s.decisions, 0, 1)
	}
	s.decisions = append(s.decisions, d)
	return nil
}

func (s *state) applyStatements(value []byte) error {
	var doc statementsDocument
	if err := json.Unmarshal(value, &doc); err != nil {
		return err
	}
	s.eras, s.cut = nil, doc.Cut
	for _, d := range doc.Eras {
		e := era{since: d.Since.place(), ddl: d.DDL, facts: facts{columns: make(map[string]fact), dropped: d.Dropped}}
		for _, c := range d.Columns {
			f := fact{Scale: c.Scale}
			switch t, ok := change.ParseType(c.Type); {
			case c.Type == unclear:
				f.open = true
			case ok:
				f.Type = t
			case c.Type != other:
				return fmt.Errorf("table %s: %q is no type of column %q", s.name, c.Type, c.Name)
			}
			e.facts.columns[c.Name] = f
		}
		s.begins(e)
	}
	return nil
}
