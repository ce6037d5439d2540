package record

// Record is one record of a batch. What a Reader yields is valid until the Reader's next step: the slices lie in the
// batch or in the Reader's buffer.
type Record struct {
	Offset    Offset
	Timestamp int64  // milliseconds since 1970
	Key       []byte // nil is Kafka's null
	Value     []byte // nil is Kafka's null: a tombstone on a compacted topic
	Headers   Headers
}

// A record, after its length. All numbers but attributes are zigzag varints; a length of -1 is null.
//
//	+--------+------------+-----------------+--------------+-----+-----+-------+-------+-------+---------
//	| length | attributes | timestamp delta | offset delta | key | key | value | value | count | headers
//	|        | int8 = 0   | 64 bits         | 32 bits      | len |     | len   |       |       |
//	+--------+------------+-----------------+--------------+-----+-----+-------+-------+-------+---------
//
// A header is key length, key, value length, value; a header's key is never null.
type parsed struct {
	timestampDelta int64
	offsetDelta    int32
	key, value     []byte
	headers        Headers
}

// flaw is why bytes are no record; "" is none. A string and no error, so that parseRecord allocates nothing and can
// say where.
type flaw string

const (
	flawLength  flaw = "its length is impossible or goes beyond the batch"
	flawField   flaw = "a field goes beyond its end"
	flawKey     flaw = "its key goes beyond its end"
	flawValue   flaw = "its value goes beyond its end"
	flawHeaders flaw = "its headers go beyond its end"
	flawRest    flaw = "bytes are left over within it"
)

// parseRecord reads the record at the front of b into p. size is the number of bytes it took. Every length is
// compared with the bytes at hand before it is used; nothing is allocated.
func parseRecord(b []byte, p *parsed) (size int, bad flaw) {
	length, i := varint32(b, 0)
	if i == 0 || length < recordSizeMin-1 || int(length) > len(b)-i {
		return 0, flawLength
	}
	size = i + int(length)
	b = b[:size:size]
	i++ // attributes, unused
	if p.timestampDelta, i = varint64(b, i); i == 0 {
		return 0, flawField
	}
	if p.offsetDelta, i = varint32(b, i); i == 0 {
		return 0, flawField
	}
	if p.key, i = nullable(b, i); i == 0 {
		return 0, flawKey
	}
	if p.value, i = nullable(b, i); i == 0 {
		return 0, flawValue
	}
	n, i := varint32(b, i)
	if i == 0 || n < 0 {
		return 0, flawHeaders
	}
	if n == 0 {
		p.headers = Headers{}
		if i != size {
			return 0, flawRest
		}
		return size, ""
	}
	p.headers = Headers{count: n, raw: b[i:]}
	return size, p.headers.check()
}

// nullable reads a length and as many bytes at b[i:]; -1 gives nil. next is 0 when they are not there.
func nullable(b []byte, i int) (v []byte, next int) {
	n, i := varint32(b, i)
	if i == 0 || n < -1 || int(n) > len(b)-i {
		return nil, 0
	}
	if n < 0 {
		return nil, i
	}
	end := i + int(n)
	return b[i:end:end], end
}
