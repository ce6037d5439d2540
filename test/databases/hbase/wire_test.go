package hbase

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// counted counts what is sent.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.bytes.Add(int64(len(b)))
	return c.Conn.Write(b)
}

// TestHBaseGuardIsOneCondition: what the sink sends of updates is what mutations with one condition have, to the byte.
// So what the server does for it is the same.
func TestHBaseGuardIsOneCondition(t *testing.T) {
	addr := hbaseAddr(t)
	var bytes atomic.Int64
	o := client.Options{ZooKeeper: []string{addr}, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return counted{c, &bytes}, err
	}}
	_, table := hbaseSink(t, addr, sinks.Table{})
	s, err := sinks.Open(sinks.Options{Client: o, Tables: map[string]sinks.Table{orders.String(): {Name: table}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := client.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	const rows = 100
	batch := func(at int64) []*change.Change {
		all := make([]*change.Change, rows)
		for i := range all {
			all[i] = wideRow(int64(i), version(1, at, 7), 0)
		}
		return all
	}
	apply := func(changes []*change.Change) {
		outcomes := make([]sink.Outcome, len(changes))
		if err := s.Apply(t.Context(), changes, outcomes); err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			if !o.Verdict.Puts() {
				t.Fatalf("%v, %v", o.Verdict, o.Err)
			}
		}
	}
	put := func(changes []*change.Change) {
		ops := make([]client.Op, len(changes))
		for i, change := range changes {
			m, packed := wideMutation(change)
			ops[i] = client.Op{Row: wideKey(change), Steps: []client.Step{{Condition: isNewer(packed), Mutations: m}}}
		}
		if err := c.Batch(t.Context(), table, ops); err != nil {
			t.Fatal(err)
		}
		for i := range ops {
			if ops[i].Err != nil || !ops[i].Done[0] {
				t.Fatalf("row %d: %v, %v", i, ops[i].Done, ops[i].Err)
			}
		}
	}
	apply(batch(1000)) // each client finds the region, and rows are there
	put(batch(1001))
	sent := func(write func([]*change.Change), at int64) int64 {
		before := bytes.Load()
		write(batch(at))
		return bytes.Load() - before
	}
	// The numbers of the calls have one byte each, as the first hundred do.
	guarded, single := sent(apply, 1002), sent(put, 1003)
	if guarded != single || guarded < rows*600 {
		t.Errorf("the sink sent %d bytes, single conditions %d", guarded, single)
	}
	t.Logf("%d bytes a row", guarded/rows)
}
