package main

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func produceTo(topic string, id [16]byte, partition int32, acks int16, batch []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = acks, 2000
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = topic, id
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, batch
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// probeProduce asks Produce at every version with good and bad input.
func probeProduce(s *session) {
	s.topic("produce-a", 2, nil)
	s.topic("produce-small", 1, map[string]string{"max.message.bytes": "300"})
	s.topic("produce-compact", 1, map[string]string{"cleanup.policy": "compact"})
	s.topic("produce-append", 1, map[string]string{"message.timestamp.type": "LogAppendTime"})
	s.topic("produce-gzip", 1, map[string]string{"compression.type": "gzip"})
	each(0, 2, func(v int16) { s.ask("too old", v, produceTo("produce-a", [16]byte{}, 0, -1, plain("x").bytes())) })
	each(3, 13, func(v int16) {
		for _, c := range produceCases() {
			var id [16]byte
			if v >= 13 && c.topic != "produce-unknown" {
				id = s.topicID(c.topic)
			}
			if v >= 13 && c.topic == "produce-unknown" {
				id = [16]byte{9, 9}
			}
			s.ask(c.name, v, produceTo(c.topic, id, c.partition, c.acks, c.batch))
		}
	})
	s.produceNothing()
}

type produceCase struct {
	name, topic string
	partition   int32
	acks        int16
	batch       []byte
}

func produceCases() []produceCase {
	long := plain(strings.Repeat("x", 400))
	keyless := plain("a", "b", "c")
	keyless.keys[1] = "-"
	zipped := plain("a", "b")
	zipped.gzip = true
	old := plain("a")
	old.magic = 1
	spoilt := plain("a")
	spoilt.spoilCRC = true
	count := plain("a", "b")
	count.countOverride = 3
	future := plain("a")
	future.timestamp = 4100000000000
	control := plain("a")
	control.attributes = 1 << 5
	transactional := plain("a")
	transactional.attributes = 1 << 4
	two := append(plain("a").bytes(), plain("b").bytes()...)
	good := plain("a", "b").bytes()
	return []produceCase{
		{"good", "produce-a", 0, -1, good},
		{"good with acks 1", "produce-a", 0, 1, good},
		{"acks 2", "produce-a", 0, 2, good},
		{"zipped", "produce-a", 0, -1, zipped.bytes()},
		{"unknown topic", "produce-unknown", 0, -1, good},
		{"unknown partition", "produce-a", 7, -1, good},
		{"negative partition", "produce-a", -1, -1, good},
		{"too large", "produce-small", 0, -1, long.bytes()},
		{"no key on a compacted topic", "produce-compact", 0, -1, keyless.bytes()},
		{"append time", "produce-append", 0, -1, good},
		{"recompressed", "produce-gzip", 0, -1, good},
		{"wrong magic", "produce-a", 0, -1, old.bytes()},
		{"wrong checksum", "produce-a", 0, -1, spoilt.bytes()},
		{"wrong count", "produce-a", 0, -1, count.bytes()},
		{"far future", "produce-a", 0, -1, future.bytes()},
		{"control batch", "produce-a", 0, -1, control.bytes()},
		{"transactional batch without id", "produce-a", 0, -1, transactional.bytes()},
		{"two batches", "produce-a", 0, -1, two},
		{"cut batch", "produce-a", 0, -1, good[:40]},
		{"empty records", "produce-a", 0, -1, []byte{}},
		{"null records", "produce-a", 0, -1, nil},
	}
}

// produceNothing asks with no topic, and with a topic that has no partition.
func (s *session) produceNothing() {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 2000
	s.ask("no topic", 9, req)
	t := kmsg.NewProduceRequestTopic()
	t.Topic = "produce-a"
	req.Topics = append(req.Topics, t)
	s.ask("no partition", 9, req)
	s.ask("transactional id", 9, func() *kmsg.ProduceRequest {
		req := produceTo("produce-a", [16]byte{}, 0, -1, plain("a").bytes())
		req.TransactionID = kmsg.StringPtr("nobody")
		return req
	}())
}

// probeProducer asks InitProducerId and plays with sequences.
func probeProducer(s *session) {
	s.topic("producer-a", 1, nil)
	for s.ctx.Err() == nil { // Kafka's first one takes a while
		if resp, _ := s.quiet(4, kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse); resp == nil || resp.ErrorCode == 0 {
			break
		}
		pause()
	}
	each(0, 5, func(v int16) { s.ask("init", v, kmsg.NewPtrInitProducerIDRequest()) })
	empty := kmsg.NewPtrInitProducerIDRequest()
	empty.TransactionalID = kmsg.StringPtr("")
	s.ask("empty transactional id", 4, empty)
	given := kmsg.NewPtrInitProducerIDRequest()
	given.ProducerID, given.ProducerEpoch = 4, -1
	s.ask("an id without epoch", 4, given)
	resp, _ := s.quiet(4, kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse)
	if resp == nil {
		return
	}
	for _, step := range []struct {
		name     string
		epoch    int16
		sequence int32
		values   []string
	}{
		{"first", 0, 0, []string{"a", "b"}}, {"the same again", 0, 0, []string{"a", "b"}}, {"next", 0, 2, []string{"c"}},
		{"a gap", 0, 9, []string{"d"}}, {"an old one again", 0, 0, []string{"a", "b"}}, {"same start other length", 0, 0, []string{"a"}},
		{"new epoch from 5", 1, 5, []string{"e"}}, {"new epoch from 0", 1, 0, []string{"e"}}, {"old epoch", 0, 3, []string{"f"}},
		{"after the old epoch", 1, 1, []string{"g"}},
	} {
		b := plain(step.values...)
		b.producer, b.epoch, b.sequence = resp.ProducerID, step.epoch, step.sequence
		s.ask(step.name, 9, produceTo("producer-a", [16]byte{}, 0, -1, b.bytes()))
	}
	s.oldSequences(resp.ProducerID)
	stranger := plain("x")
	stranger.producer, stranger.epoch, stranger.sequence = 987654, 3, 7
	s.ask("an unknown producer in the middle", 9, produceTo("producer-a", [16]byte{}, 0, -1, stranger.bytes()))
}

// oldSequences writes seven batches and repeats each: only the last five are
// remembered.
func (s *session) oldSequences(producer int64) {
	send := func(i int32) *kmsg.ProduceRequest {
		b := plain("n")
		b.producer, b.epoch, b.sequence = producer, 2, i
		return produceTo("producer-a", [16]byte{}, 0, -1, b.bytes())
	}
	for i := range int32(7) {
		s.quiet(9, send(i))
	}
	for i := range int32(7) {
		s.ask("repeat of batch "+string('0'+rune(i))+" of 7", 9, send(i))
	}
}
