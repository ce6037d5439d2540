package hbase

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

// moveAway moves a region until it is on another server: the master may choose the same.
func moveAway(ctx context.Context, c *client.Client, table string, row []byte) error {
	before, err := c.Server(ctx, table, row)
	if err != nil {
		return err
	}
	for range 50 {
		if err := c.MoveRegion(ctx, table, row); err != nil {
			return err
		}
		if after, err := c.Server(ctx, table, row); err != nil || after != before {
			return err
		}
	}
	return fmt.Errorf("the region of %q stays on %s", row, before)
}

// Regions split and move while changes come.
func TestHBaseSplitAndMove(t *testing.T) {
	dir := t.TempDir()
	server, err := startHBase(filepath.Join(dir, "hbase"), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	c := hbaseClient(t, server.Addr())
	table := "orders"
	if err := c.CreateTable(t.Context(), client.TableSpec{Name: table, Families: []string{"d", "update_info"}, Splits: [][]byte{[]byte("2"), []byte("4")}}); err != nil {
		t.Fatal(err)
	}
	h := shuffled(rand.New(rand.NewPCG(7, 7)), 50, 1000, 20)
	trouble := make(chan struct{}, 100)
	moved := make(chan error, 1)
	go func() {
		var errs []error
		for _, where := range []string{"15", "", "3", "", "45"} {
			<-trouble
			if where == "" {
				errs = append(errs, moveAway(t.Context(), c, table, []byte("1")))
			} else {
				errs = append(errs, c.SplitRegion(t.Context(), table, []byte(where)))
			}
		}
		moved <- errors.Join(errs...)
	}()
	var told atomic.Int64
	h.deliver(t, 7, func() *sinks.Sink { return openSink(t, server.Addr(), sinks.Table{Name: table}) }, func(done int) {
		if int64(done)*6/int64(len(h.deliveries)) > told.Load() {
			told.Add(1)
			trouble <- struct{}{}
		}
	})
	for range 5 { // what was not told, because the end came first
		trouble <- struct{}{}
	}
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	h.check(t, c, table)
	h.check(t, hbaseClient(t, server.Addr()), table) // one that remembers nothing
}

// HBase is killed in the middle and started again on its data.
func TestHBaseKilled(t *testing.T) {
	// After a kill, HBase waits until its own session of before has run out.
	server, err := startHBase(filepath.Join(t.TempDir(), "hbase"), 1, map[string]string{"zookeeper.session.timeout.localHBaseCluster": "15000"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	c := hbaseClient(t, server.Addr())
	_, table := hbaseSink(t, server.Addr(), sinks.Table{Salt: 4})
	h := shuffled(rand.New(rand.NewPCG(8, 8)), 50, 1000, 20)
	kill := make(chan struct{})
	killed := make(chan error, 1)
	go func() {
		<-kill
		killed <- errors.Join(server.Kill(), server.Start(context.Background()))
	}()
	var once sync.Once
	h.deliver(t, 8, func() *sinks.Sink { return openSink(t, server.Addr(), sinks.Table{Name: table, Salt: 4}) }, func(done int) {
		if done > len(h.deliveries)/3 {
			once.Do(func() { close(kill) })
		}
	})
	once.Do(func() { close(kill) })
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	rows := 0
	for row, err := range c.Rows(t.Context(), table, client.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		id, err := strconv.ParseInt(string(row.Key[1:]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		want := h.newest[id]
		if got := row.Value(info, []byte("binlog_offset")); got == nil || string(got.Value) != string(want.Version.Position.Append(nil)) {
			t.Errorf("row %d is not at its newest version", id)
		}
		if deleted := row.Value(info, []byte("deleted")) != nil; deleted != (want.Op == change.Delete) || deleted == (row.Value(family, []byte("state")) != nil) {
			t.Errorf("row %d: deleted: %v, its newest change is %s", id, deleted, want.Op)
		}
		rows++
	}
	if rows != 50 {
		t.Errorf("%d rows of 50", rows)
	}
}
