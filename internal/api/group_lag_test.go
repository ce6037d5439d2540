package api_test

// N1: exact lag, asked as skein's own programs do.

import (
	"encoding/binary"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/skeintest"
)

// dialOwn is a connection of one of skein's own programs, to which private APIs are offered.
func dialOwn(t *testing.T, node *skeintest.Node) *wire {
	t.Helper()
	w := dial(t, node)
	request := kmsg.NewPtrApiVersionsRequest()
	request.ClientSoftwareName, request.ClientSoftwareVersion = "skein-test", "1"
	wantCode(t, "ApiVersions", ask[*kmsg.ApiVersionsResponse](w, request, 3).ErrorCode, protocol.None)
	return w
}

// askOwn sends a private request in version 0 and decodes its answer.
func askOwn(w *wire, request, response protocol.Message) {
	w.t.Helper()
	w.next++
	b := make([]byte, 4)
	b = binary.BigEndian.AppendUint16(b, uint16(request.Key()))
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(w.next))
	b = append(b, 0, 4, 't', 'e', 's', 't', 0)
	b = protocol.AppendMessage(b, request, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := w.conn.Write(b); err != nil {
		w.t.Fatal(err)
	}
	body, err := w.read(w.next)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := response.Decode(protocol.NewReader(body[1:], protocol.Limits{}), 0); err != nil { // no tags in the header
		w.t.Fatal(err)
	}
}

func askLag(w *wire, group string) *protocol.DescribeGroupLagResponse {
	w.t.Helper()
	request, response := protocol.NewDescribeGroupLagRequest(), protocol.NewDescribeGroupLagResponse()
	request.GroupID, request.Times = &group, true
	askOwn(w, request, response)
	return response
}

// lagOf wants an answer with the topic t alone and returns its first partition.
func lagOf(w *wire, group string) protocol.DescribeGroupLagResponsePartition {
	w.t.Helper()
	answer := askLag(w, group)
	if answer.ErrorCode != protocol.None || len(answer.Topics) != 1 || answer.Topics[0].Name != "t" || len(answer.Topics[0].Partitions) == 0 {
		w.t.Fatalf("the answer is %+v", answer)
	}
	return answer.Topics[0].Partitions[0]
}

func topicID(w *wire, name string) protocol.UUID {
	w.t.Helper()
	request := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	request.Topics = append(request.Topics, topic)
	return ask[*kmsg.MetadataResponse](w, request, 12).Topics[0].TopicID
}

// TestN1LagOfAGroup has time that stands still, so every number is known.
func TestN1LagOfAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, _ := start(t)
		w := dialOwn(t, node)
		create(w, "t", 1)
		findCoordinator(w, "g")
		if answer := askLag(w, "g"); answer.ErrorCode != protocol.GroupIDNotFound || answer.ErrorMessage == nil || answer.State != "Dead" {
			t.Errorf("a group that is not there: %+v", answer)
		}
		began := time.Now().UnixMilli()
		wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 0, "the beginning"), protocol.None)
		for range 4 { // offsets 0 to 7, two each minute; those of one batch are 1 ms apart
			wantCode(t, "Produce", produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"}, row{"k", "v"})).ErrorCode, protocol.None)
			time.Sleep(time.Minute)
		}
		minute := time.Minute.Milliseconds()
		want := protocol.NewDescribeGroupLagResponsePartition()
		want.CommittedLeaderEpoch, want.Metadata = 7, "the beginning"
		want.LeaderID, want.LeaderEpoch, want.EndsReadAtMs = 1, 0, began+4*minute
		want.CommittedOffset, want.CommitTimestampMs, want.ExpiryTimestampMs = 0, began, began+7*24*60*minute
		want.LogStartOffset, want.LastStableOffset, want.HighWatermark, want.LogEndOffset = 0, 8, 8, 8
		want.NextTimestampMs, want.LastTimestampMs = began, began+3*minute+1
		want.Lag, want.LagMs = 8, 4*minute
		check := func(what string) {
			t.Helper()
			if got := lagOf(w, "g"); got != want {
				t.Errorf("%s:\n%+v, want\n%+v", what, got, want)
			}
		}
		check("nothing is consumed")
		commitAt := func(offset int64) {
			t.Helper()
			wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", offset, ""), protocol.None)
			want.CommittedOffset, want.Metadata = offset, ""
			want.CommitTimestampMs, want.ExpiryTimestampMs = began+4*minute, began+(4+7*24*60)*minute
		}
		commitAt(5)
		want.NextTimestampMs, want.Lag, want.LagMs = began+2*minute+1, 3, 2*minute-1
		check("half is consumed")
		commitAt(8)
		want.NextTimestampMs, want.Lag, want.LagMs = -1, 0, 0
		check("all is consumed")
		commitAt(11)
		want.Beyond = 3
		check("more is committed than there is")
		commitAt(2)
		deleteRecords(w, "t", 4)
		want.Beyond, want.Lost, want.LogStartOffset = 0, 2, 4
		want.NextTimestampMs, want.Lag, want.LagMs = began+2*minute, 4, 2*minute
		check("the log begins later")
		deleteRecords(w, "t", 8)
		want.Lost, want.LogStartOffset, want.NextTimestampMs, want.LastTimestampMs, want.Lag, want.LagMs = 6, 8, -1, -1, 0, 0
		check("the log is empty")
	})
}

func deleteRecords(w *wire, topic string, before int64) {
	w.t.Helper()
	request := kmsg.NewPtrDeleteRecordsRequest()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Offset = before
	topics := kmsg.NewDeleteRecordsRequestTopic()
	topics.Topic = topic
	topics.Partitions = append(topics.Partitions, p)
	request.Topics = append(request.Topics, topics)
	wantCode(w.t, "DeleteRecords", ask[*kmsg.DeleteRecordsResponse](w, request, 1).Topics[0].Partitions[0].ErrorCode, protocol.None)
}

// TestN1RecordsFromTheFuture: a producer's clock that runs ahead makes no negative lag, and without a time there is none.
func TestN1RecordsFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, _ := start(t)
		w := dialOwn(t, node)
		create(w, "t", 1)
		findCoordinator(w, "g")
		wantCode(t, "Produce", produce(w, "t", batch(t, time.Now().Add(time.Minute).UnixMilli(), row{"k", "v"})).ErrorCode, protocol.None)
		wantCode(t, "Produce", produce(w, "t", batch(t, -1, row{"k", "v"})).ErrorCode, protocol.None)
		wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 0, ""), protocol.None)
		if got := lagOf(w, "g"); got.Lag != 2 || got.LagMs != 0 || got.NextTimestampMs != time.Now().Add(time.Minute).UnixMilli() {
			t.Errorf("a record of the next minute: %+v", got)
		}
		wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 1, ""), protocol.None)
		if got := lagOf(w, "g"); got.Lag != 1 || got.LagMs != -1 || got.NextTimestampMs != -1 {
			t.Errorf("a record without a time: %+v", got)
		}
		// Who does not ask for times gets none, and no file is read for them.
		group, request, response := "g", protocol.NewDescribeGroupLagRequest(), protocol.NewDescribeGroupLagResponse()
		request.GroupID = &group
		askOwn(w, request, response)
		if got := response.Topics[0].Partitions[0]; got.Lag != 1 || got.LagMs != -1 || got.LastTimestampMs != -1 {
			t.Errorf("without times: %+v", got)
		}
	})
}

// TestN1EndsAlone asks as a client of a cluster asks the leaders: with what the coordinator said was committed.
func TestN1EndsAlone(t *testing.T) {
	node, _ := start(t)
	w := dialOwn(t, node)
	create(w, "t", 2)
	produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"}, row{"k", "v"}))
	request, response := protocol.NewDescribeGroupLagRequest(), protocol.NewDescribeGroupLagResponse()
	partitions := func(of ...protocol.DescribeGroupLagRequestPartition) []protocol.DescribeGroupLagRequestPartition {
		return of
	}
	request.Topics = []protocol.DescribeGroupLagRequestTopic{
		{Name: "t", Partitions: partitions(
			protocol.DescribeGroupLagRequestPartition{CommittedOffset: 1, TopicID: topicID(w, "t")},
			protocol.DescribeGroupLagRequestPartition{CommittedOffset: 1}, // again
			protocol.DescribeGroupLagRequestPartition{PartitionIndex: 1, CommittedOffset: -1},
			protocol.DescribeGroupLagRequestPartition{PartitionIndex: 2, CommittedOffset: 1},
			protocol.DescribeGroupLagRequestPartition{PartitionIndex: -1, CommittedOffset: 1})},
		{Name: "t", Partitions: partitions(protocol.DescribeGroupLagRequestPartition{CommittedOffset: 1})}, // again
		{Name: "gone", Partitions: partitions(protocol.DescribeGroupLagRequestPartition{CommittedOffset: 1})},
	}
	askOwn(w, request, response)
	if response.ErrorCode != protocol.None || response.CommitsReadAtMs != -1 || len(response.Topics) != 3 || len(response.Topics[0].Partitions) != 4 ||
		len(response.Topics[1].Partitions) != 0 {
		t.Fatalf("the answer is %+v", response)
	}
	got := response.Topics[0].Partitions
	if got[0].ErrorCode != protocol.None || got[0].Lag != 1 || got[0].HighWatermark != 2 {
		t.Errorf("t-0: %+v", got[0])
	}
	if got[1].ErrorCode != protocol.None || got[1].Lag != 0 || got[1].LagMs != 0 || got[1].HighWatermark != 0 {
		t.Errorf("t-1, which is empty and of which nothing is committed: %+v", got[1])
	}
	for _, p := range append(got[2:], response.Topics[2].Partitions...) {
		if p.ErrorCode != protocol.UnknownTopicOrPartition || p.ErrorMessage == nil || p.Lag != -1 || p.HighWatermark != -1 {
			t.Errorf("a partition that is not there: %+v", p)
		}
	}
	request.Topics[0].Partitions[0].CommittedOffset = -1
	askOwn(w, request, response)
	if got := response.Topics[0].Partitions[0]; got.ErrorCode != protocol.None || got.Lag != -1 || got.LagMs != -1 {
		t.Errorf("t-0, if nothing were committed: %+v", got)
	}
	// An offset of a topic that was made anew since counts for nothing (O13).
	request.Topics = request.Topics[:1]
	request.Topics[0].Partitions = partitions(protocol.DescribeGroupLagRequestPartition{CommittedOffset: 1, TopicID: protocol.UUID{9}})
	askOwn(w, request, response)
	if p := response.Topics[0].Partitions[0]; p.ErrorCode != protocol.UnknownTopicID || p.ErrorMessage == nil || p.Lag != -1 {
		t.Errorf("another topic of the same name: %+v", p)
	}
	request.Topics[0].Partitions = make([]protocol.DescribeGroupLagRequestPartition, 100_001)
	if askOwn(w, request, response); response.ErrorCode != protocol.InvalidRequest || len(response.Topics) != 0 {
		t.Errorf("too many partitions: %v, %d topics", response.ErrorCode, len(response.Topics))
	}
	request.Topics[0].Partitions = nil
	group := "g"
	request.GroupID = &group
	if askOwn(w, request, response); response.ErrorCode != protocol.InvalidRequest {
		t.Errorf("a group and topics at once: %+v", response)
	}
}

// TestN1NobodyIsBeyondTheEnd: while records are produced, read, committed and deleted, a commit is never above the end that
// an answer tells, and lag is never negative.
func TestN1NobodyIsBeyondTheEnd(t *testing.T) {
	node, w := start(t)
	create(w, "t", 1)
	findCoordinator(w, "g")
	wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 0, ""), protocol.None)
	stop := make(chan struct{})
	var workers sync.WaitGroup
	loop := func(step func(*wire)) {
		w := dial(t, node)
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					step(w)
				}
			}
		})
	}
	for range 2 {
		loop(func(w *wire) {
			produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"}, row{"k", "v"}, row{"k", "v"}))
		})
	}
	loop(func(w *wire) { // a consumer that is always at the end
		end := listOffset(w, "t", -1, 5).Offset
		commitOffset(w, "g", "t", end, "")
		if end%8 == 0 {
			deleteRecords(w, "t", end/2)
		}
	})
	own := dialOwn(t, node)
	moved := map[int64]bool{}
	for len(moved) < 100 && !t.Failed() {
		p := lagOf(own, "g")
		moved[p.CommittedOffset] = true
		if p.CommittedOffset > p.HighWatermark || p.HighWatermark > p.LogEndOffset || p.LogStartOffset > p.HighWatermark {
			t.Errorf("out of order: %+v", p)
		}
		if p.Lag != p.HighWatermark-max(p.CommittedOffset, p.LogStartOffset) || p.Lag < 0 || p.LagMs < 0 || p.Beyond != 0 {
			t.Errorf("the lag is not the distance: %+v", p)
		}
	}
	close(stop)
	workers.Wait()
}
