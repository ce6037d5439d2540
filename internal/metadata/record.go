package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/skein-io/skein/internal/protocol"
)

// Record is one record of the metadata log, of one of the types that Kafka's metadata schemas describe.
type Record = protocol.Message

// versionOf is the version in which skein writes a record. Every version that the codec knows is read.
func versionOf(r Record) int16 {
	switch r.(type) {
	case *protocol.RegisterBrokerRecord:
		return 3
	case *protocol.PartitionRecord, *protocol.PartitionChangeRecord, *protocol.BrokerRegistrationChangeRecord:
		return 2
	}
	return 0
}

// AppendRecords appends records to dst, in the form that an entry of the metadata log and a snapshot hold:
//
//	one record:  length uvarint | 1 uvarint | type uvarint | version uvarint | body as Kafka's schema says
//	                            `------------------ length bytes ---------------------------------------'
//
// Type and version are those of Kafka's metadata schemas; what follows the length is what Kafka's own metadata log has
// as the value of a record.
func AppendRecords(dst []byte, records ...Record) []byte {
	var one []byte
	for _, r := range records {
		one = protocol.AppendMetadataRecord(one[:0], r, versionOf(r))
		dst = append(binary.AppendUvarint(dst, uint64(len(one))), one...)
	}
	return dst
}

// DecodeRecords reads what AppendRecords wrote. The records share no memory with b. A type or version that is not known
// is an error: a newer skein wrote it.
func DecodeRecords(b []byte) ([]Record, error) {
	var records []Record
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, errors.New("metadata record is longer than the bytes that hold it")
		}
		r, _, err := protocol.DecodeMetadataRecord(b[n : n+int(size)])
		if err != nil {
			return nil, fmt.Errorf("metadata record %d of an entry: %w", len(records), err)
		}
		records = append(records, r)
		b = b[n+int(size):]
	}
	return records, nil
}
