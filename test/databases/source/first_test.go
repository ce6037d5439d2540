package source

import (
	"errors"
	"io"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/source"
)

// A snapshot alone: all rows of all tables once, in the order of their keys, in chunks, and then the end.
func TestOnly(t *testing.T) {
	shared.fresh(t, "only")
	shared.exec(t, "CREATE TABLE only.a (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO only.a SELECT seq, CONCAT('v', seq) FROM seq_1_to_2500",
		"CREATE TABLE only.b (id INT PRIMARY KEY)", "CREATE TABLE only.c (x INT, y INT, PRIMARY KEY (y, x))", "INSERT INTO only.c SELECT seq % 7, seq FROM seq_1_to_1000")
	config := shared.config(t, "only")
	config.Snapshot, config.ChunkRows = source.Only, 300
	s := open(t, config, source.State{}, false)
	next, commits := map[string]int64{}, 0
	for {
		e, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case binlog.Row:
			c := e.Change
			if err := c.Check(); err != nil || c.Op != change.Read || !c.Origin.Snapshot {
				t.Fatalf("%s: %+v", c.Op, err)
			}
			next[c.Table.Name]++
			at := 0
			if c.Table.Name == "c" {
				at = 1
			}
			if n := c.After[at].Int(); n != next[c.Table.Name] {
				t.Fatalf("%s: row %d has number %d", c.Table, next[c.Table.Name], n)
			}
		case binlog.Commit:
			commits++
		}
	}
	if next["a"] != 2500 || next["b"] != 0 || next["c"] != 1000 {
		t.Errorf("%v rows", next)
	}
	if commits != 9+1+4 || config.Counts.Chunks() != 14 {
		t.Errorf("%d commits, %d chunks", commits, config.Counts.Chunks())
	}
	for name, rows := range map[string]uint64{"only.a": 2500, "only.b": 0, "only.c": 1000} {
		if at, known := s.State().Snapshot.Of(name); !known || !at.Done || at.Rows != rows || config.Counts.Tables()[name].Rows != rows {
			t.Errorf("%s is at %+v, and counted as %+v", name, at, config.Counts.Tables()[name])
		}
	}
}
