package binjson

import (
	"bytes"
	"cmp"
	"slices"
)

// node is a value of a document that can be changed. Scalars stay as they are.
type node struct {
	scalar  value
	kind    nodeKind
	members []member // of an object, in MySQL's order: shorter keys first, then by their bytes
	items   []*node  // of an array
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	objectNode
	arrayNode
)

type member struct {
	key   []byte
	value *node
}

// builder makes nodes of a document, up to a number of them.
type builder struct{ left int }

func (b *builder) build(v value, depth int) (*node, error) {
	if depth > depthMax {
		return nil, errDeep
	}
	if b.left--; b.left < 0 {
		return nil, errOverlap
	}
	if v.kind > largeArray {
		return &node{scalar: v}, nil
	}
	c, err := open(v)
	if err != nil {
		return nil, err
	}
	n := &node{kind: arrayNode}
	if c.object {
		n.kind = objectNode
	}
	for i := range c.count {
		inner, err := c.value(i)
		if err != nil {
			return nil, err
		}
		child, err := b.build(inner, depth+1)
		if err != nil {
			return nil, err
		}
		if !c.object {
			n.items = append(n.items, child)
			continue
		}
		key, err := c.key(i)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{key, child})
	}
	return n, nil
}

// buildAll makes the nodes of a whole document. Each value needs three bytes of it at least.
func buildAll(document []byte) (*node, error) {
	b := builder{left: len(document)/3 + 1}
	return b.build(parse(document), 0)
}

func (n *node) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(n.members, key, func(m member, key []byte) int {
		return cmp.Or(cmp.Compare(len(m.key), len(key)), bytes.Compare(m.key, key))
	})
}

func (p *printer) node(n *node, depth int) error {
	if depth > depthMax {
		return errDeep
	}
	switch n.kind {
	case scalarNode:
		return p.value(n.scalar, depth)
	case arrayNode:
		p.dst = append(p.dst, '[')
		for i, item := range n.items {
			if i > 0 {
				p.dst = append(p.dst, ", "...)
			}
			if err := p.node(item, depth+1); err != nil {
				return err
			}
		}
		p.dst = append(p.dst, ']')
		return nil
	}
	p.dst = append(p.dst, '{')
	for i, m := range n.members {
		if i > 0 {
			p.dst = append(p.dst, ", "...)
		}
		var err error
		if p.dst, err = appendString(p.dst, m.key); err != nil {
			return err
		}
		p.dst = append(p.dst, ": "...)
		if err := p.node(m.value, depth+1); err != nil {
			return err
		}
	}
	p.dst = append(p.dst, '}')
	return nil
}
