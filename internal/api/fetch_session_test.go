package api_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
)

// session sends a Fetch in a session.
func session(w *wire, id, epoch int32, topics ...kmsg.FetchRequestTopic) *kmsg.FetchResponse {
	w.t.Helper()
	request := kmsg.NewPtrFetchRequest()
	request.MaxBytes, request.MinBytes, request.SessionID, request.SessionEpoch, request.Topics = 1<<20, 0, id, epoch, topics
	return ask[*kmsg.FetchResponse](w, request, 11)
}

func at(topic string, offsets ...int64) kmsg.FetchRequestTopic {
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	for i, offset := range offsets {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(i), offset, 1<<20
		t.Partitions = append(t.Partitions, p)
	}
	return t
}

// TestFetchSession walks through KIP-227: a full fetch begins a session, later ones name what changed and are told what
// changed.
func TestFetchSession(t *testing.T) {
	_, w := start(t)
	create(w, "t", 2)
	first := session(w, 0, 0, at("t", 0, 0))
	if first.SessionID == 0 || len(first.Topics) != 1 || len(first.Topics[0].Partitions) != 2 {
		t.Fatalf("the full fetch gives session %d and %+v", first.SessionID, first.Topics)
	}
	id := first.SessionID
	if again := session(w, id, 1); len(again.Topics) != 0 || again.SessionID != id {
		t.Errorf("nothing changed, and %+v is told", again.Topics)
	}
	produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"}))
	news := session(w, id, 2)
	if len(news.Topics) != 1 || len(news.Topics[0].Partitions) != 1 || len(news.Topics[0].Partitions[0].RecordBatches) == 0 {
		t.Errorf("a record came to partition 0, and %+v is told", news.Topics)
	}
	if moved := session(w, id, 3, at("t", 1)); len(moved.Topics) != 0 {
		t.Errorf("the reader is at the end, and %+v is told", moved.Topics)
	}
	wantCode(t, "a repeated epoch", session(w, id, 3).ErrorCode, protocol.InvalidFetchSessionEpoch)
	wantCode(t, "an unknown session", session(w, id+1, 1).ErrorCode, protocol.FetchSessionIDNotFound)
	if closing := session(w, id, -1, at("t", 0)); closing.SessionID != 0 {
		t.Errorf("the end of the session is answered with session %d", closing.SessionID)
	}
	wantCode(t, "a session that was ended", session(w, id, 4).ErrorCode, protocol.FetchSessionIDNotFound)
}

// TestSessionTellsErrorsAgain has a partition that does not exist stay an error until it does.
func TestSessionTellsErrorsAgain(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	id := session(w, 0, 0, at("t", 0), at("later", 0)).SessionID
	second := session(w, id, 1)
	if len(second.Topics) != 1 || protocol.Code(second.Topics[0].Partitions[0].ErrorCode) != protocol.UnknownTopicOrPartition {
		t.Fatalf("the missing topic is told as %+v", second.Topics)
	}
	create(w, "later", 1)
	third := session(w, id, 2)
	if len(third.Topics) != 1 || third.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Errorf("the topic exists now, and %+v is told", third.Topics)
	}
}

// TestDivergingEpoch asks from an offset that the client says it reached in an epoch that ended earlier here: the answer
// says where it ended, with the true high watermark and without records.
func TestDivergingEpoch(t *testing.T) {
	node, w := start(t)
	create(w, "t", 1)
	produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"}))
	node.Stop()
	node.Open() // in the next leader epoch
	w = dial(t, node)
	produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "1"}, row{"k", "2"}, row{"k", "3"}))
	request := fetchRequest("t", 3, 0)
	request.Topics[0].Partitions[0].LastFetchedEpoch = 0
	answer := ask[*kmsg.FetchResponse](w, request, 12).Topics[0].Partitions[0]
	wantCode(t, "Fetch", answer.ErrorCode, protocol.None)
	if answer.DivergingEpoch.Epoch != 0 || answer.DivergingEpoch.EndOffset != 1 || answer.HighWatermark != 4 || len(answer.RecordBatches) != 0 {
		t.Errorf("diverging epoch %+v, high watermark %d, %d bytes", answer.DivergingEpoch, answer.HighWatermark, len(answer.RecordBatches))
	}
	request.Topics[0].Partitions[0].LastFetchedEpoch = 99
	answer = ask[*kmsg.FetchResponse](w, request, 12).Topics[0].Partitions[0]
	wantCode(t, "Fetch after an epoch that nobody knows", answer.ErrorCode, protocol.OffsetOutOfRange)
}
