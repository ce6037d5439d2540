package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// messageSpec is one of Kafka's schema files.
type messageSpec struct {
	APIKey           *int16       `json:"apiKey"`
	Type             string       `json:"type"`
	Name             string       `json:"name"`
	ValidVersions    versions     `json:"validVersions"`
	FlexibleVersions versions     `json:"flexibleVersions"`
	LatestUnstable   bool         `json:"latestVersionUnstable"`
	Fields           []fieldSpec  `json:"fields"`
	CommonStructs    []structSpec `json:"commonStructs"`
}

// structSpec is a struct that several fields of a message share.
type structSpec struct {
	Name   string      `json:"name"`
	Fields []fieldSpec `json:"fields"`
}

// fieldSpec is a field of a message or struct. Null as a default is no default, as in Kafka's own generator: only the
// string "null" makes null the default.
type fieldSpec struct {
	Name             string      `json:"name"`
	Type             string      `json:"type"`
	Versions         *versions   `json:"versions"`
	NullableVersions versions    `json:"nullableVersions"`
	TaggedVersions   versions    `json:"taggedVersions"`
	FlexibleVersions *versions   `json:"flexibleVersions"`
	Tag              *uint32     `json:"tag"`
	Default          any         `json:"default"`
	Fields           []fieldSpec `json:"fields"`
}

// elementType is the type of an array's elements, or "" if the field is no array.
func (f fieldSpec) elementType() string {
	element, ok := strings.CutPrefix(f.Type, "[]")
	if !ok {
		return ""
	}
	return element
}

// defaultText is the default as the schema writes it, or "".
func (f fieldSpec) defaultText() string {
	if f.Default == nil {
		return ""
	}
	return fmt.Sprint(f.Default)
}

// parseSchema reads a schema file: JSON with comments.
func parseSchema(text []byte) (messageSpec, error) {
	var spec messageSpec
	d := json.NewDecoder(strings.NewReader(stripComments(string(text))))
	d.UseNumber()
	err := d.Decode(&spec)
	return spec, err
}

// stripComments takes out // comments that are not inside a string.
func stripComments(text string) string {
	var out strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		switch {
		case inString && text[i] == '\\' && i+1 < len(text):
			out.WriteByte(text[i])
			i++
		case text[i] == '"':
			inString = !inString
		case !inString && strings.HasPrefix(text[i:], "//"):
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return out.String()
			}
			i += end
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
