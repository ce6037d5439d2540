package event

import "fmt"

// Types of columns, as a table map has them.
const (
	Tiny              = 1
	Short             = 2
	Long              = 3
	Float             = 4
	Double            = 5
	Timestamp         = 7
	LongLong          = 8
	Int24             = 9
	Date              = 10
	Time              = 11
	DateTime          = 12
	Year              = 13
	NewDate           = 14
	VarChar           = 15
	Bit               = 16
	Timestamp2        = 17
	DateTime2         = 18
	Time2             = 19
	BlobCompressed    = 140 // MariaDB
	VarCharCompressed = 141 // MariaDB
	JSON              = 245
	NewDecimal        = 246
	Enum              = 247
	Set               = 248
	TinyBlob          = 249
	MediumBlob        = 250
	LongBlob          = 251
	Blob              = 252
	VarString         = 253
	String            = 254
	Geometry          = 255
)

// TableMap tells what the rows events after it mean.
type TableMap struct {
	ID             uint64
	Database, Name string
	Columns        []Column
	// Key are the columns of the primary key, in its order. Empty if there is none, or if it is not told.
	Key []int
	// MariaDB: the server is one, which counts other columns in the optional metadata than MySQL.
	MariaDB bool
	// Names: names, members and the key are told (binlog_row_metadata=FULL), and signs with them.
	Names bool
}

// Column is what a table map tells of a column.
type Column struct {
	Type byte
	// Meta is what the type needs: the length of a VARCHAR in bytes, precision and scale of a decimal, the digits of a
	// fraction, the bytes of a blob's length. See package rows.
	Meta     uint16
	Nullable bool

	Unsigned bool
	Name     string
	// Collation is the number, 0 if it is not told or there is none.
	Collation uint16
	// Members are the names of an ENUM or SET, in the column's charset.
	Members [][]byte
}

// columnsMax is MySQL's and MariaDB's own bound: 4096 columns a table.
const columnsMax = 4096

// ParseTableMap reads a table map and its optional metadata. What it returns does not point into body.
//
//	table 6 | flags 2 | length 1 database 0 | length 1 table 0 | columns | types | length meta | nullable bits | optional
func (f *Format) ParseTableMap(h Header, body []byte) (*TableMap, error) {
	c := cursor{rest: body}
	t := &TableMap{ID: f.tableID(&c, h.Type), MariaDB: f.MariaDB}
	c.take(2)
	t.Database = string(c.take(int(c.u8())))
	c.take(1)
	t.Name = string(c.take(int(c.u8())))
	c.take(1)
	n := c.packedLength()
	if n > columnsMax {
		return nil, fmt.Errorf("the map of table %s.%s that ends at %d has %d columns", t.Database, t.Name, h.End, n)
	}
	types := c.take(n)
	meta := cursor{rest: c.packedString()}
	nullable := c.take((n + 7) / 8)
	if err := h.cutIf(&c, "a table map"); err != nil {
		return nil, err
	}
	t.Columns = make([]Column, n)
	for i := range t.Columns {
		col := &t.Columns[i]
		col.Type, col.Nullable = types[i], nullable[i/8]>>(i%8)&1 == 1
		if err := col.readMeta(&meta); err != nil {
			return nil, fmt.Errorf("column %d of table %s.%s: %w", i+1, t.Database, t.Name, err)
		}
	}
	if err := h.cutIf(&meta, "the types in a table map"); err != nil {
		return nil, err
	}
	if err := t.readOptional(c.rest); err != nil {
		return nil, fmt.Errorf("the map of table %s.%s that ends at %d: %w", t.Database, t.Name, h.End, err)
	}
	return t, nil
}

// TableID reads the number in the front of a table map, without the rest.
func (f *Format) TableID(h Header, body []byte) uint64 {
	return f.tableID(&cursor{rest: body}, h.Type)
}

// readMeta reads the column's part of the metadata and makes of a STRING what it really is.
func (col *Column) readMeta(c *cursor) error {
	switch col.Type {
	case Tiny, Short, Long, LongLong, Int24, Timestamp, Date, Time, DateTime, Year, NewDate:
	case Float, Double, Blob, TinyBlob, MediumBlob, LongBlob, Geometry, JSON, BlobCompressed, Timestamp2, DateTime2, Time2:
		col.Meta = uint16(c.u8())
	case VarChar, VarString, VarCharCompressed:
		col.Meta = c.u16()
	case Bit:
		bits, bytes := uint16(c.u8()), uint16(c.u8())
		col.Meta = bytes*8 + bits
	case NewDecimal:
		col.Meta = uint16(c.u8())<<8 | uint16(c.u8())
	case Enum, Set:
		c.take(1)
		col.Meta = uint16(c.u8())
	case String:
		kind, length := c.u8(), uint16(c.u8())
		if kind&0x30 != 0x30 { // two bits of the length, inverted, are where the type has ones
			length |= uint16(kind&0x30^0x30) << 4
			kind |= 0x30
		}
		switch kind {
		case Enum, Set, String, VarString, VarChar:
		default:
			if !c.cut {
				return fmt.Errorf("type %d inside a string is not known", kind)
			}
		}
		col.Type, col.Meta = kind, length
		if kind == VarString || kind == VarChar {
			col.Type = String
		}
	default:
		return fmt.Errorf("type %d is not known", col.Type)
	}
	return nil
}

// isNumber: the optional metadata has a bit for its sign. MariaDB has one for a YEAR, too.
func (col *Column) isNumber(mariaDB bool) bool {
	switch col.Type {
	case Tiny, Short, Int24, Long, LongLong, NewDecimal, Float, Double:
		return true
	case Year:
		return mariaDB
	}
	return false
}

// isCharacter: the optional metadata has its collation. MariaDB has one for a geometry, too: that of bytes.
func (col *Column) isCharacter(mariaDB bool) bool {
	return col.IsCharacter() || col.Type == Geometry && mariaDB
}

// IsCharacter: it may have a charset.
func (col *Column) IsCharacter() bool {
	switch col.Type {
	case String, VarString, VarChar, Blob, TinyBlob, MediumBlob, LongBlob, BlobCompressed, VarCharCompressed:
		return true
	}
	return false
}

// IsChoice: it is an ENUM or a SET.
func (col *Column) IsChoice() bool { return col.Type == Enum || col.Type == Set }
