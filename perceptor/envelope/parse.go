package envelope

import (
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// ParseText reads the text that a server shows of a column's value, of a TIMESTAMP in UTC. What has no charset is taken as
// it is. The text is kept.
func ParseText(c *change.Column, text []byte) (change.Value, error) {
	switch c.Type {
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob, change.Geometry:
		return change.BytesValue(text), nil
	case change.Enum, change.Set:
		return change.TextValue(text), nil // a name, never a number
	}
	return textValue(c, text, time.UTC)
}

// Key writes the key of a row's records, of which only the columns of the key need be told. It is valid until Reset.
func (e *Encoder) Key(t *change.Table, row change.Row) ([]byte, error) {
	p, err := e.plan(t)
	if err != nil {
		return nil, err
	}
	return e.key(p, row)
}
