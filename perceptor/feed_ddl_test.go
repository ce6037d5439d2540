package perceptor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/source"
)

// script is a binlog of events, each 100 bytes long; it waits at the end.
type script struct {
	events []binlog.Event
	at     int
	behind uint64 // the offset behind the last transaction
	inside bool
	pause  func()
}

func (s *script) State() source.State {
	return source.State{Position: binlog.Position{File: "bin.000001", Offset: s.behind, Epoch: 1, Clock: int64(s.behind)}}
}

func (s *script) Next(ctx context.Context) (binlog.Event, error) {
	s.pause()
	if err := ctx.Err(); err != nil {
		return binlog.Event{}, err
	}
	if s.at == len(s.events) {
		<-ctx.Done()
		return binlog.Event{}, ctx.Err()
	}
	e := s.events[s.at]
	s.at++
	switch e.Kind {
	case binlog.Begin:
		s.inside = true
	case binlog.Commit:
		s.inside = false
	}
	if !s.inside {
		s.behind = uint64(100 * s.at)
	}
	return e, nil
}

// from is the script read from a position.
func from(events []binlog.Event, p binlog.Position, pause func()) *script {
	return &script{events: events, at: int(p.Offset / 100), behind: p.Offset, pause: pause}
}

func sql(text string) binlog.Event {
	return binlog.Event{Kind: binlog.Statement, Database: "shop", SQL: text, GTID: "0-1-7", Time: 5000}
}

// statementsOf reads the topic of statements.
func (b *bed) statementsOf(topic string) (all []string) {
	b.Helper()
	cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
	d, _ := envelope.NewDecoder(envelope.ReadOptions{})
	err := cfg.lastRecords(b.Context(), topic, 1, 1<<40, func(r consumer.Record) error {
		out, err := d.Decode(placeOf(r), &envelope.Record{Key: r.Key, Value: r.Value})
		if out.Kind != envelope.DDL {
			b.Errorf("%s: %s", out.Kind, r.Value)
		}
		all = append(all, out.SQL)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// A Feed dies at any moment: each statement of a wanted table is in its topic once, in order, two of one transaction apart.
func TestFeedStatements(t *testing.T) {
	inBubble(t, func(b *bed) {
		var events []binlog.Event
		var want []string
		random := rand.New(rand.NewPCG(3, 3))
		for i := range 120 {
			offset := func() uint64 { return uint64(100 * (len(events) + 1)) }
			switch random.IntN(5) {
			case 0:
				events = append(events, sql(fmt.Sprintf("ALTER TABLE stock ADD c%d INT", i)))
				want = append(want, events[len(events)-1].SQL)
			case 1:
				events = append(events, sql("ALTER TABLE other ADD x INT"), sql("GRANT ALL ON *.* TO x"))
			case 2:
				events = append(events, sql("TRUNCATE TABLE stock"))
				want = append(want, "TRUNCATE TABLE stock")
			case 3: // CREATE TABLE ... SELECT
				events = append(events, binlog.Event{Kind: binlog.Begin}, sql(fmt.Sprintf("CREATE TABLE stock (c%d INT)", i)), sql(fmt.Sprintf("ALTER TABLE stock ADD d%d INT", i)))
				want = append(want, events[len(events)-2].SQL, events[len(events)-1].SQL)
				v := version(int64(offset()), offset())
				events = append(events, binlog.Event{Kind: binlog.Row, Change: update(int64(i), v)}, binlog.Event{Kind: binlog.Commit})
			default:
				v := version(int64(offset())+100, offset()+100)
				events = append(events, binlog.Event{Kind: binlog.Begin}, binlog.Event{Kind: binlog.Row, Change: update(int64(i), v)}, binlog.Event{Kind: binlog.Commit})
			}
		}
		deaths, again := b.feedDying(random, 40, 150, 2*time.Millisecond, func() FeedConfig {
			cfg := b.feedConfig(nil)
			cfg.DDL = func(_, table string) bool { return table == "stock" }
			cfg.Lookup = func(context.Context, string, string) (*change.Table, error) { return stock, nil }
			return cfg
		}, func(at binlog.Position, pause func()) Changes { return from(events, at, pause) })
		if got := b.statementsOf("skein"); !slices.Equal(got, want) {
			b.Errorf("%d statements, not %d:\n%q\n%q", len(got), len(want), got, want)
		}
		if deaths < 2 || again == 0 {
			b.Errorf("too tame: %d deaths, %d records recognised", deaths, again)
		}
		t.Logf("%d statements, %d deaths, %d records recognised", len(want), deaths, again)
	})
}

// Each format has its form. Maxwell has none for a TRUNCATE, and what is not wanted makes no topic.
func TestFeedStatementForms(t *testing.T) {
	inBubble(t, func(b *bed) {
		events := []binlog.Event{sql("CREATE TABLE stock (id INT)"), sql("RENAME TABLE a TO b, c TO stock"), sql("TRUNCATE stock"), sql("DROP TABLE stock, stock2"), sql("CREATE INDEX i ON stock (id)"), sql("DROP DATABASE shop")}
		for format, want := range map[envelope.Format]int{envelope.Debezium: 6, envelope.Canal: 6, envelope.Maxwell: 5} {
			cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
			cfg.Name, cfg.Encode.Format, cfg.Encode.Prefix, cfg.Encode.Schemas = format.String(), format, format.String(), true
			cfg.DDL = func(string, string) bool { return true }
			end := b.start(func(ctx context.Context) error { return Feed(ctx, from(events, binlog.Position{}, func() {}), cfg) })
			b.until(format.String(), func() bool { return cfg.Counts.Records() == uint64(want) })
			if err := end(); err != nil {
				b.Fatal(err)
			}
			if p, _, err := Resume(b.Context(), cfg); err != nil || p.Offset != 600 {
				b.Errorf("it goes on at %s, %v", p, err)
			}
			n := 0
			if err := cfg.lastRecords(b.Context(), format.String(), 1, 100, func(r consumer.Record) error { n++; return nil }); err != nil || n != want {
				b.Errorf("%s: %d statements, %v", format, n, err)
			}
		}
		cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
		cfg.Encode.Prefix, cfg.DDL = "none", func(string, string) bool { return false }
		end := b.start(func(ctx context.Context) error { return Feed(ctx, from(events, binlog.Position{}, func() {}), cfg) })
		b.until("the end", func() bool { p, _, err := Resume(b.Context(), cfg); return err == nil && p.Offset == 600 })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		admin := kadm.NewClient(b.producer)
		if topics, err := admin.ListTopics(b.Context()); err != nil || topics.Has("none") {
			b.Errorf("a topic was made, %v", err)
		}
		if resp, err := admin.CreateTopic(b.Context(), 3, -1, nil, "three"); err != nil || resp.Err != nil {
			b.Fatal(err)
		}
		cfg.Encode.Prefix, cfg.DDL = "three", func(string, string) bool { return true }
		if err := Feed(b.Context(), from(events, binlog.Position{}, func() {}), cfg); err == nil || !strings.Contains(err.Error(), "topic three has 3 partitions") {
			b.Error(err)
		}
	})
}
