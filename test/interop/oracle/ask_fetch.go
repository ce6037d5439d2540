package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func fetchFrom(topic string, id [16]byte, partition int32, offset int64) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 100, 1, 1<<20
	req.SessionEpoch = -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = topic, id
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, 1<<20
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// probeFetch asks Fetch at every version: two batches of five records each lie
// in the partition, with a third one behind them.
func probeFetch(s *session) {
	s.topic("fetch-a", 1, nil)
	for range 2 {
		s.quiet(9, produceTo("fetch-a", [16]byte{}, 0, -1, plain("a", "b", "c", "d", "e").bytes()))
	}
	zipped := plain("f", "g")
	zipped.gzip = true
	s.quiet(9, produceTo("fetch-a", [16]byte{}, 0, -1, zipped.bytes()))
	id := s.topicID("fetch-a")
	each(4, 18, func(v int16) {
		for _, c := range fetchCases(id) {
			s.ask(c.name, v, c.req)
		}
	})
	s.fetchLimits()
}

type fetchCase struct {
	name string
	req  *kmsg.FetchRequest
}

func fetchCases(id [16]byte) []fetchCase {
	small := fetchFrom("fetch-a", id, 0, 0)
	small.MaxBytes, small.Topics[0].Partitions[0].PartitionMaxBytes = 10, 10
	committed := fetchFrom("fetch-a", id, 0, 0)
	committed.IsolationLevel = 1
	epoch := fetchFrom("fetch-a", id, 0, 0)
	epoch.Topics[0].Partitions[0].CurrentLeaderEpoch = 100
	last := fetchFrom("fetch-a", id, 0, 3)
	last.Topics[0].Partitions[0].LastFetchedEpoch = 50
	return []fetchCase{
		{"beginning", fetchFrom("fetch-a", id, 0, 0)},
		{"middle of a batch", fetchFrom("fetch-a", id, 0, 7)},
		{"inside a compressed batch", fetchFrom("fetch-a", id, 0, 11)},
		{"end", fetchFrom("fetch-a", id, 0, 12)},
		{"behind the end", fetchFrom("fetch-a", id, 0, 13)},
		{"before the start", fetchFrom("fetch-a", id, 0, -1)},
		{"small limits", small},
		{"committed only", committed},
		{"epoch from the future", epoch},
		{"last fetched epoch from the future", last},
		{"unknown partition", fetchFrom("fetch-a", id, 5, 0)},
		{"unknown topic", fetchFrom("fetch-unknown", [16]byte{7, 7}, 0, 0)},
	}
}

// fetchLimits asks for two partitions with room for one.
func (s *session) fetchLimits() {
	s.topic("fetch-two", 2, nil)
	for p := range int32(2) {
		for range 4 {
			s.quiet(9, produceTo("fetch-two", [16]byte{}, p, -1, plain("a", "b", "c", "d", "e").bytes()))
		}
	}
	for _, limit := range []int32{1, 150, 400, 900} {
		req := fetchFrom("fetch-two", [16]byte{}, 0, 0)
		second := kmsg.NewFetchRequestTopicPartition()
		second.Partition, second.PartitionMaxBytes = 1, 1<<20
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, second)
		req.MaxBytes = limit
		s.ask(fmt.Sprintf("room for %d bytes", limit), 11, req)
	}
}

// probeSession asks for fetch sessions (KIP-227).
func probeSession(s *session) {
	s.topic("session-a", 2, nil)
	full := fetchFrom("session-a", [16]byte{}, 0, 0)
	second := kmsg.NewFetchRequestTopicPartition()
	second.Partition, second.PartitionMaxBytes = 1, 1<<20
	full.Topics[0].Partitions = append(full.Topics[0].Partitions, second)
	full.SessionEpoch = 0
	resp, _ := s.quiet(11, full).(*kmsg.FetchResponse)
	if resp == nil {
		return
	}
	s.say("a session is given", text(resp.SessionID != 0))
	s.say("partitions of the first answer", text(countPartitions(resp)))
	s.increment(resp.SessionID)
	unknown := fetchFrom("session-a", [16]byte{}, 0, 0)
	unknown.SessionID, unknown.SessionEpoch = 12345, 1
	s.ask("unknown session", 11, unknown)
}

// increment goes on in a session: nothing new, one partition new, an old epoch,
// a forgotten partition, and the end.
func (s *session) increment(id int32) {
	step := func(name string, epoch int32, change func(*kmsg.FetchRequest)) {
		req := kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 100, 1, 1<<20
		req.SessionID, req.SessionEpoch = id, epoch
		if change != nil {
			change(req)
		}
		resp, _ := s.quiet(11, req).(*kmsg.FetchResponse)
		if resp == nil {
			return
		}
		s.say(name, fmt.Sprintf("error %d, same session %t, partitions %v", resp.ErrorCode, resp.SessionID == id, countPartitions(resp)))
	}
	step("nothing new", 1, nil)
	s.quiet(9, produceTo("session-a", [16]byte{}, 1, -1, plain("a").bytes()))
	step("one partition new", 2, nil)
	step("an old epoch", 1, nil)
	step("forget one", 3, func(r *kmsg.FetchRequest) {
		t := kmsg.NewFetchRequestForgottenTopic()
		t.Topic, t.Partitions = "session-a", []int32{1}
		r.ForgottenTopics = append(r.ForgottenTopics, t)
	})
	step("closed", -1, nil)
	step("after it was closed", 4, nil)
}

func countPartitions(resp *kmsg.FetchResponse) []string {
	all := []string{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			all = append(all, fmt.Sprintf("%s/%d error %d, %d bytes", t.Topic, p.Partition, p.ErrorCode, len(p.RecordBatches)))
		}
	}
	return all
}
