package logdump

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// row is one line of output: fields in order, under the names that Kafka's DumpLogSegments has where it has one.
type row struct {
	kind   string // batch, record, entry..; "type" in JSON
	indent string // of the text
	fields []field
}

type field struct {
	name  string
	value any // number, bool, string, []byte (a payload; nil is null) or json.RawMessage
}

func (r *row) add(name string, value any) { r.fields = append(r.fields, field{name, value}) }

// printer writes rows as text or as JSON.
type printer struct {
	w    *bufio.Writer
	json bool
	file string
}

func newPrinter(w io.Writer, options Options) *printer {
	return &printer{w: bufio.NewWriterSize(w, 64<<10), json: options.JSON}
}

// begin starts the output of a file.
func (p *printer) begin(file string) error {
	p.file = file
	if p.json {
		return nil
	}
	_, err := fmt.Fprintf(p.w, "Dumping %s\n", file)
	return err
}

func (p *printer) print(r row) error {
	if p.json {
		return p.printJSON(r)
	}
	_, _ = p.w.WriteString(r.indent)
	for i, f := range r.fields {
		if i > 0 {
			_ = p.w.WriteByte(' ')
		}
		_, _ = p.w.WriteString(f.name)
		_, _ = p.w.WriteString(": ")
		_, _ = p.w.WriteString(textOf(f.value))
	}
	return p.w.WriteByte('\n') // a bufio.Writer repeats its first error
}

func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return v
	case []byte:
		if v == nil {
			return "null"
		}
		return strconv.Quote(string(v))
	case json.RawMessage:
		return string(v)
	}
	return fmt.Sprint(value)
}

func (p *printer) printJSON(r row) error {
	line := appendJSON([]byte(`{"type":`), r.kind)
	line = appendJSON(append(line, `,"file":`...), p.file)
	for _, f := range r.fields {
		name := f.name
		if b, ok := f.value.([]byte); ok && !utf8.Valid(b) {
			name += "Base64"
		}
		line = appendJSON(append(line, ','), name)
		line = appendJSON(append(line, ':'), f.value)
	}
	_, _ = p.w.Write(append(line, '}'))
	return p.w.WriteByte('\n')
}

// appendJSON appends a value. Payloads are strings where they are UTF-8, else base64, which their field's name says.
func appendJSON(dst []byte, value any) []byte {
	if b, ok := value.([]byte); ok && b != nil && utf8.Valid(b) {
		value = string(b)
	}
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("logdump: a field that is no JSON: %v: %v", value, err))
	}
	return append(dst, b...)
}
