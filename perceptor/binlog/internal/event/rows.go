package event

import "fmt"

// Action is what a rows event does.
type Action uint8

const (
	Write Action = iota + 1
	Update
	Delete
)

// Rows are rows of one table.
type Rows struct {
	TableID uint64
	Action  Action
	// StatementEnds: no rows of the statement follow.
	StatementEnds bool
	// Partial: JSON columns of the after images may be told as differences to the before images.
	Partial bool
	// Columns is how many the table has.
	Columns int
	// Present has one bit for each column of an image: Present[0] of the first one (the only one of a Write and a Delete),
	// Present[1] of the after image of an Update.
	Present [2][]byte
	// Data are the images.
	Data []byte
}

// noTable is the id in an event that only ends a statement.
const noTable = 0xffffff

// IsDummy: there is no table and no row.
func (r *Rows) IsDummy() bool { return r.TableID == noTable && r.StatementEnds && len(r.Data) == 0 }

// rowsType tells what a type of rows event is.
func rowsType(t Type) (action Action, version int, compressed, ok bool) {
	switch {
	case t >= WriteRowsV1 && t <= DeleteRowsV1:
		return Action(t-WriteRowsV1) + Write, 1, false, true
	case t >= WriteRowsV2 && t <= DeleteRowsV2:
		return Action(t-WriteRowsV2) + Write, 2, false, true
	case t >= WriteRowsCompressedV1 && t <= DeleteRowsCompressedV1:
		return Action(t-WriteRowsCompressedV1) + Write, 1, true, true
	case t >= WriteRowsCompressedV2 && t <= DeleteRowsCompressedV2:
		return Action(t-WriteRowsCompressedV2) + Write, 2, true, true
	case t == PartialUpdateRows:
		return Update, 2, false, true
	}
	return 0, 0, false, false
}

// IsRows reports whether ParseRows reads the type.
func (t Type) IsRows() bool {
	_, _, _, ok := rowsType(t)
	return ok
}

// ParseRows reads a rows event of any version. scratch is used again for what is decompressed, which has decompressedMax
// bytes at most; it is returned.
//
//	table 6 | flags 2 | v2: length 2, extra | columns | present | Update: present after | images
func (f *Format) ParseRows(h Header, body, scratch []byte, decompressedMax int) (Rows, []byte, error) {
	action, version, compressed, _ := rowsType(h.Type)
	c := cursor{rest: body}
	r := Rows{TableID: f.tableID(&c, h.Type), Action: action, Partial: h.Type == PartialUpdateRows}
	r.StatementEnds = c.u16()&1 != 0
	if version == 2 {
		extra := int(c.u16()) // counts itself
		c.take(extra - 2)
	}
	columns := c.packed()
	if columns > uint64(len(c.rest))*8 {
		c.cut = true
	} else {
		r.Columns = int(columns)
	}
	r.Present[0] = c.take((r.Columns + 7) / 8)
	if action == Update {
		r.Present[1] = c.take((r.Columns + 7) / 8)
	}
	r.Data = c.all()
	if err := h.cutIf(&c, "a rows event"); err != nil {
		return Rows{}, scratch, err
	}
	if compressed {
		var err error
		if scratch, err = uncompress(scratch[:0], r.Data, decompressedMax); err != nil {
			return Rows{}, scratch, fmt.Errorf("a compressed rows event that ends at %d: %w", h.End, err)
		}
		r.Data = scratch
	}
	return r, scratch, nil
}

// tableID has 6 bytes, and had 4 in MySQL 5.0.
func (f *Format) tableID(c *cursor, t Type) uint64 {
	if f.postHeader(t) == 6 {
		return uint64(c.u32())
	}
	return c.small(6)
}
