package schema

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
)

// The topic is deleted: a history that is open writes all that it knows anew, and one that is not asks the catalog.
func TestTopicLost(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := b.open(b.config())
		b.tables[Name{"d", "t"}] = as(change.JSONType)
		b.complete(h, as(change.JSONType), 100)
		remove := func() {
			if _, err := b.admin.DeleteTopic(b.Context(), "skein.schemas"); err != nil {
				b.Fatal(err)
			}
		}
		remove()
		b.complete(h, as(change.JSONType), 150)
		b.statement(h, "ALTER TABLE t MODIFY v LONGTEXT", 200)
		b.complete(h, as(change.LongText), 210)
		h.Close()
		h = b.open(b.config())
		b.complete(h, as(change.JSONType), 100)
		b.complete(h, as(change.LongText), 220)
		if b.lookups != 1 {
			b.Errorf("%d lookups", b.lookups)
		}
		remove()
		h.Close()
		h = b.open(b.config())
		b.tables[Name{"d", "t"}] = as(change.LongText)
		b.complete(h, as(change.LongText), 230)
		if b.lookups != 2 {
			b.Errorf("%d lookups", b.lookups)
		}
	})
}

// A history that only reads knows what was decided as soon as it is decided.
func TestReadOnly(t *testing.T) {
	inBubble(t, func(b *bed) {
		c := b.config()
		c.ReadOnly = true
		follower := b.open(c)
		if got := follower.Tables("d", "t"); got != nil {
			b.Error(got)
		}
		if topics, err := b.admin.ListTopics(b.Context()); err != nil || topics.Has("skein.schemas") {
			b.Error("a reader has made the topic", err)
		}
		if _, err := follower.Complete(b.Context(), as(change.TextType), at(1)); err == nil {
			b.Error("it decides")
		}
		if err := follower.Statement(b.Context(), "d", "DROP TABLE t", at(1)); err == nil {
			b.Error("it follows statements")
		}
		h := b.open(b.config())
		b.statement(h, "CREATE TABLE t (id INT, v JSON)", 50)
		for i, kind := range []change.Type{change.JSONType, change.LongText, change.UUID, change.TextType, change.JSONType} {
			b.statement(h, "ALTER TABLE t MODIFY v "+kind.String(), uint64(100*i+100))
			b.complete(h, as(kind), uint64(100*i+150))
			if got := follower.Tables("d", "t"); !reflect.DeepEqual(got, as(kind)) {
				b.Errorf("%d: %+v", i, got)
			}
		}
		if got := follower.Tables("d", "u"); got != nil {
			b.Error(got)
		}
		if _, err := b.admin.DeleteTopic(b.Context(), "skein.schemas"); err != nil {
			b.Fatal(err)
		}
		b.statement(h, "ALTER TABLE t MODIFY v INET6", 1000)
		b.complete(h, as(change.INET6), 1050)
		if got := follower.Tables("d", "t"); !reflect.DeepEqual(got, as(change.INET6)) {
			b.Errorf("after the topic was made again: %+v", got)
		}
	})
}

// The broker is away: nothing is decided that is not kept. When it is back, it is.
func TestBrokerAway(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := b.open(b.config())
		b.tables[Name{"d", "t"}] = as(change.JSONType)
		b.node.Pause()
		short, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		if got, err := h.Complete(short, told(as(change.JSONType)), at(100)); !errors.Is(err, context.DeadlineExceeded) || got != nil {
			b.Fatal(got, err)
		}
		if err := h.Statement(short, "d", "CREATE TABLE x (j JSON)", at(110)); !errors.Is(err, context.DeadlineExceeded) {
			b.Fatal(err)
		}
		if got := h.Tables("d", "t"); got != nil {
			b.Error("it is known and not kept")
		}
		done := make(chan error, 1)
		go func() {
			_, err := h.Complete(b.Context(), told(as(change.JSONType)), at(100))
			done <- err
		}()
		time.Sleep(10 * time.Second)
		b.node.Resume()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		h.Close()
		b.tables = nil
		b.complete(b.open(b.config()), as(change.JSONType), 100)
		b.node.Pause()
		if _, err := Open(short, b.config()); err == nil {
			b.Error("it is open without a broker")
		}
		b.node.Resume()
	})
}

// Memory is bounded by tables, and what is forgotten is read again.
func TestManyTables(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := b.open(b.config())
		h.states.max = 20
		kinds := []change.Type{change.JSONType, change.LongText}
		ask := func(i int, offset uint64) {
			want := as(kinds[i%2])
			want.Name = fmt.Sprintf("t%d", i)
			b.complete(h, want, offset)
			if n := len(h.states.byName); n > 21 {
				b.Fatalf("%d tables are held", n)
			}
		}
		for i := range 100 {
			b.statement(h, fmt.Sprintf("CREATE TABLE t%d (id INT, v %s)", i, kinds[i%2]), uint64(10+i))
			ask(i, uint64(1000+i))
		}
		for i := range 100 {
			ask(i, uint64(2000+i))
		}
		b.statement(h, "DROP DATABASE d", 3000)
		if b.lookups != 0 {
			b.Errorf("%d lookups", b.lookups)
		}
	})
}

// A topic that others have made with more partitions is refused, and records that cannot be read are passed over.
func TestForeignTopic(t *testing.T) {
	inBubble(t, func(b *bed) {
		if resp, err := b.admin.CreateTopic(b.Context(), 2, -1, nil, "two.schemas"); err != nil || resp.Err != nil {
			b.Fatal(err)
		}
		c := b.config()
		c.Prefix = "two"
		if _, err := Open(b.Context(), c); err == nil || !strings.Contains(err.Error(), "two.schemas has 2 partitions") && !strings.Contains(err.Error(), "two.schemas: it has 2 partitions") {
			b.Error(err)
		}
		if _, err := Open(b.Context(), Config{}); err == nil {
			b.Error("no brokers, and it is open")
		}
		h := b.open(b.config())
		b.tables[Name{"d", "t"}] = as(change.JSONType)
		b.complete(h, as(change.JSONType), 100)
		client, err := kgo.NewClient(kgo.SeedBrokers(b.node.Bootstraps()...), kgo.Dialer(b.node.Dial))
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		for _, value := range []string{"", "{", "[]", `{"kind":"later","database":"d","table":"t"}`, `{"kind":"table"}`, `{"kind":"table","database":"d","table":"t","columns":[{"name":"x","type":"no"}]}`,
			`{"kind":"table","database":"d","table":"t","columns":[],"key":[3],"map":"x","since":[{}]}`, `{"kind":"statements","database":"d","table":"t","eras":[{"columns":[{"name":"a","type":"q"}]}]}`} {
			if err := client.ProduceSync(b.Context(), &kgo.Record{Topic: "skein.schemas", Key: []byte("k"), Value: []byte(value)}, &kgo.Record{Topic: "skein.schemas", Key: []byte("k")}).FirstErr(); err != nil {
				b.Fatal(err)
			}
		}
		h.Close()
		b.complete(b.open(b.config()), as(change.JSONType), 110)
		if b.lookups != 1 {
			b.Errorf("%d lookups", b.lookups)
		}
	})
}

// A failover: what was noted behind the kept position is told again by the other server, at other positions.
func TestOtherServer(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := b.open(b.config())
		b.statement(h, "CREATE TABLE t (id INT, v JSON)", 100)
		b.complete(h, as(change.JSONType), 150)
		b.statement(h, "ALTER TABLE t MODIFY v LONGTEXT", 200)
		b.complete(h, as(change.LongText), 250)
		h.Close()
		c := b.config()
		c.Epoch, c.Start = 2, Place{Epoch: 1, Position: at(180)}
		h = b.open(c)
		b.complete(h, as(change.JSONType), 5)
		b.statement(h, "ALTER TABLE t MODIFY v LONGTEXT", 10)
		b.complete(h, as(change.LongText), 15)
		if b.lookups != 0 {
			b.Errorf("%d lookups", b.lookups)
		}
	})
}

// A snapshot tells what a table is: statements change that, and no catalog is asked.
func TestLearn(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := b.open(b.config())
		for range 2 { // the second time it is known
			if err := h.Learn(b.Context(), as(change.JSONType), at(100)); err != nil {
				b.Fatal(err)
			}
			if got := h.Tables("d", "t"); !reflect.DeepEqual(got, as(change.JSONType)) {
				b.Errorf("%+v", got)
			}
			b.complete(h, as(change.JSONType), 150)
			h.Close()
			h = b.open(b.config())
		}
		b.statement(h, "ALTER TABLE t MODIFY v LONGTEXT", 200)
		b.complete(h, as(change.LongText), 210)
		if err := h.Learn(b.Context(), as(change.UUID), at(300)); err != nil {
			b.Fatal(err)
		}
		b.complete(h, as(change.UUID), 310)
		if b.lookups != 0 {
			b.Errorf("%d lookups", b.lookups)
		}
	})
}

// MySQL's maps leave nothing open, and where names are the same in capitals, so are they here.
func TestOtherServers(t *testing.T) {
	inBubble(t, func(b *bed) {
		c := b.config()
		c.MySQL, c.FoldNames = true, true
		h := b.open(c)
		b.complete(h, as(change.LongText), 100)
		c.MySQL = false
		h.Close()
		h = b.open(c)
		b.statement(h, "ALTER TABLE D.T MODIFY V JSON", 200)
		b.complete(h, as(change.JSONType), 210)
		b.statement(h, "DROP DATABASE D", 300)
		b.unknown(h, told(as(change.UUID)), 310)
		if b.lookups != 1 {
			b.Errorf("%d lookups", b.lookups)
		}
	})
}

// What happened long ago is forgotten, and refused rather than mixed up.
func TestManyEras(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := b.open(b.config())
		kinds := []change.Type{change.JSONType, change.LongText}
		for i := range 3 * erasMax {
			b.statement(h, "ALTER TABLE t MODIFY v "+kinds[i%2].String(), uint64(100+100*i))
			b.complete(h, as(kinds[i%2]), uint64(150+100*i))
		}
		for range 2 {
			for i := range 3 * erasMax {
				if i >= 2*erasMax {
					b.complete(h, as(kinds[i%2]), uint64(160+100*i))
				}
			}
			b.unknown(h, told(as(change.JSONType)), 160)
			if n := len(h.states.get(Name{"d", "t"}).eras); n != erasMax {
				b.Errorf("%d eras are kept", n)
			}
			h.Close()
			h = b.open(b.config())
		}
	})
}
