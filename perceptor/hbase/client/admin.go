package client

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// TableSpec is a table to be made.
type TableSpec struct {
	Name string
	// Families are the names of the column families. One version is kept of each cell.
	Families []string
	// Splits are the first rows of all regions but the first.
	Splits [][]byte
}

// CreateTable makes a table and returns when its regions are served.
func (c *Client) CreateTable(ctx context.Context, t TableSpec) error {
	return c.procedure(ctx, "CreateTable", func(b []byte) []byte {
		b, schema := begin(b, 1)
		b, name := begin(b, 1)
		b = end(appendTableName(b, t.Name), name)
		for _, family := range t.Families {
			var at int
			b, at = begin(b, 3)
			b = appendString(b, 1, family)
			b = end(appendAttribute(b, 2, "VERSIONS", "1"), at)
		}
		b = end(b, schema)
		for _, row := range t.Splits {
			b = appendBytes(b, 2, row)
		}
		return b
	})
}

// appendAttribute appends BytesBytesPair{first=1, second=2}.
func appendAttribute(b []byte, number protowire.Number, name, value string) []byte {
	b, at := begin(b, number)
	return end(appendString(appendString(b, 1, name), 2, value), at)
}

// DeleteTable takes a table out of service and deletes it.
func (c *Client) DeleteTable(ctx context.Context, table string) error {
	named := func(b []byte) []byte {
		b, at := begin(b, 1)
		return end(appendTableName(b, table), at)
	}
	if err := c.procedure(ctx, "DisableTable", named); err != nil {
		return err
	}
	return c.procedure(ctx, "DeleteTable", named)
}

// Families returns the names of a table's column families. ErrTableNotFound if there is no such table.
func (c *Client) Families(ctx context.Context, table string) ([]string, error) {
	message, err := c.master(ctx, "GetTableDescriptors", func(b []byte) []byte {
		b, at := begin(b, 1)
		return end(appendTableName(b, table), at)
	})
	if err != nil {
		return nil, err
	}
	var families []string
	found := false
	// GetTableDescriptorsResponse{table_schema=1{column_families=3{name=1}}}
	err = eachField(message, func(f field) error {
		if f.number != 1 {
			return nil
		}
		found = true
		return eachField(f.bytes, func(f field) error {
			if f.number != 3 {
				return nil
			}
			return eachField(f.bytes, func(f field) error {
				if f.number == 1 {
					families = append(families, string(f.bytes))
				}
				return nil
			})
		})
	})
	if err == nil && !found {
		err = fmt.Errorf("%q: %w", table, ErrTableNotFound)
	}
	return families, err
}

// SplitRegion splits the region of a row at the row, and returns when the two that come of it are known.
func (c *Client) SplitRegion(ctx context.Context, table string, row []byte) error {
	r, err := c.located(ctx, table, row)
	if err != nil {
		return err
	}
	return c.procedure(ctx, "SplitRegion", func(b []byte) []byte {
		b, at := begin(b, 1)
		b = end(appendRegionInfo(b, r), at)
		return appendBytes(b, 2, row)
	})
}

// MoveRegion asks the master to move the region of a row to another server of its choice.
func (c *Client) MoveRegion(ctx context.Context, table string, row []byte) error {
	r, err := c.located(ctx, table, row)
	if err != nil {
		return err
	}
	_, err = c.master(ctx, "MoveRegion", func(b []byte) []byte {
		b, at := begin(b, 1)
		b = appendUint(b, 1, 2) // the region's short name: the hash at the end of the name
		name := r.name[len(r.name)-33 : len(r.name)-1]
		return end(appendBytes(b, 2, name), at)
	})
	return err
}

// Server says which server has the region of a row.
func (c *Client) Server(ctx context.Context, table string, row []byte) (addr string, err error) {
	r, err := c.located(ctx, table, row)
	if err != nil {
		return "", err
	}
	return r.addr, nil
}

// Starts returns the first keys of the table's regions in their order, at most so many; the first is empty.
func (c *Client) Starts(ctx context.Context, table string, most int) (rows [][]byte, err error) {
	next := []byte{}
	for len(rows) < most {
		r, err := c.located(ctx, table, next)
		if err != nil {
			return nil, err
		}
		rows = append(rows, next)
		if len(r.end) == 0 {
			break
		}
		next = r.end
	}
	return rows, nil
}

// located finds a region, not by memory, and waits while it has no server.
func (c *Client) located(ctx context.Context, table string, row []byte) (*region, error) {
	if r := c.regions.find(table, row); r != nil {
		c.regions.forget(r)
	}
	patience := c.patience(ctx)
	for {
		r, err := c.locate(ctx, table, row)
		if err == nil || heal(err) == giveUp {
			return r, err
		}
		if err := patience.wait(err); err != nil {
			return nil, err
		}
	}
}

// master calls the master, again while there is none or it is not ready.
func (c *Client) master(ctx context.Context, method string, message func([]byte) []byte) ([]byte, error) {
	patience := c.patience(ctx)
	for {
		addr, err := c.znode(ctx, "master")
		if err == nil {
			var answer []byte
			if answer, err = c.ask(ctx, addr, masterService, method, message); err == nil {
				return answer, nil
			}
		}
		if heal(err) == giveUp {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		if err := patience.wait(err); err != nil {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
	}
}

// procedure starts a procedure of the master, which answers with its number in field 1, and waits for its end.
func (c *Client) procedure(ctx context.Context, method string, message func([]byte) []byte) error {
	answer, err := c.master(ctx, method, message)
	if err != nil {
		return err
	}
	var id uint64
	if err := eachField(answer, func(f field) error {
		if f.number == 1 {
			id = f.num
		}
		return nil
	}); err != nil {
		return err
	}
	patience := c.patience(ctx)
	for {
		answer, err := c.master(ctx, "getProcedureResult", func(b []byte) []byte { return appendUint(b, 1, id) })
		if err != nil {
			return err
		}
		ended, err := readProcedure(answer)
		if ended || err != nil {
			if err != nil {
				err = fmt.Errorf("%s: %w", method, err)
			}
			return err
		}
		if err := patience.wait(fmt.Errorf("procedure %d is under way", id)); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
	}
}

// readProcedure reads GetProcedureResultResponse{state=1, exception=5{generic_exception=2{class_name=1, message=2}}}.
func readProcedure(b []byte) (ended bool, err error) {
	const running = 1
	var failed *ServerError
	err = eachField(b, func(f field) error {
		switch f.number {
		case 1:
			ended = f.num != running
		case 5:
			failed = &ServerError{final: true}
			return eachField(f.bytes, func(f field) error {
				if f.number != 2 {
					return nil
				}
				return eachField(f.bytes, func(f field) error {
					switch f.number {
					case 1:
						failed.Class = string(f.bytes)
					case 2:
						failed.Message = string(f.bytes)
					}
					return nil
				})
			})
		}
		return nil
	})
	if err == nil && failed != nil {
		err = failed
	}
	return ended, err
}
