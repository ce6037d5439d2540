package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/sink"
)

func parsed(t *testing.T, file string) *Config {
	t.Helper()
	c, err := spec.Parse("p.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A truncate of a table must not take the rows of another that goes to the same table of the target.
func TestSharing(t *testing.T) {
	const file = "name: shop\nbrokers: {addresses: a:1}\nsink: {type: mysql, address: a:1, user: u, database: d, tables: {%s}}\n"
	for _, c := range []struct{ tables, other string }{
		{"shop.a: {}, shop.b: {}", ""},
		{"shop.a: {name: x}, shop.b: {name: x}", "shop.b"},
		{"shop.a: {}, shop.b: {name: a}", "shop.b"},
		{"shop.*: {name: '{table}'}", ""},
		{"s*.*: {name: '{database}_{table}'}", ""},
		{"s*.*: {name: '{table}'}", "s*.*"},
		{"shop.a: {name: b}, shop.*: {}", "shop.b"},
		{"other.c: {}", ""},
	} {
		config := parsed(t, fmt.Sprintf(file, c.tables))
		if got := sharing(&config.Sinks[0], []string{"shop.a", "shop.b"}, "shop", "a"); got != c.other {
			t.Errorf("%s: %q, not %q", c.tables, got, c.other)
		}
	}
}

const sourceFile = `name: shop
brokers: {addresses: "x:1"}
source: {connector: mysql, address: "x:1", user: u, server-id: 1, tables: ["shop.*", "log.a"], except: [shop.tmp]%s}
`

// What the source does not read is of no matter; the others are told once, the newest are kept.
func TestUntold(t *testing.T) {
	var log strings.Builder
	p := newSourcePart(parsed(t, fmt.Sprintf(sourceFile, "")), &Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, nil)
	loss := func(database, table string, kind schema.LossKind, offset uint64) {
		p.tellUntold(perceptor.Untold{Loss: schema.Loss{Name: schema.Name{Database: database, Table: table}, Kind: kind}, SQL: strings.Repeat("ALTER TABLE ... ", 40), File: "b.000001",
			Version: change.Version{ExecuteTime: 5000, Position: change.Position{File: 1, Offset: offset}}})
	}
	loss("shop", "tmp", schema.Partly, 1)
	loss("log", "b", schema.Dropped, 2)
	loss("other", "", schema.Dropped, 3)
	if all, n := p.untold.report(); len(all) != 0 || n != 0 {
		t.Errorf("%+v", all)
	}
	loss("shop", "", schema.Dropped, 4)
	for i := range uint64(2 * untoldMax) {
		loss("shop", "a", schema.Partly, 100+i)
		loss("shop", "a", schema.Partly, 100+i) // it is read again
	}
	r := p.report().Source
	if len(r.Untold) != untoldMax || r.UntoldCount != 2*untoldMax+1 {
		t.Fatalf("%d of %d", len(r.Untold), r.UntoldCount)
	}
	last := r.Untold[untoldMax-1]
	if last.Table != "shop.a" || last.What != "changed in part" || last.Offset != 100+2*untoldMax-1 || last.File != "b.000001" || last.At.UnixMilli() != 5000 || len(last.Statement) > 300 {
		t.Errorf("%+v", last)
	}
	if said := log.String(); strings.Count(said, "\n") != 2*untoldMax+1 || !strings.Contains(said, `table=shop.*`) || !strings.Contains(said, "skein sync verify FILE TABLE --repair") {
		t.Error(said)
	}
}

// Truncates are written of the tables that the source reads, if the file says so.
func TestTruncatesOfTheFile(t *testing.T) {
	for more, want := range map[string][2]bool{"": {}, ", truncates: emit": {true, false}, ", drops: emit": {false, true}} {
		f, err := FeedConfig(parsed(t, fmt.Sprintf(sourceFile, more)))
		if err != nil {
			t.Fatal(err)
		}
		for i, wants := range []func(string, string) bool{f.Truncates, f.Drops} {
			if (wants != nil) != want[i] || wants != nil && (!wants("shop", "a") || wants("shop", "tmp")) {
				t.Errorf("%q: %d", more, i)
			}
		}
	}
	c := parsed(t, "name: shop\nbrokers: {addresses: a:1}\nsinks: [{type: mysql, address: a:1, user: u, database: d, tables: [shop.a], truncates: apply}, {type: hbase, zookeeper: a:1, tables: [shop.a], truncates: apply, truncate-versions: t}]\n")
	m, err := MySQLConfig(c, &c.Sinks[0])
	if h := HBaseOptions(&c.Sinks[1], nil); err != nil || m.Truncates != "skein_truncates" || h.Truncates != "t" {
		t.Errorf("%q, %q, %v", m.Truncates, h.Truncates, err)
	}
	c.Sinks[0].Truncates, c.Sinks[1].Truncates = false, false
	m, err = MySQLConfig(c, &c.Sinks[0])
	if h := HBaseOptions(&c.Sinks[1], nil); err != nil || m.Truncates != "" || h.Truncates != "" {
		t.Errorf("%q, %q, %v", m.Truncates, h.Truncates, err)
	}
}

// emptying is a memory that applies truncates.
type emptying struct {
	*memory
	outcome sink.Outcome
}

func (e *emptying) Truncate(context.Context, *change.Change) (sink.Outcome, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.rows)
	return e.outcome, nil
}

// A truncate reaches the sink, and status counts it; a sink that is not to apply it keeps its rows.
func TestRunTruncate(t *testing.T) {
	for _, applied := range []bool{true, false} {
		inBubble(t, oneSinkFile, func(b *bed) {
			b.topic("skein.shop.a")
			b.put("a", 0, 1, 10)
			to := &emptying{memory: b.to, outcome: sink.Outcome{Verdict: change.Absent}}
			o := b.options()
			o.open = func(context.Context, *spec.Sink, []string) (sink.Sink, error) {
				if applied {
					return to, nil
				}
				return b.to, nil
			}
			end := b.start(o)
			b.until("the rows", func() bool { return b.to.len() == 10 })
			for p := range int32(2) {
				b.encoder.Reset()
				records, err := b.encoder.Encode(nil, &change.Change{Op: change.Truncate, Table: &change.Table{Database: "shop", Name: "a"}, Version: change.Version{Epoch: 1, ExecuteTime: 11_000}}, 0)
				if err != nil {
					b.Fatal(err)
				}
				b.raw(&kgo.Record{Topic: "skein.shop.a", Partition: p, Value: records[0].Value})
			}
			b.until("the truncates", func() bool {
				s := b.inspect().Sinks[0]
				counts := s.Tables["shop.a"]
				return s.Lag == 0 && counts.Truncated+counts.Truncates == 2 && (counts.Truncated == 2) == applied
			})
			if left := b.to.len(); left != map[bool]int{true: 0, false: 10}[applied] {
				b.Errorf("%d rows are left", left)
			}
			if err := end(); err != nil {
				b.Error(err)
			}
		})
	}
}
