package explain

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

var rewrite = flag.Bool("update", false, "write what is told into testdata")

// golden compares a story with the one in testdata.
func golden(t *testing.T, name string, s *Story) {
	t.Helper()
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	if *rewrite {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got)+"\n" {
		t.Errorf("%s: it is told\n%s", name, got)
	}
}

// A row with duplicates, stale changes, deletes, a change of its key and another epoch.
func history() []*change.Change {
	a, b, c := update(version(1, 1000, 100), 5, 1), update(version(1, 2000, 200), 5, 2), update(version(1, 3000, 300), 5, 3)
	a.Op = change.Create
	del := &change.Change{Op: change.Delete, Table: stock, Version: version(1, 4000, 400), Before: row(5, 3)}
	moved := &change.Change{Op: change.Update, Table: stock, Version: version(1, 5000, 500), Before: row(4, 9), After: row(5, 9)}
	away := &change.Change{Op: change.Update, Table: stock, Version: version(1, 6000, 600), Before: row(5, 9), After: row(6, 9)}
	back := update(version(1, 5500, 700), 5, 7) // the clock went back
	failover := update(version(2, 10, 4), 5, 8)
	return []*change.Change{a, b, b, a, c, update(version(1, 2500, 250), 7, 1), del, c, moved, away, back, failover}
}

func TestStory(t *testing.T) {
	inBubble(t, 3, envelope.Options{Format: envelope.Debezium}, func(b *bed) {
		b.put(-1, history()...)
		var partition int32 = -1
		for p := range int32(3) { // where row 5 is
			if s := b.explain(Config{Key: row(5, 0), All: true}); len(s.First) > 0 && s.First[0].Partition == p {
				partition = p
			}
		}
		b.commit("g", partition, 6)
		source := func(context.Context) (change.Row, error) { return row(5, 8), nil }
		s := b.explain(Config{Key: row(5, 0), Group: "g", Sink: has(version(1, 3000, 300), 5, 3), Source: source})
		if len(s.Partitions) != 1 || s.Partitions[0] != partition {
			b.Errorf("partitions %v are read, and the row is in %d", s.Partitions, partition)
		}
		golden(b.T, "story", s)
		// Few are kept of many, and what the rule says of all is counted.
		few := b.explain(Config{Key: row(5, 0), Group: "g", Sink: has(version(1, 3000, 300), 5, 3), Source: source, Keep: 2})
		if few.Changes != s.Changes || few.Between != s.Changes-4 || len(few.First) != 2 || len(few.Last) != 2 || few.Verdict != s.Verdict || few.By["stale"] != s.By["stale"] {
			b.Errorf("kept are %+v", few)
		}
		if few.Last[1].VersionText != s.First[len(s.First)-1].VersionText {
			b.Errorf("the last one is %+v", few.Last[1])
		}
	})
}

// Whatever the format is and wherever the records lie, the same changes are found.
func TestFormats(t *testing.T) {
	for _, format := range []envelope.Options{{Format: envelope.Debezium, Schemas: true}, {Format: envelope.Canal}, {Format: envelope.Maxwell}} {
		for _, partition := range []int32{-1, 1} {
			inBubble(t, 3, format, func(b *bed) {
				b.put(partition, history()...)
				read := envelope.ReadOptions{Tables: func(string, string) *change.Table { return stock }}
				s := b.explain(Config{Key: row(5, 0), Read: read})
				found := s.Changes - s.By[""]
				for _, step := range s.First {
					if step.Op == "tombstone" {
						found--
					}
				}
				if found != 11 || s.By["duplicate"] != 1 || s.By["stale"] != 2 || s.By["clock back"] != 1 {
					b.Errorf("%s, partition %d: %d changes, %v", format.Format, partition, found, s.By)
				}
				if one := len(s.Partitions) == 1; one != (partition < 0) {
					b.Errorf("%s, partition %d: partitions %v are read", format.Format, partition, s.Partitions)
				}
			})
		}
	}
}

// What the sentence says in each case.
func TestVerdicts(t *testing.T) {
	type asked struct {
		what    string
		sink    kept
		source  change.Row
		commits int64
		want    string
	}
	newest := version(2, 10, 4)
	repaired := version(2, 20, 50)
	repaired.Position.Row = math.MaxUint32
	gone := has(newest, 5, 8)
	stored := gone.rows[5]
	stored.Deleted = true
	gone.rows[5] = stored
	inBubble(t, 1, envelope.Options{Format: envelope.Debezium, NoTombstones: true}, func(b *bed) {
		b.put(-1, history()...)
		for i, a := range []asked{
			{"all is well", has(newest, 5, 8), row(5, 8), 20, "the sink has the newest change, and its data are the source's"},
			{"written by hand", has(newest, 5, 9), row(5, 8), 20, "the sink has the newest change, but 1 of its columns are not what the source has"},
			{"deleted by hand", gone, row(5, 8), 20, "the sink has the newest change; the source has the row, and the sink has it as deleted"},
			{"behind", has(version(1, 5000, 500), 5, 9), row(5, 8), 9, "the sink is 2 changes behind: group g2 is at offset 9 of partition 0, and the newest change at 13"},
			{"lost", has(version(1, 3000, 300), 5, 3), row(5, 8), 20, "the sink is 4 changes behind, though group g3 has passed them"},
			{"nothing there", kept{}, row(5, 8), 20, "the sink has nothing of the row; the sink is"},
			{"of no change", has(version(1, 4500, 450), 5, 8), row(5, 8), 20, "the sink's version is of no change in the topic; the sink is"},
			{"newer than all", has(version(3, 1, 1), 5, 8), row(5, 8), 20, "the sink's version is of no change in the topic, and newer than all of them"},
			{"repaired", has(repaired, 5, 8), row(5, 8), 20, "the sink's row is of a repair that is newer than every change in the topic, and its data are the source's"},
		} {
			group := fmt.Sprintf("g%d", i-1)
			b.commit(group, 0, a.commits)
			s := b.explain(Config{Key: row(5, 0), Group: group, Sink: a.sink, Source: func(context.Context) (change.Row, error) { return a.source, nil }})
			if !strings.HasPrefix(s.Verdict, a.want) {
				b.Errorf("%s: %q", a.what, s.Verdict)
			}
		}
		s := b.explain(Config{Key: row(55, 0), Sink: kept{}, Source: func(context.Context) (change.Row, error) { return nil, nil }})
		if s.Verdict != "no record of this key in the topic: it was compacted or has expired, or was never written; the source does not have the row either" {
			b.Error(s.Verdict)
		}
		if s := b.explain(Config{Key: row(5, 0)}); !strings.HasPrefix(s.Verdict, "the newest change is at offset 13 of partition 0: update, epoch 2") {
			b.Error(s.Verdict)
		}
		b.raw(&kgo.Record{Topic: topic, Key: []byte("?"), Value: []byte("no JSON")})
		if s := b.explain(Config{Key: row(5, 0), All: true}); !strings.HasSuffix(s.Verdict, "(1 records cannot be read, and may be of any row)") {
			b.Error(s.Verdict)
		}
	})
}

func TestParseKey(t *testing.T) {
	two := &change.Table{Database: "d", Name: "t", Key: []int{1, 0}, Columns: []change.Column{{Name: "b", Type: change.VarChar}, {Name: "a", Type: change.Integer}}}
	for text, want := range map[string]string{"1,x": "1,x", `1,x\,y`: `1,x,y`, "b=x,a=1": "1,x", "A=1,B=": "1,", `1,a\\b`: `1,a\b`} {
		row, err := ParseKey(two, text)
		if err != nil || two.KeyText(row) != want {
			t.Errorf("%s: %v, %v", text, row, err)
		}
	}
	for _, text := range []string{"1", "x,1", "1,x,y", ""} {
		if row, err := ParseKey(two, text); err == nil {
			t.Errorf("%q is %v", text, row)
		}
	}
	one := &change.Table{Database: "d", Name: "t", Key: []int{0}, Columns: []change.Column{{Name: "b", Type: change.VarChar}}}
	if row, err := ParseKey(one, "a,b=c"); err != nil || row[0].String() != "a,b=c" {
		t.Errorf("%v, %v", row, err)
	}
}
