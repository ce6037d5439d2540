package attack

import (
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// widePartitions is how many partitions one Fetch asks for.
const widePartitions = 10_000

// wideFetch asks for every partition of a topic, and perhaps for as many that do not exist.
func wideFetch(topic string, session, epoch int32, wait time.Duration, missing bool) *kmsg.FetchRequest {
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = int32(wait.Milliseconds()), 1, 50<<20
	request.SessionID, request.SessionEpoch = session, epoch
	t := kmsg.FetchRequestTopic{Topic: topic}
	for i := range int32(widePartitions) {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.PartitionMaxBytes, p.CurrentLeaderEpoch = i, 1<<20, -1
		if missing {
			p.Partition += widePartitions
		}
		t.Partitions = append(t.Partitions, p)
	}
	request.Topics = append(request.Topics, t)
	return request
}

// TestWideFetches asks for ten thousand partitions in one Fetch: of a session and without one, waiting and not, of
// partitions that are there and of others. Each gets its answer, a record in one of them wakes a Fetch that waits, and
// fifty connections that do so at once keep within a memory limit of 512 MiB.
func TestWideFetches(t *testing.T) {
	b := serve(t)
	w := b.dial().hello()
	w.create("t", 1)
	w.create("wide", widePartitions)
	w.create("still", widePartitions)

	fetch := func(w *wire, r *kmsg.FetchRequest) *kmsg.FetchResponse { return ask[*kmsg.FetchResponse](w, r, 11) }
	all := func(r *kmsg.FetchResponse, code int16) {
		t.Helper()
		n := 0
		for _, topic := range r.Topics {
			for _, p := range topic.Partitions {
				if n++; p.ErrorCode != code {
					t.Fatalf("partition %d: error %d, want %d", p.Partition, p.ErrorCode, code)
				}
			}
		}
		if r.ErrorCode != 0 || n != widePartitions {
			t.Fatalf("error %d, %d partitions, want %d", r.ErrorCode, n, widePartitions)
		}
	}
	all(fetch(w, wideFetch("wide", 0, -1, 0, false)), 0)
	all(fetch(w, wideFetch("wide", 0, -1, 0, true)), 3) // UNKNOWN_TOPIC_OR_PARTITION

	// A session that has all of them, and then waits for any.
	first := fetch(w, wideFetch("wide", 0, 0, 0, false))
	all(first, 0)
	next := kmsg.NewPtrFetchRequest()
	next.MaxWaitMillis, next.MinBytes, next.MaxBytes = int32(patience.Milliseconds()), 1, 50<<20
	next.SessionID, next.SessionEpoch = first.SessionID, 1
	if first.SessionID == 0 {
		t.Fatal("no session")
	}
	if err := w.send(next, 11); err != nil {
		t.Fatal(err)
	}
	other := b.dial().hello()
	if code := other.produce("wide", widePartitions-1, plain(t, 10)); code != 0 {
		t.Fatalf("Produce: error %d", code)
	}
	answer, err := w.receive(next)
	if err != nil {
		t.Fatal(err)
	}
	woken := answer.(*kmsg.FetchResponse)
	if len(woken.Topics) != 1 || len(woken.Topics[0].Partitions) != 1 || woken.Topics[0].Partitions[0].Partition != widePartitions-1 {
		t.Fatalf("woken by %+v", woken.Topics)
	}

	// Fifty connections at the same time: whole fetches, fetches that wait for a record that comes at last, sessions.
	together := func(request []byte, meanwhile func()) {
		var all sync.WaitGroup
		for range often(50) {
			w := b.dial().hello()
			if _, err := w.Write(request); err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if err := w.discard(); err != nil {
					t.Error(err)
				}
			})
		}
		b.serves()
		meanwhile()
		all.Wait()
	}
	together(frame(wideFetch("wide", 0, -1, 0, false), 11, 1), func() {})
	together(frame(wideFetch("still", 0, -1, patience, false), 11, 1), func() {
		if code := other.produce("still", widePartitions/2, plain(t, 10)); code != 0 {
			t.Errorf("Produce: error %d", code)
		}
	})
	together(frame(wideFetch("wide", 0, 0, 0, false), 11, 1), func() {})
	t.Logf("%d MiB at most", b.peak()>>20)
	if peak := b.peak(); peak > memoryLimit {
		t.Errorf("the process had %d MiB", peak>>20)
	}
}

// discard reads an answer and looks at nothing of it.
func (w *wire) discard() error {
	_ = w.SetReadDeadline(time.Now().Add(patience))
	var size [4]byte
	if _, err := io.ReadFull(w, size[:]); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, w, int64(binary.BigEndian.Uint32(size[:])))
	return err
}
