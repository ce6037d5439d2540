package logdump

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"unicode"

	"github.com/skein-io/skein/internal/protocol"
)

// render shows a message of the wire as JSON, its fields in their order and under Kafka's names. Fields of bytes are
// base64, ids as Kafka writes them.
func render(m protocol.Message) json.RawMessage {
	return renderValue(nil, reflect.ValueOf(m).Elem())
}

func renderValue(dst []byte, v reflect.Value) []byte {
	if id, ok := v.Interface().(protocol.UUID); ok {
		return appendJSON(dst, id.String())
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...)
		}
		return renderValue(dst, v.Elem())
	case reflect.Struct:
		return renderStruct(dst, v)
	case reflect.Slice:
		return renderSlice(dst, v)
	}
	return appendJSON(dst, v.Interface())
}

func renderStruct(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	first := true
	for f, value := range v.Fields() {
		if !f.IsExported() {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendJSON(dst, kafkaName(f.Name))
		dst = append(dst, ':')
		if shown, ok := renderEmbedded(f.Name, value); ok {
			dst = append(dst, shown...)
		} else {
			dst = renderValue(dst, value)
		}
	}
	return append(dst, '}')
}

func renderSlice(dst []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(dst, "null"...)
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b, _ := json.Marshal(v.Bytes()) // base64, also where it happens to be UTF-8
		return append(dst, b...)
	}
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = renderValue(dst, v.Index(i))
	}
	return append(dst, ']')
}

// renderEmbedded opens what a classic consumer keeps in its member's metadata.
func renderEmbedded(name string, v reflect.Value) (json.RawMessage, bool) {
	b, ok := v.Interface().([]byte)
	if !ok || len(b) == 0 {
		return nil, false
	}
	var m protocol.Message
	var err error
	switch name {
	case "Subscription":
		m, _, err = protocol.DecodeSubscription(b)
	case "Assignment":
		m, _, err = protocol.DecodeAssignment(b)
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	return render(m), true
}

// kafkaName turns a Go name into the schema's: MemberID to memberId, ProtocolType to protocolType.
func kafkaName(name string) string {
	var out bytes.Buffer
	runes := []rune(name)
	for i, c := range runes {
		begins := i > 0 && unicode.IsLower(runes[i-1])
		ends := i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if begins || ends {
			out.WriteRune(c)
		} else {
			out.WriteRune(unicode.ToLower(c))
		}
	}
	return strings.TrimSpace(out.String())
}
