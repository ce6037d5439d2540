package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/skeintest"
)

var tailedTable = &change.Table{Database: "shop", Name: "stock", Key: []int{0}, Columns: []change.Column{
	{Name: "id", Type: change.BigInt}, {Name: "left", Type: change.Integer, Nullable: true}, {Name: "note", Type: change.VarChar, Nullable: true},
}}

// tailBed is a node in a bubble with a topic of changes.
type tailBed struct {
	*testing.T
	node   *skeintest.Node
	client *kgo.Client
	next   uint64
}

func tailInBubble(t *testing.T, test func(b *tailBed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if resp, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, -1, nil, "skein.shop.stock"); err != nil || resp.Err != nil {
			t.Fatal(err, resp.Err)
		}
		test(&tailBed{T: t, node: node, client: client})
	})
}

func (b *tailBed) put(op change.Op, before, after change.Row) {
	b.Helper()
	e, err := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium})
	if err != nil {
		b.Fatal(err)
	}
	b.next += 100
	records, err := e.Encode(nil, &change.Change{Op: op, Table: tailedTable, Before: before, After: after,
		Version: change.Version{Epoch: 1, ExecuteTime: 1000 * int64(b.next), Position: change.Position{File: 7, Offset: b.next}}}, 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range records {
		out := &kgo.Record{Topic: "skein.shop.stock", Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		if err := b.client.ProduceSync(b.Context(), out).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
}

func stockRow(id, left int64, note string) change.Row {
	row := change.Row{change.IntValue(id), change.IntValue(left), change.NullValue()}
	if note != "" {
		row[2] = change.TextValue([]byte(note))
	}
	return row
}

// tail runs until it ends by itself, or the function returned ends it.
func (b *tailBed) tail(o syncTailOptions, w io.Writer) (end func() error) {
	ctx, cancel := context.WithCancel(b.Context())
	t := &tailing{o: &o, brokers: b.node.Bootstraps(), transport: []kgo.Opt{kgo.Dialer(b.node.Dial)}, w: bufio.NewWriter(w)}
	done := make(chan error, 1)
	go func() { done <- t.run(ctx, []string{"shop.stock"}) }()
	return func() error {
		select {
		case err := <-done:
			cancel()
			return err
		case <-time.After(time.Minute): // it waits for changes
			cancel()
			return <-done
		}
	}
}

func (b *tailBed) groups() []string {
	b.Helper()
	all, err := kadm.NewClient(b.client).ListGroups(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return all.Groups()
}

// From the beginning, as text, with what changed.
func TestTail(t *testing.T) {
	tailInBubble(t, func(b *tailBed) {
		b.put(change.Create, nil, stockRow(1, 5, "new"))
		b.put(change.Update, stockRow(1, 5, "new"), stockRow(1, 4, ""))
		b.put(change.Update, stockRow(1, 4, ""), stockRow(2, 4, ""))
		b.put(change.Delete, stockRow(2, 4, ""), nil)
		var out bytes.Buffer
		if err := b.tail(syncTailOptions{output: output{"text"}, fromBeginning: true}, &out)(); err != nil {
			b.Fatal(err)
		}
		want := `1970-01-01 00:01:40.000 create shop.stock id=1: left 5, note new  [epoch 1, time 100000, position 7:100:0, offset 0:0]
1970-01-01 00:03:20.000 update shop.stock id=1: left 5 -> 4, note new -> NULL  [epoch 1, time 200000, position 7:200:0, offset 0:1]
1970-01-01 00:05:00.000 delete shop.stock id=1: left 4, note NULL  [epoch 1, time 300000, position 7:300:0, offset 0:2]
1970-01-01 00:05:00.000 create shop.stock id=2: left 4, note NULL  [epoch 1, time 300000, position 7:300:0, offset 0:4]
1970-01-01 00:06:40.000 delete shop.stock id=2: left 4, note NULL  [epoch 1, time 400000, position 7:400:0, offset 0:5]
`
		// Changes of different rows come in any order.
		if got := strings.Split(out.String(), "\n"); len(got) != 6 {
			b.Errorf("it prints\n%s", out.String())
		}
		for line := range strings.Lines(want) {
			if !strings.Contains(out.String(), line) {
				b.Errorf("%q is not in\n%s", line, out.String())
			}
		}
		if groups := b.groups(); len(groups) > 0 {
			b.Errorf("the groups %v are left behind", groups)
		}
	})
}

// By default it begins at the end.
func TestTailFromNow(t *testing.T) {
	tailInBubble(t, func(b *tailBed) {
		b.put(change.Create, nil, stockRow(1, 5, "old"))
		var out bytes.Buffer
		end := b.tail(syncTailOptions{output: output{"json"}, max: 1}, &out)
		time.Sleep(20 * time.Second) // of the bubble: it has found the end
		b.put(change.Create, nil, stockRow(2, 6, "now"))
		if err := end(); err != nil {
			b.Fatal(err)
		}
		var got tailedChange
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			b.Fatal(err)
		}
		if got.Op != "create" || *got.Key[0].New != "2" || len(got.Columns) != 2 || *got.Columns[1].New != "now" || got.Offset != 1 {
			b.Errorf("it prints %s", out.String())
		}
	})
}

// A group goes on where it was, and --max acknowledges no more than what it printed.
func TestTailGroup(t *testing.T) {
	tailInBubble(t, func(b *tailBed) {
		for range 5 {
			b.put(change.Update, stockRow(1, 5, ""), stockRow(1, 6, "")) // of one row: they come in order
		}
		o := syncTailOptions{output: output{"json"}, fromBeginning: true, group: "watchers", max: 2}
		var offsets []int64
		for range 3 {
			var out bytes.Buffer
			if err := b.tail(o, &out)(); err != nil {
				b.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				var got tailedChange
				if err := json.Unmarshal([]byte(line), &got); err != nil {
					b.Fatal(err)
				}
				offsets = append(offsets, got.Offset)
			}
		}
		if len(offsets) != 5 || offsets[0] != 0 || offsets[4] != 4 {
			b.Errorf("the offsets %v are printed", offsets)
		}
		if groups := b.groups(); len(groups) != 1 || groups[0] != "watchers" {
			b.Errorf("groups %v", groups)
		}
	})
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Where nobody reads any more, it ends.
func TestTailClosed(t *testing.T) {
	tailInBubble(t, func(b *tailBed) {
		b.put(change.Create, nil, stockRow(1, 5, ""))
		if err := b.tail(syncTailOptions{output: output{"text"}, fromBeginning: true}, closed{})(); err == nil || !strings.Contains(err.Error(), "the output") {
			b.Errorf("it ended with %v", err)
		}
	})
}
