package oldgroups

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/internal/oldconsumer"
)

// znodes is a tree in memory.
type znodes struct {
	data   map[string]string
	refuse map[string]error
	before func(path string) // is told what is asked

	mu   sync.Mutex
	gone map[string]bool // znodes that go away between the listing and the reading
}

func (z *znodes) Children(path string) ([]string, error) {
	if err := z.ask(path); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	there := false
	for p := range z.data {
		there = there || p == path
		if rest, below := strings.CutPrefix(p, path+"/"); below {
			name, _, _ := strings.Cut(rest, "/")
			names[name], there = true, true
		}
	}
	if !there {
		return nil, ErrNoNode
	}
	return slices.Collect(maps.Keys(names)), nil
}

func (z *znodes) Get(path string) ([]byte, error) {
	if err := z.ask(path); err != nil {
		return nil, err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	data, ok := z.data[path]
	if !ok || z.gone[path] {
		return nil, ErrNoNode
	}
	return []byte(data), nil
}

func (z *znodes) ask(path string) error {
	if z.before != nil {
		z.before(path)
	}
	return z.refuse[path]
}

func every(string) bool { return true }

func TestRead(t *testing.T) {
	tree := &znodes{data: map[string]string{
		"/consumers/g/ids/c1":        `{"version":1,"subscription":{"t":1},"pattern":"static","timestamp":"1"}`,
		"/consumers/g/owners/t/0":    "c1-0",
		"/consumers/g/owners/u/0":    "c1-0",
		"/consumers/g/offsets/t/0":   "5",
		"/consumers/g/offsets/t/1":   "no",
		"/consumers/g/offsets/t/2":   "6",
		"/consumers/g/offsets/u/0":   "7",
		"/consumers/h/offsets/t/0":   "8",
		"/consumers/only/ids":        "",
		"/consumers/bare":            "",
		"/consumers/else/offsets/t0": "",
	}, gone: map[string]bool{"/consumers/g/offsets/t/2": true}}
	names, err := Names(tree)
	if err != nil || !slices.Equal(names, []string{"bare", "else", "g", "h", "only"}) {
		t.Fatal(names, err)
	}
	groups, err := Read(t.Context(), tree, names, func(topic string) bool { return topic != "u" })
	if err != nil {
		t.Fatal(err)
	}
	want := []oldconsumer.Group{
		{Name: "bare"}, {Name: "else"},
		{Name: "g", IDs: []oldconsumer.ID{{Name: "c1", Streams: map[string]int{"t": 1}}}, Owners: []oldconsumer.Owner{{Topic: "t", Stream: "c1-0"}},
			Offsets:  []oldconsumer.Offset{{Topic: "t", Offset: 5}},
			Problems: []oldconsumer.Problem{{Path: "/consumers/g/offsets/t/1", Why: `"no" is no number that an offset can be`}}},
		{Name: "h", Offsets: []oldconsumer.Offset{{Topic: "t", Offset: 8}}}, {Name: "only"},
	}
	if !reflect.DeepEqual(groups, want) {
		t.Errorf("%+v", groups)
	}
}

func TestReadFails(t *testing.T) {
	refused := errors.New("refused")
	tree := &znodes{data: map[string]string{"/consumers/g/offsets/t/0": "5", "/consumers/h/ids/c": "?"}}
	if _, err := Read(t.Context(), tree, []string{"g", "none"}, every); err == nil || !strings.Contains(err.Error(), "group none is not there") {
		t.Error(err)
	}
	for _, path := range []string{"/consumers/g", "/consumers/g/offsets", "/consumers/g/offsets/t", "/consumers/g/offsets/t/0"} {
		tree.refuse = map[string]error{path: refused}
		if _, err := Read(t.Context(), tree, []string{"g", "h"}, every); !errors.Is(err, refused) {
			t.Errorf("%s was refused, and the error is %v", path, err)
		}
	}
	if _, err := Names(&znodes{}); err == nil || !strings.Contains(err.Error(), "there is no /consumers") {
		t.Error(err)
	}
	ended, end := context.WithCancel(t.Context())
	tree.refuse, tree.before = nil, func(string) { end() }
	if _, err := Read(ended, tree, []string{"g", "h"}, every); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestReadAtOnce: however many groups and partitions there are, no more than askedAtOnce znodes are asked for at a time.
func TestReadAtOnce(t *testing.T) {
	tree := &znodes{data: map[string]string{}}
	var names []string
	for g := range 100 {
		names = append(names, fmt.Sprintf("g%02d", g))
		for p := range 20 {
			tree.data[fmt.Sprintf("/consumers/g%02d/offsets/t/%d", g, p)] = fmt.Sprint(g*100 + p)
		}
	}
	var now, most atomic.Int64
	tree.before = func(path string) {
		if strings.Count(path, "/") < 5 {
			return
		}
		defer now.Add(-1)
		for n := now.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				return
			}
		}
	}
	groups, err := Read(t.Context(), tree, names, every)
	if err != nil {
		t.Fatal(err)
	}
	for g := range groups {
		for p, o := range groups[g].Offsets {
			if len(groups[g].Offsets) != 20 || o.Offset != int64(g*100+p) || o.Partition != int32(p) {
				t.Fatalf("%+v", groups[g])
			}
		}
	}
	if most.Load() > askedAtOnce {
		t.Errorf("%d znodes were asked for at a time", most.Load())
	}
}
