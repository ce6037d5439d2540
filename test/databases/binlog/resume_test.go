package binlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
)

// write fills a table with rows 1 to n, in transactions of 1 to 5 rows, over many files, with some statements in between.
func write(t *testing.T, d *database, table string, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(n)))
	d.exec(t, "CREATE TABLE "+table+" (id BIGINT PRIMARY KEY, v VARCHAR(200))")
	for id := 1; id <= n; {
		tx, err := d.sql.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + r.IntN(5) {
			if id > n {
				break
			}
			if _, err := tx.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO %s VALUES (%d, REPEAT('x', %d))", table, id, r.IntN(200))); err != nil {
				t.Fatal(err)
			}
			id++
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		switch r.IntN(20) {
		case 0:
			d.exec(t, "FLUSH BINARY LOGS")
		case 1:
			d.exec(t, "CREATE OR REPLACE VIEW a_view AS SELECT 1")
		}
	}
}

// inOrder checks that rows come with ids 1, 2, 3 and versions that grow.
type inOrder struct {
	next int64
	last change.Version
}

func (o *inOrder) take(t testing.TB, c *change.Change) {
	t.Helper()
	if id := c.After[0].Int(); id != o.next+1 {
		t.Fatalf("row %d comes after row %d", id, o.next)
	}
	if c.Version.Compare(o.last) <= 0 {
		t.Fatalf("row %d has version %s, the one before it %s", o.next+1, c.Version, o.last)
	}
	o.next++
	o.last = c.Version
}

// both runs a test by file and by GTID.
func both(t *testing.T, f func(t *testing.T, gtid bool)) {
	t.Run("by file", func(t *testing.T) { f(t, false) })
	t.Run("by GTID", func(t *testing.T) { f(t, true) })
}

// Readers that are opened anew, each at the position where the one before it was ended, kept as JSON: each row once and in order, over many
// files. And what a row's version is does not depend on where reading began.
func TestResume(t *testing.T) {
	d := own(t, map[string]string{"max-binlog-size": "4096"})
	start := d.now(t)
	const n = 600
	write(t, d, "resume", n)
	versions := make(map[int64]change.Version)
	both(t, func(t *testing.T, gtid bool) {
		r := rand.New(rand.NewPCG(3, 4))
		position, order, files, opened := start, inOrder{}, map[string]bool{}, 0
		for order.next < n {
			config := d.config()
			config.GTID, config.Start = gtid, position
			if gtid {
				config.Start.File, config.Start.Offset = "", 0
			}
			reader := open(t, config)
			opened++
			commits := 1 + r.IntN(30)
			until(t, reader, func(e binlog.Event) bool {
				switch e.Kind {
				case binlog.Row:
					order.take(t, e.Change)
					files[e.Change.Origin.File] = true
					if v, seen := versions[order.next]; seen && v != e.Change.Version {
						t.Fatalf("row %d has version %s, and had %s", order.next, e.Change.Version, v)
					}
					versions[order.next] = e.Change.Version
				case binlog.Commit:
					commits--
				}
				return e.Kind == binlog.Commit && (commits == 0 || order.next == n)
			})
			text, err := json.Marshal(reader.Position())
			if err != nil {
				t.Fatal(err)
			}
			position = binlog.Position{}
			if err := json.Unmarshal(text, &position); err != nil || position != reader.Position() {
				t.Fatalf("%s came back as %+v: %v", text, position, err)
			}
			_ = reader.Close()
		}
		t.Logf("%d readers, %d files, at the end %s", opened, len(files), position)
		if opened < 5 || len(files) < 5 {
			t.Error("that was too easy")
		}
		if now := d.now(t); now.GTID != position.GTID {
			t.Errorf("the position is %s, the server's %s", position, now)
		}
	})
	t.Run("from the oldest file", func(t *testing.T) {
		reader, order := open(t, d.config()), inOrder{}
		for _, e := range rows(t, reader, n) {
			order.take(t, e.Change)
			if versions[order.next] != e.Change.Version {
				t.Fatalf("row %d has version %s, and had %s", order.next, e.Change.Version, versions[order.next])
			}
		}
	})
}

// brittle is a connection that breaks after some bytes.
type brittle struct {
	net.Conn
	left int
}

func (b *brittle) Read(p []byte) (int, error) {
	if b.left <= 0 {
		_ = b.Conn.Close()
		return 0, errors.New("broken by the test")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// A connection that breaks again and again, at any byte, in the middle of packets and of transactions: each event once and in order.
func TestReconnect(t *testing.T) {
	d := own(t, map[string]string{"max-binlog-size": "16384"})
	start := d.now(t)
	const n = 2_000
	write(t, d, "reconnect", n)
	// What an unbroken reader tells.
	config := d.config()
	config.Start = start
	rowsSeen := 0
	want := until(t, open(t, config), func(e binlog.Event) bool {
		if e.Kind == binlog.Row {
			rowsSeen++
		}
		return rowsSeen == n && e.Kind == binlog.Commit
	})
	both(t, func(t *testing.T, gtid bool) {
		r := rand.New(rand.NewPCG(5, 6))
		config := d.config()
		config.GTID, config.Start = gtid, start
		config.RetryWaitMax = time.Millisecond
		breaks, inside := 0, 0
		open := false
		config.Retrying = func(error, time.Duration) {
			breaks++
			if open {
				inside++
			}
		}
		config.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return &brittle{c, 1_200 + r.IntN(8_000)}, err
		}
		reader, err := binlog.Open(t.Context(), config)
		for err != nil {
			reader, err = binlog.Open(t.Context(), config)
		}
		defer func() { _ = reader.Close() }()
		at := 0
		until(t, reader, func(e binlog.Event) bool {
			if e.Kind == binlog.Heartbeat {
				return false
			}
			w := want[at]
			if e.Kind != w.Kind || e.GTID != w.GTID || e.SQL != w.SQL || e.Kind == binlog.Row && (e.Change.Version != w.Change.Version || e.Change.After[0].Int() != w.Change.After[0].Int()) {
				t.Fatalf("event %d is %s %s, not %s %s", at, e.Kind, e.GTID, w.Kind, w.GTID)
			}
			open = e.Kind == binlog.Begin || e.Kind == binlog.Row
			at++
			return at == len(want)
		})
		t.Logf("%d breaks, %d of them inside of a transaction that was told in part", breaks, inside)
		if inside < 10 {
			t.Error("that was too easy")
		}
	})
}

// The server is killed while it writes, three times, and started again: the rows that it has are told, once and in order.
func TestKill(t *testing.T) {
	d := own(t, map[string]string{"max-binlog-size": "65536"})
	d.exec(t, "CREATE TABLE killed (id BIGINT PRIMARY KEY, v VARCHAR(100))")
	start := d.now(t)
	both(t, func(t *testing.T, gtid bool) {
		config := d.config()
		config.GTID, config.Start = gtid, start
		config.RetryWaitMax = 50 * time.Millisecond
		reader := open(t, config)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		// A writer that goes on with whatever the server has.
		var writer sync.WaitGroup
		writer.Go(func() {
			for ctx.Err() == nil {
				_, _ = d.sql.ExecContext(ctx, "INSERT INTO killed SELECT (SELECT COALESCE(MAX(id), 0) FROM killed) + seq, 'x' FROM seq_1_to_3")
			}
		})
		order, kills := inOrder{}, 0
		target := int64(300)
		until(t, reader, func(e binlog.Event) bool {
			if e.Kind != binlog.Row {
				return false
			}
			order.take(t, e.Change)
			if order.next >= target && kills < 3 {
				kills++
				target += 300
				if err := d.Kill(); err != nil {
					t.Fatal(err)
				}
				if err := d.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return order.next >= target
		})
		stop()
		writer.Wait()
		last := d.column(t, "SELECT COUNT(*) FROM killed")[0]
		for order.next < atoi(t, last) {
			order.take(t, rows(t, reader, 1)[0].Change)
		}
		t.Logf("%d rows, %d kills, at the end %s", order.next, kills, reader.Position())
		if want := d.now(t); reader.Position().GTID == "" || want.File == "" {
			t.Errorf("at %s the reader is at %s", want, reader.Position())
		}
		start = d.now(t)
		d.exec(t, "DROP TABLE killed", "CREATE TABLE killed (id BIGINT PRIMARY KEY, v VARCHAR(100))")
	})
}

func atoi(t testing.TB, text string) int64 {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A context that ends leaves the reader whole: the next call goes on where the last one was.
func TestNextAfterCancel(t *testing.T) {
	start := shared.now(t)
	shared.exec(t, "DROP TABLE IF EXISTS cancelled", "CREATE TABLE cancelled (id BIGINT PRIMARY KEY)", "INSERT INTO cancelled SELECT seq FROM seq_1_to_100")
	config := shared.config()
	config.Start = start
	config.Tables = func(_, table string) bool { return table == "cancelled" }
	reader, order := open(t, config), inOrder{}
	for order.next < 100 {
		e := rows(t, reader, 1)[0]
		order.take(t, e.Change)
		if order.next%10 == 0 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			// What is there already may be told; in the end the context is.
			for {
				e, err := reader.Next(ctx)
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Fatal(err)
					}
					break
				}
				if e.Kind == binlog.Row {
					order.take(t, e.Change)
				}
			}
		}
	}
}

// Close ends a Next that waits.
func TestCloseEndsNext(t *testing.T) {
	config := shared.config()
	config.Start = shared.now(t)
	config.Heartbeat = 5 * time.Minute
	reader := open(t, config)
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := reader.Next(context.Background()); err != nil {
				ended <- err
				return
			}
		}
	}()
	_ = reader.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, binlog.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("Next waits on")
	}
}
