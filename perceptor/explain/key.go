package explain

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// ParseKey reads the text of a key: the value, of several columns either all values in the order of the key, or NAME=VALUE
// of each in any order, with commas between them. A comma or backslash of a value has a backslash in front.
func ParseKey(t *change.Table, text string) (change.Row, error) {
	parts := []string{text}
	if len(t.Key) != 1 {
		parts = split(text)
	}
	if len(parts) != len(t.Key) {
		return nil, fmt.Errorf("key %q has %d values, and the key of %s is %s: put a backslash in front of a comma of a value", text, len(parts), t, names(t))
	}
	row := make(change.Row, len(t.Columns))
	byName := named(t, parts)
	for n, i := range t.Key {
		c := &t.Columns[i]
		part := parts[n]
		if byName != nil {
			part = byName[strings.ToLower(c.Name)]
		}
		v, err := envelope.ParseText(c, []byte(part))
		if err != nil {
			return nil, fmt.Errorf("key %q, column %s: %w", text, c.Name, err)
		}
		row[i] = v
	}
	return row, nil
}

// named takes NAME=VALUE apart; nil unless each column of the key is named.
func named(t *change.Table, parts []string) map[string]string {
	values := map[string]string{}
	for _, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil
		}
		values[strings.ToLower(name)] = value
	}
	for _, i := range t.Key {
		if _, ok := values[strings.ToLower(t.Columns[i].Name)]; !ok {
			return nil
		}
	}
	return values
}

func split(text string) []string {
	parts, escaped := []string{""}, false
	for _, r := range text {
		switch {
		case escaped, r != ',' && r != '\\':
			parts[len(parts)-1] += string(r)
			escaped = false
		case r == '\\':
			escaped = true
		default:
			parts = append(parts, "")
		}
	}
	return parts
}

func names(t *change.Table) string {
	var all []string
	for _, i := range t.Key {
		all = append(all, t.Columns[i].Name)
	}
	return strings.Join(all, ",")
}

// matcher knows the key that is looked for.
type matcher struct {
	names []string
	texts [][]byte
}

func newMatcher(t *change.Table, row change.Row) *matcher {
	m := &matcher{}
	for _, i := range t.Key {
		m.names, m.texts = append(m.names, t.Columns[i].Name), append(m.texts, plain(row[i]))
	}
	return m
}

// plain is a value's text, of a decimal without zeros that do not count: formats tell the same key as values of other kinds.
func plain(v change.Value) []byte {
	text := v.AppendText(nil, 6)
	if v.Kind == change.Decimal && bytes.IndexByte(text, '.') >= 0 {
		text = bytes.TrimRight(bytes.TrimRight(text, "0"), ".")
	}
	return text
}

// is reports whether a row has the key.
func (m *matcher) is(t *change.Table, row change.Row) bool {
	if row == nil {
		return false
	}
	for n, name := range m.names {
		at := t.Column(name)
		if at < 0 {
			for i := range t.Columns {
				if strings.EqualFold(t.Columns[i].Name, name) {
					at = i
				}
			}
		}
		if at < 0 || at >= len(row) || !bytes.Equal(plain(row[at]), m.texts[n]) {
			return false
		}
	}
	return true
}
