package spec

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/skein-io/skein/internal/nearest"
)

// scalar is a value of one word.
type scalar[T, V any] struct {
	to    func(*T) *V
	parse func(text string) (V, error)
	tags  []string // those of YAML that fit; plain ones need none of text
	words string
	among []string // the words that are allowed, if only some are
}

func (s scalar[T, V]) what() string { return s.words }
func (scalar[T, V]) below() []Key   { return nil }

func (s scalar[T, V]) read(r *reader, path string, n *yaml.Node, to *T) {
	if v, ok := s.parsed(r, path, n); ok {
		*s.to(to) = v
	}
}

// parsed is the value, if it is one.
func (s scalar[T, V]) parsed(r *reader, path string, n *yaml.Node) (v V, ok bool) {
	if n.Kind != yaml.ScalarNode || !slices.Contains(s.tags, n.ShortTag()) {
		r.wrong(n, path, "it must be "+s.words)
		return v, false
	}
	v, err := s.parse(n.Value)
	if err == nil {
		return v, true
	}
	before := len(r.faults)
	r.wrong(n, path, err.Error())
	if s.among != nil {
		r.faults[before].Nearest = nearest.Name(n.Value, slices.Values(s.among))
	}
	return v, false
}

var (
	textTags   = []string{"!!str", "!!int", "!!float", "!!timestamp"}
	numberTags = []string{"!!int"}
)

// text is a word that is not empty and passes check, which may be nil.
func text[T any](to func(*T) *string, words string, check func(string) error) scalar[T, string] {
	return scalar[T, string]{to: to, words: words, tags: textTags, parse: func(text string) (string, error) {
		if text == "" || strings.ContainsAny(text, "\x00\r\n") {
			return "", errors.New("it must be " + words)
		}
		if check != nil {
			if err := check(text); err != nil {
				return "", err
			}
		}
		return text, nil
	}}
}

func choice[T any, V ~string](to func(*T) *V, among ...string) scalar[T, V] {
	words := strings.Join(among[:len(among)-1], ", ") + " or " + among[len(among)-1]
	return scalar[T, V]{to: to, words: words, tags: textTags, among: among, parse: func(text string) (V, error) {
		if !slices.Contains(among, text) {
			return "", errors.New("it must be " + words)
		}
		return V(text), nil
	}}
}

// chosen is choice of two for a flag.
func chosen[T any](to func(*T) *bool, no, yes string) scalar[T, bool] {
	words := no + " or " + yes
	return scalar[T, bool]{to: to, words: words, tags: textTags, among: []string{no, yes}, parse: func(text string) (bool, error) {
		if text != no && text != yes {
			return false, errors.New("it must be " + words)
		}
		return text == yes, nil
	}}
}

func truth[T any](to func(*T) *bool) scalar[T, bool] {
	return scalar[T, bool]{to: to, words: "true or false", tags: []string{"!!bool"}, parse: func(text string) (bool, error) {
		return strings.EqualFold(text, "true"), nil
	}}
}

func number[T any, V ~int | ~int32 | ~uint32](to func(*T) *V, least, most int64) scalar[T, V] {
	words := fmt.Sprintf("a whole number from %d to %d", least, most)
	return scalar[T, V]{to: to, words: words, tags: numberTags, parse: func(text string) (V, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < least || n > most {
			return 0, errors.New("it must be " + words)
		}
		return V(n), nil
	}}
}

func duration[T any](to func(*T) *time.Duration, least, most time.Duration) scalar[T, time.Duration] {
	words := fmt.Sprintf("a time from %s to %s, such as 1m30s", short(least), short(most))
	return scalar[T, time.Duration]{to: to, words: words, tags: textTags, parse: func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil || d < least || d > most {
			return 0, errors.New("it must be " + words)
		}
		return d, nil
	}}
}

// short is a time without zeros at its end.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// address is host:port; the port may be left out if there is a standard one.
func address[T any](to func(*T) *string, port string) scalar[T, string] {
	return text(to, "HOST:PORT", func(text string) error { return checkAddress(text, port) })
}

func checkAddress(text, port string) error {
	colon := strings.LastIndexByte(text, ':')
	host, number := text[:max(colon, 0)], text[colon+1:]
	n, err := strconv.ParseUint(number, 10, 16)
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	if host == "" || err != nil || n == 0 || strings.ContainsAny(text, "/@ \t") || strings.Contains(host, ":") && !bracketed {
		return errors.New("it must be HOST:PORT, such as db.example.com:" + port)
	}
	return nil
}

// list is one value or several, each of them read by a scalar. An empty list is refused.
type list[T, V any] struct {
	to   func(*T) *[]V
	one  scalar[V, V]
	same func(a, b V) bool // two that may not both be there; nil where that is no matter
}

func self[V any](v *V) *V { return v }

func (l list[T, V]) what() string { return "a list of " + l.one.words }
func (list[T, V]) below() []Key   { return nil }

func (l list[T, V]) read(r *reader, path string, n *yaml.Node, to *T) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if nodes = n.Content; len(nodes) == 0 {
			r.at(n, path, "", "the list is empty")
		}
	}
	for i, item := range nodes {
		at := path
		if n.Kind == yaml.SequenceNode {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		v, ok := l.one.parsed(r, at, item)
		if !ok {
			continue
		}
		r.mark(at, item)
		if l.same != nil && slices.ContainsFunc(*l.to(to), func(other V) bool { return l.same(v, other) }) {
			r.wrong(item, at, "it stands there twice")
			continue
		}
		*l.to(to) = append(*l.to(to), v)
	}
}

func equal[V comparable](a, b V) bool { return a == b }

func texts[T any](to func(*T) *[]string, words string, check func(string) error) list[T, string] {
	return list[T, string]{to: to, one: text(self[string], words, check), same: equal[string]}
}

func patterns[T any](to func(*T) *[]Pattern) list[T, Pattern] {
	one := scalar[Pattern, Pattern]{to: self[Pattern], words: "DATABASE.TABLE, in which * stands for any letters", tags: textTags, parse: parsePattern}
	return list[T, Pattern]{to: to, one: one, same: equal[Pattern]}
}

// nested is a section below a key. A pointer to it stays nil if the key does not stand there.
type nested[T, U any] struct {
	to      func(*T) *U
	section *section[U]
}

func (s nested[T, U]) what() string { return "keys with values" }
func (s nested[T, U]) below() []Key { return s.section.list() }

func (s nested[T, U]) read(r *reader, path string, n *yaml.Node, to *T) {
	s.section.read(r, path, n, s.to(to))
}

// fresh is for nested: it makes what a pointer points to.
func fresh[T, U any](pointer func(*T) **U) func(*T) *U {
	return func(to *T) *U {
		p := pointer(to)
		*p = new(U)
		return *p
	}
}
