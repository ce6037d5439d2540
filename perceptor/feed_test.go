package perceptor

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/snapshot"
	"github.com/skein-io/skein/perceptor/source"
)

// history is a binlog in memory: transactions, each of some changes.
type history struct {
	transactions [][]*change.Change
	progress     *snapshot.Progress
}

// write makes a history in which ids are changed at random.
func write(transactions int) *history {
	random := rand.New(rand.NewPCG(9, 9))
	h := &history{}
	offset := uint64(4)
	for tx := range transactions {
		var changes []*change.Change
		for row := range uint32(1 + random.IntN(5)) {
			v := change.Version{Epoch: 1, ExecuteTime: 1000 + int64(tx/10), Position: change.Position{File: 1, Offset: offset, Row: row}}
			c := update(int64(random.IntN(20)), v)
			if random.IntN(8) == 0 {
				c.Op, c.Before, c.After = change.Delete, c.After, nil
			}
			changes = append(changes, c)
		}
		h.transactions = append(h.transactions, changes)
		offset += 100
	}
	return h
}

// reading is a place in a history. It waits at the end.
type reading struct {
	h       *history
	tx, row int
	pause   func()
}

func (h *history) from(p binlog.Position, pause func()) *reading {
	return &reading{h: h, tx: int(p.Offset), pause: pause}
}

func (r *reading) State() source.State {
	return source.State{Position: binlog.Position{File: "bin.000001", Offset: uint64(r.tx), Epoch: 1}, Snapshot: r.h.progress}
}

func (r *reading) Next(ctx context.Context) (binlog.Event, error) {
	r.pause()
	if err := ctx.Err(); err != nil {
		return binlog.Event{}, err
	}
	if r.tx == len(r.h.transactions) {
		<-ctx.Done()
		return binlog.Event{}, ctx.Err()
	}
	if tx := r.h.transactions[r.tx]; r.row < len(tx) {
		r.row++
		return binlog.Event{Kind: binlog.Row, Change: tx[r.row-1]}, nil
	}
	r.tx, r.row = r.tx+1, 0
	return binlog.Event{Kind: binlog.Commit}, nil
}

// wire is a network that can be cut for good, as when a process dies.
type wire struct {
	dial  func(ctx context.Context, network, host string) (net.Conn, error)
	mu    sync.Mutex
	conns []net.Conn
	cut   bool
}

func (w *wire) Dial(ctx context.Context, network, host string) (net.Conn, error) {
	conn, err := w.dial(ctx, network, host)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if w.cut {
		conn.Close()
		return nil, errors.New("the process is dead")
	}
	w.conns = append(w.conns, conn)
	return conn, nil
}

func (w *wire) die() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, c := range w.conns {
		c.Close()
	}
}

func (b *bed) feedConfig(transport kgo.Opt) FeedConfig {
	return FeedConfig{Name: "db1", Brokers: b.node.Bootstraps(), Transport: []kgo.Opt{transport}, Partitions: 4, PositionEvery: 200 * time.Millisecond, Counts: &FeedCounts{}}
}

// changesOf reads the topic to its end.
func (b *bed) changesOf() (all []*change.Change) {
	b.Helper()
	d, err := envelope.NewDecoder(envelope.ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	err = cfg.lastRecords(ctx, topicOfStock, 4, 1<<40, func(r consumer.Record) error {
		in := envelope.Record{Key: r.Key, Value: r.Value}
		for k, v := range r.Headers.All() {
			in.Headers = append(in.Headers, envelope.Header{Key: k, Value: v})
		}
		out, err := d.Decode(placeOf(r), &in)
		all = append(all, out.Changes...)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// feedDying has a Feed die again and again, after least and up to more events, with a pause for each, until one comes to the end. It
// returns how many have died, and how many records were recognised as written.
func (b *bed) feedDying(random *rand.Rand, least, more int, each time.Duration, config func() FeedConfig, from func(at binlog.Position, pause func()) Changes) (deaths int, again uint64) {
	b.Helper()
	for {
		w := &wire{dial: b.node.Dial}
		cfg := config()
		cfg.Transport = []kgo.Opt{kgo.Dialer(w.Dial), kgo.RecordRetries(3)}
		start, found, err := Resume(b.Context(), cfg)
		if err != nil || found != (deaths > 0) {
			b.Fatal(found, start, err)
		}
		left := least + random.IntN(more)
		r := from(start.Position, func() {
			time.Sleep(each)
			if left--; left == 0 {
				w.die()
			}
		})
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- Feed(ctx, r, cfg) }()
		select {
		case err = <-ended:
		case <-time.After(time.Minute): // it waits at the end, or cannot reach anything any more
			cancel()
			err = <-ended
		}
		cancel()
		again += cfg.Counts.Again()
		if left > 0 {
			if err != nil {
				b.Fatal(err)
			}
			return deaths, again
		}
		deaths++
	}
}

// A Feed dies again and again at any moment, with records that are acknowledged and a position that is not kept. Each
// change is in the topic once, and those of a row in order.
func TestFeedDies(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := write(400)
		random := rand.New(rand.NewPCG(7, 7))
		total := 0
		for _, tx := range h.transactions {
			total += len(tx)
		}
		deaths, again := b.feedDying(random, 200, 400, time.Millisecond, func() FeedConfig { return b.feedConfig(nil) },
			func(at binlog.Position, pause func()) Changes { return h.from(at, pause) })
		got := b.changesOf()
		if len(got) != total {
			b.Errorf("%d changes in the topic of %d", len(got), total)
		}
		last := map[int64]change.Version{}
		for _, c := range got {
			id := c.Image()[0].Int()
			if c.Version.Compare(last[id]) <= 0 {
				b.Fatalf("row %d: %s after %s", id, c.Version, last[id])
			}
			last[id] = c.Version
		}
		if deaths < 3 || again == 0 {
			b.Errorf("too tame: %d deaths, %d records recognised", deaths, again)
		}
		t.Logf("%d deaths, %d changes, %d records recognised", deaths, total, again)
	})
}

// A clean end keeps the position behind everything.
func TestFeedEnds(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := write(50)
		h.progress = h.progress.With("shop.stock", snapshot.Table{Key: []string{"id"}, Last: []string{"7"}, Rows: 3})
		cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
		cfg.PositionEvery = time.Hour
		end := b.start(func(ctx context.Context) error { return Feed(ctx, h.from(binlog.Position{}, func() {}), cfg) })
		b.until("all changes", func() bool { return cfg.Counts.Records() > 0 && len(b.changesOf()) == int(cfg.Counts.Changes()) })
		if err := end(); err != nil {
			b.Fatal(err)
		}
		if p, found, err := Resume(b.Context(), cfg); err != nil || !found || p.Offset != 50 || p.Epoch != 1 {
			b.Errorf("it goes on at %s (%v, %v)", p, found, err)
		} else if at, _ := p.Snapshot.Of("shop.stock"); at.Rows != 3 || at.Last[0] != "7" {
			b.Errorf("its snapshot goes on at %+v", at)
		}
		other := cfg
		other.Name = "db2"
		if _, found, err := Resume(b.Context(), other); found || err != nil {
			b.Errorf("another source has its position (%v)", err)
		}
	})
}

// What cannot be written ends the Feed by name; nothing behind it is acknowledged as position.
func TestFeedRefuses(t *testing.T) {
	inBubble(t, func(b *bed) {
		keyless := &change.Table{Database: "shop", Name: "log", Columns: stock.Columns}
		c := update(1, version(1, 500))
		c.Table = keyless
		h := &history{transactions: [][]*change.Change{{update(1, version(1, 400))}, {c}, {update(2, version(1, 600))}}}
		cfg := b.feedConfig(kgo.Dialer(b.node.Dial))
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		err := Feed(ctx, h.from(binlog.Position{}, func() {}), cfg)
		if err == nil || !strings.Contains(err.Error(), "shop.log") || !strings.Contains(err.Error(), "no primary key") {
			b.Fatalf("it ended with %v", err)
		}
		if p, _, err := Resume(b.Context(), cfg); err != nil || p.Offset != 1 {
			b.Errorf("it goes on at %s (%v)", p, err)
		}
	})
}

// A record that is too large for the topic ends it, too.
func TestFeedTooLarge(t *testing.T) {
	inBubble(t, func(b *bed) {
		c := update(1, version(1, 400))
		c.After[2] = change.TextValue([]byte(strings.Repeat("x", 3<<20)))
		h := &history{transactions: [][]*change.Change{{c}}}
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
		defer cancel()
		err := Feed(ctx, h.from(binlog.Position{}, func() {}), b.feedConfig(kgo.Dialer(b.node.Dial)))
		if err == nil || !strings.Contains(err.Error(), topicOfStock) {
			b.Errorf("it ended with %v", err)
		}
	})
}

func TestFeedMisuse(t *testing.T) {
	for what, cfg := range map[string]FeedConfig{"name": {}, "interval": {Name: "a", PositionEvery: -1}, "format": {Name: "a", Encode: envelope.Options{Format: 9}}} {
		if err := Feed(t.Context(), nil, cfg); err == nil {
			t.Errorf("%s: nothing is refused", what)
		}
	}
}
