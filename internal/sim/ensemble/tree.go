package ensemble

import (
	"path"
	"slices"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// znode is one of a tree. It never changes: a change makes another.
type znode struct {
	data     []byte
	version  int32
	owner    int64
	changed  int64 // the transaction that made it what it is
	children int64 // the last transaction that changed which children it has
}

// tree is the znodes by path; the root is "".
type tree map[string]*znode

// change is what one transaction does to one znode; node nil removes it.
type change struct {
	path string
	node *znode
}

// transaction is what the ensemble has agreed upon.
type transaction struct {
	id      int64
	changes []change
}

func (t tree) apply(x transaction) {
	for _, c := range x.changes {
		before := t[c.path]
		if c.node == nil {
			delete(t, c.path)
		} else {
			t[c.path] = c.node
		}
		if (before == nil) != (c.node == nil) {
			if up := t[parentOf(c.path)]; up != nil {
				next := *up
				next.children = x.id
				t[parentOf(c.path)] = &next
			}
		}
	}
}

// parentOf is the path of a znode's parent.
func parentOf(p string) string {
	if dir := path.Dir(p); dir != "/" {
		return dir
	}
	return ""
}

func (t tree) childrenOf(p string) []string {
	var names []string
	for at := range t {
		if at != "" && parentOf(at) == p {
			names = append(names, path.Base(at))
		}
	}
	slices.Sort(names)
	return names
}

// multi decides about operations on a tree: the changes, and the versions after each. Nothing is changed if one is refused.
func (t tree) multi(ops []member.Op, session, id int64) (changes []change, versions []int32, code member.Code) {
	staged := map[string]*znode{}
	look := func(p string) *znode {
		if n, ok := staged[p]; ok {
			return n
		}
		return t[p]
	}
	versions = make([]int32, len(ops))
	for i, op := range ops {
		n := look(op.Path)
		switch {
		case op.Kind == member.Create && n != nil:
			return nil, nil, member.NodeExists
		case op.Kind == member.Create && look(parentOf(op.Path)) == nil, op.Kind != member.Create && n == nil:
			return nil, nil, member.NoNode
		case op.Kind != member.Create && op.Version != member.AnyVersion && op.Version != n.version:
			return nil, nil, member.BadVersion
		}
		switch op.Kind {
		case member.Create:
			made := &znode{data: op.Data, changed: id, children: id}
			if op.Ephemeral {
				made.owner = session
			}
			staged[op.Path] = made
		case member.Delete:
			if len(t.childrenOf(op.Path)) > 0 && !emptied(t, staged, op.Path) {
				return nil, nil, member.Refused
			}
			staged[op.Path] = nil
		case member.SetData:
			next := *n
			next.data, next.version, next.changed = op.Data, n.version+1, id
			staged[op.Path], versions[i] = &next, next.version
		case member.Check:
			continue
		}
		changes = append(changes, change{op.Path, staged[op.Path]})
	}
	return changes, versions, member.OK
}

// emptied says whether the operations before have removed all children.
func emptied(t tree, staged map[string]*znode, p string) bool {
	for _, name := range t.childrenOf(p) {
		if n, ok := staged[p+"/"+name]; !ok || n != nil {
			return false
		}
	}
	return true
}
