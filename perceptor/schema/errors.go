package schema

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnknownSchema is a map in the binlog that leaves open what its columns are, and nothing that is known tells it. The error is an
// *UnknownError.
var ErrUnknownSchema = errors.New("what the table was at this place is not known")

// UnknownError names what is not known.
type UnknownError struct {
	// Table is database.table.
	Table string
	At    Place
	// Columns are those that are open, as they are known: by name, or by number.
	Columns []string
	// Why the catalog did not tell.
	Why string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("table %s, %s: %v: column %s: %s. Declare the columns as they were there (Config.Declared), or take a new snapshot",
		e.Table, e.At, ErrUnknownSchema, strings.Join(e.Columns, ", "), e.Why)
}

func (e *UnknownError) Unwrap() error { return ErrUnknownSchema }
