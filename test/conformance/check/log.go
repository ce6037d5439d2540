package check

import (
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file reads __consumer_offsets as a consumer does.

// logEnd is the end of a partition of __consumer_offsets. There may be no such topic yet: then it begins at 0.
func (p *probe) logEnd(partition int32) int64 {
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = offsetsTopic
	one := kmsg.NewListOffsetsRequestTopicPartition()
	one.Partition, one.Timestamp, one.CurrentLeaderEpoch = partition, -1, -1
	t.Partitions = append(t.Partitions, one)
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.Topics = append(req.Topics, t)
	r := ask[*kmsg.ListOffsetsResponse](p, p.leader(offsetsTopic, partition), p.upTo(2, 5), req)
	p.code("ListOffsets of "+offsetsTopic, r.Topics[0].Partitions[0].ErrorCode)
	return r.Topics[0].Partitions[0].Offset
}

// readLog calls f with each record of a partition of __consumer_offsets from an offset on, until f returns true or the
// end is reached. It reads what is under the high watermark.
func (p *probe) readLog(partition int32, from int64, f func(key, value []byte) bool) {
	addr := p.leader(offsetsTopic, partition)
	for {
		batches := p.fetchLog(addr, partition, from)
		next := from
		for len(batches) > 12 {
			var batch kmsg.RecordBatch
			size := 12 + int(int32(uint32(batches[8])<<24|uint32(batches[9])<<16|uint32(batches[10])<<8|uint32(batches[11])))
			if size > len(batches) {
				break // the answer's limit cut it
			}
			p.holds(batch.ReadFrom(batches[:size]) == nil, "a batch of %s cannot be read", offsetsTopic)
			batches = batches[size:]
			next = batch.FirstOffset + int64(batch.LastOffsetDelta) + 1
			if batch.Attributes&0x20 != 0 {
				continue // a transaction's marker
			}
			p.holds(batch.Attributes&7 == 0, "a batch of %s is compressed, with codec %d", offsetsTopic, batch.Attributes&7)
			if next > from && p.records(&batch, f) {
				return
			}
		}
		if next == from {
			return
		}
		from = next
	}
}

func (p *probe) records(batch *kmsg.RecordBatch, f func(key, value []byte) bool) bool {
	r := kbin.Reader{Src: batch.Records}
	for range batch.NumRecords {
		length, n := kbin.Varint(r.Src)
		p.holds(n > 0 && int(length)+n <= len(r.Src), "a record of %s cannot be read", offsetsTopic)
		var record kmsg.Record
		p.holds(record.ReadFrom(r.Src[:n+int(length)]) == nil, "a record of %s cannot be read", offsetsTopic)
		r.Src = r.Src[n+int(length):]
		if f(record.Key, record.Value) {
			return true
		}
	}
	return false
}

func (p *probe) fetchLog(addr string, partition int32, from int64) []byte {
	one := kmsg.NewFetchRequestTopicPartition()
	one.Partition, one.FetchOffset, one.CurrentLeaderEpoch, one.PartitionMaxBytes = partition, from, -1, 1<<20
	t := kmsg.NewFetchRequestTopic()
	t.Topic = offsetsTopic
	t.Partitions = append(t.Partitions, one)
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.SessionEpoch = 0, 0, 4<<20, -1
	req.Topics = append(req.Topics, t)
	r := ask[*kmsg.FetchResponse](p, addr, p.upTo(1, 11), req)
	p.code("Fetch of "+offsetsTopic, r.ErrorCode)
	p.holds(len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1, "Fetch of one partition: another number in the answer")
	found := r.Topics[0].Partitions[0]
	if found.ErrorCode == kerr.OffsetOutOfRange.Code {
		return nil
	}
	p.code("Fetch of "+offsetsTopic, found.ErrorCode)
	return found.RecordBatches
}

// findCommit looks for a commit of a partition and returns the record's value, nil if there is none within 5 s.
func (p *probe) findCommit(partition int32, from int64, group, topic string, committed int32) []byte {
	return p.findRecord(partition, from, func(key []byte) bool {
		var k kmsg.OffsetCommitKey
		return version(key) <= 1 && k.ReadFrom(key) == nil && k.Group == group && k.Topic == topic && k.Partition == committed
	})
}

// findGroup is findCommit for the record of a group.
func (p *probe) findGroup(partition int32, from int64, group string) []byte {
	return p.findRecord(partition, from, func(key []byte) bool {
		var k kmsg.GroupMetadataKey
		return version(key) == 2 && k.ReadFrom(key) == nil && k.Group == group
	})
}

// findRecord returns the last value whose key is wanted.
func (p *probe) findRecord(partition int32, from int64, wanted func(key []byte) bool) []byte {
	for began := time.Now(); time.Since(began) < 5*time.Second; p.pause(50 * time.Millisecond) {
		var found []byte
		p.readLog(partition, from, func(key, value []byte) bool {
			if wanted(key) {
				found = value
			}
			return false
		})
		if found != nil {
			return found
		}
	}
	return nil
}

// version is the first field of a key or value of __consumer_offsets.
func version(b []byte) int16 {
	if len(b) < 2 {
		return -1
	}
	return int16(b[0])<<8 | int16(b[1])
}
