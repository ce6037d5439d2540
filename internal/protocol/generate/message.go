package main

import (
	"fmt"
	"slices"
	"strings"
)

// goMessage is a message as it will be generated: its structs, the message's own first.
type goMessage struct {
	spec     messageSpec
	name     string
	decodes  versions // the versions that can be decoded
	flexible versions
	structs  []*goStruct
}

// goStruct is a Go struct type.
type goStruct struct {
	message *goMessage
	schema  string   // the schema's name, "" for the message itself
	name    string   // the Go name
	in      versions // the versions of the message in which it can stand
	fields  []*goField
	// compared says that a tagged field holds this struct, so that encoding asks whether it has only defaults.
	compared bool
}

// goField is a field of a goStruct.
type goField struct {
	spec     fieldSpec
	name     string
	label    string // how errors call it
	kind     kind
	element  kind      // of an array
	of       *goStruct // the struct, or the array's element
	in       versions  // within the struct's versions
	nullable versions
	flexible versions
	tagged   bool
	inMemory bool // records that are []byte, not a Payload: a request's
}

// kind is what a field holds, by the name that the Reader's and the Writer's methods give it.
type kind string

const (
	kindString  kind = "string"
	kindBytes   kind = "bytes"
	kindRecords kind = "records"
	kindArray   kind = "array"
	kindStruct  kind = "struct"
	kindUUID    kind = "uuid"
	kindBool    kind = "bool"
	kindInt16   kind = "int16"
)

// widened gives the versions that Kafka 4 dropped and skein still takes; the schemas still say what they hold.
var widened = map[string]int16{"CreateTopics": 0, "DeleteTopics": 0}

// newMessage makes the Go structs of a schema.
func newMessage(spec messageSpec) (*goMessage, error) {
	m := &goMessage{spec: spec, name: goName(spec.Name), decodes: spec.ValidVersions}
	if low, ok := widened[apiName(spec.Name)]; ok && (spec.Type == "request" || spec.Type == "response") {
		m.decodes.low = low
	}
	m.flexible = spec.FlexibleVersions.intersect(m.decodes)
	top := &goStruct{message: m, name: m.name, in: m.decodes}
	m.structs = append(m.structs, top)
	for _, common := range spec.CommonStructs {
		m.structs = append(m.structs, m.newStruct(common.Name, m.decodes))
	}
	if err := m.fill(top, spec.Fields); err != nil {
		return nil, err
	}
	for _, common := range spec.CommonStructs {
		if err := m.fill(m.structNamed(common.Name), common.Fields); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *goMessage) newStruct(schema string, in versions) *goStruct {
	return &goStruct{message: m, schema: schema, name: structName(m.spec.Name, schema), in: in}
}

func (m *goMessage) structNamed(schema string) *goStruct {
	i := slices.IndexFunc(m.structs, func(s *goStruct) bool { return s.schema == schema })
	if i < 0 {
		return nil
	}
	return m.structs[i]
}

// fill makes the fields of s, without those that no version of it has.
func (m *goMessage) fill(s *goStruct, specs []fieldSpec) error {
	for _, spec := range specs {
		f, err := m.newField(s, spec)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", s.name, spec.Name, err)
		}
		if f.in.some {
			s.fields = append(s.fields, f)
		}
	}
	return nil
}

func (m *goMessage) newField(s *goStruct, spec fieldSpec) (*goField, error) {
	f := &goField{spec: spec, name: goName(spec.Name), label: goName(spec.Name), flexible: m.flexible}
	if name, ok := renamed[s.name+"."+spec.Name]; ok {
		f.name = name
	}
	if s.schema != "" {
		f.label = s.schema + "." + f.label
	}
	declared := spec.TaggedVersions
	if spec.Versions != nil {
		declared = *spec.Versions
	}
	f.in = declared.intersect(s.in)
	f.nullable = spec.NullableVersions.intersect(f.in)
	if spec.FlexibleVersions != nil {
		f.flexible = spec.FlexibleVersions.intersect(m.decodes)
	}
	f.tagged = spec.Tag != nil
	f.inMemory = m.spec.Type == "request"
	if f.tagged && (spec.TaggedVersions.intersect(s.in) != f.in || !m.flexible.covers(f.in)) {
		return nil, fmt.Errorf("a field that is tagged in some versions only is not supported")
	}
	return f, m.setKind(f)
}

// setKind finds out what the field holds and makes its struct, if it has one of its own.
func (m *goMessage) setKind(f *goField) error {
	name := f.spec.Type
	if element := f.spec.elementType(); element != "" {
		f.kind, name = kindArray, element
	}
	k := kind(name)
	if isStructName(name) {
		k = kindStruct
		if err := m.setStruct(f, name); err != nil {
			return err
		}
	} else if _, ok := goTypes[k]; !ok {
		return fmt.Errorf("unknown type %s", f.spec.Type)
	}
	if f.kind == kindArray {
		f.element = k
	} else {
		f.kind = k
	}
	if f.kind == kindStruct && f.tagged {
		f.of.compared = true
	}
	if f.kind == kindStruct && f.nullable.some && f.nullable != f.in {
		return fmt.Errorf("a struct that may be null in some versions only is not supported")
	}
	return nil
}

func (m *goMessage) setStruct(f *goField, name string) error {
	f.of = m.structNamed(name)
	switch {
	case f.of == nil && len(f.spec.Fields) == 0:
		return fmt.Errorf("unknown struct %s", name)
	case f.of == nil:
		f.of = m.newStruct(name, f.in)
		m.structs = append(m.structs, f.of)
		return m.fill(f.of, f.spec.Fields)
	case len(f.spec.Fields) > 0:
		return fmt.Errorf("struct %s is defined twice", name)
	}
	return nil
}

func isStructName(name string) bool { return name[0] >= 'A' && name[0] <= 'Z' }

// isCode says whether the field holds one of Kafka's error codes.
func (f *goField) isCode() bool {
	return f.kind == kindInt16 && strings.HasSuffix(f.name, "ErrorCode")
}
