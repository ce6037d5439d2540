package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/protocol"
)

// decodedBroker is a fakeBroker whose answers are messages.
func decodedBroker(t *testing.T, reply func(request protocol.Message) protocol.Message) string {
	t.Helper()
	return fakeFrames(t, func(frame []byte) []byte {
		key, version := protocol.Key(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
		r := protocol.NewReader(frame, protocol.Limits{})
		var header protocol.RequestHeader
		request := protocol.NewRequest(key)
		if err := header.Decode(r, protocol.HeaderVersion(key, version)); err != nil {
			return nil
		}
		if err := request.Decode(r, version); err != nil {
			return nil
		}
		answer := reply(request)
		if answer == nil {
			return nil
		}
		var w protocol.Writer
		frameAt := w.BeginFrame()
		(&protocol.ResponseHeader{CorrelationID: header.CorrelationID}).Encode(&w, protocol.ResponseHeaderVersion(key, version))
		answer.Encode(&w, version)
		w.EndFrame(frameAt)
		return bytes.Clone(w.Bytes())
	})
}

// lagCluster is two brokers: 1 coordinates and leads t-0, 2 leads t-1.
type lagCluster struct {
	t       *testing.T
	one     string
	two     string
	loading int // how often the coordinator is still loading
	asked   []protocol.DescribeGroupLagRequest
}

func (f *lagCluster) broker(id int32) func(protocol.Message) protocol.Message {
	return func(request protocol.Message) protocol.Message {
		switch r := request.(type) {
		case *protocol.ApiVersionsRequest:
			answer := protocol.NewApiVersionsResponse()
			for _, key := range []protocol.Key{protocol.KeyApiVersions, protocol.KeyMetadata, protocol.KeyFindCoordinator, protocol.KeyDescribeGroupLag} {
				lowest, highest := protocol.Versions(key)
				answer.ApiKeys = append(answer.ApiKeys, protocol.ApiVersionsResponseApiVersion{ApiKey: int16(key), MinVersion: lowest, MaxVersion: highest})
			}
			return answer
		case *protocol.MetadataRequest:
			answer := protocol.NewMetadataResponse()
			for i, address := range []string{f.one, f.two} {
				host, port := split(f.t, address)
				answer.Brokers = append(answer.Brokers, protocol.MetadataResponseBroker{NodeID: int32(i + 1), Host: host, Port: port})
			}
			return answer
		case *protocol.FindCoordinatorRequest:
			answer := protocol.NewFindCoordinatorResponse()
			host, port := split(f.t, f.one)
			answer.Coordinators = []protocol.FindCoordinatorResponseCoordinator{{Key: r.CoordinatorKeys[0], NodeID: 1, Host: host, Port: port}}
			return answer
		case *protocol.DescribeGroupLagRequest:
			f.asked = append(f.asked, *r)
			return f.lag(id, r)
		}
		return nil
	}
}

func (f *lagCluster) lag(id int32, r *protocol.DescribeGroupLagRequest) protocol.Message {
	answer := protocol.NewDescribeGroupLagResponse()
	answer.NodeID = id
	if r.GroupID != nil && f.loading > 0 {
		f.loading--
		answer.ErrorCode = protocol.CoordinatorLoadInProgress
		return answer
	}
	here, there := protocol.NewDescribeGroupLagResponsePartition(), protocol.NewDescribeGroupLagResponsePartition()
	here.CommittedOffset, here.LogStartOffset, here.HighWatermark, here.LogEndOffset, here.Lag, here.LeaderID = 5, 0, 9, 9, 4, 1
	there.PartitionIndex, there.TopicID = 1, protocol.UUID{7}
	if r.GroupID != nil {
		there.CommittedOffset, there.Metadata, there.CommitTimestampMs, there.MemberID = 3, "note", 1000, new("m-1")
		there.ErrorCode, there.LeaderID = protocol.NotLeaderOrFollower, 2
		answer.State, answer.CommitsReadAtMs = "Stable", 2000
		answer.Topics = []protocol.DescribeGroupLagResponseTopic{{Name: "t", Partitions: []protocol.DescribeGroupLagResponsePartition{here, there}}}
		return answer
	}
	there.LogStartOffset, there.HighWatermark, there.LogEndOffset, there.Lag, there.LeaderID, there.EndsReadAtMs = 1, 10, 11, 7, 2, 3000
	answer.Topics = []protocol.DescribeGroupLagResponseTopic{{Name: "t", Partitions: []protocol.DescribeGroupLagResponsePartition{there}}}
	return answer
}

func split(t *testing.T, address string) (host string, port int32) {
	host, text, err := net.SplitHostPort(address)
	n, bad := strconv.Atoi(text)
	if err != nil || bad != nil {
		t.Errorf("address %s: %v", address, err)
	}
	return host, int32(n)
}

// TestLagAsksTheLeaders: what the coordinator does not lead is asked of the leader, with the offset that the coordinator told,
// and the two answers become one.
func TestLagAsksTheLeaders(t *testing.T) {
	f := &lagCluster{t: t, loading: 2}
	f.one, f.two = decodedBroker(t, f.broker(1)), decodedBroker(t, f.broker(2))
	c := &cobra.Command{}
	c.SetContext(context.Background())
	n := &connection{bootstrap: []string{f.two}, timeout: 5 * time.Minute}
	lags, err := n.lags(c, []string{"g"}, true)
	if err != nil || len(lags) != 1 || len(lags[0].Partitions) != 2 {
		t.Fatalf("%+v, %v", lags, err)
	}
	g := lags[0]
	if !g.Exact || g.State != "Stable" || g.Lag != 11 {
		t.Errorf("the group is %+v", g)
	}
	p := g.Partitions[1]
	if *p.Committed != 3 || p.Metadata != "note" || *p.MemberID != "m-1" || p.CommittedAt.UnixMilli() != 1000 || // as the coordinator said
		*p.LogStart != 1 || *p.HighWatermark != 10 || *p.LogEnd != 11 || *p.Lag != 7 || p.EndsReadAt.UnixMilli() != 3000 || p.Problem != "" { // as the leader said
		t.Errorf("t-1 is %+v", p)
	}
	name := "g"
	coordinator := protocol.DescribeGroupLagRequest{GroupID: &name, Times: true, Topics: []protocol.DescribeGroupLagRequestTopic{}}
	want := []protocol.DescribeGroupLagRequest{coordinator, coordinator, coordinator,
		{Times: true, Topics: []protocol.DescribeGroupLagRequestTopic{{Name: "t", Partitions: []protocol.DescribeGroupLagRequestPartition{
			{PartitionIndex: 1, TopicID: protocol.UUID{7}, CommittedOffset: 3}}}}}}
	if !reflect.DeepEqual(f.asked, want) {
		t.Errorf("asked were\n%+v, want\n%+v", f.asked, want)
	}
}

func TestLagProblems(t *testing.T) {
	at := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		p    partitionLag
		lag  *int64
		want string
	}{
		{partitionLag{Committed: at(3), LogStart: at(0), HighWatermark: at(5)}, at(2), ""},
		{partitionLag{Committed: at(3), LogStart: at(4), HighWatermark: at(5)}, at(1), "1 record gone unread: the log begins at 4"},
		{partitionLag{Committed: at(9), LogStart: at(4), HighWatermark: at(5)}, at(0), "committed 4 beyond the end of the log"},
		{partitionLag{LogStart: at(4), HighWatermark: at(5)}, nil, "nothing is committed"},
		{partitionLag{LogStart: at(5), HighWatermark: at(5)}, at(0), ""},
		{partitionLag{Committed: at(3), Problem: "no leader"}, nil, "no leader"},
	} {
		p := c.p
		p.compare()
		p.judge()
		if p.Problem != c.want || !reflect.DeepEqual(p.Lag, c.lag) {
			t.Errorf("%+v: lag %v, %q; want %v, %q", c.p, p.Lag, p.Problem, c.lag, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ms", 999 * time.Millisecond: "999ms", 1500 * time.Millisecond: "1.5s", 61 * time.Second: "1m1s",
		90 * time.Minute: "1h30m", 24 * time.Hour: "1d0h", 170*time.Hour + time.Minute: "7d2h",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
