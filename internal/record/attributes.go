package record

// Attributes are the flags of a batch. Bits 7 to 15 mean nothing yet and are ignored, as in Kafka.
//
//	15 ... 7 |      6         |    5    |       4       |         3          | 2 1 0
//	  unused | delete horizon | control | transactional | 1: log append time | codec
type Attributes int16

const (
	codecMask          Attributes = 0x07
	logAppendTimeFlag  Attributes = 0x08
	transactionalFlag  Attributes = 0x10
	controlFlag        Attributes = 0x20
	deleteHorizonFlag  Attributes = 0x40
	inheritedFlagsMask            = logAppendTimeFlag | transactionalFlag | controlFlag | deleteHorizonFlag
)

// Codec is how the records are compressed. It can be a number that no codec has: see Codec.Known.
func (a Attributes) Codec() Codec { return Codec(a & codecMask) }

// LogAppendTime says that the broker set the time: every record has the batch's MaxTimestamp.
func (a Attributes) LogAppendTime() bool { return a&logAppendTimeFlag != 0 }

// Transactional says that the batch belongs to a transaction.
func (a Attributes) Transactional() bool { return a&transactionalFlag != 0 }

// Control says that the records are markers, which no consumer is given.
func (a Attributes) Control() bool { return a&controlFlag != 0 }

// DeleteHorizon says that the base timestamp is the time from which compaction may drop the batch's tombstones
// (KIP-534).
func (a Attributes) DeleteHorizon() bool { return a&deleteHorizonFlag != 0 }
