package oldconsumer

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseOffset(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "17": 17, "9223372036854775807": 1<<63 - 1} {
		if got, err := ParseOffset([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"": "empty", "x": `"x" is no number`, "-1": "less than 0", "1.5": "no number", " 7": "no number", `{"offset":3}`: "no number",
		"9223372036854775808": "no number", "\xff\x00": `\xff\x00`, strings.Repeat("9", 500): "(500 bytes)",
	} {
		got, err := ParseOffset([]byte(text))
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q is %d, %v; it should say %q", text, got, err, why)
		}
	}
}

func TestParsePartition(t *testing.T) {
	for name, want := range map[string]int32{"0": 0, "2147483647": 1<<31 - 1} {
		if got, err := ParsePartition(name); err != nil || got != want {
			t.Errorf("%q is %d, %v", name, got, err)
		}
	}
	for name, why := range map[string]string{
		"0-3": "Kafka 0.7", "-1": "no partition", "01": "no partition", "+1": "no partition", "": "no partition", "2147483648": "no partition",
	} {
		if got, err := ParsePartition(name); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q is %d, %v; it should say %q", name, got, err, why)
		}
	}
}

func TestParseID(t *testing.T) {
	for text, want := range map[string]map[string]int{
		`{"version":1,"subscription":{"orders":2,"bills":1},"pattern":"static","timestamp":"1396441341293"}`: {"orders": 2, "bills": 1},
		`{"version":1,"subscription":{},"pattern":"static","timestamp":"1"}`:                                 {},
		string(FormatID(map[string]int{"t": 3})):                                                             {"t": 3},
	} {
		if got, err := ParseID([]byte(text)); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"": "JSON", "orders:2": "JSON", "{}": "no subscription", "[]": "JSON", `{"subscription":{"t":0}}`: "0 streams", `{"subscription":{"t":"2"}}`: "JSON",
		`{"subscription":{"t":99999999}}`: "99999999 streams",
	} {
		if got, err := ParseID([]byte(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s is %v, %v; it should say %q", text, got, err, why)
		}
	}
}

func TestParseTopic(t *testing.T) {
	got, err := ParseTopic([]byte(`{"version":1,"partitions":{"10":[1],"2":[2,1],"0":[]}}`))
	if err != nil || !slices.Equal(got, []int32{0, 2, 10}) {
		t.Error(got, err)
	}
	if got, err := ParseTopic(FormatTopic(3, 7)); err != nil || !slices.Equal(got, []int32{0, 1, 2}) {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "x", `{"partitions":{"x":[1]}}`, `{"partitions":[1]}`} {
		if got, err := ParseTopic([]byte(bad)); err == nil {
			t.Errorf("%s is %v", bad, got)
		}
	}
}

func TestMemberOf(t *testing.T) {
	for stream, want := range map[string]string{
		"g_host-1396441341293-91b5d0ab-0": "g_host-1396441341293-91b5d0ab", "c1-12": "c1", "c1": "c1", "-0": "-0", "c-": "c-", "": "",
	} {
		if got := MemberOf(stream); got != want {
			t.Errorf("%q belongs to %q, not %q", stream, got, want)
		}
	}
}

func TestGroup(t *testing.T) {
	g := Group{Name: "g"}
	g.AddOffset("b", "1", []byte("5"))
	g.AddOffset("b", "0", []byte("x"))
	g.AddOffset("a", "3", []byte("7"))
	g.AddOffset("a", "0-1", []byte("7"))
	g.AddOwner("b", "1", []byte("c-0"))
	g.AddOwner("b", "y", nil)
	g.AddID("c", FormatID(map[string]int{"b": 1}))
	g.AddID("a", []byte("?"))
	g.Sort()
	want := Group{Name: "g", IDs: []ID{{"c", map[string]int{"b": 1}}}, Owners: []Owner{{"b", 1, "c-0"}}, Offsets: []Offset{{"a", 3, 7}, {"b", 1, 5}}}
	var paths []string
	for _, p := range g.Problems {
		paths = append(paths, p.Path)
	}
	if !slices.Equal(paths, []string{"/consumers/g/ids/a", "/consumers/g/offsets/a/0-1", "/consumers/g/offsets/b/0", "/consumers/g/owners/b/y"}) {
		t.Error(g.Problems)
	}
	if g.Problems = nil; !reflect.DeepEqual(g, want) {
		t.Errorf("%+v", g)
	}
}

// FuzzZnodes: whatever stands in a znode, it is taken or refused.
func FuzzZnodes(f *testing.F) {
	f.Add("0", []byte("5"))
	f.Add("0-1", FormatID(map[string]int{"t": 1}))
	f.Add("x", FormatTopic(3, 1))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		g := Group{Name: "g"}
		g.AddOffset("t", name, data)
		g.AddOwner("t", name, data)
		g.AddID(name, data)
		if n := len(g.Offsets) + len(g.Owners) + len(g.IDs) + len(g.Problems); n != 3 {
			t.Errorf("three znodes became %d", n)
		}
		for _, o := range g.Offsets {
			if o.Offset < 0 || o.Partition < 0 {
				t.Error(o)
			}
		}
		if partitions, err := ParseTopic(data); err == nil && !slices.IsSorted(partitions) {
			t.Error(partitions)
		}
	})
}
