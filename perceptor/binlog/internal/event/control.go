package event

import "fmt"

// Rotate says in which file the events after it are.
type Rotate struct {
	File   string
	Offset uint64
}

// ParseRotate reads a rotate event.
func ParseRotate(h Header, body []byte) (Rotate, error) {
	c := cursor{rest: body}
	r := Rotate{Offset: c.u64(), File: string(c.all())}
	if r.File == "" {
		c.cut = true
	}
	return r, h.cutIf(&c, "a rotate event")
}

// Query is a statement: DDL, or what begins and ends a transaction.
type Query struct {
	Database []byte
	SQL      []byte
	// Collation is the number of the client's, whose charset SQL is in; 0 if it is not told.
	Collation uint16
}

// ParseQuery reads a query event, compressed (MariaDB) or not. decompressed is the bound of a compressed statement, in
// bytes.
//
//	thread 4 | seconds 4 | length of database 1 | error 2 | length of variables 2 | variables | database | 0 | statement
func ParseQuery(h Header, body []byte, decompressedMax int) (Query, error) {
	c := cursor{rest: body}
	c.take(8)
	database := int(c.u8())
	var q Query
	c.take(2) // the error that it ended with
	variables := c.take(int(c.u16()))
	q.Database = c.take(database)
	c.take(1)
	q.SQL = c.all()
	if err := h.cutIf(&c, "a query event"); err != nil {
		return Query{}, err
	}
	q.Collation = clientCollation(variables)
	if h.Type == QueryCompressedType {
		var err error
		if q.SQL, err = uncompress(nil, q.SQL, decompressedMax); err != nil {
			return Query{}, fmt.Errorf("a compressed query event that ends at %d: %w", h.End, err)
		}
	}
	return q, nil
}

// clientCollation looks for the charset among the variables, which stand in the order of their numbers as far as it.
func clientCollation(variables []byte) uint16 {
	const flags, mode, catalog, increment, charset, catalogShort = 0, 1, 2, 3, 4, 6
	c := cursor{rest: variables}
	for len(c.rest) > 0 {
		switch c.u8() {
		case flags:
			c.take(4)
		case mode:
			c.take(8)
		case catalog:
			c.take(int(c.u8()) + 1)
		case catalogShort:
			c.take(int(c.u8()))
		case increment:
			c.take(4)
		case charset:
			return c.u16()
		default:
			return 0
		}
	}
	return 0
}

// Statement is the text of a rows query (MySQL) or an annotate event (MariaDB): what made the rows after it.
func Statement(h Header, body []byte) []byte {
	if h.Type == RowsQueryType && len(body) > 0 {
		return body[1:] // a length of one byte, which is not enough for most statements and so not used
	}
	return body
}
