package memtree

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/skein-io/skein/internal/oldconsumer"
)

// TestTree: what ZooKeeper promises and old consumers rely on.
func TestTree(t *testing.T) {
	tree := New()
	tree.Put("/a/b", []byte("1"))
	do := func(s Session, op oldconsumer.Op, path, data string) (oldconsumer.Answer, []Fired) {
		t.Helper()
		return tree.Do(s, oldconsumer.Request{Op: op, Path: path, Data: []byte(data)})
	}
	want := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, not %v", what, got, want)
		}
	}
	answer, _ := do(1, oldconsumer.WatchChildren, "/a/b", "")
	want("no children", len(answer.Names), 0)
	do(2, oldconsumer.WatchChildren, "/a/b", "")
	answer, fired := do(1, oldconsumer.CreateEphemeral, "/a/b/x", "mine")
	want("it is made", answer.Outcome, oldconsumer.OK)
	want("all who watch are told, who made it too", fired, []Fired{{1, "/a/b"}, {2, "/a/b"}})
	_, fired = do(2, oldconsumer.CreateEphemeral, "/a/b/y", "")
	want("a watch fires once", len(fired), 0)
	answer, fired = do(2, oldconsumer.CreateEphemeral, "/a/b/x", "other")
	want("it exists", answer.Outcome, oldconsumer.NodeExists)
	want("nothing changed", len(fired), 0)
	answer, _ = do(2, oldconsumer.Get, "/a/b/x", "")
	want("it is as the first made it", string(answer.Data), "mine")
	answer, _ = do(2, oldconsumer.CreateEphemeral, "/a/none/x", "")
	want("nothing is above it", answer.Outcome, oldconsumer.NoNode)
	answer, fired = do(2, oldconsumer.Set, "/a/b/x", "2")
	want("data is no child", fmt.Sprint(answer.Outcome, len(fired)), "OK 0")
	for _, op := range []oldconsumer.Op{oldconsumer.Children, oldconsumer.WatchChildren, oldconsumer.Get, oldconsumer.Set, oldconsumer.Delete} {
		answer, fired = do(1, op, "/none", "")
		want(op.String()+" of nothing", fmt.Sprint(answer.Outcome, len(fired)), "NoNode 0")
	}
	do(2, oldconsumer.WatchChildren, "/a/b", "")
	do(1, oldconsumer.WatchChildren, "/a/b", "")
	want("the end of a session takes its znodes, and tells those that are left", tree.End(1), []Fired{{2, "/a/b"}})
	answer, _ = do(2, oldconsumer.Children, "/a/b", "")
	if !reflect.DeepEqual(answer.Names, []string{"y"}) {
		t.Error(answer.Names)
	}
	if owner, there := tree.Owner("/a/b/y"); !there || owner != 2 {
		t.Error(owner, there)
	}
	do(3, oldconsumer.WatchChildren, "/a/b", "")
	_, fired = do(3, oldconsumer.Delete, "/a/b/y", "") // anybody may
	want("a deletion is told", fired, []Fired{{3, "/a/b"}})
	want("what stays is nobody's", len(tree.End(Persistent)), 0)
	answer, _ = do(3, oldconsumer.Get, "/a/b", "")
	want("and is there", string(answer.Data), "1")
}
