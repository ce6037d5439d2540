package perceptor

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
)

// emptied is a binlog in which rows of a table change between truncates and drops, and what the table has at its end.
func emptied(random *rand.Rand) (events []binlog.Event, rows map[int64]uint64, truncates []change.Version, untold []string) {
	rows = map[int64]uint64{}
	add := func(e binlog.Event) { events = append(events, e) }
	behind := func() uint64 { return uint64(100 * len(events)) }
	all := func(v change.Version) {
		clear(rows)
		truncates = append(truncates, v)
	}
	for range 180 {
		switch random.IntN(16) {
		case 0:
			add(sql("TRUNCATE TABLE stock"))
			all(version(int64(behind()), behind()))
		case 1:
			add(sql("DROP TABLE IF EXISTS other, stock"))
			all(version(int64(behind()), behind()))
			untold = append(untold, "shop.other dropped")
		case 2: // CREATE OR REPLACE TABLE ... SELECT
			begin := behind()
			add(binlog.Event{Kind: binlog.Begin})
			add(sql("CREATE OR REPLACE TABLE stock (id BIGINT) SELECT 1"))
			v := version(int64(begin), begin+1)
			v.Position.Row = 1
			all(v)
			id := random.Int64N(20)
			add(binlog.Event{Kind: binlog.Row, Change: update(id, version(int64(begin), behind()))})
			rows[id] = behind() - 100
			add(binlog.Event{Kind: binlog.Commit})
		case 3:
			add(sql("ALTER TABLE stock DROP PARTITION p"))
			untold = append(untold, "shop.stock changed in part")
		default:
			add(binlog.Event{Kind: binlog.Begin})
			for range 1 + random.IntN(4) {
				c := update(random.Int64N(20), version(int64(behind()), behind()))
				id := c.After[0].Int()
				if rows[id] = behind(); random.IntN(6) == 0 {
					c.Op, c.Before, c.After = change.Delete, c.After, nil
					delete(rows, id)
				}
				add(binlog.Event{Kind: binlog.Row, Change: c})
			}
			add(binlog.Event{Kind: binlog.Commit})
		}
	}
	return events, rows, truncates, untold
}

// emptying is a table that applies truncates as a sink's is to.
type emptying struct {
	mu    sync.Mutex
	rows  map[int64]*change.Change
	cut   change.Version
	taken int // rows, by truncates
}

func (s *emptying) Apply(_ context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range changes {
		id := c.Image()[0].Int()
		have := s.rows[id]
		var stored change.Version
		if have != nil {
			stored = have.Version
		}
		outcomes[i].Verdict = change.Judge(stored, have != nil, c.Version)
		if c.Version.Compare(s.cut) < 0 {
			outcomes[i].Verdict = change.Stale
		}
		if outcomes[i].Verdict.Puts() {
			s.rows[id] = c
		}
	}
	return nil
}

func (s *emptying) Truncate(_ context.Context, c *change.Change) (o sink.Outcome, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Verdict = change.Judge(s.cut, s.cut != change.Version{}, c.Version)
	if o.Verdict.Puts() {
		s.cut = c.Version
	}
	for id, have := range s.rows {
		if have.Version.Compare(s.cut) < 0 {
			delete(s.rows, id)
			s.taken++
		}
	}
	return o, nil
}

func (s *emptying) Close() error { return nil }

// has are the rows that are there, with what their second column has.
func (s *emptying) has() map[int64]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := map[int64]uint64{}
	for id, c := range s.rows {
		if c.Op != change.Delete {
			rows[id] = uint64(c.After[1].Int())
		}
	}
	return rows
}

// partitionsOf reads the changes of each partition of the topic, in order.
func (b *bed) partitionsOf() (all [4][]*change.Change) {
	b.Helper()
	d, _ := envelope.NewDecoder(envelope.ReadOptions{})
	cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
	err := cfg.lastRecords(b.Context(), topicOfStock, 4, 1<<40, func(r consumer.Record) error {
		in := envelope.Record{Key: r.Key, Value: r.Value}
		for k, v := range r.Headers.All() {
			in.Headers = append(in.Headers, envelope.Header{Key: k, Value: v})
		}
		out, err := d.Decode(placeOf(r), &in)
		all[r.Partition] = append(all[r.Partition], out.Changes...)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

func (b *bed) truncating(transport kgo.Opt, untold func(Untold)) FeedConfig {
	cfg := b.feedConfig(transport)
	stock := func(_, table string) bool { return table == "stock" }
	cfg.Truncates, cfg.Drops, cfg.Untold = stock, stock, untold
	return cfg
}

// A Feed dies at any moment, in the middle of a truncate's records, too. Each partition has each truncate once, all of one version, behind
// the rows that it takes and in front of those that follow; in whatever order partitions are applied, the rows are the source's at the end.
func TestFeedTruncates(t *testing.T) {
	inBubble(t, func(b *bed) {
		random := rand.New(rand.NewPCG(11, 11))
		events, rows, truncates, untold := emptied(random)
		told := map[string]bool{}
		deaths, again := b.feedDying(random, 60, 200, 2*time.Millisecond, func() FeedConfig {
			return b.truncating(nil, func(u Untold) {
				told[fmt.Sprintf("%s %s %d", u.Name, u.Kind, u.Version.Position.Offset)] = true
			})
		}, func(at binlog.Position, pause func()) Changes { return from(events, at, pause) })
		parts := b.partitionsOf()
		var all []*change.Change
		for p, changes := range parts {
			var have []change.Version
			var last change.Version
			for _, c := range changes {
				if c.Version.Compare(last) <= 0 {
					b.Errorf("partition %d: %s after %s", p, c.Version, last)
				}
				if last = c.Version; c.Op == change.Truncate {
					have = append(have, c.Version)
				}
			}
			if !slices.Equal(have, truncates) {
				b.Errorf("partition %d has %d truncates of %d", p, len(have), len(truncates))
			}
			all = append(all, changes...)
		}
		for range 50 {
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			s := &emptying{rows: map[int64]*change.Change{}}
			for _, c := range all {
				if c.Op == change.Truncate {
					_, _ = s.Truncate(b.Context(), c)
				} else {
					_ = s.Apply(b.Context(), []*change.Change{c}, make([]sink.Outcome, 1))
				}
			}
			if got := s.has(); !maps.Equal(got, rows) {
				b.Fatalf("in another order the rows are %v, not %v", got, rows)
			}
		}
		s := &emptying{rows: map[int64]*change.Change{}}
		var counts Counts
		end := b.start(func(ctx context.Context) error {
			return Apply(ctx, "g", []string{"shop.stock"}, s, b.options(Count(&counts))...)
		})
		b.until("all truncates", func() bool { return counts.Tables()["shop.stock"].Truncated == uint64(4*len(truncates)) })
		b.until("the rows", func() bool { return maps.Equal(s.has(), rows) })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		if len(rows) < 5 || s.taken == 0 || deaths < 3 || again == 0 || len(truncates) < 20 || len(told) != len(untold) {
			b.Errorf("too tame: %d rows, %d taken, %d deaths, %d again, %d truncates; %d untold of %d", len(rows), s.taken, deaths, again, len(truncates), len(told), len(untold))
		}
		t.Logf("%d truncates, %d deaths, %d records recognised, %d rows taken", len(truncates), deaths, again, s.taken)
	})
}

// A Feed has died when some partitions had the truncate: the next one writes it to the others, of the same version, and to none twice; also
// to more partitions than a parcel has room for.
func TestFeedTruncateGoesOn(t *testing.T) {
	inBubble(t, func(b *bed) {
		events := []binlog.Event{sql("TRUNCATE stock"), {Kind: binlog.Begin}, {Kind: binlog.Row, Change: update(1, version(300, 300))}, {Kind: binlog.Commit}, sql("TRUNCATE wide"),
			sql("TRUNCATE `with.dot`"), sql("DROP TABLE `with.dot`")}
		first := &change.Change{Op: change.Truncate, Table: stock, Version: version(100, 100), Origin: change.Origin{File: "bin.000001"}}
		b.put(1, first)
		b.put(3, first)
		cfg := b.truncating(kgo.Dialer(b.node.Dial), nil)
		cfg.Truncates = func(string, string) bool { return true }
		cfg.Drops = cfg.Truncates
		const wide = parcelRecordsMax + 50
		cfg.Partitions = wide
		end := b.start(func(ctx context.Context) error { return Feed(ctx, from(events, binlog.Position{}, func() {}), cfg) })
		b.until("the end", func() bool { p, _, err := Resume(b.Context(), cfg); return err == nil && p.Offset == 700 })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		for p, changes := range b.partitionsOf() {
			if len(changes) == 0 || changes[0].Op != change.Truncate || changes[0].Version != first.Version || len(changes) > 1 && changes[1].Op != change.Update {
				b.Errorf("partition %d has %v", p, changes)
			}
		}
		if cfg.Counts.Again() != 2 || cfg.Counts.Records() != 2+1+3*wide {
			b.Errorf("%d again, %d records", cfg.Counts.Again(), cfg.Counts.Records())
		}
		seen := map[int32]string{}
		if err := cfg.lastRecords(b.Context(), "skein.shop.wide", wide, 10, func(r consumer.Record) error {
			seen[r.Partition] += string(r.Value)
			return nil
		}); err != nil || len(seen) != wide {
			b.Fatalf("%d partitions have it, %v", len(seen), err)
		}
		for p, value := range seen {
			if value[:strings.Index(value, `"ts_ms"`)] != seen[0][:strings.Index(seen[0], `"ts_ms"`)] || strings.Count(value, `"op":"t"`) != 1 {
				b.Errorf("partition %d has %s", p, value)
			}
		}
	})
}

// What is not written is told, and nothing else is.
func TestFeedUntold(t *testing.T) {
	inBubble(t, func(b *bed) {
		events := []binlog.Event{sql("TRUNCATE stock"), sql("DROP TABLE stock, other"), sql("DROP DATABASE shop"), sql("CREATE TABLE stock (id INT)"), sql("ALTER TABLE stock ADD x INT"),
			sql("ALTER TABLE stock EXCHANGE PARTITION p WITH TABLE other"), sql("RENAME TABLE stock TO old"),
			sql("DROP TABLE IF EXISTS never"), sql("DROP TABLE `a name that no topic has`")}
		var told []string
		cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
		cfg.Drops = func(_, table string) bool { return table != "other" }
		cfg.Untold = func(u Untold) {
			told = append(told, fmt.Sprintf("%s.%s %s %d %s", u.Database, u.Table, u.Kind, u.Version.Position.Offset, u.File))
		}
		end := b.start(func(ctx context.Context) error { return Feed(ctx, from(events, binlog.Position{}, func() {}), cfg) })
		b.until("the end", func() bool { p, _, err := Resume(b.Context(), cfg); return err == nil && p.Offset == 900 })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		want := []string{"shop.stock truncated 100 bin.000001", "shop.other dropped 200 bin.000001", "shop. dropped 300 bin.000001", "shop.stock changed in part 600 bin.000001",
			"shop.other changed in part 600 bin.000001", "shop.stock renamed 700 bin.000001"}
		if !slices.Equal(told, want) {
			b.Errorf("%q, not %q", told, want)
		}
		if topics, err := kadm.NewClient(b.producer).ListTopics(b.Context()); err != nil || topics.Has("skein.shop.never") {
			b.Errorf("a topic was made, %v", err)
		}
		if n := cfg.Counts.Records(); n != 4 {
			b.Errorf("%d records of the drop, not one in each partition", n)
		}
		cfg.Encode.Format = envelope.Maxwell
		if err := Feed(b.Context(), nil, cfg); err == nil || !strings.Contains(err.Error(), "no form for a truncate") {
			b.Error(err)
		}
	})
}
