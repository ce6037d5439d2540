package schema

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// What is written is read as what it was.
func TestMessages(t *testing.T) {
	s := &state{name: Name{"a.b", "c`d"}}
	table := mapOf(change.Column{Name: "e", Type: change.Enum, Members: []string{"x", ""}, Charset: "latin1", Nullable: true}, change.Column{Name: "n", Type: change.Numeric, Unsigned: true, Length: 9, Scale: 4})
	table.Database, table.Name = "a.b", "c`d"
	s.decide(&decision{table: table, of: "m", signature: Signature(table), from: fromDDL, ddl: "ALTER"}, Place{Epoch: 1, Position: change.Position{File: 2, Offset: 3, Row: 4}, GTID: "0-1-2", Time: 5})
	s.decide(&decision{table: table, of: "m", signature: Signature(table), from: fromDDL, ddl: "ALTER"}, Place{Epoch: 2})
	s.begins(era{since: Place{Epoch: 1}, ddl: "CREATE", facts: facts{columns: map[string]fact{"j": {Type: change.JSONType}, "o": {open: true}, "p": {}, "t": {Type: change.TimeType, Scale: 3}}}})
	s.begins(era{since: Place{Epoch: 3}, ddl: "DROP", facts: facts{columns: map[string]fact{}, dropped: true}})
	s.cut = true
	all := newStates(false)
	all.set(s.copy())
	messages := all.messages()
	if len(messages) != 2 || messages[0].key != "`a.b`.`c``d`" || messages[1].key != "`a.b`.`c``d`@m:"+Signature(table) {
		t.Errorf("%+v", messages)
	}
	again := newStates(false)
	for _, m := range messages {
		value, err := json.Marshal(m.value)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.apply(value, nil); err != nil {
			t.Fatal(err)
		}
	}
	got := again.get(s.name)
	got.used, s.used = 0, 0
	if !reflect.DeepEqual(got, s) {
		t.Errorf("%+v, not %+v", got, s)
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"kind":"table","database":"d","table":"t","columns":[{"name":"a","type":"json"}],"key":[0],"map":"x","since":[{"epoch":1}]}`))
	f.Add([]byte(`{"kind":"statements","database":"d","table":"t","eras":[{"since":{"epoch":1},"ddl":"x","columns":[{"name":"a","type":"other"}]}]}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		s := newStates(false)
		if s.apply(value, nil) != nil {
			return
		}
		for _, one := range s.byName {
			one.known(Place{Epoch: 1})
			one.latest()
			if len(one.eras) > erasMax || len(one.decisions) > 1 || len(one.decisions) == 1 && len(one.decisions[0].since) > sincesMax {
				t.Errorf("%+v", one)
			}
		}
	})
}
