package source

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/source"
)

// topic stands for what Feed writes: partitions of each table, in order, and the State that was kept last.
type topic struct {
	partitions map[string]*partition
	// kept is the State as JSON, and at how long the partitions were then.
	kept string
	at   map[string]int
	// told is how many events the source has told, which is what writers go by.
	told atomic.Int64
	// again is how many changes were recognised by their versions.
	again int
}

type partition struct {
	changes []*change.Change
	end     change.Version // when the source was opened
}

const partitionsOfTable = 4

func newTopic() *topic { return &topic{partitions: map[string]*partition{}} }

// key is the exact values of a row's key.
func key(c *change.Change) string {
	var b strings.Builder
	for _, k := range c.Table.Key {
		fmt.Fprintf(&b, "%q ", c.Image()[k].AppendText(nil, c.Table.Columns[k].Scale))
	}
	return b.String()
}

// write does what Feed does with a change.
func (p *topic) write(c *change.Change) {
	h := fnv.New32()
	_, _ = h.Write([]byte(key(c)))
	p.append(fmt.Sprintf("%s/%d", c.Table, h.Sum32()%partitionsOfTable), c)
}

func (p *topic) append(name string, c *change.Change) {
	to := p.partitions[name]
	if to == nil {
		to = &partition{}
		p.partitions[name] = to
	}
	if c.Version.Compare(to.end) <= 0 {
		p.again++
		return
	}
	to.changes = append(to.changes, c)
}

// keep keeps a State behind everything that was written.
func (p *topic) keep(t testing.TB, s source.State) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	p.kept, p.at = string(text), map[string]int{}
	for name, of := range p.partitions {
		p.at[name] = len(of.changes)
	}
}

// die loses what was not acknowledged: of each partition a random part of what was written behind the State.
func (p *topic) die(r *rand.Rand) {
	for name, of := range p.partitions {
		least := p.at[name]
		of.changes = of.changes[:least+r.IntN(len(of.changes)-least+1)]
		if n := len(of.changes); n > 0 {
			of.end = of.changes[n-1].Version
		}
	}
}

// state is the one that was kept; found is false if there is none.
func (p *topic) state(t testing.TB) (s source.State, found bool) {
	t.Helper()
	if p.kept == "" {
		return s, false
	}
	if err := json.Unmarshal([]byte(p.kept), &s); err != nil {
		t.Fatal(err)
	}
	return s, true
}

// rows is what a table has if the changes are applied in order, without any guard. Versions must grow all along.
func (p *topic) rows(t testing.TB, table string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	judged, versions := map[string]string{}, map[string]change.Version{}
	for n := range partitionsOfTable {
		of := p.partitions[fmt.Sprintf("%s/%d", table, n)]
		if of == nil {
			continue
		}
		var last change.Version
		for i, c := range of.changes {
			if c.Version.Compare(last) <= 0 {
				t.Fatalf("%s, partition %d: change %d has version %s, the one before it %s", table, n, i, c.Version, last)
			}
			last = c.Version
			k := key(c)
			stored, exists := versions[k]
			puts := change.Judge(stored, exists, c.Version).Puts()
			if puts {
				versions[k] = c.Version
			}
			if c.Op == change.Delete {
				delete(rows, k)
				if puts {
					delete(judged, k)
				}
				continue
			}
			rows[k] = text(c)
			if puts {
				judged[k] = text(c)
			}
		}
	}
	if len(judged) != len(rows) {
		t.Errorf("%s has %d rows by the rule, and %d without it", table, len(judged), len(rows))
	}
	for k := range rows {
		if judged[k] != rows[k] {
			t.Fatalf("%s, row %s: by the rule %q, without it %q", table, k, judged[k], rows[k])
		}
	}
	return rows
}

// text is a row as SELECT shows it.
func text(c *change.Change) string {
	var b strings.Builder
	for i, v := range c.After {
		shown := v.AppendText(nil, c.Table.Columns[i].Scale)
		if v.IsNull() {
			shown = []byte("NULL")
		}
		fmt.Fprintf(&b, "%q ", shown)
	}
	return b.String()
}

// compare looks whether the topic has what the table has.
func (p *topic) compare(t testing.TB, d *database, database, name string) {
	t.Helper()
	p.matches(t, d, database, name, true)
}

// hasAll looks whether the topic has all that the table has. It may have more: rows of a table that had the name before.
func (p *topic) hasAll(t testing.TB, d *database, database, name string) {
	t.Helper()
	p.matches(t, d, database, name, false)
}

func (p *topic) matches(t testing.TB, d *database, database, name string, all bool) {
	t.Helper()
	table, err := catalog.Table(t.Context(), d.sql, database, name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	rows, err := d.sql.QueryContext(t.Context(), "SELECT * FROM "+database+"."+name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		texts := make([]*string, len(table.Columns))
		into := make([]any, len(texts))
		for i := range texts {
			into[i] = &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var k, all strings.Builder
		for _, x := range texts {
			if x == nil {
				all.WriteString(`"NULL" `)
			} else {
				fmt.Fprintf(&all, "%q ", *x)
			}
		}
		for _, at := range table.Key {
			fmt.Fprintf(&k, "%q ", *texts[at])
		}
		want[k.String()] = all.String()
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	got := p.rows(t, database+"."+name)
	wrong := 0
	for k := range want {
		if got[k] != want[k] {
			if wrong++; wrong < 5 {
				t.Errorf("%s, row %s: %s, not %s", name, k, got[k], want[k])
			}
		}
	}
	if !all {
		clear(got)
	}
	for k := range got {
		if _, has := want[k]; !has {
			if wrong++; wrong < 10 {
				t.Errorf("%s, row %s: %s, which is not there", name, k, got[k])
			}
		}
	}
	if wrong > 0 || all && len(got) != len(want) {
		t.Fatalf("%s: %d rows are wrong; %d, not %d", name, wrong, len(got), len(want))
	}
	t.Logf("%s: %d rows are right", name, len(want))
}

// run reads a source and writes the topic, for a number of events. The State is kept after some Commits.
func (p *topic) run(t testing.TB, s *source.Source, r *rand.Rand, events int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range events {
		e, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.take(t, s, e, r)
	}
}

func (p *topic) take(t testing.TB, s *source.Source, e binlog.Event, r *rand.Rand) {
	t.Helper()
	p.told.Add(1)
	switch {
	case e.Kind == binlog.Row:
		if err := e.Change.Check(); err != nil {
			t.Fatal(err)
		}
		p.write(e.Change)
	case slices.Contains([]binlog.Kind{binlog.Commit, binlog.Statement, binlog.Heartbeat}, e.Kind) && r.IntN(5) == 0:
		p.keep(t, s.State())
	}
}

// finish reads until the stream is where the server is and no snapshot is left.
func (p *topic) finish(t testing.TB, s *source.Source, d *database, tables int) {
	t.Helper()
	now, err := binlog.Current(t.Context(), d.config(t, "").Binlog)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := rand.New(rand.NewPCG(0, 0))
	for {
		state, done := s.State(), 0
		for _, at := range state.Snapshot.Tables() {
			if at.Done {
				done++
			}
		}
		if done == tables && state.GTID == now.GTID {
			return
		}
		e, err := s.Next(ctx)
		if err != nil {
			t.Fatalf("at %s, %d tables done: %v", state, done, err)
		}
		p.take(t, s, e, r)
	}
}
