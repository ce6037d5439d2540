package client

import "google.golang.org/protobuf/encoding/protowire"

// Cell is one cell of a row. Its slices point into the server's answer, which nobody changes.
type Cell struct {
	Family, Qualifier, Value []byte
	// Timestamp is HBase's, in milliseconds by custom. In a mutation 0 leaves it to the server: the time of its clock, or
	// that of the cell that the condition has compared if that is later.
	Timestamp uint64
}

// Row is a row that was read: its cells, ordered by family and qualifier. A row without cells does not exist.
type Row struct {
	Key   []byte
	Cells []Cell
}

// Value finds a cell of the row, nil if there is none.
func (r *Row) Value(family, qualifier []byte) *Cell {
	for i := range r.Cells {
		if c := &r.Cells[i]; string(c.Qualifier) == string(qualifier) && string(c.Family) == string(family) {
			return c
		}
	}
	return nil
}

// Mutation puts cells, or deletes columns: each of its cells' versions up to the cell's timestamp. Cells of one family
// stand together.
type Mutation struct {
	Delete bool
	Cells  []Cell
}

// appendMutation appends MutationProto{row=1, mutate_type=2, column_value=3} with
// ColumnValue{family=1, qualifier_value=2{qualifier=1, value=2, timestamp=3, delete_type=4}}.
func appendMutation(b []byte, row []byte, m *Mutation) []byte {
	const (
		put             = 2
		remove          = 3
		deleteVersions  = 1 // all versions up to the timestamp
		fieldColumn     = 3
		fieldQualifiers = 2
	)
	b = appendBytes(b, 1, row)
	if m.Delete {
		b = appendUint(b, 2, remove)
	} else {
		b = appendUint(b, 2, put)
	}
	for i := 0; i < len(m.Cells); {
		var family int
		first := m.Cells[i].Family
		b, family = begin(b, fieldColumn)
		b = appendBytes(b, 1, first)
		for ; i < len(m.Cells) && string(m.Cells[i].Family) == string(first); i++ {
			c := &m.Cells[i]
			var at int
			b, at = begin(b, fieldQualifiers)
			b = appendBytes(b, 1, c.Qualifier)
			if !m.Delete {
				b = appendBytes(b, 2, c.Value)
			}
			if c.Timestamp != 0 {
				b = appendUint(b, 3, c.Timestamp)
			}
			if m.Delete {
				b = appendUint(b, 4, deleteVersions)
			}
			b = end(b, at)
		}
		b = end(b, family)
	}
	return b
}

// size is about how many bytes the mutation is on the wire.
func (m *Mutation) size() int {
	n := 32
	for i := range m.Cells {
		c := &m.Cells[i]
		n += len(c.Qualifier) + len(c.Value) + 24
	}
	return n
}

// Compare is how a condition or a filter compares. The numbers are CompareType's.
type Compare uint64

const (
	Less           Compare = 0
	LessOrEqual    Compare = 1
	Equal          Compare = 2
	NotEqual       Compare = 3
	GreaterOrEqual Compare = 4
	Greater        Compare = 5
)

// Condition is what has to hold of the row for mutations to be carried out; the server looks and writes with the row
// locked. One of the two kinds:
type Condition struct {
	// Family, Qualifier, Compare and Value say how *the value given* compares with what is stored: Greater holds if Value is
	// larger than the cell. A cell that is not there matches an empty Value only.
	Family, Qualifier []byte
	Compare           Compare
	Value             []byte
	// Filter, if there is one, has to let the row pass. Here *what is stored* stands on the left: Less holds if the cell is
	// smaller. An absent row never passes. The server reads the whole row for it.
	Filter Filter
}

// Absent holds if the row does not have the column.
func Absent(family, qualifier []byte) *Condition {
	return &Condition{Family: family, Qualifier: qualifier, Compare: Equal}
}

// appendCondition appends Condition{row=1, family=2, qualifier=3, compare_type=4, comparator=5, filter=7}.
func appendCondition(b []byte, row []byte, c *Condition) []byte {
	b = appendBytes(b, 1, row)
	if c.Filter != nil {
		b, at := begin(b, 7)
		return end(c.Filter.append(b), at)
	}
	b = appendBytes(b, 2, c.Family)
	b = appendBytes(b, 3, c.Qualifier)
	b = appendUint(b, 4, uint64(c.Compare))
	return appendComparator(b, 5, c.Value)
}

// appendComparator appends Comparator{name=1, serialized_comparator=2: BinaryComparator{comparable=1{value=1}}}.
func appendComparator(b []byte, number protowire.Number, value []byte) []byte {
	b, at := begin(b, number)
	b = appendString(b, 1, "org.apache.hadoop.hbase.filter.BinaryComparator")
	b, serialized := begin(b, 2)
	b, comparable := begin(b, 1)
	b = appendBytes(b, 1, value)
	return end(end(end(b, comparable), serialized), at)
}
