package consumer

import (
	"iter"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/internal/record"
)

// TopicPartition names a partition.
type TopicPartition = assign.TopicPartition

// Record is one record. It is a value: a copy stays valid, and so do the bytes of key, value and headers, which must
// not be changed.
type Record struct {
	Topic       string
	Partition   int32
	LeaderEpoch int32 // of the leader that appended it; -1 if the broker does not say
	Offset      int64
	Timestamp   time.Time
	Key, Value  []byte // nil is Kafka's null
	Headers     Headers
	// LogAppendTime: Timestamp is when the broker appended the record, not when it was made.
	LogAppendTime bool

	from *origin
}

// origin is in whose name records were delivered: the same for all of a generation. It is the generation of the last
// assignment. A member that keeps its partitions in a rebalance may have joined the next one; but until that one is
// assigned a coordinator may forget it, and give its number to another, in which others have the partitions.
type origin struct {
	group      string
	generation int32 // -1 without a membership
	perKey     bool  // it is processed by Run in the order of its key only
}

// Token is a fencing token: the record, and the generation of the group in which it was delivered. A store that keeps the highest
// one, as package dedupe does, refuses a consumer that goes on after its partition went to another.
func (r Record) Token() dedupe.Token {
	t := dedupe.Token{Generation: -1, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, LeaderEpoch: r.LeaderEpoch}
	if r.from != nil {
		t.Group, t.Generation, t.PerKey = r.from.group, r.from.generation, r.from.perKey
	}
	return t
}

// TopicPartition is where the record lies.
func (r Record) TopicPartition() TopicPartition {
	return TopicPartition{Topic: r.Topic, Partition: r.Partition}
}

// Headers are a record's headers, in order. The same key may occur again.
type Headers struct{ raw record.Headers }

// Len is the number of headers.
func (h Headers) Len() int { return h.raw.Len() }

// All yields key and value of each header. A nil value is Kafka's null.
func (h Headers) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for key, value := range h.raw.All() {
			if !yield(string(key), value) {
				return
			}
		}
	}
}

// Last returns the value of the last header with that key.
func (h Headers) Last(key string) (value []byte, ok bool) {
	for k, v := range h.raw.All() {
		if string(k) == key {
			value, ok = v, true
		}
	}
	return value, ok
}

// Records are what one Poll returned. They are valid until the next Poll; a Record that was taken out of them is valid
// for ever.
type Records struct {
	all  []Record
	runs []run
}

// run is a part of all that is of one partition.
type run struct{ from, to int }

// Len is the number of records.
func (r Records) Len() int { return len(r.all) }

// All yields the records: those of one partition together and in order.
func (r Records) All() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := range r.all {
			if !yield(r.all[i]) {
				return
			}
		}
	}
}

// Partitions yields the records of each partition. A partition may come twice.
func (r Records) Partitions() iter.Seq2[TopicPartition, Records] {
	return func(yield func(TopicPartition, Records) bool) {
		for _, run := range r.runs {
			part := r.all[run.from:run.to]
			if !yield(part[0].TopicPartition(), Records{all: part, runs: oneRun(len(part))}) {
				return
			}
		}
	}
}

// Slice copies the records out.
func (r Records) Slice() []Record { return append([]Record(nil), r.all...) }

func oneRun(n int) []run { return []run{{0, n}} }
