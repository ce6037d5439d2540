package main

import (
	"fmt"
	"strings"
)

// goTypes are the Go types of the kinds that need no more to be known, and the fewest bytes that one takes on the wire.
var goTypes = map[kind]struct {
	name  string
	bytes int
}{
	"bool": {"bool", 1}, "int8": {"int8", 1}, "int16": {"int16", 2}, "uint16": {"uint16", 2}, "int32": {"int32", 4},
	"int64": {"int64", 8}, "float64": {"float64", 8}, "uuid": {"UUID", 16},
	"string": {"string", 2}, "bytes": {"[]byte", 4}, "records": {"Payload", 4},
}

// hasLength says whether a value of this kind starts with a length, which is a varint in flexible versions.
func (k kind) hasLength() bool {
	return k == kindString || k == kindBytes || k == kindRecords || k == kindArray
}

// goType is the Go type of the field.
func (f *goField) goType() string {
	switch {
	case f.isCode():
		return "Code"
	case f.kind == kindArray:
		return "[]" + f.elementGoType()
	case f.kind == kindStruct && f.nullable.some:
		return "*" + f.of.name
	case f.kind == kindStruct:
		return f.of.name
	case f.kind == kindString && f.nullable.some:
		return "*string"
	case f.kind == kindRecords && f.inMemory:
		return "[]byte"
	}
	return goTypes[f.kind].name
}

// elementGoType is the Go type of an array's elements.
func (f *goField) elementGoType() string {
	if f.element == kindStruct {
		return f.of.name
	}
	return goTypes[f.element].name
}

// defaultsTo is the Go expression of the field's default, or "" if that is Go's zero value. An absent nullable string
// is nil, whatever the schema says: "" and null are told apart only where somebody wrote one.
func (f *goField) defaultsTo() string {
	text := f.spec.defaultText()
	switch {
	case text == "null":
		return ""
	case f.kind == kindArray && f.nullable.some:
		return f.goType() + "{}"
	case f.kind == kindBytes && f.nullable.some:
		return "[]byte{}"
	case f.kind == kindBool && strings.EqualFold(text, "true"):
		return "true"
	case f.kind == kindString && text != "" && !f.nullable.some:
		return fmt.Sprintf("%q", text)
	case f.kind == kindBool, f.kind.hasLength(), f.kind == kindStruct, text == "0":
		return ""
	}
	return text
}

// hasDefaults says whether a zero s is not yet one with the schema's defaults.
func (s *goStruct) hasDefaults() bool {
	for _, f := range s.fields {
		if f.defaultsTo() != "" || f.defaultsDeeper() {
			return true
		}
	}
	return false
}

// defaultsDeeper says whether the field's default is set by a struct's Default.
func (f *goField) defaultsDeeper() bool {
	if f.kind != kindStruct || f.spec.defaultText() == "null" {
		return false
	}
	return f.nullable.some || f.of.hasDefaults()
}

// skips says whether there is a version in which decoding leaves a field with a default unread.
func (s *goStruct) skips() bool {
	for _, f := range s.fields {
		if (f.defaultsTo() != "" || f.defaultsDeeper()) && (f.tagged || f.in != s.in) {
			return true
		}
	}
	return false
}

// elementBytesMin is the fewest bytes that an element of the array takes in any version.
func (f *goField) elementBytesMin() int {
	least := -1
	for v := f.in.low; v <= f.in.high; v++ {
		n := 0
		switch {
		case f.element == kindStruct:
			n = f.of.bytesMin(v)
		default:
			n = valueBytesMin(f.element, f.flexible.contains(v))
		}
		if least < 0 || n < least {
			least = n
		}
	}
	return least
}

func valueBytesMin(k kind, flexible bool) int {
	switch {
	case k.hasLength() && flexible:
		return 1
	case k == kindArray:
		return 4
	}
	return goTypes[k].bytes
}

// bytesMin is the fewest bytes that s takes in the version.
func (s *goStruct) bytesMin(version int16) int {
	n := 0
	if s.message.flexible.contains(version) {
		n = 1 // the number of tagged fields
	}
	for _, f := range s.fields {
		switch {
		case f.tagged || !f.in.contains(version):
		case f.kind == kindStruct && f.nullable.some:
			n++
		case f.kind == kindStruct:
			n += f.of.bytesMin(version)
		default:
			n += valueBytesMin(f.kind, f.flexible.contains(version))
		}
	}
	return n
}

// comparison gives the Go conditions that the field is at its default, and that it is not.
func (f *goField) comparison() (equal, differs string) {
	x, goDefault := "x."+f.name, f.defaultsTo()
	list := f.kind == kindArray || f.kind == kindBytes
	switch {
	case f.kind == kindStruct && f.nullable.some && f.defaultsDeeper():
		return fmt.Sprintf("%s != nil && %s.isDefault()", x, x), fmt.Sprintf("%s == nil || !%s.isDefault()", x, x)
	case f.kind == kindStruct && !f.nullable.some:
		return x + ".isDefault()", "!" + x + ".isDefault()"
	case list && f.nullable.some && goDefault != "":
		return fmt.Sprintf("%s != nil && len(%s) == 0", x, x), fmt.Sprintf("%s == nil || len(%s) > 0", x, x)
	case list && !f.nullable.some:
		return fmt.Sprintf("len(%s) == 0", x), fmt.Sprintf("len(%s) > 0", x)
	case list, f.goType() == "*string", f.kind == kindStruct, f.kind == kindRecords:
		goDefault = "nil"
	case f.kind == kindBool && goDefault == "true":
		return x, "!" + x
	case f.kind == kindBool:
		return "!" + x, x
	case f.kind == kindUUID:
		goDefault = "(UUID{})"
	case f.kind == kindString && goDefault == "":
		goDefault = `""`
	case goDefault == "":
		goDefault = "0"
	}
	return x + " == " + goDefault, x + " != " + goDefault
}
