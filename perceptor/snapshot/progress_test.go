package snapshot

import (
	"encoding/json"
	"reflect"
	"testing"
)

// A Progress does not change when another is made of it, and comes back from JSON.
func TestProgress(t *testing.T) {
	var none *Progress
	if _, known := none.Of("shop.stock"); known || len(none.Tables()) != 0 || none.Without("shop.stock") != nil {
		t.Error("no Progress knows a table")
	}
	begun := Table{Key: []string{"id"}, Last: []string{"7"}, Rows: 3, View: Place{Epoch: 1, File: 2, Offset: 400}, ViewRows: 2}
	first := none.With("shop.stock", begun)
	second := first.With("shop.stock", Table{Done: true}).With("shop.orders", Table{Key: []string{"a", "b"}})
	if got, known := first.Of("shop.stock"); !known || !reflect.DeepEqual(got, begun) || len(first.Tables()) != 1 {
		t.Errorf("the first has become %+v", first.Tables())
	}
	third := second.Without("shop.stock")
	if len(second.Tables()) != 2 || len(third.Tables()) != 1 {
		t.Errorf("%+v, %+v", second.Tables(), third.Tables())
	}
	for _, p := range []*Progress{first, second, third} {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again := &Progress{}
		if err := json.Unmarshal(text, again); err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("%s came back as %+v: %v", text, again.Tables(), err)
		}
	}
}
