package attack

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
)

// sequenced is a batch of count records of an idempotent producer.
func sequenced(t *testing.T, producer int64, sequence, count int32) []byte {
	t.Helper()
	b := record.NewBuilder()
	b.SetProducer(producer, 0, sequence)
	for i := range count {
		if err := b.Add(time.Now().UnixMilli(), nil, fmt.Append(nil, record.AddSequence(sequence, i))); err != nil {
			t.Fatal(err)
		}
	}
	made, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (w *wire) producerID() int64 {
	w.t.Helper()
	return ask[*kmsg.InitProducerIDResponse](w, kmsg.NewPtrInitProducerIDRequest(), 1).ProducerID
}

// each reads a partition from its beginning.
func (w *wire) each(topic string, f func(*record.Record)) {
	w.t.Helper()
	response := ask[*kmsg.FetchResponse](w, fetchRequest(topic, 50<<20), 11)
	for b := response.Topics[0].Partitions[0].RecordBatches; len(b) > 0; {
		batch, rest, err := record.Split(b)
		if err != nil {
			w.t.Fatal(err)
		}
		records := batch.Records(record.Limits{})
		for records.Next() {
			f(records.Record())
		}
		if err := records.Err(); err != nil {
			w.t.Fatal(err)
		}
		records.Close()
		b = rest
	}
}

func (w *wire) values(topic string) (values []string) {
	w.t.Helper()
	w.each(topic, func(r *record.Record) { values = append(values, string(r.Value)) })
	return values
}

const (
	duplicateSequence  = 46
	outOfOrderSequence = 45
)

// TestSequencesGoRound: the sequence number after 2^31-1 is 0, between batches and within one. A batch that goes over the
// end is known when it is sent again, and what does not follow is refused.
func TestSequencesGoRound(t *testing.T) {
	b := serve(t)
	w := b.dial().hello()
	send := func(topic string, producer int64, sequence, count int32) (code int16, offset int64) {
		t.Helper()
		p := ask[*kmsg.ProduceResponse](w, produceRequest(topic, 0, sequenced(t, producer, sequence, count)), 7).Topics[0].Partitions[0]
		return p.ErrorCode, p.BaseOffset
	}
	accept := func(topic string, producer int64, sequence, count int32, want int64) {
		t.Helper()
		if code, offset := send(topic, producer, sequence, count); code != 0 || offset != want {
			t.Fatalf("%d records from sequence %d: error %d, offset %d, want offset %d", count, sequence, code, offset, want)
		}
	}
	refuse := func(topic string, producer int64, sequence, count int32) {
		t.Helper()
		if code, _ := send(topic, producer, sequence, count); code != outOfOrderSequence && code != duplicateSequence {
			t.Fatalf("%d records from sequence %d: error %d, want 45 (OUT_OF_ORDER_SEQUENCE_NUMBER)", count, sequence, code)
		}
	}

	w.create("within", 1)
	within := w.producerID()
	accept("within", within, math.MaxInt32-4, 2, 0)
	accept("within", within, math.MaxInt32-2, 5, 2) // ..., 2^31-1, 0, 1
	refuse("within", within, 3, 1)
	refuse("within", within, math.MaxInt32, 1)
	accept("within", within, 2, 3, 7)
	accept("within", within, math.MaxInt32-2, 5, 2) // sent again
	accept("within", within, 2, 3, 7)
	refuse("within", within, 0, 1)

	w.create("between", 1)
	between := w.producerID()
	accept("between", between, math.MaxInt32-1, 2, 0) // the last is 2^31-1
	refuse("between", between, 1, 1)
	accept("between", between, 0, 1, 2)
	accept("between", between, math.MaxInt32-1, 2, 0)
	accept("between", between, 1, 1, 3)

	negative := sequenced(t, between, 2, 1)
	if code := w.produce("between", 0, resequenced(negative, -2)); code == 0 {
		t.Error("a negative sequence number was accepted")
	}

	want := []string{"2147483643", "2147483644", "2147483645", "2147483646", "2147483647", "0", "1", "2", "3", "4"}
	if got := w.values("within"); !slices.Equal(got, want) {
		t.Errorf("within: %v, want %v", got, want)
	}
	if got, want := w.values("between"), []string{"2147483646", "2147483647", "0", "1"}; !slices.Equal(got, want) {
		t.Errorf("between: %v, want %v", got, want)
	}
}

// resequenced gives a batch another base sequence, and the checksum for it.
func resequenced(batch []byte, sequence int32) []byte {
	const baseSequence = 53
	putInt32(batch[baseSequence:], sequence)
	return sealed(batch)
}
