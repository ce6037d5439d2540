package change

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// KeyText names a row for people: the values of the key's columns with commas between them. What is no text is hexadecimal.
func (t *Table) KeyText(row Row) string {
	var b strings.Builder
	for n, i := range t.Key {
		if n > 0 {
			b.WriteByte(',')
		}
		part := row[i].AppendText(nil, t.Columns[i].Scale)
		if utf8.Valid(part) {
			b.Write(part)
		} else {
			fmt.Fprintf(&b, "0x%x", part)
		}
	}
	return b.String()
}
