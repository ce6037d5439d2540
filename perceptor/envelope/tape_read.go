package envelope

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

var errNotText = errors.New("it is no string")

// content is what a string says. It lies in the record unless it has escapes.
func (t *tape) content(i int32) []byte {
	n := &t.nodes[i]
	return unescape(t.text[n.from:n.to], n.escaped)
}

func (t *tape) raw(i int32) []byte {
	n := &t.nodes[i]
	if n.kind == '"' {
		return t.text[n.from-1 : n.to+1]
	}
	return t.text[n.from:n.to:n.to]
}

// name is the name of a member.
func (t *tape) name(i int32) []byte {
	n := &t.nodes[i]
	return unescape(t.text[n.keyFrom:n.keyTo], n.keyEscaped)
}

func unescape(s []byte, escaped bool) []byte {
	if !escaped {
		return s[:len(s):len(s)]
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			out = append(out, s[i])
			i++
			continue
		}
		size := escapeSize(s[i:])
		switch b := s[i+1]; b {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hexRune(s[i:])
			if size == 12 {
				second, _ := hexRune(s[i+6:])
				r = utf16.DecodeRune(r, second)
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, b)
		}
		i += size
	}
	return out
}

// none is no node.
const none = int32(-1)

// member finds a member of an object by its name: the last one, if it is there twice. none if there is none, or if it is
// null.
func (t *tape) member(object int32, name string) int32 {
	found := none
	if object == none || t.nodes[object].kind != '{' {
		return none
	}
	for i := object + 1; i < t.nodes[object].next; i = t.nodes[i].next {
		if string(t.name(i)) == name {
			found = i
		}
	}
	if found != none && t.nodes[found].kind == 'n' {
		return none
	}
	return found
}

// has reports whether an object has a member, be it null.
func (t *tape) has(object int32, name string) bool {
	if object == none || t.nodes[object].kind != '{' {
		return false
	}
	for i := object + 1; i < t.nodes[object].next; i = t.nodes[i].next {
		if string(t.name(i)) == name {
			return true
		}
	}
	return false
}

func (t *tape) kind(i int32) byte {
	if i == none {
		return 'n'
	}
	return t.nodes[i].kind
}

// want is a member that is looked for, and where it goes: a string, a whole number (told as a number or as its digits), or
// the node. What is missing or null leaves its place as it is.
type want struct {
	name   string
	text   *string
	number *int64
	node   *int32
}

// members reads several members of an object in one pass. Of a name that is there twice the last counts.
func (t *tape) members(object int32, wants ...want) error {
	if t.kind(object) != '{' {
		return nil
	}
	for i := object + 1; i < t.nodes[object].next; i = t.nodes[i].next {
		name := t.name(i)
		for w := range wants {
			if wants[w].name != string(name) {
				continue
			}
			if err := t.take(&wants[w], i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tape) take(w *want, i int32) (err error) {
	kind := t.kind(i)
	switch {
	case w.node != nil:
		if *w.node = i; kind == 'n' {
			*w.node = none
		}
	case kind == 'n':
	case w.text != nil:
		if kind != '"' {
			return &fieldError{w.name, errNotText}
		}
		*w.text = t.intern(t.content(i))
	default:
		digits := t.text[t.nodes[i].from:t.nodes[i].to]
		if *w.number, err = strconv.ParseInt(string(digits), 10, 64); err != nil {
			return &fieldError{w.name, fmt.Errorf("%.40q is no whole number of 64 bits", t.raw(i))}
		}
	}
	return nil
}

// intern is the string of b: the one that was made before, for names that come again and again.
func (t *tape) intern(b []byte) string {
	if s, ok := t.strings[string(b)]; ok {
		return s
	}
	if t.strings == nil || len(t.strings) >= 256 {
		t.strings = make(map[string]string)
	}
	s := string(b)
	if len(s) <= 256 {
		t.strings[s] = s
	}
	return s
}

// textOf is a string member; empty if it is missing or null.
func (t *tape) textOf(object int32, name string) (s string, err error) {
	err = t.members(object, want{name: name, text: &s})
	return s, err
}

// fieldError says which field is wrong.
type fieldError struct {
	field string
	err   error
}

func (e *fieldError) Error() string { return e.field + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }
