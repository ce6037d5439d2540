package api_test

// Every request costs a bounded amount of memory and time, whatever it says.

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
)

// heapInUse is the memory that is reachable now.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// spacious lets the first request of a connection be as large as any.
func spacious(w *wire) *wire {
	w.t.Helper()
	ask[*kmsg.ApiVersionsResponse](w, kmsg.NewPtrApiVersionsRequest(), 0)
	return w
}

// TestANameSaidAgainIsAnsweredOnce names one large thing ten thousand times: the answer must not be ten thousand times
// as large as the thing.
func TestANameSaidAgainIsAnsweredOnce(t *testing.T) {
	const times, answerBytesMax = 10_000, 256 << 10
	_, w := start(t)
	spacious(w)
	create(w, "wide", 1000)
	commitEverywhere(w, "g", "wide", 1000)

	wide := "wide"
	topics := kmsg.NewPtrMetadataRequest()
	configs := kmsg.NewPtrDescribeConfigsRequest()
	groups := kmsg.NewPtrDescribeGroupsRequest()
	offsets := kmsg.NewPtrOffsetFetchRequest()
	producers := kmsg.NewPtrDescribeProducersRequest()
	producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "wide"}}
	for range times {
		topics.Topics = append(topics.Topics, kmsg.MetadataRequestTopic{Topic: &wide})
		configs.Resources = append(configs.Resources, kmsg.DescribeConfigsRequestResource{ResourceType: 4, ResourceName: "1"})
		groups.Groups = append(groups.Groups, "g")
		offsets.Groups = append(offsets.Groups, kmsg.OffsetFetchRequestGroup{Group: "g"})
		producers.Topics[0].Partitions = append(producers.Topics[0].Partitions, 0)
	}
	for _, asked := range []struct {
		request kmsg.Request
		version int16
	}{{topics, 9}, {topics, 12}, {configs, 4}, {groups, 5}, {offsets, 8}, {producers, 0}} {
		body, err := w.read(w.send(asked.request, asked.version))
		if err != nil {
			t.Fatalf("%s: %v", kmsg.NameForKey(asked.request.Key()), err)
		}
		if len(body) > answerBytesMax {
			t.Errorf("%s: the answer to one name, said %d times, has %d bytes", kmsg.NameForKey(asked.request.Key()), times, len(body))
		}
	}
}

// commitEverywhere commits an offset of each partition of a topic, for a group without members.
func commitEverywhere(w *wire, groupID, topic string, partitions int32) {
	w.t.Helper()
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey = groupID
	ask[*kmsg.FindCoordinatorResponse](w, find, 2)
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group = groupID
	asked := kmsg.NewOffsetCommitRequestTopic()
	asked.Topic = topic
	for i := range partitions {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = i, 1
		asked.Partitions = append(asked.Partitions, p)
	}
	request.Topics = append(request.Topics, asked)
	var code int16
	loaded(w, func() int16 {
		code = ask[*kmsg.OffsetCommitResponse](w, request, 7).Topics[0].Partitions[0].ErrorCode
		return code
	})
	wantCode(w.t, "OffsetCommit", code, protocol.None)
}

// TestConfigsOfCountlessGroups asks for the configuration of groups that nobody configured, which takes a thousand
// times the bytes of their names.
func TestConfigsOfCountlessGroups(t *testing.T) {
	_, w := start(t)
	spacious(w)
	request := kmsg.NewPtrDescribeConfigsRequest()
	for i := range 100_000 {
		request.Resources = append(request.Resources, kmsg.DescribeConfigsRequestResource{ResourceType: 32, ResourceName: fmt.Sprint(i)})
	}
	answer := ask[*kmsg.DescribeConfigsResponse](w, request, 4)
	if n := len(answer.Resources); n != len(request.Resources) {
		t.Fatalf("%d of %d groups were answered", n, len(request.Resources))
	}
	entries := 0
	for i := range answer.Resources {
		entries += len(answer.Resources[i].Configs)
	}
	if entries > 501_000 {
		t.Errorf("the answer has %d entries", entries)
	}
	last := answer.Resources[len(answer.Resources)-1]
	wantCode(t, "the last group", last.ErrorCode, protocol.InvalidRequest)
	if last.ErrorMessage == nil || !strings.Contains(*last.ErrorMessage, "fewer") {
		t.Errorf("the last group is refused without saying what to do")
	}
}

// TestConfigsTooManyOrTooLong sends changes of configurations that one entry of the metadata log cannot hold, or that
// would keep the controller busy for minutes. They are refused with the reason, and the controller goes on.
func TestConfigsTooManyOrTooLong(t *testing.T) {
	_, w := start(t)
	spacious(w)
	long, property := strings.Repeat("x", 32_000), "share.auto.offset.reset"

	many := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for i := range 800 {
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = 32, fmt.Sprint(i)
		r.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: property, Value: &long}}
		many.Resources = append(many.Resources, r)
	}
	for _, r := range ask[*kmsg.IncrementalAlterConfigsResponse](w, many, 1).Resources {
		wantCode(t, "26 MB of values", r.ErrorCode, protocol.PolicyViolation)
	}

	whole := kmsg.NewPtrAlterConfigsRequest()
	short := "latest"
	for i := range 20_000 {
		r := kmsg.NewAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = 32, fmt.Sprint(i)
		r.Configs = []kmsg.AlterConfigsRequestResourceConfig{{Name: property, Value: &short}}
		whole.Resources = append(whole.Resources, r)
	}
	for _, r := range ask[*kmsg.AlterConfigsResponse](w, whole, 1).Resources {
		wantCode(t, "20,000 resources", r.ErrorCode, protocol.PolicyViolation)
	}

	named := kmsg.NewPtrIncrementalAlterConfigsRequest()
	group := kmsg.NewIncrementalAlterConfigsRequestResource()
	group.ResourceType, group.ResourceName = 32, long
	group.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: property, Value: &short}}
	named.Resources = append(named.Resources, group)
	wantCode(t, "a group's name of 32,000 bytes", ask[*kmsg.IncrementalAlterConfigsResponse](w, named, 1).Resources[0].ErrorCode, protocol.InvalidRequest)

	topics := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "t", 1, 1
	for i := range 200_000 {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: fmt.Sprint(i), Value: &short})
	}
	topics.Topics = append(topics.Topics, topic)
	wantCode(t, "200,000 names of one topic", ask[*kmsg.CreateTopicsResponse](w, topics, 5).Topics[0].ErrorCode, protocol.PolicyViolation)

	create(w, "t", 1)
}

// TestMembersWithMuchToSay has members of a group send metadata that fills a frame: it would be kept for as long as they
// are members.
func TestMembersWithMuchToSay(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	commitEverywhere(w, "g", "t", 1)
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.ProtocolType = "h", "consumer"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = 10_000, 10_000
	request.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: make([]byte, 40<<20)}}
	answer := ask[*kmsg.JoinGroupResponse](w, request, 4)
	wantCode(t, "JoinGroup with 40 MiB of metadata", answer.ErrorCode, protocol.InvalidRequest)
	request.Protocols[0].Metadata = make([]byte, 1<<20)
	answer = ask[*kmsg.JoinGroupResponse](w, request, 4)
	wantCode(t, "JoinGroup with 1 MiB of metadata", answer.ErrorCode, protocol.MemberIDRequired)
}
