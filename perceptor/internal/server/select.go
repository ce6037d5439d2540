package server

import (
	"context"
	"encoding/binary"
	"errors"
)

const (
	commandPrepare = 0x16
	commandExecute = 0x17
	commandClose   = 0x19
)

// Column is what the server says of a column of an answer.
type Column struct {
	Name string
	// Type is the protocol's number, Length the most bytes or digits that a value has, and Charset the number of its collation.
	Type    byte
	Length  uint32
	Charset uint16
}

// Rows are the rows of an answer, one after the other, in the binary form. They have to be read to their end, or the connection is
// of no use any more.
type Rows struct {
	Columns []Column

	conn      *Conn
	stop      func(error) error
	statement uint32
	over      bool
}

// Select runs a statement and returns when its rows begin to come. Their reading ends with an error when ctx is done.
func (c *Conn) Select(ctx context.Context, sql string) (*Rows, error) {
	stop := c.during(ctx, 0)
	r := &Rows{conn: c, stop: stop}
	if err := r.begin(sql); err != nil {
		return nil, stop(err)
	}
	return r, nil
}

// begin prepares and executes.
//
//	prepared: 0 | statement 4 | columns 2 | parameters 2 | 0 | warnings 2
func (r *Rows) begin(sql string) error {
	c := r.conn
	if err := c.command(commandPrepare, []byte(sql)); err != nil {
		return err
	}
	b, err := c.read()
	if err != nil {
		return err
	}
	if len(b) > 0 && b[0] == errorPacket {
		return parseError(b)
	}
	if len(b) < 9 || b[0] != okPacket {
		return errSequence
	}
	r.statement = binary.LittleEndian.Uint32(b[1:])
	columns, parameters := int(binary.LittleEndian.Uint16(b[5:])), int(binary.LittleEndian.Uint16(b[7:]))
	if columns == 0 || parameters > 0 {
		return errors.New("a statement with parameters, or without rows, was to be read")
	}
	if _, err := c.definitions(columns); err != nil {
		return err
	}
	execute := binary.LittleEndian.AppendUint32(nil, r.statement)
	execute = append(execute, 0)                           // no cursor
	execute = binary.LittleEndian.AppendUint32(execute, 1) // once
	if err := c.command(commandExecute, execute); err != nil {
		return err
	}
	if b, err = c.read(); err != nil {
		return err
	}
	if len(b) > 0 && b[0] == errorPacket {
		return errors.Join(parseError(b), r.forget())
	}
	n, _, ok := length(b)
	if !ok || n != uint64(columns) { // the table was changed between the two
		return errSequence
	}
	r.Columns, err = c.definitions(columns)
	return err
}

// definitions reads n columns and the packet behind them.
func (c *Conn) definitions(n int) ([]Column, error) {
	columns := make([]Column, n)
	for i := range columns {
		b, err := c.read()
		if err != nil {
			return nil, err
		}
		if columns[i], err = parseColumn(b); err != nil {
			return nil, err
		}
	}
	b, err := c.read()
	if err == nil && (len(b) == 0 || b[0] != eofPacket) {
		err = errSequence
	}
	return columns, err
}

// parseColumn reads
//
//	catalog, schema, table, original table, name, original name (texts) | 12 | charset 2 | length 4 | type 1 | flags 2 | decimals 1 | 0 2
func parseColumn(b []byte) (c Column, err error) {
	for i := range 6 {
		var text string
		if text, b, err = field(b); err != nil {
			return c, err
		}
		if i == 4 {
			c.Name = text
		}
	}
	if len(b) < 13 {
		return c, errSequence
	}
	c.Charset, c.Length, c.Type = binary.LittleEndian.Uint16(b[1:]), binary.LittleEndian.Uint32(b[3:]), b[7]
	return c, nil
}

// Next returns the next row, which is valid until the next call: a bit for each column that is NULL, from the third one on, then the
// values of the others. It is nil when there are no more.
func (r *Rows) Next() ([]byte, error) {
	if r.over {
		return nil, nil
	}
	b, err := r.conn.read()
	if err != nil {
		r.over = true
		return nil, r.stop(err)
	}
	switch {
	case len(b) > 0 && b[0] == okPacket:
		return b[1:], nil
	case len(b) > 0 && b[0] == errorPacket:
		err = errors.Join(parseError(b), r.forget())
	case len(b) > 0 && len(b) < 9 && b[0] == eofPacket:
		err = r.forget()
	default:
		err = errSequence
	}
	r.over = true
	return nil, r.stop(err)
}

// forget lets the server give up the statement; it does not answer.
func (r *Rows) forget() error {
	return r.conn.command(commandClose, binary.LittleEndian.AppendUint32(nil, r.statement))
}

// length reads a number of the protocol: a byte, or one that says how many bytes follow. ok is false if it is cut, or stands for NULL.
func length(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	width := 0
	switch b[0] {
	case 0xfb, 0xff:
		return 0, nil, false
	case 0xfc:
		width = 2
	case 0xfd:
		width = 3
	case 0xfe:
		width = 8
	default:
		return uint64(b[0]), b[1:], true
	}
	if len(b) < 1+width {
		return 0, nil, false
	}
	var full [8]byte
	copy(full[:], b[1:1+width])
	return binary.LittleEndian.Uint64(full[:]), b[1+width:], true
}

// Content takes bytes with their length in front. ok is false if they are cut.
func Content(b []byte) (content, rest []byte, ok bool) {
	n, rest, ok := length(b)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n:n], rest[n:], true
}
