package spec

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// secret is where a secret is. Whatever else stands there is not shown: it may be the secret itself.
type secret[T any] struct{ to func(*T) *Secret }

const secretWords = "{file: PATH} or {env: NAME}"

func (secret[T]) what() string { return secretWords }
func (secret[T]) below() []Key { return nil }

func (s secret[T]) read(r *reader, path string, n *yaml.Node, to *T) {
	if n.Kind != yaml.MappingNode {
		r.at(n, path, "", "a secret does not stand in the file: write "+secretWords+", where it is to be found")
		return
	}
	r.mark(path, n)
	found := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || k.Value != "file" && k.Value != "env":
			r.at(k, path, "", "it must be "+secretWords)
		case found[k.Value] != nil:
			r.at(k, join(path, k.Value), "", "the key stands twice")
		default:
			found[k.Value] = v
		}
	}
	if len(found) == 2 || len(n.Content) == 0 {
		r.at(n, path, "", "it must be one of "+secretWords)
	}
	place := s.to(to)
	for name, to := range map[string]*string{"file": &place.File, "env": &place.Env} {
		v := found[name]
		switch {
		case v == nil:
		case v.Kind != yaml.ScalarNode || !slices.Contains(textTags, v.ShortTag()) || v.Value == "" || strings.ContainsAny(v.Value, "\x00\r\n"):
			r.at(v, join(path, name), "", "it must be one of "+secretWords)
		case name == "env" && !isEnv(v.Value):
			r.at(v, join(path, name), "", "it must be the name of an environment variable: letters, digits and _")
		default:
			*to = v.Value
		}
	}
}

func isEnv(name string) bool {
	for i, r := range name {
		letter := r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return true
}
