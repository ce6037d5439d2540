package envelope

import (
	"github.com/skein-io/skein/perceptor/change"
)

// exactValues are the values of a change that its format cannot tell: a date as 0000-00-00, which Debezium's days since
// 1970 have no number for; a JSON document `null` in Maxwell's format, which is written like SQL's NULL. The record's
// value has what the format's own maker writes, and the header has the value itself, in text:
//
//	{"after":{"born":"0000-00-00"},"before":{"born":"2024-00-01"}}
type exactValues struct {
	values []exactValue
	now    exactValue
}

type exactValue struct {
	image  string
	column string
	value  change.Value
}

func (x *exactValues) reset() { x.values, x.now = x.values[:0], exactValue{} }

func (x *exactValues) any() bool { return len(x.values) > 0 }

// at says which value is written next. Without an image, which is a key, nothing is noted.
func (x *exactValues) at(image string, t *change.Table, column int) {
	x.now = exactValue{image: image, column: t.Columns[column].Name}
}

// note keeps the value that is being written.
func (x *exactValues) note(v change.Value) {
	if x.now.image != "" {
		x.now.value = v
		x.values = append(x.values, x.now)
	}
}

func (x *exactValues) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, v := range x.values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if i == 0 || x.values[i-1].image != v.image {
			dst = append(appendQuoted(dst, v.image), ":{"...)
		}
		dst = append(appendQuoted(dst, v.column), ':')
		dst = appendQuoted(dst, v.value.AppendText(nil, 6))
		if i+1 == len(x.values) || x.values[i+1].image != v.image {
			dst = append(dst, '}')
		}
	}
	return append(dst, '}')
}
