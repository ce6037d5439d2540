package hbase

import (
	"context"
	"sync"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// planted is a sink that writes rows as the real one does, under whatever conditions it is told, right or wrong.
type planted struct {
	client *client.Client
	table  string
	steps  func(row []byte, c *change.Change, packed []byte) []client.Step
}

func (p *planted) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	var f sink.Folder
	var ops []client.Op
	for _, i := range f.Fold(changes, outcomes, func(dst []byte, c *change.Change) []byte { return c.After[0].AppendText(dst, 0) }) {
		c := changes[i]
		packed := append(c.Version.AppendExecuteTime(c.Version.AppendEpoch([]byte{0})), c.Version.Position.Append(nil)...)
		row := c.After[0].AppendText(nil, 0)
		ops = append(ops, client.Op{Row: row, Steps: p.steps(row, c, packed)})
		outcomes[i].Verdict = change.Newer
	}
	return p.client.Batch(ctx, p.table, ops)
}

func (p *planted) Close() error { return nil }

// mutation is a row as the sink writes it.
func mutation(c *change.Change, packed []byte) []client.Mutation {
	cell := func(family, qualifier string, value []byte) client.Cell {
		return client.Cell{Family: []byte(family), Qualifier: []byte(qualifier), Value: value}
	}
	return []client.Mutation{{Cells: []client.Cell{
		cell("d", "id", c.After[0].AppendText(nil, 0)), cell("d", "note", c.After[2].Raw()), cell("d", "state", c.After[1].Raw()),
		cell("update_info", "binlog_offset", c.Version.Position.Append(nil)), cell("update_info", "epoch", c.Version.AppendEpoch(nil)),
		cell("update_info", "execute_time", c.Version.AppendExecuteTime(nil)), cell("update_info", "version", packed),
	}}}
}

var isAbsent = client.Absent(info, []byte("execute_time"))

func isNewer(packed []byte) *client.Condition {
	return &client.Condition{Family: info, Qualifier: []byte("version"), Compare: client.Greater, Value: packed}
}

// firsts lets eight workers put eight versions of rows that are not there, each row at the same moment, and returns how many
// rows did not end at the newest.
func firsts(t *testing.T, c *client.Client, s sink.Sink, table string, rows int) (lost int) {
	t.Helper()
	for from := int64(0); from < int64(rows); from += 10 {
		var ready, wait sync.WaitGroup
		ready.Add(8)
		for n := range 8 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				var batch []*change.Change
				for id := from; id < from+10; id++ {
					batch = append(batch, order(change.Create, id, version(1, 5, uint64((int64(n)*3+id)%8)), "x"))
				}
				ready.Done()
				ready.Wait()
				if err := s.Apply(t.Context(), batch, make([]sink.Outcome, len(batch))); err != nil {
					t.Error(err)
				}
			}()
		}
		wait.Wait()
	}
	newest := version(1, 5, 7)
	for row, err := range c.Rows(t.Context(), table, client.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		if string(row.Value(info, []byte("binlog_offset")).Value) != string(newest.Position.Append(nil)) ||
			string(row.Value(family, []byte("state")).Value) != newest.String() {
			lost++
		}
	}
	return lost
}

// Several writers find the same row absent. The controls make the mistakes that this test has to find.
func TestHBaseFirstInserts(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	if lost := firsts(t, c, s, table, 3000); lost != 0 {
		t.Errorf("%d rows lost their newest version", lost)
	}
	for _, control := range []struct {
		name  string
		steps func(row []byte, c *change.Change, packed []byte) []client.Step
		right bool
	}{
		{"absent, then newer", func(row []byte, c *change.Change, packed []byte) []client.Step {
			return []client.Step{{Condition: isAbsent, Mutations: mutation(c, packed)}, {Condition: isNewer(packed), Mutations: mutation(c, packed)}}
		}, true},
		{"newer, then absent", func(row []byte, c *change.Change, packed []byte) []client.Step {
			return []client.Step{{Condition: isNewer(packed), Mutations: mutation(c, packed)}, {Condition: isAbsent, Mutations: mutation(c, packed)}}
		}, false},
		{"blind", func(row []byte, c *change.Change, packed []byte) []client.Step {
			return []client.Step{{Mutations: mutation(c, packed)}}
		}, false},
	} {
		t.Run(control.name, func(t *testing.T) {
			lost := 0
			for range 10 { // a race may need more than one try to be lost
				_, table := hbaseSink(t, addr, sinks.Table{})
				lost += firsts(t, c, &planted{c, table, control.steps}, table, 3000)
				if lost > 0 || control.right {
					break
				}
			}
			t.Logf("%d rows lost their newest version", lost)
			if control.right != (lost == 0) {
				t.Errorf("%d rows lost their newest version", lost)
			}
		})
	}
}
