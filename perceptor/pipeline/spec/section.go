package spec

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/skein-io/skein/internal/nearest"
)

// section is a mapping whose keys are known. T is what it is read into.
type section[T any] struct {
	keys []key[T]
	// kind is what kind of T it is, known when the first key has been read; nil if there are no kinds.
	kind func(*T) string
}

// key is one key of a section.
type key[T any] struct {
	name     string
	value    value[T]
	standard string // what holds if the key does not stand there, as it would stand there
	required bool
	only     string // the one kind of T that has it
	why      string // why the others do not have it; empty if nobody would think that they do
	doc      string // a sentence or two of the reference
}

// value reads what stands at a key.
type value[T any] interface {
	read(r *reader, path string, n *yaml.Node, to *T)
	// what is allowed, in a few words.
	what() string
	// below are the keys below it.
	below() []Key
}

// read reads a mapping: every known key into to, and of the rest what is wrong.
func (s *section[T]) read(r *reader, path string, n *yaml.Node, to *T) {
	found, ok := r.mapping(path, n, s.names())
	if !ok {
		return
	}
	for i := range s.keys {
		k := &s.keys[i]
		at := join(path, k.name)
		n := found[k.name]
		foreign := k.only != "" && s.kind(to) != k.only
		switch {
		case n != nil && foreign:
			if s.kind(to) != "" && !s.has(k.name, s.kind(to)) {
				r.at(n, at, "", k.foreign(s.kind(to)))
			}
		case n != nil:
			k.value.read(r, at, n, to)
		case foreign:
		case k.required:
			r.at(r.place(path), at, "", "it is missing: it is "+k.value.what())
		case k.standard != "":
			k.value.read(r, at, standard(k.standard), to)
		}
	}
}

// foreign says that a kind does not have the key.
func (k *key[T]) foreign(kind string) string {
	text := "it is of " + k.only + " alone, and this is " + kind
	if k.why != "" {
		text += ": " + k.why
	}
	return text
}

// standard is what would stand there. {} is a mapping of which nothing is said; it stands in no line.
func standard(text string) *yaml.Node {
	if text == empty {
		return &yaml.Node{Kind: yaml.MappingNode}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
}

const empty = "{}"

// has says whether a kind has a key of this name.
func (s *section[T]) has(name, kind string) bool {
	return slices.ContainsFunc(s.keys, func(k key[T]) bool { return k.name == name && (k.only == "" || k.only == kind) })
}

func (s *section[T]) names() []string {
	names := make([]string, len(s.keys))
	for i := range s.keys {
		names[i] = s.keys[i].name
	}
	return names
}

// mapping finds the values of a mapping. Keys that are not among names are faults; with nil all names are good.
func (r *reader) mapping(path string, n *yaml.Node, names []string) (map[string]*yaml.Node, bool) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, path, "it must be keys with values")
		return nil, false
	}
	r.mark(path, n)
	found := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || k.ShortTag() == "!!null":
			r.at(k, path, "", "a key must be a name")
			continue
		case k.ShortTag() == "!!merge":
			r.at(k, path, "", "<< is not read: write the keys out")
			continue
		case names != nil && !slices.Contains(names, k.Value):
			f := r.at(k, join(path, shown(k.Value)), "", "there is no such key")
			f.Nearest = nearest.Name(k.Value, slices.Values(names))
			continue
		}
		at := join(path, k.Value)
		if found[k.Value] != nil {
			r.at(k, at, "", "the key stands twice")
			continue
		}
		r.mark(at, k)
		found[k.Value] = v
	}
	return found, true
}

// mark remembers where a key stands, the first time.
func (r *reader) mark(path string, n *yaml.Node) {
	if r.places == nil {
		r.places = map[string]*yaml.Node{}
	}
	if r.places[path] == nil && n.Line > 0 {
		r.places[path] = n
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
