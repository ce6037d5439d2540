package server

import "context"

// Null is what Query tells for SQL's NULL.
const Null = "\x00NULL"

// Identity tells servers apart: @@server_id, and @@server_uuid or on MariaDB @@server_uid.
func Identity(id, uuid string) string { return id + "/" + uuid }

const (
	commandQuery    = 0x03
	commandDump     = 0x12
	commandRegister = 0x15
	commandDumpGTID = 0x1e

	// rowsMax bounds an answer: what is asked here has few rows.
	rowsMax = 1 << 16
)

// Query asks and returns the rows of the answer as text; none of a statement that has none.
func (c *Conn) Query(ctx context.Context, sql string) ([][]string, error) {
	stop := c.during(ctx, 0)
	rows, err := c.query(sql)
	return rows, stop(err)
}

func (c *Conn) query(sql string) ([][]string, error) {
	if err := c.command(commandQuery, []byte(sql)); err != nil {
		return nil, err
	}
	b, err := c.read()
	if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, errSequence
	}
	switch b[0] {
	case okPacket:
		return nil, nil
	case errorPacket:
		return nil, parseError(b)
	}
	columns := int(b[0])
	if columns > 250 {
		return nil, errSequence
	}
	for range columns {
		if _, err := c.read(); err != nil {
			return nil, err
		}
	}
	if end, err := c.readRow(nil, 0); err != nil || end {
		var rows [][]string
		for len(rows) < rowsMax {
			row := make([]string, columns)
			end, err := c.readRow(row, columns)
			if err != nil || end {
				return rows, err
			}
			rows = append(rows, row)
		}
	}
	return nil, errSequence
}

// readRow reads a row, or finds that there are no more.
func (c *Conn) readRow(row []string, columns int) (end bool, err error) {
	b, err := c.read()
	if err != nil {
		return false, err
	}
	if len(b) > 0 && b[0] == errorPacket {
		return false, parseError(b)
	}
	if len(b) > 0 && b[0] == eofPacket && len(b) < 9 {
		return true, nil
	}
	for i := range columns {
		var text string
		if text, b, err = field(b); err != nil {
			return false, err
		}
		row[i] = text
	}
	return false, nil
}

func field(b []byte) (text string, rest []byte, err error) {
	if len(b) > 0 && b[0] == 0xfb {
		return Null, b[1:], nil
	}
	content, rest, ok := Content(b)
	if !ok {
		return "", nil, errSequence
	}
	return string(content), rest, nil
}
