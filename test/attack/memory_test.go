package attack

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// memoryLimit is what a small machine would give the process, and what it must do with.
const memoryLimit = 512 << 20

// TestLargeRequests has connections send requests of 50 MiB at the same time: records that are taken, and
// messages that are much larger in memory than on the wire. The process keeps within a memory limit of 512 MiB.
func TestLargeRequests(t *testing.T) {
	b := serve(t)
	w := b.dial().hello()
	w.create("t", 50)
	const partitions = 50
	records := kmsg.NewPtrProduceRequest()
	records.Acks, records.TimeoutMillis = 1, 30_000
	topic := kmsg.ProduceRequestTopic{Topic: "t"}
	for i := range int32(partitions) {
		topic.Partitions = append(topic.Partitions, kmsg.ProduceRequestTopicPartition{Partition: i, Records: plain(t, 1<<20-200)})
	}
	records.Topics = append(records.Topics, topic)
	large := frame(records, 7, 1)

	names := kmsg.NewPtrMetadataRequest()
	name := "a-name-of-some-20-by"
	for range 1_000_000 {
		names.Topics = append(names.Topics, kmsg.MetadataRequestTopic{Topic: &name})
	}
	wide := frame(names, 5, 1)

	send := func(w *wire) {
		w.hello()
		if _, err := w.Write(large); err != nil {
			t.Error(err)
			return
		}
		answer, err := w.receive(records)
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range answer.(*kmsg.ProduceResponse).Topics[0].Partitions {
			if p.ErrorCode != 0 {
				t.Errorf("Produce: error %d", p.ErrorCode)
			}
		}
	}
	b.atOnce(often(12), send)
	t.Logf("requests of records: %d MiB at most", b.peak()>>20)
	b.atOnce(often(30), func(w *wire) {
		w.hello()
		_, _ = w.Write(wide)
		_, _ = w.receive(names) // answered, or refused by the end of the connection
	})
	t.Logf("requests of a million names: %d MiB at most", b.peak()>>20)
	if peak := b.peak(); peak > memoryLimit {
		t.Errorf("the process had %d MiB", peak>>20)
	}
	if code := w.produce("t", 0, plain(t, 10)); code != 0 {
		t.Errorf("Produce afterwards: error %d", code)
	}
}
