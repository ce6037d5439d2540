package envelope

import "fmt"

// Header is a record's header.
type Header struct {
	Key   string
	Value []byte
}

// Record is what a change becomes in a topic.
type Record struct {
	// Key names the row: all records of a row have the same key, so they are in one partition, in order. Nil is Kafka's null.
	Key []byte
	// Value is the change; nil is a tombstone, which lets a compacted topic forget the key.
	Value   []byte
	Headers []Header
}

// The headers of a record. The first two are ours: other readers pass over them.
const (
	// HeaderVersion carries the change's version in text: epoch:time:file:offset:row.
	HeaderVersion = "skein.version"
	// HeaderExact carries, as a JSON object, the values that the format cannot tell exactly; see docs/formats/changes.md.
	HeaderExact = "skein.exact"
	// HeaderNewKey is Debezium's: the delete of a row whose key changed names the new key.
	HeaderNewKey = "__debezium.newkey"
	// HeaderOldKey is Debezium's: the create of a row whose key changed names the old key.
	HeaderOldKey = "__debezium.oldkey"
)

// Format is how a change is written.
type Format uint8

const (
	// Auto finds out, for each record that is read. Nothing is written as Auto.
	Auto Format = iota
	// Debezium is Debezium's envelope in JSON, with schemas inline or without.
	Debezium
	// Canal is Canal's flat message in JSON.
	Canal
	// Maxwell is Maxwell's JSON.
	Maxwell
)

var formatNames = [...]string{"auto", "debezium", "canal", "maxwell"}

func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// ParseFormat finds a format by its name.
func ParseFormat(name string) (Format, error) {
	for i, n := range formatNames {
		if n == name {
			return Format(i), nil
		}
	}
	return Auto, fmt.Errorf("%q is no format of changes: use debezium, canal, maxwell, or auto to read", name)
}
