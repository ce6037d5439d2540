package perceptor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/source"
)

// A history is told each statement before what follows it is read, at a place of its own, and again if it could not be kept.
func TestFollow(t *testing.T) {
	inBubble(t, func(b *bed) {
		h, err := schema.Open(b.Context(), schema.Config{Brokers: b.node.Bootstraps(), Transport: []kgo.Opt{kgo.Dialer(b.node.Dial)}, Epoch: 1})
		if err != nil {
			b.Fatal(err)
		}
		defer h.Close()
		events := []binlog.Event{sql("CREATE TABLE stock (id INT, v JSON)"), {Kind: binlog.Begin}, sql("DROP TABLE stock"), sql("CREATE TABLE stock (id INT, v UUID)"), {Kind: binlog.Commit}, sql("ALTER TABLE stock MODIFY v INET6")}
		told := &change.Table{Database: "shop", Name: "stock", Columns: []change.Column{{Name: "v", Type: change.Binary, Length: 16}}}
		follower := Follow(h)
		f := follower.Changes(from(events, binlog.Position{}, func() {}))
		for i, e := range events {
			if i == 3 {
				b.node.Pause()
				short, cancel := context.WithTimeout(b.Context(), time.Minute)
				if _, err := f.Next(short); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "CREATE TABLE stock") {
					b.Error(err)
				}
				cancel()
				b.node.Resume()
			}
			got, err := f.Next(b.Context())
			if err != nil || got.SQL != e.SQL || got.Kind != e.Kind {
				b.Fatal(got, err)
			}
			want := map[int]change.Type{3: change.UUID, 4: change.UUID, 5: change.INET6}[i]
			if want == change.Unknown {
				continue
			}
			found, err := follower.Complete(b.Context(), told, change.Position{File: 1, Offset: uint64(100*i + 110)})
			if err != nil || found.Columns[0].Type != want {
				b.Errorf("behind %s: %v, %v", e.SQL, found, err)
			}
		}
	})
}

// elsewhere is a script that goes on in another epoch.
type elsewhere struct {
	*script
	epoch uint32
}

func (e *elsewhere) State() source.State {
	s := e.script.State()
	s.Epoch = e.epoch
	return s
}

// On another server places begin anew. What was followed holds there, but for what was behind the place that was kept, which is told again.
func TestFollowElsewhere(t *testing.T) {
	inBubble(t, func(b *bed) {
		config := schema.Config{Brokers: b.node.Bootstraps(), Transport: []kgo.Opt{kgo.Dialer(b.node.Dial)}, Epoch: 1}
		open := func() *schema.History {
			h, err := schema.Open(b.Context(), config)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(h.Close)
			return h
		}
		told := &change.Table{Database: "shop", Name: "stock", Columns: []change.Column{{Name: "v", Type: change.Binary, Length: 16}}}
		is := func(what string, f *Follower, offset uint64, want change.Type) {
			b.Helper()
			if found, err := f.Complete(b.Context(), told, change.Position{File: 1, Offset: offset}); err != nil || found.Columns[0].Type != want {
				b.Errorf("%s: %v, %v", what, found, err)
			}
		}
		events := []binlog.Event{sql("CREATE TABLE stock (v UUID)"), sql("ALTER TABLE stock MODIFY v INET6")}
		f := Follow(open())
		from1 := &elsewhere{from(events, binlog.Position{}, func() {}), 1}
		changes := f.Changes(from1)
		for range events {
			if _, err := changes.Next(b.Context()); err != nil {
				b.Fatal(err)
			}
			changes.State() // as Feed asks
		}
		is("before the second statement", f, 150, change.UUID)
		is("behind it", f, 250, change.INET6)
		from1.epoch = 2
		is("on another server", f, 50, change.INET6)

		config.Start = schema.Place{Epoch: 1, Position: change.Position{File: 1, Offset: 150}}
		f = Follow(open())
		f.Changes(&elsewhere{from(nil, binlog.Position{Offset: 150}, func() {}), 2})
		is("of what was kept before the second statement", f, 40, change.UUID)
	})
}

// A snapshot tells what its tables are: to who reads the topics, and to the maps that follow. Each table is told once.
func TestFollowSnapshot(t *testing.T) {
	inBubble(t, func(b *bed) {
		h, err := schema.Open(b.Context(), schema.Config{Brokers: b.node.Bootstraps(), Transport: []kgo.Opt{kgo.Dialer(b.node.Dial)}, Epoch: 1})
		if err != nil {
			b.Fatal(err)
		}
		defer h.Close()
		table := &change.Table{Database: "shop", Name: "stock", Columns: []change.Column{{Name: "id", Type: change.BigInt}, {Name: "v", Type: change.INET6, Length: 16}}, Key: []int{0}}
		row := func(offset uint64) binlog.Event {
			return binlog.Event{Kind: binlog.Row, Change: &change.Change{Op: change.Read, Table: table, Version: version(1, offset), After: change.Row{change.IntValue(1), change.BytesValue(make([]byte, 16))}}}
		}
		events := []binlog.Event{{Kind: binlog.Begin}, row(10), row(11), {Kind: binlog.Commit}, {Kind: binlog.Begin}, row(400)}
		f := Follow(h)
		changes := f.Changes(from(events, binlog.Position{}, func() {}))
		b.node.Pause()
		short, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		for i := range events {
			_, err := changes.Next(short)
			if i == 1 {
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "shop.stock") {
					b.Error(err)
				}
				b.node.Resume()
				short = b.Context()
				_, err = changes.Next(short)
			}
			if err != nil {
				b.Fatal(i, err)
			}
			if i == 2 {
				b.node.Pause() // nothing more is to be told
				defer b.node.Resume()
			}
		}
		if got := h.Tables("shop", "stock"); got != table {
			b.Errorf("%+v", got)
		}
		b.node.Resume()
		told := &change.Table{Database: "shop", Name: "stock", Columns: []change.Column{{Name: "id", Type: change.BigInt}, {Name: "v", Type: change.Binary, Length: 16}}, Key: []int{0}}
		if found, err := f.Complete(b.Context(), told, change.Position{File: 1, Offset: 500}); err != nil || found.Columns[1].Type != change.INET6 {
			b.Errorf("%v, %v", found, err)
		}
	})
}
