package api_test

// Names that are no names, in every API that takes one.

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/server/memnet"
)

var impossible = []string{
	"", ".", "..", "../x", "..\\x", "/etc/passwd", "a/b", "a\x00b", "\x00", "a b", "a\nb", "ä", "日本", "\u202etxt", "😀", "\xff\xfe",
	"%2e%2e", "a:b", "$(x)", strings.Repeat("a", 250), strings.Repeat("a", 32767), strings.Repeat("../", 80),
}

// TestImpossibleTopicNames sends them everywhere. Nothing is created, and nobody is told more than that it cannot be.
func TestImpossibleTopicNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, files := &memnet.Network{}, disk.NewSimulated(disk.SimulatedOptions{Seed: 1})
		listener, err := network.Listen("tcp", "127.0.0.1:9092")
		if err != nil {
			t.Fatal(err)
		}
		node, err := skein.Open(skein.Config{DataDir: "data", Listener: listener, FS: files})
		if err != nil {
			t.Fatal(err)
		}
		defer node.Close()
		conn, err := network.DialContext(t.Context(), "tcp", node.Bootstrap())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		w := &wire{t: t, conn: conn}
		create(w, "t", 1)
		commitEverywhere(w, "g", "t", 1)
		before, _ := files.List(".")
		for _, name := range impossible {
			for _, r := range namedRequests(name) {
				for version := r.lowest; version <= r.highest; version++ {
					code := protocol.Code(r.code(w.receive(r.request, w.send(r.request, version))))
					if code == protocol.None || code == protocol.UnknownServerError {
						t.Errorf("%s version %d with the topic %.40q: %v", kmsg.NameForKey(r.request.Key()), version, name, code)
					}
				}
			}
		}
		after, _ := files.List(".")
		if len(after) != len(before) {
			t.Errorf("the data directory has %d entries, it had %d: %v", len(after), len(before), after)
		}
	})
}

// named is a request that names a topic, and where its answer says what became of it.
type named struct {
	request         kmsg.Request
	lowest, highest int16
	code            func(kmsg.Response) int16
}

func namedRequests(name string) []named { return append(namedChanges(name), namedQuestions(name)...) }

func namedChanges(name string) []named {
	createTopics := kmsg.NewPtrCreateTopicsRequest()
	createTopics.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: name, NumPartitions: 1, ReplicationFactor: 1}}
	createPartitions := kmsg.NewPtrCreatePartitionsRequest()
	createPartitions.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: name, Count: 3}}
	deleteTopics := kmsg.NewPtrDeleteTopicsRequest()
	deleteTopics.TopicNames = []string{name}
	value := "1"
	alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
	alter.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: 2, ResourceName: name,
		Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "retention.ms", Value: &value}}}}
	deleteRecords := kmsg.NewPtrDeleteRecordsRequest()
	deleteRecords.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: name, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: -1}}}}
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group, commit.Generation = "g", -1
	commit.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: name, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 1}}}}
	offsetDelete := kmsg.NewPtrOffsetDeleteRequest()
	offsetDelete.Group = "g"
	offsetDelete.Topics = []kmsg.OffsetDeleteRequestTopic{{Topic: name, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}}}
	return []named{
		{createTopics, 2, 7, func(r kmsg.Response) int16 { return r.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode }},
		{createPartitions, 0, 3, func(r kmsg.Response) int16 { return r.(*kmsg.CreatePartitionsResponse).Topics[0].ErrorCode }},
		{deleteTopics, 1, 5, func(r kmsg.Response) int16 { return r.(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode }},
		{alter, 0, 1, func(r kmsg.Response) int16 { return r.(*kmsg.IncrementalAlterConfigsResponse).Resources[0].ErrorCode }},
		{deleteRecords, 0, 2, func(r kmsg.Response) int16 { return r.(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode }},
		{commit, 2, 9, func(r kmsg.Response) int16 { return r.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode }},
		{offsetDelete, 0, 0, func(r kmsg.Response) int16 { return r.(*kmsg.OffsetDeleteResponse).Topics[0].Partitions[0].ErrorCode }},
		{produceRequest(name, 0, -1, []byte{1}), 3, 12, func(r kmsg.Response) int16 { return r.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode }},
	}
}

func namedQuestions(name string) []named {
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.AllowAutoTopicCreation = true
	metadata.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
	describeConfigs := kmsg.NewPtrDescribeConfigsRequest()
	describeConfigs.Resources = []kmsg.DescribeConfigsRequestResource{{ResourceType: 2, ResourceName: name}}
	list := kmsg.NewPtrListOffsetsRequest()
	list.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: name, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Timestamp: -1, CurrentLeaderEpoch: -1}}}}
	epochs := kmsg.NewPtrOffsetForLeaderEpochRequest()
	epochs.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: name, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1}}}}
	producers := kmsg.NewPtrDescribeProducersRequest()
	producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: name, Partitions: []int32{0}}}
	partitions := kmsg.NewPtrDescribeTopicPartitionsRequest()
	partitions.Topics, partitions.ResponsePartitionLimit = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: name}}, 10
	return []named{
		{metadata, 1, 12, func(r kmsg.Response) int16 { return r.(*kmsg.MetadataResponse).Topics[0].ErrorCode }},
		{describeConfigs, 1, 4, func(r kmsg.Response) int16 { return r.(*kmsg.DescribeConfigsResponse).Resources[0].ErrorCode }},
		{list, 1, 7, func(r kmsg.Response) int16 { return r.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode }},
		{epochs, 2, 4, func(r kmsg.Response) int16 {
			return r.(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0].ErrorCode
		}},
		{producers, 0, 0, func(r kmsg.Response) int16 {
			return r.(*kmsg.DescribeProducersResponse).Topics[0].Partitions[0].ErrorCode
		}},
		{partitions, 0, 0, func(r kmsg.Response) int16 { return r.(*kmsg.DescribeTopicPartitionsResponse).Topics[0].ErrorCode }},
		{fetchRequest(name, 0, 0), 4, 12, func(r kmsg.Response) int16 { return r.(*kmsg.FetchResponse).Topics[0].Partitions[0].ErrorCode }},
	}
}

// TestOddGroupIDs: a group id may be anything that is not empty. What is committed under it is there after a restart.
func TestOddGroupIDs(t *testing.T) {
	node, w := start(t)
	create(w, "t", 1)
	ids := []string{"a/b", "../x", "a\x00b", "😀", "\u202e", "\xff\xfe\xfd", " ", strings.Repeat("g", 32767), strings.Repeat("日", 10922)}
	for _, id := range ids {
		commitEverywhere(w, id, "t", 1)
		wantCode(t, "JoinGroup", joinGroup(w, id, strings.Repeat("p", 32000)), protocol.MemberIDRequired)
	}
	w.conn.Close()
	node.Stop()
	node.Open()
	w = dial(t, node)
	for _, id := range ids {
		request := kmsg.NewPtrOffsetFetchRequest()
		request.Group, request.Topics = id, []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0}}}
		var answer *kmsg.OffsetFetchResponse
		loaded(w, func() int16 {
			answer = ask[*kmsg.OffsetFetchResponse](w, request, 5)
			return answer.ErrorCode
		})
		if answer.ErrorCode != 0 || answer.Topics[0].Partitions[0].Offset != 1 {
			t.Errorf("group %.20q after the restart: error %d, %+v", id, answer.ErrorCode, answer.Topics)
		}
	}
}

// joinGroup sends a JoinGroup of a new member.
func joinGroup(w *wire, id, protocolName string) int16 {
	w.t.Helper()
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.ProtocolType = id, "consumer"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = 10_000, 10_000
	request.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: protocolName, Metadata: []byte{0, 1}}}
	return ask[*kmsg.JoinGroupResponse](w, request, 4).ErrorCode
}
