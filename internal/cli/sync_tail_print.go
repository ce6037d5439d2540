package cli

import (
	"time"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/change"
)

// tailedChange is a change as one line of JSON.
type tailedChange struct {
	Topic     string         `json:"topic"`
	Partition int32          `json:"partition"`
	Offset    int64          `json:"offset"`
	Op        string         `json:"op"`
	Table     string         `json:"table"`
	Key       []tailedColumn `json:"key"`
	// Columns are those that changed; of a row that is new or gone all of them.
	Columns     []tailedColumn `json:"columns"`
	Epoch       uint32         `json:"epoch"`
	ExecuteTime time.Time      `json:"executeTime"`
	Position    string         `json:"position"`
	GTID        string         `json:"gtid,omitempty"`
	Snapshot    bool           `json:"snapshot,omitempty"`
}

// tailedColumn is a column's value as text, null for NULL. Of what is no text the bytes are told in hexadecimal.
type tailedColumn struct {
	Name string  `json:"name"`
	Old  *string `json:"old"`
	New  *string `json:"new"`
}

func tailDocument(e *perceptor.Event) *tailedChange {
	d := &tailedChange{Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Op: e.Op.String(), Table: e.Table.String(), Key: []tailedColumn{}, Columns: []tailedColumn{},
		Epoch: e.Version.Epoch, ExecuteTime: time.UnixMilli(e.Version.ExecuteTime).UTC(), Position: e.Version.Position.String(), GTID: e.Origin.GTID, Snapshot: e.Origin.Snapshot}
	if image := e.Image(); image != nil {
		for _, i := range e.Table.Key {
			d.Key = append(d.Key, tailedColumn{Name: e.Table.Columns[i].Name, New: tailedText(image[i], &e.Table.Columns[i])})
		}
	}
	for _, i := range changedColumns(e.Change) {
		c := tailedColumn{Name: e.Table.Columns[i].Name}
		if e.Before != nil {
			c.Old = tailedText(e.Before[i], &e.Table.Columns[i])
		}
		if e.After != nil {
			c.New = tailedText(e.After[i], &e.Table.Columns[i])
		}
		d.Columns = append(d.Columns, c)
	}
	return d
}

// changedColumns are those that changed; of a row that is new or gone, and where the row before is not told, all but the key.
func changedColumns(c *change.Change) (changed []int) {
	key := map[int]bool{}
	for _, i := range c.Table.Key {
		key[i] = true
	}
	for i := range c.Table.Columns {
		switch {
		case c.Before != nil && c.After != nil:
			if !c.Before[i].Equal(c.After[i]) && c.Before[i].Kind != change.Missing {
				changed = append(changed, i)
			}
		case c.Image() != nil && !key[i]:
			changed = append(changed, i)
		}
	}
	return changed
}

// tailedMax bounds what is shown of a value as text.
const tailedMax = 200

func tailedText(v change.Value, c *change.Column) *string {
	if v.IsNull() || v.Kind == change.Missing {
		return nil
	}
	text := string(v.AppendText(nil, c.Scale))
	if !utf8.ValidString(text) {
		text = "0x" + hexText(text)
	}
	return &text
}

func hexText(bytes string) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(bytes))
	for i := range len(bytes) {
		out = append(out, digits[bytes[i]>>4], digits[bytes[i]&15])
	}
	return string(out)
}

// appendTail appends a change as text: time, what, row, columns, version.
func appendTail(line []byte, e *perceptor.Event) []byte {
	d := tailDocument(e)
	line = d.ExecuteTime.AppendFormat(line, "2006-01-02 15:04:05.000 ")
	line = append(append(append(line, d.Op...), ' '), printable(d.Table)...)
	for n, c := range d.Key {
		line = append(line, map[bool]byte{true: ' ', false: ','}[n == 0])
		line = append(append(append(line, printable(c.Name)...), '='), short(c.New)...)
	}
	for n, c := range d.Columns {
		line = append(line, map[bool]string{true: ": ", false: ", "}[n == 0]...)
		line = append(append(line, printable(c.Name)...), ' ')
		if e.Before != nil {
			line = append(line, short(c.Old)...)
		}
		if e.Before != nil && e.After != nil {
			line = append(line, " -> "...)
		}
		if e.After != nil {
			line = append(line, short(c.New)...)
		}
	}
	line = append(line, "  ["...)
	line = append(line, e.Version.String()...)
	line = append(line, ", offset "...)
	line = append(append(append(line, number(d.Partition)...), ':'), number(d.Offset)...)
	return append(line, ']')
}

// short is a value as a line shows it.
func short(value *string) string {
	if value == nil {
		return "NULL"
	}
	if len(*value) > tailedMax {
		cut := (*value)[:tailedMax]
		for len(cut) > 0 && !utf8.ValidString(cut) {
			cut = cut[:len(cut)-1]
		}
		return printable(cut) + "... (" + size(int64(len(*value))) + ")"
	}
	return printable(*value)
}
