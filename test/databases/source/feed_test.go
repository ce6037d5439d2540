package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/source"
	"github.com/skein-io/skein/skeintest"
)

// wire is a network that can be cut for good, as when a process dies.
type wire struct {
	mu    sync.Mutex
	conns []net.Conn
	cut   bool
}

func (w *wire) dial(ctx context.Context, network, host string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, host)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if w.cut {
		return nil, errors.Join(errors.New("the process is dead"), conn.Close())
	}
	w.conns = append(w.conns, conn)
	return conn, nil
}

func (w *wire) die() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, c := range w.conns {
		_ = c.Close()
	}
}

// mortal is a source whose process dies after some events.
type mortal struct {
	*source.Source
	left int
	die  func()
	told *atomic.Int64
}

var errDead = errors.New("the process is dead")

func (m *mortal) Next(ctx context.Context) (binlog.Event, error) {
	if m.left--; m.left <= 0 {
		m.die()
		return binlog.Event{}, errDead
	}
	m.told.Add(1)
	return m.Source.Next(ctx)
}

// From MariaDB through Feed into a broker, with deaths at any moment of a snapshot and of the stream after it, while the tables are written to:
// what the topics have is what the tables have, in order.
func TestFeed(t *testing.T) {
	fill(t, shared, "fed", 3_000)
	var told topic // only for how much was told
	stop, _ := writers(t, shared, &told, "fed", 2, 3_000)
	defer stop()
	node := skeintest.Start(t)
	r := rand.New(rand.NewPCG(6, 7))
	feed := perceptor.FeedConfig{Name: "db1", Encode: envelope.Options{Format: envelope.Debezium, Schemas: true}, Brokers: node.Bootstraps(), Partitions: partitionsOfTable, PositionEvery: 300 * time.Millisecond}
	deaths := 0
	var counts []*perceptor.FeedCounts
	var feeds sync.WaitGroup
	var stopping []context.CancelFunc
	for done := false; !done; {
		w := &wire{}
		feed.Transport = []kgo.Opt{kgo.Dialer(w.dial), kgo.RecordRetries(5)}
		feed.Counts = &perceptor.FeedCounts{}
		from, found, err := perceptor.Resume(t.Context(), feed)
		if err != nil {
			t.Fatal(err)
		}
		config := shared.config(t, "fed")
		config.Log = nil
		config.ChunkRows, config.ViewMax = 250, 100*time.Millisecond
		s := open(t, config, from, found)
		m := &mortal{Source: s, left: 500 + r.IntN(3_000), told: &told.told}
		ctx, cancel := context.WithCancel(t.Context())
		if deaths >= 12 {
			stop()
			m.left = 1 << 30
			now, err := binlog.Current(t.Context(), config.Binlog)
			if err != nil {
				t.Fatal(err)
			}
			done = true
			go func() { // the end is when everything is kept
				defer cancel()
				for t.Context().Err() == nil {
					at, _, err := perceptor.Resume(ctx, feed)
					finished := 0
					for _, table := range at.Snapshot.Tables() {
						if table.Done {
							finished++
						}
					}
					if err == nil && finished == 3 && at.GTID == now.GTID {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
			}()
		}
		dead := make(chan struct{})
		m.die = func() { w.die(); close(dead) }
		ended := make(chan error, 1)
		counts = append(counts, feed.Counts)
		feeds.Go(func() { ended <- perceptor.Feed(ctx, m, feed) })
		select {
		case err := <-ended:
			if !done || err != nil {
				t.Fatal(err)
			}
		case <-dead: // it tries for a while to write what it has, and cannot
			deaths++
		}
		stopping = append(stopping, cancel)
		_ = s.Close()
	}
	for _, cancel := range stopping {
		cancel()
	}
	feeds.Wait()
	again, changes := uint64(0), uint64(0)
	for _, c := range counts {
		again, changes = again+c.Again(), changes+c.Changes()
	}
	t.Logf("%d deaths, %d changes, %d records recognised", deaths, changes, again)
	if again == 0 {
		t.Error("that was too easy")
	}
	p := newTopic()
	for _, name := range []string{"a", "b", "c"} {
		p.read(t, node.Bootstraps(), "skein.fed."+name)
		p.compare(t, shared, "fed", name)
	}
}

// read takes what a topic has.
func (p *topic) read(t *testing.T, brokers []string, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := consumer.New(ctx, consumer.Brokers(brokers...), consumer.ResetTo(consumer.Earliest))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	d, err := envelope.NewDecoder(envelope.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []consumer.TopicPartition
	for n := range int32(partitionsOfTable) {
		all = append(all, consumer.TopicPartition{Topic: topic, Partition: n})
	}
	ends, err := c.EndOffsets(ctx, all...)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Assign(all...); err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	for n, end := range ends {
		if end > 0 {
			left[n.Partition] = end
		}
	}
	last := map[int32]change.Version{}
	for len(left) > 0 {
		records, err := c.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for r := range records.All() {
			in := envelope.Record{Key: r.Key, Value: r.Value}
			for k, v := range r.Headers.All() {
				in.Headers = append(in.Headers, envelope.Header{Key: k, Value: v})
			}
			out, err := d.Decode(envelope.Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}, &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range out.Changes {
				if one.Version.Compare(last[r.Partition]) <= 0 {
					t.Fatalf("%s, partition %d, offset %d: version %s after %s", topic, r.Partition, r.Offset, one.Version, last[r.Partition])
				}
				last[r.Partition] = one.Version
				p.append(fmt.Sprintf("%s/%d", one.Table, r.Partition), one)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		}
	}
}
