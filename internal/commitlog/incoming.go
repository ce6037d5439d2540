package commitlog

import (
	"errors"
	"sync"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// batchInfo is what the log needs to know of one batch, copied from its header.
type batchInfo struct {
	first, last   record.Offset
	size          int
	count         int32
	maxTimestamp  int64
	epoch         record.LeaderEpoch
	producerID    int64
	baseSequence  int32
	lastSequence  int32
	producerEpoch int16
	control       bool
	transactional bool
}

// largestTime is the largest timestamp of a batch's records. A batch that compaction emptied has none, whatever its
// header says.
func largestTime(b record.Batch) int64 {
	if b.Count() == 0 {
		return record.NoTimestamp
	}
	return b.MaxTimestamp()
}

func describeBatch(b record.Batch) batchInfo {
	return batchInfo{
		first:         b.BaseOffset(),
		last:          b.LastOffset(),
		size:          b.Length(),
		count:         b.Count(),
		maxTimestamp:  largestTime(b),
		epoch:         b.LeaderEpoch(),
		producerID:    b.ProducerID(),
		baseSequence:  b.BaseSequence(),
		lastSequence:  b.LastSequence(),
		producerEpoch: b.ProducerEpoch(),
		control:       b.Control(),
		transactional: b.Transactional(),
	}
}

// incoming is the batches of one Append on their way. check runs before the log is locked, because it reads every byte;
// place and what follows run under the lock.
type incoming struct {
	config  *Config
	options AppendOptions
	name    TopicPartition

	bytes      []byte // what will be written: the caller's, or a copy in another codec
	batches    []batchInfo
	inline     [4]batchInfo // room for batches, so that an append allocates nothing
	appendTime int64        // log append time, or NoTimestamp
	maxTime    int64
}

var incomings = sync.Pool{New: func() any { return new(incoming) }}

func (in *incoming) release() {
	*in = incoming{}
	incomings.Put(in)
}

// batchesMax bounds the batches of one append.
const batchesMax = 1 << 16

// check validates every batch and does what changes its bytes: the time and the compression.
func (in *incoming) check(records []byte) error {
	if len(records) == 0 {
		return protocol.Fail(protocol.InvalidRecord, "%s: no record batch in the request", in.name)
	}
	in.bytes, in.batches = records, in.inline[:0]
	in.appendTime, in.maxTime = record.NoTimestamp, record.NoTimestamp
	var copied []byte
	index := int32(0) // of the first record of the batch
	for rest := records; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			return err
		}
		if len(in.batches) == batchesMax {
			return protocol.Fail(protocol.InvalidRecord, "%s: more than %d record batches in one request", in.name, batchesMax)
		}
		index += b.Count()
		kept, err := in.checkBatch(b, index-b.Count())
		if err != nil {
			return err
		}
		if copied == nil && len(kept) > 0 && &kept[0] != &b[0] {
			copied = append(make([]byte, 0, len(records)), records[:len(records)-len(rest)]...)
		}
		if copied != nil {
			copied = append(copied, kept...)
		}
		info := describeBatch(kept)
		in.maxTime = max(in.maxTime, info.maxTimestamp)
		in.batches = append(in.batches, info)
		rest = after
	}
	if copied != nil {
		in.bytes = copied
	}
	return nil
}

// checkBatch returns what will be written in the batch's place: itself, but for recompression. Its records have numbers
// from index on within the request.
func (in *incoming) checkBatch(b record.Batch, index int32) (record.Batch, error) {
	limits := record.Limits{BatchBytesMax: in.config.MaxMessageBytes, DecompressedBytesMax: in.config.DecompressedBytesMax}
	switch in.options.Origin {
	case Replica:
		return b, b.Check()
	case Coordinator:
		// max.message.bytes is for clients: a group of ten thousand members is one record of some megabytes.
		if err := b.Check(); err != nil {
			return nil, err
		}
	default:
		if err := in.checkProduced(b, index, limits); err != nil {
			return nil, err
		}
	}
	if c := in.config.Compression; c.Enforced && c.Codec != b.Codec() && !b.Control() {
		again, err := b.Recompress(c.Codec, in.config.CompressionLevel, limits)
		if err != nil {
			return nil, err
		}
		b = again
	}
	if in.config.LogAppendTime {
		in.appendTime = in.options.Now
		b.SetLogAppendTime(in.options.Now)
	}
	return b, nil
}

// checkProduced looks at everything in a client's batch, and corrects the largest timestamp that it claims.
func (in *incoming) checkProduced(b record.Batch, index int32, limits record.Limits) error {
	if err := b.Validate(limits); err != nil {
		return err
	}
	seen, err := b.ValidateRecords(limits, record.Checks{
		RequireKeys:   in.config.Compact,
		LogAppendTime: in.config.LogAppendTime,
		Now:           in.options.Now,
		BeforeMax:     in.config.TimestampBeforeMs,
		AfterMax:      in.config.TimestampAfterMs,
	})
	if refused, ok := errors.AsType[*record.RecordErrors](err); ok {
		return rejected(refused, index)
	}
	if err != nil {
		return err
	}
	if seen.Walked && !in.config.LogAppendTime {
		b.SetMaxTimestamp(seen.MaxTimestamp)
	}
	return nil
}

// place gives the batches their offsets and the leader epoch, or checks those that a leader gave.
func (in *incoming) place(end record.Offset) error {
	if in.options.Origin == Replica {
		return in.checkPlaces(end)
	}
	rest := in.bytes
	for i := range in.batches {
		b, after, err := record.Split(rest)
		if err != nil {
			return err
		}
		info := &in.batches[i]
		delta := info.last - info.first
		if end > record.MaxOffset-delta {
			return protocol.Fail(protocol.InvalidRecord, "%s: the log has no offsets left", in.name)
		}
		b.SetBaseOffset(end)
		b.SetLeaderEpoch(in.options.LeaderEpoch)
		info.first, info.last, info.epoch = end, end+delta, in.options.LeaderEpoch
		end += delta + 1
		rest = after
	}
	return nil
}

// checkPlaces lets a copy go on where the log ends; compaction on the leader may have left gaps, never an overlap.
func (in *incoming) checkPlaces(end record.Offset) error {
	for i := range in.batches {
		b := &in.batches[i]
		if b.first < end || b.last >= record.MaxOffset {
			return protocol.Fail(protocol.OffsetOutOfRange,
				"%s: a batch of offsets %d to %d cannot follow a log that ends at %d", in.name, b.first, b.last, end)
		}
		end = b.last + 1
	}
	return nil
}

func (in *incoming) last() record.Offset { return in.batches[len(in.batches)-1].last }

// epoch is the leader epoch of the last batch.
func (in *incoming) epoch() record.LeaderEpoch { return in.batches[len(in.batches)-1].epoch }

func (in *incoming) result(start record.Offset) Appended {
	return Appended{First: in.batches[0].first, Last: in.last(), LogAppendTime: in.appendTime, LogStart: start, MaxTimestamp: in.maxTime}
}
