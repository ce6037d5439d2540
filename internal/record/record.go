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

// glance is where the parts of an ordinary record lie: one without headers, none of whose numbers takes more than
// shortMax bytes.
type glance struct {
	size               int
	timestampDelta     int32
	offsetDelta        int32
	keyAt, keyLength   int // the length is -1 for null
	valueAt, valueSize int
}

// glanceSpare is the room that the numbers in front of the key take at most, and the attributes.
const glanceSpare = 4*shortMax + 1

// glanceAt reads the record at the front of b if it is an ordinary one with nothing wrong about it. Of any other ok is
// false, and parseRecord says what it is.
func glanceAt(b []byte) (g glance, ok bool) {
	if len(b) < glanceSpare {
		return g, false
	}
	length, i := short(b, 0)
	if g.size = i + int(unzigzag(length)); i == 0 || g.size < recordSizeMin || g.size > len(b) {
		return g, false
	}
	times, i := short(b, i+1) // behind the attributes, unused
	if i == 0 {
		return g, false
	}
	offsets, i := short(b, i)
	if i == 0 {
		return g, false
	}
	keys, i := short(b, i)
	if i == 0 {
		return g, false
	}
	g.timestampDelta, g.offsetDelta = unzigzag(times), unzigzag(offsets)
	g.keyAt, g.keyLength = i, int(unzigzag(keys))
	if i += max(0, g.keyLength); g.keyLength < -1 || i > len(b)-shortMax {
		return g, false
	}
	values, i := short(b, i)
	g.valueAt, g.valueSize = i, int(unzigzag(values))
	i += max(0, g.valueSize)
	// What is left is the count of headers: one byte, 0. That it is the record's last puts all before it inside.
	return g, g.valueAt > 0 && g.valueSize >= -1 && i == g.size-1 && b[i] == 0
}

// part is the bytes of a key or a value, nil for null.
func part(b []byte, at, length int) []byte {
	if length < 0 {
		return nil
	}
	return b[at : at+length : at+length]
}

// parseRecord reads the record at the front of b into p. size is the number of bytes it took. Every length is
// compared with the bytes at hand before it is used; nothing is allocated.
func parseRecord(b []byte, p *parsed) (size int, bad flaw) {
	if g, ok := glanceAt(b); ok {
		p.timestampDelta, p.offsetDelta = int64(g.timestampDelta), g.offsetDelta
		p.key, p.value, p.headers = part(b, g.keyAt, g.keyLength), part(b, g.valueAt, g.valueSize), Headers{}
		return g.size, ""
	}
	return parseAny(b, p)
}

// parseAny is parseRecord for every record, ordinary or not.
func parseAny(b []byte, p *parsed) (size int, bad flaw) {
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
