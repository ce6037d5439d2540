package record

import "math"

// Offset is the position of a record in its partition.
type Offset int64

// LeaderEpoch counts the leaders of a partition. NoLeaderEpoch stands where there is none.
type LeaderEpoch int32

// NoLeaderEpoch is what the wire says where a leader epoch is not known.
const NoLeaderEpoch LeaderEpoch = -1

// NoTimestamp is what the wire says where a timestamp is not known, in milliseconds since 1970.
const NoTimestamp int64 = -1

// MaxOffset bounds every offset that skein hands out.
const MaxOffset Offset = math.MaxInt64 - 1

// NoProducerID is the producer id of a record batch that no idempotent producer wrote.
const NoProducerID int64 = -1
