package spec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// sizeMax bounds a file, in bytes.
const sizeMax = 4 << 20

// Parse reads a file. name is what faults call it. An error is Faults.
func Parse(name string, text []byte) (*Config, error) {
	r := &reader{file: name}
	c := &Config{File: name}
	root := r.document(text)
	if root != nil {
		pipelineKeys.read(r, "", root, c)
		r.check(c, root)
	}
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b *Fault) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		return nil, r.faults
	}
	return c, nil
}

// reader collects what is wrong.
type reader struct {
	file   string
	faults Faults
	// places are where keys stand, for what is wrong with several together.
	places map[string]*yaml.Node
}

// document is the file's one mapping; nil if there is none.
func (r *reader) document(text []byte) *yaml.Node {
	if len(text) > sizeMax {
		r.at(nil, "", "", "the file is larger than "+strconv.Itoa(sizeMax)+" bytes")
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	if err := d.Decode(&first); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("yaml: line 1: the file is empty")
		}
		r.syntax(text, err)
		return nil
	}
	switch err := d.Decode(&second); {
	case err == nil:
		r.at(&second, "", "", "a second document begins here: one file is one pipeline")
	case !errors.Is(err, io.EOF):
		r.syntax(text, err)
	}
	if len(first.Content) != 1 || first.Content[0].Kind != yaml.MappingNode {
		r.at(&first, "", "", "it must be keys with values, such as name: orders")
		return nil
	}
	return first.Content[0]
}

var (
	yamlLine = regexp.MustCompile(`^line (\d+): `)
	noAnchor = regexp.MustCompile(`^unknown anchor '([^']*)'`)
	quoted   = regexp.MustCompile(`'[^']*'`)
)

// syntax tells what the YAML library says. What it quotes from the file may be a secret.
func (r *reader) syntax(text []byte, err error) {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(reason); m != nil {
		line, _ = strconv.Atoi(m[1])
		reason = reason[len(m[0]):]
	} else if m := noAnchor.FindStringSubmatch(reason); m != nil { // it does not tell the line
		line += bytes.Count(text[:max(bytes.Index(text, []byte("*"+m[1])), 0)], []byte("\n"))
	}
	r.at(&yaml.Node{Line: line}, "", "", "it is no YAML: "+quoted.ReplaceAllString(reason, "'...'"))
}

// at adds a fault at a node.
func (r *reader) at(n *yaml.Node, key, value, reason string) *Fault {
	f := &Fault{File: r.file, Line: 1, Column: 1, Key: key, Value: shown(value), Reason: reason}
	if n != nil {
		f.Line, f.Column = max(n.Line, 1), max(n.Column, 1)
	}
	r.faults = append(r.faults, f)
	return f
}

// wrong adds a fault about what a node holds.
func (r *reader) wrong(n *yaml.Node, key, reason string) {
	value := ""
	switch n.Kind {
	case yaml.ScalarNode:
		value = n.Value
	case yaml.MappingNode:
		reason += ", and keys stand there"
	case yaml.SequenceNode:
		reason += ", and a list stands there"
	case yaml.AliasNode:
		reason = "aliases are not read: write the value out"
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		reason += ", and nothing stands there"
		value = ""
	}
	r.at(n, key, value, reason)
}

// place is where a key stands; that of the nearest one above it if it does not.
func (r *reader) place(key string) *yaml.Node {
	for {
		if n := r.places[key]; n != nil || key == "" {
			return n
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
}

// said says whether a key stands in the file.
func (r *reader) said(key string) bool { return r.places[key] != nil }
