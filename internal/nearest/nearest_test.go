package nearest

import (
	"slices"
	"testing"
)

func TestName(t *testing.T) {
	names := []string{"tables", "table", "server-id", "user"}
	for name, want := range map[string]string{"tabels": "tables", "serverid": "server-id", "User": "user", "partitions": "", "": ""} {
		if got := Name(name, slices.Values(names)); got != want {
			t.Errorf("%q: %q, not %q", name, got, want)
		}
	}
}
