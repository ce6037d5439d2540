package change

import (
	"fmt"
	"slices"
)

// Type is a column's type in MySQL or MariaDB.
type Type uint8

const (
	// Unknown is the type of a field of a topic that does not tell types.
	Unknown Type = iota
	TinyInt
	SmallInt
	MediumInt
	Integer
	BigInt
	Numeric
	FloatType
	DoubleType
	Bit
	Year
	DateType
	TimeType
	DateTimeType
	TimestampType
	Char
	VarChar
	TinyText
	TextType
	MediumText
	LongText
	Binary
	VarBinary
	TinyBlob
	Blob
	MediumBlob
	LongBlob
	Enum
	Set
	JSONType
	Geometry
	// UUID, INET4 and INET6 are MariaDB's.
	UUID
	INET4
	INET6
	typeEnd
)

var typeNames = [typeEnd]string{
	"unknown", "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit", "year", "date", "time", "datetime",
	"timestamp", "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
	"enum", "set", "json", "geometry", "uuid", "inet4", "inet6",
}

// String is the type's name in SQL, without length and sign.
func (t Type) String() string {
	if t >= typeEnd {
		return "unknown"
	}
	return typeNames[t]
}

// ParseType finds a type by its name in SQL, as information_schema.COLUMNS.DATA_TYPE tells it.
func ParseType(name string) (Type, bool) {
	at := slices.Index(typeNames[:], name)
	return Type(max(at, 0)), at > 0
}

// Column is a column as it was when the change was made.
type Column struct {
	Name     string
	Type     Type
	Unsigned bool
	Nullable bool
	// Length is the precision of a decimal, the bits of a BIT, the characters of CHAR and VARCHAR, the bytes of BINARY and
	// VARBINARY; 0 if it is not known.
	Length int
	// Scale is the digits after the point of a decimal, or after the second of a time; -1 if that is not known, of a time of
	// MariaDB's old format in a map of the binlog.
	Scale int
	// Charset is the name in MySQL ("utf8mb4"); empty for what has none. Values are UTF-8 whatever it is.
	Charset string
	// Members are the names of an ENUM or a SET, in their order.
	Members []string
}

// Table is a table as it was when the change was made. Nobody changes it.
type Table struct {
	Database, Name string
	Columns        []Column
	// Key are the indexes of the columns of the primary key, or of the key that was declared, in its order.
	Key []int
}

// Column finds a column by its name; -1 if there is none. MySQL's names of columns do not tell cases apart; this does.
func (t *Table) Column(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// WithKey is the same table with another key. Its columns must be there, and NOT NULL.
func (t *Table) WithKey(columns []string) (*Table, error) {
	keyed := *t
	keyed.Key = make([]int, len(columns))
	for i, name := range columns {
		at := t.Column(name)
		switch {
		case at < 0:
			return nil, fmt.Errorf("the key that is declared for table %s has column %q, which the table has not", t, name)
		case t.Columns[at].Nullable:
			return nil, fmt.Errorf("the key that is declared for table %s has column %q, which may be NULL", t, name)
		case slices.Contains(keyed.Key[:i], at):
			return nil, fmt.Errorf("the key that is declared for table %s has column %q twice", t, name)
		}
		keyed.Key[i] = at
	}
	return &keyed, nil
}

func (t *Table) String() string { return t.Database + "." + t.Name }
