package schema

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

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
		h.At("", 2000_000)
		b.unknown(h, told(as(change.JSONType)), 100, "is not told")
		b.created[name], b.created[Name{"d", "u"}] = time.Unix(1000, 0), time.Unix(1000, 0)
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
