package event

import (
	"bytes"
	"fmt"
)

// Fields of the optional metadata of a table map: type 1, length packed, value. MySQL from 8.0.1 and MariaDB from 10.5
// on write it, as much as binlog_row_metadata says.
const (
	optionalSigns            = 1
	optionalCharsetDefault   = 2
	optionalCharsets         = 3
	optionalNames            = 4
	optionalSetMembers       = 5
	optionalEnumMembers      = 6
	optionalKey              = 8
	optionalKeyOfPrefixes    = 9
	optionalChoiceDefault    = 10
	optionalChoiceCollations = 11
)

func (t *TableMap) readOptional(b []byte) error {
	c := cursor{rest: b}
	for len(c.rest) > 0 {
		kind := c.u8()
		value := cursor{rest: c.packedString()}
		if c.cut {
			return fmt.Errorf("its optional metadata: %w", errCut)
		}
		t.readField(kind, &value)
		if value.cut {
			return fmt.Errorf("field %d of its optional metadata: %w", kind, errCut)
		}
	}
	return nil
}

func (t *TableMap) readField(kind uint8, c *cursor) {
	switch kind {
	case optionalSigns:
		t.readSigns(c)
	case optionalCharsetDefault:
		t.readDefault(c, t.hasCollation)
	case optionalCharsets:
		t.readCollations(c, t.hasCollation)
	case optionalChoiceDefault:
		t.readDefault(c, (*Column).IsChoice)
	case optionalChoiceCollations:
		t.readCollations(c, (*Column).IsChoice)
	case optionalNames:
		t.Names = true
		for i := range t.Columns {
			t.Columns[i].Name = string(c.packedString())
		}
	case optionalSetMembers:
		t.readMembers(c, Set)
	case optionalEnumMembers:
		t.readMembers(c, Enum)
	case optionalKey, optionalKeyOfPrefixes:
		t.readKey(c, kind == optionalKeyOfPrefixes)
	}
}

func (t *TableMap) hasCollation(col *Column) bool { return col.isCharacter(t.MariaDB) }

func (t *TableMap) readSigns(c *cursor) {
	bits, at := c.all(), 0
	for i := range t.Columns {
		if col := &t.Columns[i]; col.isNumber(t.MariaDB) {
			if at/8 >= len(bits) {
				c.cut = true
				return
			}
			col.Unsigned = bits[at/8]>>(7-at%8)&1 == 1 && col.Type != Year
			at++
		}
	}
}

// readDefault reads the collation that most columns have, and the others with their place among the columns that have any.
func (t *TableMap) readDefault(c *cursor, has func(*Column) bool) {
	collation := uint16(c.packed())
	var columns []*Column
	for i := range t.Columns {
		if col := &t.Columns[i]; has(col) {
			col.Collation = collation
			columns = append(columns, col)
		}
	}
	for !c.cut && len(c.rest) > 0 {
		at, other := c.packed(), uint16(c.packed())
		if at >= uint64(len(columns)) {
			c.cut = true
			return
		}
		columns[at].Collation = other
	}
}

func (t *TableMap) readCollations(c *cursor, has func(*Column) bool) {
	for i := range t.Columns {
		if col := &t.Columns[i]; has(col) {
			col.Collation = uint16(c.packed())
		}
	}
}

func (t *TableMap) readMembers(c *cursor, kind byte) {
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Type != kind {
			continue
		}
		n := c.packedLength()
		col.Members = make([][]byte, 0, min(n, 65536))
		for range n {
			col.Members = append(col.Members, bytes.Clone(c.packedString()))
		}
	}
}

func (t *TableMap) readKey(c *cursor, prefixes bool) {
	for !c.cut && len(c.rest) > 0 {
		at := c.packed()
		if prefixes {
			c.packed() // how many characters of the column are in the key; the whole column is taken
		}
		if at >= uint64(len(t.Columns)) || len(t.Key) >= len(t.Columns) {
			c.cut = true
			return
		}
		t.Key = append(t.Key, int(at))
	}
}
