package protocol

// Key is the number of a Kafka API, such as Produce (0).
type Key int16

// Message is one request, response or record body. The generated types implement it. Decode and Encode take the
// version; a version outside the type's range is a programming error for Encode and an error for Decode.
//
// Byte fields that Decode fills are slices of the bytes the Reader was given: whoever keeps them longer than those
// bytes live copies them.
type Message interface {
	Key() Key
	Decode(r *Reader, version int16) error
	Encode(w *Writer, version int16)
}

// Payload is the record bytes of a Fetch response. Bytes is one; a range of a log file is another, which the server
// sends without a copy. What a Payload other than Bytes is, the Writer does not ask: it notes its place.
type Payload interface {
	// Len is the number of bytes that will be sent, exactly.
	Len() int
}

// Bytes is a Payload in memory, and what a decoded Fetch response holds.
type Bytes []byte

// Len is the number of bytes.
func (b Bytes) Len() int { return len(b) }
