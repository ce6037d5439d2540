package protocol

import "encoding/binary"

// numberedKey is the key of a record of __consumer_offsets: what stands in front of it is its type, not its version.
type numberedKey interface{ isRecordKey() }

// AppendRecord appends a key or value of __consumer_offsets to dst. In front of a key stands the number of its type,
// in front of a value its version; a key has only version 0 and takes no notice of the argument.
//
//	int16 type or version | body
func AppendRecord(dst []byte, m Message, version int16) []byte {
	w := Writer{buf: dst}
	if _, isKey := m.(numberedKey); isKey {
		w.int16(int16(m.Key()))
		m.Encode(&w, 0)
		return w.Bytes()
	}
	w.int16(version)
	m.Encode(&w, version)
	return w.Bytes()
}

// DecodeRecordKey reads a key of __consumer_offsets. A type that this release does not know gives an error with the
// code UnsupportedVersion. Byte fields are slices of b.
func DecodeRecordKey(b []byte) (Message, error) {
	number, r, err := numbered(b, "record key")
	if err != nil {
		return nil, err
	}
	key := newRecordKey(number)
	if key == nil {
		return nil, Fail(UnsupportedVersion, "record key of type %d: the type is unknown", number)
	}
	return key, key.Decode(r, 0)
}

// DecodeRecordValue reads the value of __consumer_offsets that stands under this key, and gives its version. A nil b
// is a tombstone: nil and no error.
func DecodeRecordValue(key Message, b []byte) (value Message, version int16, err error) {
	if b == nil {
		return nil, 0, nil
	}
	version, r, err := numbered(b, "record value")
	if err != nil {
		return nil, 0, err
	}
	value = newRecordValue(int16(key.Key()))
	if value == nil {
		return nil, 0, Fail(UnsupportedVersion, "record value under a key of type %d: the type is unknown", key.Key())
	}
	return value, version, value.Decode(r, version)
}

func numbered(b []byte, what string) (int16, *Reader, error) {
	r := NewReader(b, Limits{})
	number := r.int16("type or version")
	return number, r, r.finish(what, number)
}

// metadataFrameVersion is the version of the bytes in front of a metadata record, the only one there is.
const metadataFrameVersion = 1

// AppendMetadataRecord appends a record of the metadata log to dst.
//
//	uvarint 1 | uvarint type | uvarint version | body
func AppendMetadataRecord(dst []byte, m Message, version int16) []byte {
	dst = append(dst, metadataFrameVersion)
	dst = binary.AppendUvarint(dst, uint64(uint16(m.Key())))
	dst = binary.AppendUvarint(dst, uint64(version))
	return AppendMessage(dst, m, version)
}

// DecodeMetadataRecord reads what AppendMetadataRecord wrote. Byte fields are slices of b.
func DecodeMetadataRecord(b []byte) (m Message, version int16, err error) {
	r := NewReader(b, Limits{})
	frame, number, wide := r.uvarint("frame version"), r.uvarint("type"), r.uvarint("version")
	switch {
	case r.err != nil:
		return nil, 0, r.finish("metadata record", 0)
	case frame != metadataFrameVersion:
		return nil, 0, Fail(UnsupportedVersion, "metadata record: frame version %d is unknown", frame)
	case number > 0x7fff || wide > 0x7fff:
		return nil, 0, Fail(UnsupportedVersion, "metadata record: type %d version %d is unknown", number, wide)
	}
	version = int16(wide)
	if m = newMetadataRecord(int16(number)); m == nil {
		return nil, 0, Fail(UnsupportedVersion, "metadata record: type %d is unknown", number)
	}
	return m, version, m.Decode(r, version)
}
