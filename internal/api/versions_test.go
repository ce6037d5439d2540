package api_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
)

// TestEveryVersionIsAnswered sends each API in each version that is advertised, as kmsg makes it when nothing is
// filled in, and wants an answer that kmsg can read to the end.
func TestEveryVersionIsAnswered(t *testing.T) {
	node, w := start(t)
	create(w, "t", 1)
	findCoordinator(w, "")
	for _, row := range api.Table() {
		if kmsg.RequestForKey(int16(row.Key)) == nil {
			continue // a private API
		}
		for version := row.Lowest; version <= row.Max; version++ {
			w := dial(t, node)
			if row.NodesOnly {
				introduce(t, w, api.NodeSoftwareName)
			}
			request := kmsg.RequestForKey(int16(row.Key))
			fillIn(request)
			w.receive(request, w.send(request, version))
			w.conn.Close()
		}
	}
}

// introduce says who asks, and returns what that one is offered.
func introduce(t *testing.T, w *wire, name string) map[int16]bool {
	t.Helper()
	request := kmsg.NewPtrApiVersionsRequest()
	request.ClientSoftwareName, request.ClientSoftwareVersion = name, "1"
	offered := map[int16]bool{}
	for _, k := range ask[*kmsg.ApiVersionsResponse](w, request, 3).ApiKeys {
		offered[k.ApiKey] = true
	}
	return offered
}

// TestRequestsBetweenNodes: only another node is told of them, and nobody else is answered.
func TestRequestsBetweenNodes(t *testing.T) {
	node, _ := start(t)
	for _, row := range api.Table() {
		if !row.NodesOnly {
			continue
		}
		if !introduce(t, dial(t, node), api.NodeSoftwareName)[int16(row.Key)] {
			t.Errorf("a node is not told of %s", row.Key)
		}
		w := dial(t, node)
		if introduce(t, w, "skein-cli")[int16(row.Key)] {
			t.Errorf("a program of skein is told of %s", row.Key)
		}
		b := frame(kmsg.NewPtrApiVersionsRequest(), 0, 1)
		b[4], b[5], b[7] = byte(row.Key>>8), byte(row.Key), byte(row.Max)
		if _, err := w.conn.Write(b); err != nil {
			t.Fatal(err)
		}
		if !w.closed() {
			t.Errorf("%s is answered to a program that is no node", row.Key)
		}
	}
}

// fillIn sets what an empty request cannot do without.
func fillIn(request kmsg.Request) {
	switch r := request.(type) {
	case *kmsg.ApiVersionsRequest:
		r.ClientSoftwareName, r.ClientSoftwareVersion = "test", "1"
	case *kmsg.ProduceRequest:
		r.Acks = -1
	case *kmsg.FetchRequest:
		r.MaxWaitMillis = 0
	case *kmsg.JoinGroupRequest:
		r.Group = ""
	}
}

func TestUnknownApiVersionsVersion(t *testing.T) {
	_, w := start(t)
	request := kmsg.NewPtrApiVersionsRequest()
	b := frame(request, 0, 1)
	b[7] = 99        // the version
	b = append(b, 0) // whose header has tags
	b[3]++
	if _, err := w.conn.Write(b); err != nil {
		t.Fatal(err)
	}
	answer := w.receive(request, 1).(*kmsg.ApiVersionsResponse)
	wantCode(t, "ApiVersions version 99", answer.ErrorCode, protocol.UnsupportedVersion)
	if len(answer.ApiKeys) != 1 || answer.ApiKeys[0].ApiKey != 18 || answer.ApiKeys[0].MaxVersion != 4 {
		t.Errorf("the answer lists %+v, want ApiVersions 0 to 4", answer.ApiKeys)
	}
	// The connection goes on.
	wantCode(t, "ApiVersions version 0", ask[*kmsg.ApiVersionsResponse](w, kmsg.NewPtrApiVersionsRequest(), 0).ErrorCode, protocol.None)
}

func TestUnknownAPIsAndVersionsCloseTheConnection(t *testing.T) {
	node, _ := start(t)
	for _, c := range []struct{ key, version byte }{{0, 2}, {0, 99}, {1, 3}, {4, 0}, {24, 0}, {200, 0}} {
		w := dial(t, node)
		b := frame(kmsg.NewPtrApiVersionsRequest(), 0, 1)
		b[5], b[7] = c.key, c.version
		if _, err := w.conn.Write(b); err != nil {
			t.Fatal(err)
		}
		if !w.closed() {
			t.Errorf("API %d version %d: the connection stays open", c.key, c.version)
		}
	}
}

func TestPrivateAPIsAreForSkeinOnly(t *testing.T) {
	_, w := start(t)
	private := func(name string) int {
		request := kmsg.NewPtrApiVersionsRequest()
		request.ClientSoftwareName, request.ClientSoftwareVersion = name, "1"
		n := 0
		for _, k := range ask[*kmsg.ApiVersionsResponse](w, request, 3).ApiKeys {
			if k.ApiKey >= 0x4000 {
				n++
			}
		}
		return n
	}
	if n := private("apache-kafka-java"); n != 0 {
		t.Errorf("a Java client is told of %d private APIs", n)
	}
	rows := 0
	for _, row := range api.Table() {
		if row.Key >= 0x4000 && !row.NodesOnly {
			rows++
		}
	}
	if n := private("skein-cli"); n != rows {
		t.Errorf("skein's own client is told of %d private APIs, want %d", n, rows)
	}
}

func TestAcks(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	records := func() []byte { return batch(t, time.Now().UnixMilli(), row{"k", "v"}) }
	// acks=0 is not answered: the next answer on the connection is that of the next request.
	w.send(produceRequest("t", 0, 0, records()), 9)
	one := ask[*kmsg.ProduceResponse](w, produceRequest("t", 0, 1, records()), 9).Topics[0].Partitions[0]
	wantCode(t, "acks=1", one.ErrorCode, protocol.None)
	if one.BaseOffset != 1 {
		t.Errorf("the record behind acks=0 has offset %d, want 1", one.BaseOffset)
	}
	wantCode(t, "acks=7", ask[*kmsg.ProduceResponse](w, produceRequest("t", 0, 7, records()), 9).Topics[0].Partitions[0].ErrorCode, protocol.InvalidRequiredAcks)
	// An error with acks=0 closes the connection, for there is no other way to tell.
	w.send(produceRequest("none", 0, 0, records()), 9)
	if !w.closed() {
		t.Error("acks=0 to a topic that does not exist: the connection stays open")
	}
}

// TestMinInsyncReplicasAboveTheirNumber: a topic with fewer replicas than min.insync.replicas asks for those that it has.
func TestMinInsyncReplicasAboveTheirNumber(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1, "min.insync.replicas", "2")
	wantCode(t, "acks=all with one replica", produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"})).ErrorCode, protocol.None)
}

func TestPipelinedProduceIsAnsweredInOrder(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	var requests []*kmsg.ProduceRequest
	var ids []int32
	for range 50 {
		r := produceRequest("t", 0, -1, batch(t, time.Now().UnixMilli(), row{"k", "v"}))
		requests = append(requests, r)
		ids = append(ids, w.send(r, 9))
	}
	for i, r := range requests {
		answer := w.receive(r, ids[i]).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		if answer.ErrorCode != 0 || answer.BaseOffset != int64(i) {
			t.Fatalf("answer %d: error %d, offset %d", i, answer.ErrorCode, answer.BaseOffset)
		}
	}
}

// TestLongPollWakes has a Fetch wait for a record that comes later.
func TestLongPollWakes(t *testing.T) {
	node, w := start(t)
	create(w, "t", 1)
	fetch := fetchRequest("t", 0, 20_000)
	id := w.send(fetch, 11)
	began := time.Now()
	other := dial(t, node)
	wantCode(t, "Produce", produce(other, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"})).ErrorCode, protocol.None)
	answer := w.receive(fetch, id).(*kmsg.FetchResponse).Topics[0].Partitions[0]
	if len(answer.RecordBatches) == 0 {
		t.Errorf("the Fetch came back after %v without the record", time.Since(began))
	}
}
