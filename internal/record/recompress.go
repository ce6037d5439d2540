package record

import "github.com/skein-io/skein/internal/protocol"

// Recompress returns a new batch with the same records under another codec, for a topic whose compression.type is not
// producer. Only length, codec and checksum of the header change; the records are the same bytes, decompressed and
// compressed again. It fails as Records does when they cannot be decompressed, and with MESSAGE_TOO_LARGE when the new
// batch is larger than limits.BatchBytesMax. The batch given stays as it is. Batches without records and control
// batches keep their codec, as in Kafka: a copy of them is returned. The records are not looked at: ValidateRecords
// comes first.
func (b Batch) Recompress(codec Codec, level int, limits Limits) (Batch, error) {
	if codec == b.Codec() || b.Count() == 0 || b.Control() && b.Codec() == None {
		return append(Batch(nil), b...), nil
	}
	defer b.takeTurn()()
	r := b.Records(limits)
	defer r.Close()
	if r.Err() != nil {
		return nil, r.Err()
	}
	room := HeaderSize + len(r.rest)
	if codec != None {
		room = HeaderSize + len(r.rest)/2
	} else if err := checkSize(room, limits); err != nil { // before what a bomb became is copied
		return nil, err
	}
	out, err := Compress(append(make(Batch, 0, room), b[:HeaderSize]...), r.rest, codec, level)
	if err != nil {
		return nil, err
	}
	if err := checkSize(len(out), limits); err != nil {
		return nil, err
	}
	made := Batch(out)
	made.putInt32(atLength, int32(len(made)-PrefixSize))
	made.putInt16(atAttributes, int16(b.Attributes()&^codecMask|Attributes(codec)))
	made.sealCRC()
	return made, nil
}

func checkSize(size int, limits Limits) error {
	if limits.BatchBytesMax > 0 && size > limits.BatchBytesMax {
		return protocol.Fail(protocol.MessageTooLarge, "the record batch has %d bytes; max.message.bytes is %d", size, limits.BatchBytesMax)
	}
	if size > lengthMax+PrefixSize {
		return protocol.Fail(protocol.MessageTooLarge, "the record batch has %d bytes; the format ends at %d", size, lengthMax+PrefixSize)
	}
	return nil
}
