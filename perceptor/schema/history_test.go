package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/skeintest"
)

// bed is a node in a bubble, and a catalog.
type bed struct {
	*testing.T
	node    *skeintest.Node
	admin   *kadm.Client
	tables  map[Name]*change.Table
	created map[Name]time.Time
	lookups int
	fail    error
}

func inBubble(t *testing.T, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		client, err := kgo.NewClient(kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		test(&bed{T: t, node: node, admin: kadm.NewClient(client), tables: map[Name]*change.Table{}, created: map[Name]time.Time{}})
	})
}

func (b *bed) config() Config {
	return Config{
		Brokers: b.node.Bootstraps(), Transport: []kgo.Opt{kgo.Dialer(b.node.Dial)}, Epoch: 1, Log: slog.New(slog.DiscardHandler),
		Lookup: func(_ context.Context, database, table string) (*change.Table, error) {
			b.lookups++
			if b.fail != nil {
				return nil, b.fail
			}
			t := b.tables[Name{database, table}]
			if t == nil {
				return nil, catalog.ErrNoTable
			}
			return t, nil
		},
		Created: func(_ context.Context, database, table string) (time.Time, error) {
			return b.created[Name{database, table}], nil
		},
	}
}

func (b *bed) open(c Config) *History {
	b.Helper()
	h, err := Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(h.Close)
	return h
}

// as is table d.t whose column v has that type.
func as(t change.Type) *change.Table {
	c := change.Column{Name: "v", Type: t}
	if t == change.LongText || t == change.JSONType {
		c.Charset = "utf8mb4"
	}
	return mapOf(c)
}

// told is the map of such a table.
func told(t *change.Table) *change.Table {
	m := *t
	m.Columns = slices.Clone(t.Columns)
	for i := range m.Columns {
		switch c := &m.Columns[i]; c.Type {
		case change.JSONType:
			c.Type = change.LongText
		case change.UUID, change.INET6:
			c.Type, c.Length = change.Binary, 16
		case change.INET4:
			c.Type, c.Length = change.Binary, 4
		}
	}
	return &m
}

func at(offset uint64) change.Position { return change.Position{File: 1, Offset: offset} }

// complete asks for a map's table, which has to be that one.
func (b *bed) complete(h *History, want *change.Table, offset uint64) *change.Table {
	b.Helper()
	got, err := h.Complete(b.Context(), told(want), at(offset))
	if err != nil {
		b.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		b.Fatalf("at %d: %+v, not %+v", offset, *got, *want)
	}
	return got
}

func (b *bed) statement(h *History, sql string, offset uint64) {
	b.Helper()
	if err := h.Statement(b.Context(), "d", sql, at(offset)); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) unknown(h *History, m *change.Table, offset uint64, parts ...string) {
	b.Helper()
	got, err := h.Complete(b.Context(), m, at(offset))
	var e *UnknownError
	if !errors.Is(err, ErrUnknownSchema) || !errors.As(err, &e) || got != nil {
		b.Fatalf("%+v, %v", got, err)
	}
	for _, p := range append(parts, m.String(), "Declare") {
		if !strings.Contains(err.Error(), p) {
			b.Errorf("%v: %q is not told", err, p)
		}
	}
}

// A map is decided once: what the catalog says later is of no matter, to this history and to the next one.
func TestDecidedOnce(t *testing.T) {
	inBubble(t, func(b *bed) {
		h := b.open(b.config())
		b.tables[Name{"d", "t"}] = as(change.JSONType)
		first := b.complete(h, as(change.JSONType), 100)
		b.tables[Name{"d", "t"}] = as(change.LongText)
		if again := b.complete(h, as(change.JSONType), 200); again != first {
			b.Error("the same is another table")
		}
		h.Close()
		h = b.open(b.config())
		b.complete(h, as(change.JSONType), 100)
		b.complete(h, as(change.JSONType), 300)
		if b.lookups != 1 {
			b.Errorf("%d lookups", b.lookups)
		}
		// What a map tells alone is looked up nowhere, and kept, too.
		b.complete(h, as(change.TextType), 400)
		if got := h.Tables("d", "t"); b.lookups != 1 || !reflect.DeepEqual(got, as(change.TextType)) {
			b.Errorf("%d lookups, %+v", b.lookups, got)
		}
		topic, err := b.admin.ListTopics(b.Context(), "skein.schemas")
		if err != nil || len(topic["skein.schemas"].Partitions) != 1 {
			b.Error(topic, err)
		}
		configs, err := b.admin.DescribeTopicConfigs(b.Context(), "skein.schemas")
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range configs[0].Configs {
			if c.Key == "cleanup.policy" && c.MaybeValue() != "compact" {
				b.Errorf("cleanup.policy is %s", c.MaybeValue())
			}
		}
	})
}

// A column is JSON and text in turn: the maps are the same, and each place has what was in force there, whatever the catalog says.
func TestInTurn(t *testing.T) {
	inBubble(t, func(b *bed) {
		kinds := []change.Type{change.JSONType, change.LongText, change.JSONType, change.LongText, change.JSONType}
		h := b.open(b.config())
		b.statement(h, "CREATE TABLE t (id INT PRIMARY KEY, v JSON)", 50)
		for restart := range 3 {
			for i, kind := range kinds {
				offset := uint64(100 + 100*i)
				if i > 0 {
					b.statement(h, "ALTER TABLE t MODIFY v "+kind.String(), offset)
				}
				b.complete(h, as(kind), offset+10)
				b.complete(h, as(kind), offset+20)
				if restart == 1 {
					h.Close()
					h = b.open(b.config())
				}
			}
			for i, kind := range kinds { // any place, without the statements
				b.complete(h, as(kind), uint64(115+100*i))
			}
			if restart == 0 {
				h.Close()
				h = b.open(b.config())
			}
		}
		if b.lookups != 0 {
			b.Errorf("%d lookups", b.lookups)
		}
	})
}

// The catalog has moved on: it is not believed, and the error tells the way out, which works.
func TestMovedOn(t *testing.T) {
	inBubble(t, func(b *bed) {
		name := Name{"d", "t"}
		h := b.open(b.config())
		b.unknown(h, told(as(change.JSONType)), 100, "not there any more", `"v"`, "offset 100", "file 1")
		b.tables[name] = mapOf(as(change.JSONType).Columns[1], change.Column{Name: "w", Type: change.Integer})
		b.unknown(h, told(as(change.JSONType)), 100, "3 columns, not 2")
		b.tables[name] = as(change.JSONType)
		b.created[name] = time.Unix(1000, 0)
		for _, ms := range []int64{999_999, 1000_000, 1000_999} {
			h.At("0-1-5", ms)
			b.unknown(h, told(as(change.JSONType)), 100, "1970-01-01 00:16:40")
		}
		b.fail = errors.New("the server is away")
		if _, err := h.Complete(b.Context(), told(as(change.JSONType)), at(100)); !errors.Is(err, b.fail) || errors.Is(err, ErrUnknownSchema) {
			b.Error(err)
		}
		b.fail = nil
		c := b.config()
		c.Declared = map[string]*change.Table{"d.t": {Columns: []change.Column{{Name: "V", Type: change.JSONType}}}, "d.bare": as(change.UUID)}
		h.Close()
		h = b.open(c)
		b.complete(h, as(change.JSONType), 100)
		c.Declared = nil
		h.Close()
		h = b.open(c)
		b.complete(h, as(change.JSONType), 110)
		h.At("0-1-6", 1001_000)
		b.tables[name] = as(change.UUID)
		b.complete(h, as(change.UUID), 200)
		// What statements tell is known better than the catalog.
		b.statement(h, "ALTER TABLE t ADD w LONGTEXT, ADD x LONGTEXT", 300)
		other := mapOf(change.Column{Name: "w", Type: change.LongText, Charset: "utf8mb4"}, change.Column{Name: "y", Type: change.LongText, Charset: "utf8mb4"})
		b.statement(h, "ALTER TABLE u ADD w LONGTEXT", 310)
		other.Name = "u"
		now := *other
		now.Columns = slices.Clone(other.Columns)
		now.Columns[1].Type = change.JSONType
		b.tables[Name{"d", "u"}] = &now
		b.unknown(h, other, 320, `column "w" of the table as it is now is not what it was`)
		// Without names all are open, and a declaration has to be whole.
		bare := told(as(change.UUID))
		bare.Name, bare.Key = "bare", nil
		for i := range bare.Columns {
			bare.Columns[i].Name = ""
		}
		b.unknown(h, bare, 400, "column 1, 2")
		h.Close()
		c.Declared = map[string]*change.Table{"d.bare": as(change.UUID)}
		h = b.open(c)
		got, err := h.Complete(b.Context(), bare, at(400))
		if err != nil || got.Name != "bare" || !reflect.DeepEqual(got.Columns, as(change.UUID).Columns) || len(got.Key) != 1 {
			b.Errorf("%+v, %v", got, err)
		}
	})
}

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
