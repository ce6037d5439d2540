package client

// Filter is a condition on rows that the server evaluates.
type Filter interface {
	// append appends Filter{name=1, serialized_filter=2}.
	append([]byte) []byte
}

const filters = "org.apache.hadoop.hbase.filter."

// ColumnIs lets a row pass if a column's newest cell compares so with Value, the cell on the left. A row without the column
// passes only with OrMissing.
type ColumnIs struct {
	Family, Qualifier []byte
	Compare           Compare
	Value             []byte
	OrMissing         bool
}

func (f *ColumnIs) append(b []byte) []byte {
	b = appendString(b, 1, filters+"SingleColumnValueFilter")
	b, at := begin(b, 2)
	b = appendBytes(b, 1, f.Family)
	b = appendBytes(b, 2, f.Qualifier)
	b = appendUint(b, 3, uint64(f.Compare))
	b = appendComparator(b, 4, f.Value)
	b = appendBool(b, 5, !f.OrMissing)
	return end(appendBool(b, 6, true), at)
}

// All lets a row pass if all its filters do, Any if one does.
type (
	All []Filter
	Any []Filter
)

func (f All) append(b []byte) []byte { return appendFilterList(b, 1, f) }
func (f Any) append(b []byte) []byte { return appendFilterList(b, 2, f) }

// appendFilterList appends FilterList{operator=1, filters=2}.
func appendFilterList(b []byte, operator uint64, list []Filter) []byte {
	b = appendString(b, 1, filters+"FilterList")
	b, at := begin(b, 2)
	b = appendUint(b, 1, operator)
	for _, f := range list {
		var one int
		b, one = begin(b, 2)
		b = end(f.append(b), one)
	}
	return end(b, at)
}
