package metadata

import "iter"

// tree is an ordered map that never changes: set and del return another tree that shares all but the path to the
// changed node. An AVL tree, so that its shape, and with it every walk, depends on the keys alone.
//
// edit makes many changes cheap: nodes that were made under the same edit are seen by nobody else yet and are changed
// in place. The zero edit shares nothing.
type tree[K, V any] struct {
	root *node[K, V]
	size int
}

// edit marks the nodes that one builder made. Its address is its identity.
type edit struct{ _ byte }

type node[K, V any] struct {
	left, right *node[K, V]
	owner       *edit
	key         K
	value       V
	height      int8 // of the subtree; at most 1.44 log2(n+2)
}

// get finds the value of a key.
func (t tree[K, V]) get(key K, compare func(a, b K) int) (value V, ok bool) {
	for n := t.root; n != nil; {
		switch c := compare(key, n.key); {
		case c == 0:
			return n.value, true
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return value, false
}

// set returns a tree in which key has value.
func (t tree[K, V]) set(e *edit, key K, value V, compare func(a, b K) int) tree[K, V] {
	root, added := insert(t.root, e, key, value, compare)
	if added {
		t.size++
	}
	t.root = root
	return t
}

// del returns a tree without key.
func (t tree[K, V]) del(e *edit, key K, compare func(a, b K) int) tree[K, V] {
	root, removed := remove(t.root, e, key, compare)
	if removed {
		t.size--
	}
	t.root = root
	return t
}

// all walks in the order of the keys.
func (t tree[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { walk(t.root, yield) }
}

func walk[K, V any](n *node[K, V], yield func(K, V) bool) bool {
	return n == nil || walk(n.left, yield) && yield(n.key, n.value) && walk(n.right, yield)
}

func insert[K, V any](n *node[K, V], e *edit, key K, value V, compare func(a, b K) int) (*node[K, V], bool) {
	if n == nil {
		return &node[K, V]{owner: e, key: key, value: value, height: 1}, true
	}
	n = n.own(e)
	c := compare(key, n.key)
	if c == 0 {
		n.value = value
		return n, false
	}
	var added bool
	if c < 0 {
		n.left, added = insert(n.left, e, key, value, compare)
	} else {
		n.right, added = insert(n.right, e, key, value, compare)
	}
	if !added {
		return n, false
	}
	return balance(n, e), true
}

func remove[K, V any](n *node[K, V], e *edit, key K, compare func(a, b K) int) (*node[K, V], bool) {
	if n == nil {
		return nil, false
	}
	var removed bool
	child := n
	switch c := compare(key, n.key); {
	case c < 0:
		if child, removed = remove(n.left, e, key, compare); !removed {
			return n, false
		}
		n = n.own(e)
		n.left = child
	case c > 0:
		if child, removed = remove(n.right, e, key, compare); !removed {
			return n, false
		}
		n = n.own(e)
		n.right = child
	case n.left == nil:
		return n.right, true
	case n.right == nil:
		return n.left, true
	default:
		n = n.own(e)
		n.right = removeFirst(n, n.right, e)
	}
	return balance(n, e), true
}

// removeFirst moves the first entry under n into target and returns what is left of n.
func removeFirst[K, V any](target, n *node[K, V], e *edit) *node[K, V] {
	if n.left == nil {
		target.key, target.value = n.key, n.value
		return n.right
	}
	n = n.own(e)
	n.left = removeFirst(target, n.left, e)
	return balance(n, e)
}

// own returns n if this edit may change it in place, or a copy that it may.
func (n *node[K, V]) own(e *edit) *node[K, V] {
	if e != nil && n.owner == e {
		return n
	}
	c := *n
	c.owner = e
	return &c
}

func (n *node[K, V]) tall() int8 {
	if n == nil {
		return 0
	}
	return n.height
}

func (n *node[K, V]) measure() { n.height = 1 + max(n.left.tall(), n.right.tall()) }

// balance restores the AVL rule at n, which the edit owns: heights of siblings differ by at most one.
func balance[K, V any](n *node[K, V], e *edit) *node[K, V] {
	switch d := n.left.tall() - n.right.tall(); {
	case d > 1:
		n.left = n.left.own(e)
		if n.left.left.tall() < n.left.right.tall() {
			n.left = rotateLeft(n.left, e)
		}
		return rotateRight(n, e)
	case d < -1:
		n.right = n.right.own(e)
		if n.right.right.tall() < n.right.left.tall() {
			n.right = rotateRight(n.right, e)
		}
		return rotateLeft(n, e)
	}
	n.measure()
	return n
}

func rotateRight[K, V any](n *node[K, V], e *edit) *node[K, V] {
	l := n.left.own(e)
	n.left, l.right = l.right, n
	n.measure()
	l.measure()
	return l
}

func rotateLeft[K, V any](n *node[K, V], e *edit) *node[K, V] {
	r := n.right.own(e)
	n.right, r.left = r.left, n
	n.measure()
	r.measure()
	return r
}
