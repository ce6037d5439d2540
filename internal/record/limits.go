package record

// DecompressedBytesMaxDefault is the default of max.decompressed.batch.bytes.
const DecompressedBytesMaxDefault = 64 << 20

// Limits bound what one batch may cost. The zero value means the defaults.
type Limits struct {
	// BatchBytesMax is max.message.bytes: the largest batch as sent, header included. 0 means no limit but the
	// format's.
	BatchBytesMax int
	// DecompressedBytesMax is max.decompressed.batch.bytes: the largest the records may become when decompressed. 0
	// means DecompressedBytesMaxDefault. Records that are not compressed are bounded by BatchBytesMax alone.
	DecompressedBytesMax int
}

func (l Limits) decompressedBytesMax() int {
	if l.DecompressedBytesMax <= 0 {
		return DecompressedBytesMaxDefault
	}
	return l.DecompressedBytesMax
}
