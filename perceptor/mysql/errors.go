package mysql

import (
	"errors"
	"fmt"
	"strings"

	driver "github.com/go-sql-driver/mysql"
)

// TargetError is what is wrong with a table of the target, or with the rights to it. Nothing of the batch that belongs to
// this table is written until somebody repairs it.
type TargetError struct {
	Table string
	Err   error
}

func (e *TargetError) Error() string { return fmt.Sprintf("target table %s: %v", e.Table, e.Err) }
func (e *TargetError) Unwrap() error { return e.Err }

var (
	// ErrNoTable: the table is not there, or the account has no right to see it.
	ErrNoTable = errors.New("it is not there, or the account has no rights to it")
	// ErrNoRights: the account must not do what the sink has to.
	ErrNoRights = errors.New("the account has not the rights: SELECT, INSERT and UPDATE are needed, and DELETE with a side table")
	// ErrUniqueKey: a row has the value of a second unique key that another row has. Whichever of the two is right, the sink
	// cannot know: it stops and tells.
	ErrUniqueKey = errors.New("another row has the same value of a unique key")
)

// The numbers of MySQL's and MariaDB's errors.
const (
	numberDuplicate   = 1062
	numberLockWait    = 1205
	numberDeadlock    = 1213
	numberChanged     = 1020
	numberNoTable     = 1146
	numberNoDatabase  = 1049
	numberNoColumn    = 1054
	numberReadOnly    = 1290
	numberNoBinlogRow = 1665
)

// denied are the numbers of missing rights.
var denied = map[uint16]bool{1044: true, 1045: true, 1142: true, 1143: true, 1227: true, 1370: true}

// unfit are the numbers of values that a table does not take: trying again does not help, and other rows are not concerned.
var unfit = map[uint16]bool{
	1048: true, 1216: true, 1264: true, 1265: true, 1292: true, 1300: true, 1364: true, 1366: true, 1367: true, 1406: true, 1411: true, 1416: true,
	1451: true, 1452: true, 1517: true, 1526: true, 1644: true, 1690: true, 3140: true, 3643: true, 3819: true, 3988: true, 4025: true, 4038: true, 4078: true,
}

func number(err error) uint16 {
	var e *driver.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// duplicateKey is the name of the key of a duplicate: MySQL 8 puts the table's name in front of it.
func duplicateKey(err error) (name string, ok bool) {
	var e *driver.MySQLError
	if !errors.As(err, &e) || e.Number != numberDuplicate {
		return "", false
	}
	message := strings.TrimSuffix(e.Message, "'")
	name = message[strings.LastIndexByte(message, '\'')+1:]
	return name[strings.LastIndexByte(name, '.')+1:], true
}

// fate is what an error of a transaction means.
type fate int

const (
	fateStop    fate = iota // for the caller: the batch is tried again later
	fateAgain               // another transaction got in the way
	fateCollide             // a row came into being between the look and the insert
	fateRow                 // one of the rows does not fit
	fateLook                // the table is not what it was
	fateTarget              // table or rights
)

func fateOf(err error) fate {
	if key, ok := duplicateKey(err); ok {
		if key == "PRIMARY" {
			return fateCollide
		}
		return fateRow
	}
	switch n := number(err); {
	case n == numberDeadlock || n == numberLockWait || n == numberChanged:
		return fateAgain
	case unfit[n]:
		return fateRow
	case n == numberNoColumn:
		return fateLook
	case n == numberNoTable || n == numberNoDatabase || denied[n]:
		return fateTarget
	}
	return fateStop
}

// named says in our words what the server said of a table.
func named(table string, err error) error {
	switch n := number(err); {
	case n == numberNoTable || n == numberNoDatabase:
		err = fmt.Errorf("%w: %w", ErrNoTable, err)
	case denied[n]:
		err = fmt.Errorf("%w: %w", ErrNoRights, err)
	case n == numberReadOnly:
		err = fmt.Errorf("the server only reads: %w", err)
	case n == numberNoBinlogRow:
		err = fmt.Errorf("the target's binlog_format has to be ROW or MIXED: %w", err)
	default:
		if _, ok := err.(*TargetError); ok {
			return err
		}
		return fmt.Errorf("target table %s: %w", table, err)
	}
	return &TargetError{Table: table, Err: err}
}

// rowError says of one row what does not fit.
func rowError(table, key string, err error) error {
	if name, ok := duplicateKey(err); ok {
		err = fmt.Errorf("%w (%s): %w", ErrUniqueKey, name, err)
	}
	return fmt.Errorf("target table %s, row %s: %w", table, key, err)
}
