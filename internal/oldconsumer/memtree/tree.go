// Package memtree is a ZooKeeper in memory, as far as old consumers use one: znodes, sessions with ephemeral ones, and watches on
// children that fire once. It is a value: what is asked is done at once, and when an answer or a notification arrives, whoever
// drives it decides.
package memtree

import (
	"maps"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/oldconsumer"
)

// Session is who asks.
type Session int

// Persistent is no session: what it makes stays.
const Persistent Session = 0

// Fired is a watch that fires: the session is to be told that the children of a znode changed.
type Fired struct {
	Session Session
	Path    string
}

// Tree is the znodes. Make one with New.
type Tree struct {
	nodes   map[string]node
	watches map[string]map[Session]bool // on children
}

type node struct {
	data  []byte
	owner Session
}

// New makes a tree with the root only.
func New() *Tree {
	return &Tree{nodes: map[string]node{"": {}}, watches: map[string]map[Session]bool{}}
}

// Put makes a znode that stays, with those above it, or writes it.
func (t *Tree) Put(path string, data []byte) []Fired {
	var fired []Fired
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if _, there := t.nodes[path[:i]]; !there {
			t.nodes[path[:i]] = node{}
			fired = append(fired, t.fire(path[:i])...)
		}
	}
	n := t.nodes[path]
	n.data = data
	t.nodes[path] = n
	return fired
}

// Do does what a session asks.
func (t *Tree) Do(s Session, r oldconsumer.Request) (oldconsumer.Answer, []Fired) {
	n, there := t.nodes[r.Path]
	no := oldconsumer.Answer{Outcome: oldconsumer.NoNode}
	switch r.Op {
	case oldconsumer.Children, oldconsumer.WatchChildren:
		if !there {
			return no, nil
		}
		if r.Op == oldconsumer.WatchChildren {
			if t.watches[r.Path] == nil {
				t.watches[r.Path] = map[Session]bool{}
			}
			t.watches[r.Path][s] = true
		}
		return oldconsumer.Answer{Names: t.children(r.Path)}, nil
	case oldconsumer.Get:
		if !there {
			return no, nil
		}
		return oldconsumer.Answer{Data: n.data}, nil
	case oldconsumer.Set:
		if !there {
			return no, nil
		}
		n.data = r.Data
		t.nodes[r.Path] = n
		return oldconsumer.Answer{}, nil
	case oldconsumer.CreateEphemeral:
		if there {
			return oldconsumer.Answer{Outcome: oldconsumer.NodeExists}, nil
		}
		if _, above := t.nodes[parent(r.Path)]; !above {
			return no, nil
		}
		t.nodes[r.Path] = node{data: r.Data, owner: s}
		return oldconsumer.Answer{}, t.fire(r.Path)
	case oldconsumer.Delete:
		if !there {
			return no, nil
		}
		delete(t.nodes, r.Path)
		return oldconsumer.Answer{}, t.fire(r.Path)
	}
	panic("no such request: " + r.Op.String())
}

// End ends a session: its ephemeral znodes and its watches are gone.
func (t *Tree) End(s Session) []Fired {
	for _, watching := range t.watches {
		delete(watching, s)
	}
	var fired []Fired
	for _, path := range slices.Sorted(maps.Keys(t.nodes)) {
		if s != Persistent && t.nodes[path].owner == s {
			delete(t.nodes, path)
			fired = append(fired, t.fire(path)...)
		}
	}
	return fired
}

// Owner is the session that an ephemeral znode belongs to.
func (t *Tree) Owner(path string) (Session, bool) {
	n, there := t.nodes[path]
	return n.owner, there
}

func (t *Tree) children(path string) []string {
	var names []string
	for p := range t.nodes {
		if rest, below := strings.CutPrefix(p, path+"/"); below && !strings.Contains(rest, "/") {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names
}

// fire takes the watches on what a znode is a child of.
func (t *Tree) fire(path string) []Fired {
	above := parent(path)
	var fired []Fired
	for _, s := range slices.Sorted(maps.Keys(t.watches[above])) {
		fired = append(fired, Fired{s, above})
	}
	delete(t.watches, above)
	return fired
}

func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }
