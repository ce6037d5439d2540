package sink

import (
	"context"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor/change"
)

// Stored is a row as a sink has it, or as it would have it.
type Stored struct {
	// Key names the row among those of its table. Nil is a row that is not there.
	Key []byte
	// Columns are those that the sink writes, always the same ones in the same order. A row that was only looked at for its
	// version has none.
	Columns []StoredColumn
	// Version is the change that the row is of, if Versioned. A Scan may leave it out.
	Version   change.Version
	Versioned bool
	// Deleted: it is a tombstone. Leftover says that there are data beside the flag that nobody should see.
	Deleted, Leftover bool
	// Invalid says why the row's version cannot be what the sink wrote.
	Invalid error
}

// StoredColumn is a value as the sink has it: bytes that are the same if, and only if, the sink would not tell them apart.
type StoredColumn struct {
	// Name is the sink's: family:qualifier, or a column.
	Name  string
	Value []byte
	// Null: there is NULL, or no cell.
	Null bool
}

// shownMax is how much of a value Shown tells, in bytes.
const shownMax = 200

// Shown is the value for people, nil if there is none: its beginning if it is long, and hexadecimal if it is no text.
func (c *StoredColumn) Shown() *string {
	if c.Null {
		return nil
	}
	value, more := c.Value, ""
	isText := utf8.Valid(value)
	if len(value) > shownMax {
		value, more = value[:shownMax], fmt.Sprintf("... (%d bytes)", len(c.Value))
		for isText && !utf8.Valid(value) {
			value = value[:len(value)-1]
		}
	}
	text := string(value)
	if !isText {
		text = fmt.Sprintf("0x%x", value)
	}
	text += more
	return &text
}

// Reader reads what a sink has written. Safe for concurrent use.
type Reader interface {
	Sink
	// Expect says how the sink would have a row of the source, without a version.
	Expect(ctx context.Context, t *change.Table, row change.Row) (Stored, error)
	// Key names a row of which only the columns of the key need be told.
	Key(ctx context.Context, t *change.Table, row change.Row) ([]byte, error)
	// KeyTexts takes a key apart: the text of each column of t.Key, in its order.
	KeyTexts(ctx context.Context, t *change.Table, key []byte) ([][]byte, error)
	// Scan gives every row of the source's table, tombstones among them, each once. What is given is valid until the next.
	Scan(ctx context.Context, t *change.Table) iter.Seq2[Stored, error]
	// Look reads rows by their keys, which differ. A row that is not there has no Key.
	Look(ctx context.Context, t *change.Table, keys [][]byte) ([]Stored, error)
}
