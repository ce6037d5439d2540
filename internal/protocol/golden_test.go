package protocol

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func ptr(s string) *string { return &s }

// goldenFrames were written by hand from the protocol's description: header and body, spaces and bars to read them by.
var goldenFrames = []struct {
	name    string
	key     Key
	version int16
	hex     string
	header  Message
	body    Message
}{
	{
		"kafka-go asks for the versions", KeyApiVersions, 0,
		"0012 0000 00000001 0002 6964 |",
		&RequestHeader{RequestApiKey: 18, CorrelationID: 1, ClientID: ptr("id")},
		&ApiVersionsRequest{NodeID: -1},
	},
	{
		"a Java client asks for the versions", KeyApiVersions, 3,
		"0012 0003 00000002 ffff 00 | 05 6a617661 04 342e34 00",
		&RequestHeader{RequestApiKey: 18, RequestApiVersion: 3, CorrelationID: 2},
		&ApiVersionsRequest{ClientSoftwareName: "java", ClientSoftwareVersion: "4.4", NodeID: -1},
	},
	{
		"metadata of all topics", KeyMetadata, 1,
		"0003 0001 00000003 0000 | ffffffff",
		&RequestHeader{RequestApiKey: 3, RequestApiVersion: 1, CorrelationID: 3, ClientID: ptr("")},
		&MetadataRequest{AllowAutoTopicCreation: true},
	},
	{
		"metadata of one topic by name", KeyMetadata, 12,
		"0003 000c 00000004 0001 63 00 | 02 00000000000000000000000000000000 02 74 00 01 00 00",
		&RequestHeader{RequestApiKey: 3, RequestApiVersion: 12, CorrelationID: 4, ClientID: ptr("c")},
		&MetadataRequest{AllowAutoTopicCreation: true, Topics: []MetadataRequestTopic{{Name: ptr("t")}}},
	},
	{
		"a producer sends three bytes of records", KeyProduce, 7,
		"0000 0007 00000005 0001 63 | ffff ffff 000003e8 00000001 0001 74 00000001 00000002 00000003 616263",
		&RequestHeader{RequestApiKey: 0, RequestApiVersion: 7, CorrelationID: 5, ClientID: ptr("c")},
		&ProduceRequest{Acks: -1, TimeoutMs: 1000, TopicData: []ProduceRequestTopicProduceData{
			{Name: "t", PartitionData: []ProduceRequestPartitionProduceData{{Index: 2, Records: []byte("abc")}}}}},
	},
	{
		"the same by topic id", KeyProduce, 13,
		"0000 000d 00000006 0001 63 00 | 00 0001 000003e8 02 000102030405060708090a0b0c0d0e0f 02 00000000 04 616263 00 00 00",
		&RequestHeader{RequestApiKey: 0, RequestApiVersion: 13, CorrelationID: 6, ClientID: ptr("c")},
		&ProduceRequest{Acks: 1, TimeoutMs: 1000, TopicData: []ProduceRequestTopicProduceData{
			{TopicID: UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
				PartitionData: []ProduceRequestPartitionProduceData{{Records: []byte("abc")}}}}},
	},
	{
		"heartbeat of a static member", KeyHeartbeat, 4,
		"000c 0004 00000007 ffff 00 | 02 67 00000009 04 6d2d31 02 73 00",
		&RequestHeader{RequestApiKey: 12, RequestApiVersion: 4, CorrelationID: 7},
		&HeartbeatRequest{GroupID: "g", GenerationID: 9, MemberID: "m-1", GroupInstanceID: ptr("s")},
	},
	{
		"a commit as kafka-go sends it", KeyOffsetCommit, 2,
		"0008 0002 00000008 ffff | 0001 67 00000001 0001 6d ffffffffffffffff 00000001 0001 74 00000001 00000000 000000000000002a 0000",
		&RequestHeader{RequestApiKey: 8, RequestApiVersion: 2, CorrelationID: 8},
		&OffsetCommitRequest{GroupID: "g", GenerationIDOrMemberEpoch: 1, MemberID: "m", RetentionTimeMs: -1,
			Topics: []OffsetCommitRequestTopic{{Name: "t", Partitions: []OffsetCommitRequestPartition{
				{CommittedOffset: 42, CommittedLeaderEpoch: -1, CommittedMetadata: ptr("")}}}}},
	},
}

func unspaced(s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		panic(err)
	}
	return b
}

func TestGoldenRequests(t *testing.T) {
	for _, g := range goldenFrames {
		want := unspaced(g.hex)
		header := HeaderVersion(g.key, g.version)
		if got := AppendMessage(AppendMessage(nil, g.header, header), g.body, g.version); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", g.name, got, want)
		}
		gotHeader, gotBody := NewRequestHeader(), NewRequest(g.key)
		r := NewReader(want, Limits{})
		if err := gotHeader.Decode(r, header); err != nil || !reflect.DeepEqual(gotHeader, g.header) {
			t.Errorf("%s: %+v %v", g.name, gotHeader, err)
		}
		if err := gotBody.Decode(r, g.version); err != nil || !reflect.DeepEqual(gotBody, g.body) || len(r.Remaining()) > 0 {
			t.Errorf("%s: %+v %v", g.name, gotBody, err)
		}
	}
}

// The answer to a version that the server does not know: a v0 body behind a v0 header (KIP-511).
func TestGoldenApiVersionsResponse(t *testing.T) {
	m := NewApiVersionsResponse()
	m.ErrorCode = UnsupportedVersion
	m.ApiKeys = []ApiVersionsResponseApiVersion{{ApiKey: 18, MinVersion: 0, MaxVersion: 4}}
	header := NewResponseHeader()
	header.CorrelationID = 9
	b := AppendMessage(nil, header, ResponseHeaderVersion(KeyApiVersions, 99))
	if got, want := AppendMessage(b, m, 0), unspaced("00000009 | 0023 00000001 0012 0000 0004"); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	m.FinalizedFeaturesEpoch = 5
	want := unspaced("0023 02 0012 0000 0004 00 00000000 | 01 01 08 0000000000000005")
	if got := AppendMessage(nil, m, 3); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}
