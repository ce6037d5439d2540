package schema

import (
	"context"
	"errors"
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
