package envelope

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of a record that is read.
const (
	// ValueSizeMax is the size of a record's key, value or header, in bytes.
	ValueSizeMax = 128 << 20
	depthMax     = 64
	nodesMax     = 1 << 20
)

// tape is a JSON text, read once: a node for each value, in the order of the text, the members of an object and the
// elements of a list behind it. Nothing is converted: a number stays its digits, a document its text.
type tape struct {
	text    []byte
	nodes   []node
	strings map[string]string
}

// node is one value. kind is the first character of it: { [ " t f n, or 0 for a number.
type node struct {
	kind    byte
	escaped bool // the string has escapes
	// keyEscaped, keyFrom, keyTo: the name of a member, without its quotes.
	keyEscaped     bool
	keyFrom, keyTo int32
	from, to       int32 // the value's text; of a string without its quotes
	next           int32 // the node after this one and all that is in it
}

// parse reads a text. It must be one JSON value (RFC 8259) and nothing else.
func (t *tape) parse(text []byte) error {
	t.text, t.nodes = text, t.nodes[:0]
	if len(text) > ValueSizeMax {
		return fmt.Errorf("it has %d bytes, more than %d", len(text), ValueSizeMax)
	}
	at, err := t.value(t.blank(0), 0, node{})
	if err != nil {
		return err
	}
	if at = t.blank(at); at != len(text) {
		return t.flaw(at, "something follows the JSON value")
	}
	return nil
}

func (t *tape) flaw(at int, what string) error {
	return fmt.Errorf("broken JSON at byte %d: %s", at, what)
}

func (t *tape) blank(at int) int {
	for at < len(t.text) && (t.text[at] == ' ' || t.text[at] == '\n' || t.text[at] == '\r' || t.text[at] == '\t') {
		at++
	}
	return at
}

// value reads the value at a byte; n has its name already. It returns where it ends.
func (t *tape) value(at, depth int, n node) (int, error) {
	switch {
	case at >= len(t.text):
		return at, t.flaw(at, "it ends too early")
	case depth > depthMax:
		return at, t.flaw(at, fmt.Sprintf("it is nested more than %d deep", depthMax))
	case len(t.nodes) >= nodesMax:
		return at, t.flaw(at, fmt.Sprintf("it has more than %d values", nodesMax))
	}
	slot := len(t.nodes)
	n.kind, n.from = t.text[at], int32(at)
	t.nodes = append(t.nodes, n)
	var err error
	switch n.kind {
	case '{', '[':
		at, err = t.inside(at+1, depth+1, n.kind)
	case '"':
		n.from++
		at, n.escaped, err = t.str(at + 1)
		t.nodes[slot].from, t.nodes[slot].escaped = n.from, n.escaped
	case 't':
		at, err = t.word(at, "true")
	case 'f':
		at, err = t.word(at, "false")
	case 'n':
		at, err = t.word(at, "null")
	default:
		t.nodes[slot].kind = 0
		size := numberSize(t.text[at:])
		if size == 0 {
			return at, t.flaw(at, "no value begins here")
		}
		at += size
	}
	t.nodes[slot].to, t.nodes[slot].next = int32(at), int32(len(t.nodes))
	if n.kind == '"' {
		t.nodes[slot].to--
	}
	return at, err
}

// inside reads members or elements and what closes them.
func (t *tape) inside(at, depth int, open byte) (int, error) {
	shut := open + 2 // ] and } follow [ and { by two
	at = t.blank(at)
	if at < len(t.text) && t.text[at] == shut {
		return at + 1, nil
	}
	for {
		var n node
		if open == '{' {
			if at >= len(t.text) || t.text[at] != '"' {
				return at, t.flaw(at, "a name in quotes is missing")
			}
			end, escaped, err := t.str(at + 1)
			if err != nil {
				return end, err
			}
			n.keyFrom, n.keyTo, n.keyEscaped = int32(at+1), int32(end-1), escaped
			if at = t.blank(end); at >= len(t.text) || t.text[at] != ':' {
				return at, t.flaw(at, "a colon is missing")
			}
			at = t.blank(at + 1)
		}
		end, err := t.value(at, depth, n)
		if err != nil {
			return end, err
		}
		at = t.blank(end)
		switch {
		case at >= len(t.text):
			return at, t.flaw(at, "it ends too early")
		case t.text[at] == shut:
			return at + 1, nil
		case t.text[at] != ',':
			return at, t.flaw(at, "a comma is missing")
		}
		at = t.blank(at + 1)
	}
}

func (t *tape) word(at int, word string) (int, error) {
	if !bytes.HasPrefix(t.text[at:], []byte(word)) {
		return at, t.flaw(at, "no value begins here")
	}
	return at + len(word), nil
}

// str reads a string from behind its quote to behind its closing one. It must be UTF-8.
func (t *tape) str(at int) (end int, escaped bool, err error) {
	wide, from := false, at
	for ; at < len(t.text); at++ {
		switch b := t.text[at]; {
		case b == '"':
			if wide && !utf8.Valid(t.text[from:at]) {
				return from, escaped, t.flaw(from, "a string is no UTF-8")
			}
			return at + 1, escaped, nil
		case b < ' ':
			return at, escaped, t.flaw(at, "a control character in a string")
		case b >= utf8.RuneSelf:
			wide = true
		case b == '\\':
			escaped = true
			size := escapeSize(t.text[at:])
			if size == 0 {
				return at, escaped, t.flaw(at, "an escape that is none")
			}
			at += size - 1
		}
	}
	return at, escaped, t.flaw(at, "a string does not end")
}

// escapeSize is the length of the escape at the front of b, 0 if it is none. A half of a surrogate pair without the other
// is none: it is no character.
func escapeSize(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, ok := hexRune(b)
		switch {
		case !ok:
			return 0
		case !utf16.IsSurrogate(r):
			return 6
		}
		if second, ok := hexRune(b[6:]); ok && utf16.DecodeRune(r, second) != utf8.RuneError {
			return 12
		}
	}
	return 0
}

// hexRune reads \u and four digits.
func hexRune(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil && b[2] != '+' && b[2] != '_'
}

// numberSize is the length of the JSON number at the front of b, 0 if there is none.
func numberSize(b []byte) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := i
	if !digits() || b[whole] == '0' && i > whole+1 {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return 0
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}

func isNumber(b []byte) bool { return len(b) > 0 && numberSize(b) == len(b) }

// validDocument reports what is wrong with a JSON text.
func validDocument(text []byte) error {
	var t tape
	return t.parse(text)
}
