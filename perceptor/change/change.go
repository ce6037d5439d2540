package change

import "fmt"

// Op is what was done to a row.
type Op uint8

const (
	Create Op = iota + 1
	Update
	Delete
	// Read is a row that a snapshot found.
	Read
	// Truncate took all rows of a table that are older. It has no row. Topics have it in each partition, all of one version.
	Truncate
)

func (o Op) String() string {
	switch o {
	case Create:
		return "create"
	case Update:
		return "update"
	case Delete:
		return "delete"
	case Read:
		return "read"
	case Truncate:
		return "truncate"
	}
	return fmt.Sprintf("op %d", uint8(o))
}

// Row holds the values of a table's columns, in their order.
type Row []Value

// Change is one change of one row. A change of a primary key is two: the old row's Delete and the new one's Create.
// Nobody changes it or what it points to.
type Change struct {
	Op    Op
	Table *Table
	// Before is the row as it was, nil if there was none or it is not told; After as it is, nil after a Delete.
	Before, After Row
	Version       Version
	Origin        Origin
}

// Origin tells where a change was found. All of it may be empty.
type Origin struct {
	ServerID uint32
	Snapshot bool
	// File is the binlog file's whole name.
	File string
	GTID string
	// EventTime is what the event carries, in milliseconds since 1970. Version.ExecuteTime is what decides.
	EventTime int64
}

// Image is the row that the key is read from: After, or Before of a Delete.
func (c *Change) Image() Row {
	if c.Op == Delete {
		return c.Before
	}
	return c.After
}

// Check refuses a change that no sink can apply: without a key, or of which a key column is not told.
func (c *Change) Check() error {
	if c.Op < Create || c.Op > Truncate {
		return fmt.Errorf("%s: the change has no operation", c.Table)
	}
	if c.Op == Truncate {
		return nil
	}
	row := c.Image()
	switch {
	case len(c.Table.Key) == 0:
		return fmt.Errorf("%s: the table has no primary key and none was declared", c.Table)
	case len(row) != len(c.Table.Columns):
		return fmt.Errorf("%s: a row of %d values for %d columns", c.Table, len(row), len(c.Table.Columns))
	}
	for _, i := range c.Table.Key {
		if k := row[i].Kind; k == Missing || k == Null {
			return fmt.Errorf("%s: column %q of the key is %s", c.Table, c.Table.Columns[i].Name, row[i])
		}
	}
	return c.Version.Check()
}
