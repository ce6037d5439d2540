package change

import (
	"slices"
	"strings"
	"testing"
)

func TestWithKey(t *testing.T) {
	table := &Table{Database: "shop", Name: "log", Columns: []Column{{Name: "a"}, {Name: "b"}, {Name: "c", Nullable: true}}}
	keyed, err := table.WithKey([]string{"b", "a"})
	if err != nil || !slices.Equal(keyed.Key, []int{1, 0}) || table.Key != nil {
		t.Errorf("%+v, %v", keyed, err)
	}
	for want, columns := range map[string][]string{`"x", which the table has not`: {"a", "x"}, `"c", which may be NULL`: {"c"}, `"a" twice`: {"a", "b", "a"}} {
		if _, err := table.WithKey(columns); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "shop.log") {
			t.Errorf("%v: %v", columns, err)
		}
	}
}
