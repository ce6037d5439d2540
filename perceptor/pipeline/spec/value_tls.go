package spec

import "go.yaml.in/yaml/v3"

// encryption is true, false, or keys.
type encryption[T any] struct{ to func(*T) **TLS }

func (encryption[T]) what() string { return "true, false, or keys with values" }
func (encryption[T]) below() []Key { return tlsKeys.list() }

func (e encryption[T]) read(r *reader, path string, n *yaml.Node, to *T) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
		on := false
		truth(self[bool]).read(r, path, n, &on)
		if on {
			*e.to(to) = &TLS{}
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n, path, "it must be "+e.what())
		return
	}
	*e.to(to) = &TLS{}
	tlsKeys.read(r, path, n, *e.to(to))
}

var tlsKeys = section[TLS]{keys: []key[TLS]{
	{name: "ca", value: text(func(t *TLS) *string { return &t.CA }, "the path of a PEM file", nil),
		doc: "The authorities whose certificates are trusted. Without it those of the system are."},
	{name: "certificate", value: text(func(t *TLS) *string { return &t.Certificate }, "the path of a PEM file", nil),
		doc: "This program's own certificate, for a server that wants one."},
	{name: "key", value: text(func(t *TLS) *string { return &t.Key }, "the path of a PEM file", nil),
		doc: "The key of `certificate`."},
	{name: "server-name", value: text(func(t *TLS) *string { return &t.ServerName }, "a host's name", nil),
		doc: "Whose certificate is expected. Without it that of the host in the address."},
}}
