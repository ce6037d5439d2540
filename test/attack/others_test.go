package attack

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
)

// attacks are what somebody does over and over while others work: each is one round on a connection of its own, which may
// end however it likes.
var attacks = []struct {
	name  string
	round func(b *broker, i int)
}{
	{"bombs", func(b *broker, i int) {
		w := b.dialQuietly()
		defer w.Close()
		w.try(produceRequest("t", 0, bomb(b.t, codecs[i%len(codecs)], 20<<20)), 7)
	}},
	{"garbage", func(b *broker, i int) {
		w := b.dialQuietly()
		defer w.Close()
		_, _ = w.Write([][]byte{[]byte("GET / HTTP/1.1\r\n\r\n"), {0x16, 3, 1, 2, 0}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 9, 0, 1, 0x7f, 0xff}}[i%4])
	}},
	{"large answers that nobody reads", func(b *broker, i int) {
		w := b.dialQuietly()
		defer w.Close()
		_ = w.Conn.(*net.TCPConn).SetReadBuffer(4096)
		for range 5 {
			_ = w.send(fetchRequest("large", 50<<20), 11)
		}
	}},
	{"wide fetches", func(b *broker, i int) {
		w := b.dialQuietly()
		defer w.Close()
		w.try(wideFetch("t", 0, int32(-1+i%2), time.Millisecond, true), 11)
	}},
	{"groups of strangers", func(b *broker, i int) {
		w := b.dialQuietly()
		defer w.Close()
		for j := range 50 {
			join := kmsg.NewPtrJoinGroupRequest()
			join.Group, join.ProtocolType, join.SessionTimeoutMillis = fmt.Sprint("stranger", i, j), "consumer", 30_000
			join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte("t")}}
			w.try(join, 5)
		}
	}},
	{"topics that come and go", func(b *broker, i int) {
		w := b.dialQuietly()
		defer w.Close()
		name := fmt.Sprint("fleeting", i)
		create := kmsg.NewPtrCreateTopicsRequest()
		create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: name, NumPartitions: 50, ReplicationFactor: 1}}
		w.try(create, 5)
		remove := kmsg.NewPtrDeleteTopicsRequest()
		remove.TopicNames = []string{name}
		w.try(remove, 5)
	}},
	{"a flood of requests", func(b *broker, i int) {
		w := b.dialQuietly()
		defer w.Close()
		for range 2000 {
			if w.send(kmsg.NewPtrMetadataRequest(), 5) != nil {
				return
			}
		}
	}},
}

// TestOthersAreServed: while somebody attacks on four connections without a pause, an honest client goes on: what it
// produces it reads, what it commits it gets back. It does a number of rounds while the attack goes on, however long that
// takes; only one that stands still fails.
func TestOthersAreServed(t *testing.T) {
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			b := serve(t, "max.decompressed.batch.bytes=16777216")
			w := b.dial().hello()
			for _, topic := range []string{"t", "large", "honest"} {
				w.create(topic, 1)
			}
			for range 10 {
				if code := w.produce("large", 0, plain(t, 1<<20-100)); code != 0 {
					t.Fatalf("Produce: error %d", code)
				}
			}
			honest := newHonest(b)
			honest.round() // its coordinator is there before the attack begins

			var stop atomic.Bool
			var rounds atomic.Int64
			var attackers sync.WaitGroup
			defer attackers.Wait()
			defer stop.Store(true)
			begun := make(chan struct{})
			for k := range 4 {
				attackers.Go(func() {
					for i := k; !stop.Load(); i += 4 {
						attack.round(b, i)
						if rounds.Add(1) == 4 {
							close(begun)
						}
					}
				})
			}
			<-begun
			before := rounds.Load()
			for range often(20) {
				honest.round()
			}
			for rounds.Load() == before { // the attack was slower than all that
				honest.round()
			}
			t.Logf("%d rounds of the attack beside %d of the honest client", rounds.Load()-before, honest.rounds)
		})
	}
}

// dialQuietly is dial for a connection that may be refused or break at any time, from any goroutine.
func (b *broker) dialQuietly() *wire {
	conn, err := net.Dial("tcp", b.address)
	if err != nil {
		conn, _ = net.Pipe() // every use of it fails
		_ = conn.Close()
	}
	w := &wire{t: b.t, Conn: conn}
	w.try(kmsg.NewPtrApiVersionsRequest(), 0)
	return w
}

// try asks and takes any answer, or none.
func (w *wire) try(request kmsg.Request, version int16) {
	if w.send(request, version) == nil {
		_ = w.discard()
	}
}

// honest is a client that checks what it gets.
type honest struct {
	b      *broker
	w      *wire
	rounds int64
}

func newHonest(b *broker) *honest {
	h := &honest{b: b, w: b.dial().hello()}
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey = "honest"
	ask[*kmsg.FindCoordinatorResponse](h.w, find, 2)
	return h
}

// round produces a record, reads it, commits its offset and fetches that.
func (h *honest) round() {
	h.b.t.Helper()
	value := fmt.Sprint("value ", h.rounds)
	builder := record.NewBuilder()
	if err := builder.Add(time.Now().UnixMilli(), nil, []byte(value)); err != nil {
		h.b.t.Fatal(err)
	}
	batch, err := builder.Build()
	if err != nil {
		h.b.t.Fatal(err)
	}
	if code := h.w.produce("honest", 0, batch); code != 0 {
		h.b.t.Fatalf("Produce: error %d", code)
	}
	fetch := fetchRequest("honest", 1<<20)
	fetch.Topics[0].Partitions[0].FetchOffset = h.rounds
	got := ask[*kmsg.FetchResponse](h.w, fetch, 11).Topics[0].Partitions[0]
	records := record.Batch(got.RecordBatches).Records(record.Limits{})
	defer records.Close()
	if got.ErrorCode != 0 || !records.Next() || string(records.Record().Value) != value {
		h.b.t.Fatalf("Fetch of %q: error %d, %d bytes", value, got.ErrorCode, len(got.RecordBatches))
	}
	h.rounds++
	h.commit()
}

func (h *honest) commit() {
	h.b.t.Helper()
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group = "honest"
	commit.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "honest", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: h.rounds, LeaderEpoch: -1}}}}
	for {
		code := ask[*kmsg.OffsetCommitResponse](h.w, commit, 7).Topics[0].Partitions[0].ErrorCode
		if code == 0 {
			break
		}
		if code != 14 && code != 16 || h.rounds > 1 { // only at first is the coordinator not there yet
			h.b.t.Fatalf("OffsetCommit: error %d", code)
		}
	}
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = "honest"
	fetch.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "honest", Partitions: []int32{0}}}
	if got := ask[*kmsg.OffsetFetchResponse](h.w, fetch, 5).Topics[0].Partitions[0]; got.ErrorCode != 0 || got.Offset != h.rounds {
		h.b.t.Fatalf("OffsetFetch: error %d, offset %d, want %d", got.ErrorCode, got.Offset, h.rounds)
	}
}
