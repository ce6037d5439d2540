package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// listOffsets asks for every partition of a topic.
func listOffsets(topic string, partitions int32, timestamp int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.TimeoutMillis = -1, 2000
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for n := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp, p.CurrentLeaderEpoch = n, timestamp, -1
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	return req
}

// probeListOffsets asks by time: records of three batches are 1 ms apart, the
// batches 1,000 ms.
func probeListOffsets(s *session) {
	s.topic("list-a", 1, nil)
	s.topic("list-empty", 1, nil)
	const base = 1700000000000
	for _, at := range []int64{base, base + 1000, base + 500} { // the third goes back in time
		b := plain("a", "b", "c", "d")
		b.timestamp = at
		s.quiet(9, produceTo("list-a", [16]byte{}, 0, -1, b.bytes()))
	}
	each(1, 10, func(v int16) {
		for _, timestamp := range []int64{-1, -2, -3, -4, -5, -6, 0, base, base + 2, base + 4, base + 999, base + 1001, base + 1003, base + 1004, base + 90000} {
			s.ask(fmt.Sprintf("at %d", timestamp), v, listOffsets("list-a", 1, timestamp))
		}
		s.ask("empty partition, end", v, listOffsets("list-empty", 1, -1))
		s.ask("empty partition, a time", v, listOffsets("list-empty", 1, base))
		s.ask("empty partition, highest time", v, listOffsets("list-empty", 1, -3))
		s.ask("unknown topic", v, listOffsets("list-unknown", 1, -1))
		s.ask("unknown partition", v, listOffsets("list-a", 3, -1))
		future := listOffsets("list-a", 1, -1)
		future.Topics[0].Partitions[0].CurrentLeaderEpoch = 77
		s.ask("epoch from the future", v, future)
		committed := listOffsets("list-a", 1, -1)
		committed.IsolationLevel = 1
		s.ask("committed end", v, committed)
	})
	double := listOffsets("list-a", 1, -1)
	double.Topics[0].Partitions = append(double.Topics[0].Partitions, double.Topics[0].Partitions[0])
	s.ask("the same partition twice", 7, double)
}

// probeEpochs asks OffsetForLeaderEpoch.
func probeEpochs(s *session) {
	s.topic("epoch-a", 1, nil)
	s.quiet(9, produceTo("epoch-a", [16]byte{}, 0, -1, plain("a", "b", "c").bytes()))
	each(2, 4, func(v int16) {
		for _, epoch := range []int32{0, 1, 5, -1} {
			s.ask(fmt.Sprintf("end of epoch %d", epoch), v, epochEnd("epoch-a", 0, -1, epoch))
		}
		s.ask("present epoch from the future", v, epochEnd("epoch-a", 0, 9, 0))
		s.ask("unknown partition", v, epochEnd("epoch-a", 4, -1, 0))
		s.ask("unknown topic", v, epochEnd("epoch-unknown", 0, -1, 0))
	})
}

func epochEnd(topic string, partition, present, epoch int32) *kmsg.OffsetForLeaderEpochRequest {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	t := kmsg.NewOffsetForLeaderEpochRequestTopic()
	t.Topic = topic
	p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = partition, present, epoch
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}
