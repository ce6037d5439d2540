package binjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Operations of a difference.
const (
	replace = 0
	insert  = 1
	remove  = 2
)

// Update appends the text of a document after differences were applied to it, as a partial update (MySQL's
// binlog_row_value_options=PARTIAL_JSON) tells them:
//
//	several times: operation 1 | length packed, path | length packed, document (not of a removal)
func Update(dst, document, differences []byte) ([]byte, error) {
	root, err := buildAll(document)
	if err != nil {
		return dst, err
	}
	for rest := differences; len(rest) > 0; {
		if rest, err = apply(&root, rest); err != nil {
			return dst, err
		}
	}
	p := printer{dst: dst, end: len(dst) + textMax(len(document)+len(differences))}
	if err := p.node(root, 0); err != nil {
		return dst, err
	}
	return p.dst, nil
}

// apply applies the first difference and returns the others.
func apply(root **node, b []byte) ([]byte, error) {
	operation := b[0]
	path, b, err := packed(b[1:])
	if err != nil {
		return nil, err
	}
	legs, err := parsePath(string(path))
	if err != nil {
		return nil, err
	}
	var fresh *node
	if operation != remove {
		var document []byte
		if document, b, err = packed(b); err != nil {
			return nil, err
		}
		if fresh, err = buildAll(document); err != nil {
			return nil, err
		}
	}
	if len(legs) == 0 {
		if operation != replace {
			return nil, errors.New("a JSON difference inserts or removes the whole document")
		}
		*root = fresh
		return b, nil
	}
	parent := *root
	for _, l := range legs[:len(legs)-1] {
		if parent, err = l.step(parent); err != nil {
			return nil, fmt.Errorf("a JSON difference at %q: %w", path, err)
		}
	}
	if err := legs[len(legs)-1].change(parent, operation, fresh); err != nil {
		return nil, fmt.Errorf("a JSON difference at %q: %w", path, err)
	}
	return b, nil
}

// packed reads a length as MySQL's protocol packs it, and so many bytes.
func packed(b []byte) (content, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errCut
	}
	width := 0
	switch b[0] {
	case 0xfc:
		width = 2
	case 0xfd:
		width = 3
	case 0xfe:
		width = 8
	case 0xfb, 0xff:
		return nil, nil, errCut
	}
	length := uint64(b[0])
	b = b[1:]
	if width > 0 {
		if len(b) < width {
			return nil, nil, errCut
		}
		length = 0
		for i, x := range b[:width] {
			length |= uint64(x) << (8 * i)
		}
		b = b[width:]
	}
	if length > uint64(len(b)) {
		return nil, nil, errCut
	}
	return b[:length], b[length:], nil
}

// leg is one step of a path: a member, or an item if key is nil.
type leg struct {
	key   []byte
	index int
}

var errNothing = errors.New("there is nothing in the document before")

func (l leg) step(n *node) (*node, error) {
	if l.key == nil {
		if n.kind != arrayNode || l.index >= len(n.items) {
			return nil, errNothing
		}
		return n.items[l.index], nil
	}
	if at, ok := n.find(l.key); n.kind == objectNode && ok {
		return n.members[at].value, nil
	}
	return nil, errNothing
}

// change does what the operation says to the part of n that the leg names.
func (l leg) change(n *node, operation byte, fresh *node) error {
	if l.key == nil {
		switch {
		case n.kind != arrayNode:
			return errNothing
		case operation == insert:
			n.items = slices.Insert(n.items, min(l.index, len(n.items)), fresh)
		case l.index >= len(n.items):
			return errNothing
		case operation == replace:
			n.items[l.index] = fresh
		case operation == remove:
			n.items = slices.Delete(n.items, l.index, l.index+1)
		default:
			return fmt.Errorf("operation %d is not known", operation)
		}
		return nil
	}
	at, there := n.find(l.key)
	switch {
	case n.kind != objectNode:
		return errNothing
	case operation == insert && !there:
		n.members = slices.Insert(n.members, at, member{l.key, fresh})
	case operation == insert || !there:
		return errNothing
	case operation == replace:
		n.members[at].value = fresh
	case operation == remove:
		n.members = slices.Delete(n.members, at, at+1)
	default:
		return fmt.Errorf("operation %d is not known", operation)
	}
	return nil
}

// parsePath reads $, .name, ."name in quotes" and [number].
func parsePath(path string) ([]leg, error) {
	broken := fmt.Errorf("a JSON difference has the path %q", path[:min(len(path), 100)])
	if path == "" || path[0] != '$' {
		return nil, broken
	}
	var legs []leg
	for rest := path[1:]; rest != ""; {
		if len(legs) == depthMax {
			return nil, errDeep
		}
		var l leg
		var ok bool
		switch rest[0] {
		case '[':
			l, rest, ok = parseIndex(rest[1:])
		case '.':
			l, rest, ok = parseKey(rest[1:])
		}
		if !ok {
			return nil, broken
		}
		legs = append(legs, l)
	}
	return legs, nil
}

func parseIndex(s string) (l leg, rest string, ok bool) {
	at := 0
	for ; at < len(s) && s[at] >= '0' && s[at] <= '9'; at++ {
		if l.index = l.index*10 + int(s[at]-'0'); l.index > math.MaxInt32 {
			return l, "", false
		}
	}
	if at == 0 || at == len(s) || s[at] != ']' {
		return l, "", false
	}
	return l, s[at+1:], true
}

func parseKey(s string) (l leg, rest string, ok bool) {
	if s == "" {
		return l, "", false
	}
	if s[0] != '"' {
		at := 0
		for at < len(s) && s[at] != '.' && s[at] != '[' {
			at++
		}
		return leg{key: []byte(s[:at])}, s[at:], at > 0
	}
	for at := 1; at < len(s); at++ {
		switch s[at] {
		case '\\':
			at++
		case '"':
			var key string
			if json.Unmarshal([]byte(s[:at+1]), &key) != nil {
				return l, "", false
			}
			return leg{key: append([]byte{}, key...)}, s[at+1:], true
		}
	}
	return l, "", false
}
