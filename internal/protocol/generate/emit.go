package main

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"
)

// printer collects Go text.
type printer struct{ bytes.Buffer }

func (p *printer) line(text string, args ...any) {
	fmt.Fprintf(p, text, args...)
	p.WriteByte('\n')
}

// generate returns the generated files by name.
func generate(specs []messageSpec) (map[string][]byte, error) {
	bodies := map[string]*printer{}
	names := map[string]bool{}
	var messages []*goMessage
	for _, spec := range specs {
		if !spec.ValidVersions.some {
			continue // removed from Kafka; its key keeps its name in the registry
		}
		m, err := newMessage(spec)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
		file := fileName(spec)
		if bodies[file] == nil {
			bodies[file] = &printer{}
		}
		for _, s := range m.structs {
			if names[s.name] {
				return nil, fmt.Errorf("two structs are called %s", s.name)
			}
			names[s.name] = true
			bodies[file].structType(s)
		}
	}
	bodies["registry.go"] = &printer{}
	bodies["registry.go"].registry(specs, messages)
	files := map[string][]byte{}
	for name, body := range bodies {
		text, err := format.Source([]byte(marker + "\npackage protocol\n\n" + body.String()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, body)
		}
		files[name] = text
	}
	return files, nil
}

// message writes what only the message's own struct has.
func (p *printer) message(m *goMessage) {
	name := m.name
	p.line("// New%s returns one with Kafka's default in every field.", name)
	p.line("func New%s() *%s {\nx := &%s{}\nx.Default()\nreturn x\n}\n", name, name, name)
	p.line("// Key returns %s.", m.keyDoc())
	p.line("func (*%s) Key() Key { return %s }\n", name, m.key())
	p.line("// Versions returns the versions that Decode takes and Encode writes.")
	p.line("func (*%s) Versions() (lowest, highest int16) { return %d, %d }\n", name, m.decodes.low, m.decodes.high)
	p.line("// Decode sets every field from r, or to Kafka's default where the version lacks it. Byte fields are slices of r's input.")
	p.line("func (x *%s) Decode(r *Reader, version int16) error {", name)
	p.line("if version < %d || version > %d {\nreturn unsupported(%q, version, %d, %d)\n}", m.decodes.low, m.decodes.high, name,
		m.decodes.low, m.decodes.high)
	p.line("x.Default()\nx.decode(r, version)\nreturn r.finish(%q, version)\n}\n", name)
	p.line("// Encode appends x to w, without the fields that the version lacks.")
	p.line("func (x *%s) Encode(w *Writer, version int16) { x.encode(w, version) }\n", name)
}

func (m *goMessage) key() string {
	switch m.spec.Type {
	case "request", "response":
		return "Key" + apiName(m.name)
	}
	if m.spec.APIKey == nil {
		return "NoKey"
	}
	return fmt.Sprint(*m.spec.APIKey)
}

func (m *goMessage) keyDoc() string {
	switch {
	case m.spec.Type == "request" || m.spec.Type == "response":
		return "the API's key"
	case m.spec.APIKey == nil:
		return "NoKey"
	}
	return "the number of the record's type; it is no API's key"
}

// doc is the first words of the message's comment.
func (m *goMessage) doc() string {
	flexible := "never flexible"
	if m.flexible.some {
		flexible = fmt.Sprintf("flexible from %d", m.flexible.low)
	}
	what := "a body without a number"
	switch m.spec.Type {
	case "request", "response":
		what = fmt.Sprintf("the %s of API %d, %s", m.spec.Type, *m.spec.APIKey, apiName(m.spec.Name))
	case "header":
		what = "the header of every " + strings.ToLower(strings.TrimSuffix(m.spec.Name, "Header"))
	case "coordinator-key":
		what = fmt.Sprintf("a key of __consumer_offsets, of type %d", *m.spec.APIKey)
	case "coordinator-value":
		what = fmt.Sprintf("a value of __consumer_offsets, under a key of type %d", *m.spec.APIKey)
	case "metadata":
		what = fmt.Sprintf("record type %d of the metadata log", *m.spec.APIKey)
	}
	return fmt.Sprintf("%s is %s: versions %d to %d, %s.", m.name, what, m.decodes.low, m.decodes.high, flexible)
}

// structType writes a struct with its defaults, decoding and encoding.
func (p *printer) structType(s *goStruct) {
	if s.schema == "" {
		p.line("// %s", s.message.doc())
	} else {
		p.line("// %s is the struct %s of %s.", s.name, s.schema, s.message.name)
	}
	p.line("type %s struct {", s.name)
	for _, f := range s.fields {
		p.line("%s %s%s", f.name, f.goType(), f.comment(s))
	}
	p.line("}\n")
	if s.schema == "" {
		p.message(s.message)
	} else {
		p.line("// New%s returns one with Kafka's default in every field.", s.name)
		p.line("func New%s() %s {\nvar x %s\nx.Default()\nreturn x\n}\n", s.name, s.name, s.name)
	}
	p.defaults(s)
	p.decode(s)
	p.encode(s)
	if s.compared {
		p.isDefault(s)
	}
}

// comment says what the Go type does not: which versions have the field, whether null is allowed, the default, the tag.
func (f *goField) comment(s *goStruct) string {
	var words []string
	if f.in != s.in {
		last := fmt.Sprintf("-%d", f.in.high)
		if f.in.high == s.in.high {
			last = "+"
		} else if f.in.high == f.in.low {
			last = ""
		}
		words = append(words, fmt.Sprintf("v%d%s", f.in.low, last))
	}
	if f.tagged {
		words = append(words, fmt.Sprintf("tag %d", *f.spec.Tag))
	}
	if f.nullable.some {
		null := "null allowed"
		if f.nullable != f.in {
			null = fmt.Sprintf("null allowed in v%s", versions{f.nullable.low, f.nullable.high, true})
		}
		words = append(words, null)
	}
	if d := f.defaultsTo(); d != "" && f.kind != kindArray && f.kind != kindBytes {
		words = append(words, "default "+d)
	}
	if len(words) == 0 {
		return ""
	}
	return " // " + strings.Join(words, ", ")
}

func (p *printer) defaults(s *goStruct) {
	p.line("// Default sets every field to Kafka's default.")
	p.line("func (x *%s) Default() {", s.name)
	p.line("*x = %s{", s.name)
	for _, f := range s.fields {
		if d := f.defaultsTo(); d != "" {
			p.line("%s: %s,", f.name, d)
		}
		if f.defaultsDeeper() && f.nullable.some {
			p.line("%s: &%s{},", f.name, f.of.name)
		}
	}
	p.line("}")
	for _, f := range s.fields {
		if f.defaultsDeeper() && f.of.hasDefaults() {
			p.line("x.%s.Default()", f.name)
		}
	}
	p.line("}\n")
}

// isDefault writes the question whether a tagged struct need be written at all.
func (p *printer) isDefault(s *goStruct) {
	p.line("func (x *%s) isDefault() bool {", s.name)
	var terms []string
	for _, f := range s.fields {
		equal, _ := f.comparison()
		terms = append(terms, equal)
	}
	p.line("return %s\n}\n", strings.Join(terms, " && "))
}

// tagged returns the tagged fields of s by tag.
func (s *goStruct) tagged() []*goField {
	var fields []*goField
	for _, f := range s.fields {
		if f.tagged {
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b *goField) int { return int(*a.spec.Tag) - int(*b.spec.Tag) })
	return fields
}

// when writes body inside the condition, or bare if the condition always holds.
func (p *printer) when(condition string, body func()) {
	switch condition {
	case "false":
	case "true":
		body()
	default:
		p.line("if %s {", condition)
		body()
		p.line("}")
	}
}

// untagged calls each with the runs of untagged fields that stand under the same condition.
func (p *printer) untagged(s *goStruct, each func(f *goField)) {
	var run []*goField
	flush := func() {
		if len(run) > 0 {
			p.when(run[0].in.within(s.in), func() {
				for _, f := range run {
					each(f)
				}
			})
		}
		run = nil
	}
	for _, f := range s.fields {
		if f.tagged {
			continue
		}
		if len(run) > 0 && run[0].in != f.in {
			flush()
		}
		run = append(run, f)
	}
	flush()
}
