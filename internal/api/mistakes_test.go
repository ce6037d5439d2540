package api_test

// The mistakes that other re-implementations of Kafka made, each as a test. Their numbers are those of the list in
// docs/compatibility.md.

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/skeintest"
)

func start(t *testing.T, options ...skeintest.Option) (*skeintest.Node, *wire) {
	t.Helper()
	node := skeintest.Start(t, append([]skeintest.Option{skeintest.InMemory()}, options...)...)
	return node, dial(t, node)
}

type row struct{ key, value string }

// batch builds one record batch; a row without key has none.
func batch(t *testing.T, timestamp int64, rows ...row) []byte {
	t.Helper()
	b := record.NewBuilder()
	for i, r := range rows {
		var key []byte
		if r.key != "" {
			key = []byte(r.key)
		}
		if err := b.Add(timestamp+int64(i), key, []byte(r.value)); err != nil {
			t.Fatal(err)
		}
	}
	built, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func produceRequest(topic string, partition int32, acks int16, records []byte) *kmsg.ProduceRequest {
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis = acks, 5000
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, records
	topics := kmsg.NewProduceRequestTopic()
	topics.Topic = topic
	topics.Partitions = append(topics.Partitions, p)
	request.Topics = append(request.Topics, topics)
	return request
}

func produce(w *wire, topic string, records []byte) kmsg.ProduceResponseTopicPartition {
	w.t.Helper()
	return ask[*kmsg.ProduceResponse](w, produceRequest(topic, 0, -1, records), 9).Topics[0].Partitions[0]
}

func wantCode(t *testing.T, what string, got int16, want protocol.Code) {
	t.Helper()
	if protocol.Code(got) != want {
		t.Errorf("%s: %v, want %v", what, protocol.Code(got), want)
	}
}

func Test01MetadataCreatesTopics(t *testing.T) {
	_, w := start(t)
	request := kmsg.NewPtrMetadataRequest()
	request.AllowAutoTopicCreation = true
	topic := kmsg.NewMetadataRequestTopic()
	name := "made"
	topic.Topic = &name
	request.Topics = append(request.Topics, topic)
	answer := ask[*kmsg.MetadataResponse](w, request, 9).Topics[0]
	wantCode(t, "Metadata", answer.ErrorCode, protocol.None)
	if len(answer.Partitions) != 1 || answer.Partitions[0].Leader != 1 {
		t.Errorf("the new topic has partitions %+v, want one led by node 1", answer.Partitions)
	}
	other := "unmade"
	request.Topics[0].Topic, request.AllowAutoTopicCreation = &other, false
	answer = ask[*kmsg.MetadataResponse](w, request, 9).Topics[0]
	wantCode(t, "Metadata without creation", answer.ErrorCode, protocol.UnknownTopicOrPartition)
}

func fetchRequest(topic string, offset int64, maxWaitMs int32) *kmsg.FetchRequest {
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = maxWaitMs, 1, 1<<20
	p := kmsg.NewFetchRequestTopicPartition()
	p.FetchOffset, p.PartitionMaxBytes = offset, 1<<20
	topics := kmsg.NewFetchRequestTopic()
	topics.Topic = topic
	topics.Partitions = append(topics.Partitions, p)
	request.Topics = append(request.Topics, topics)
	return request
}

func Test02FetchInsideABatchReturnsTheWholeBatch(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	produce(w, "t", batch(t, time.Now().UnixMilli(), row{"a", "0"}, row{"b", "1"}, row{"c", "2"}))
	answer := ask[*kmsg.FetchResponse](w, fetchRequest("t", 1, 1000), 11).Topics[0].Partitions[0]
	wantCode(t, "Fetch", answer.ErrorCode, protocol.None)
	got, _, err := record.Split(answer.RecordBatches)
	if err != nil || got.BaseOffset() != 0 || got.Count() != 3 {
		t.Fatalf("fetched %d bytes (%v), want the batch from offset 0 with 3 records", len(answer.RecordBatches), err)
	}
}

func Test03MaxMessageBytes(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1, "max.message.bytes", "1000")
	big := produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", string(make([]byte, 2000))}))
	wantCode(t, "Produce of 2000 bytes", big.ErrorCode, protocol.MessageTooLarge)
	small := produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"}))
	wantCode(t, "Produce of a small record", small.ErrorCode, protocol.None)
}

func Test04KeylessRecordOnACompactedTopic(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1, "cleanup.policy", "compact")
	answer := produce(w, "t", batch(t, time.Now().UnixMilli(), row{"k", "v"}, row{"", "v"}))
	wantCode(t, "Produce", answer.ErrorCode, protocol.InvalidRecord)
	if len(answer.ErrorRecords) != 1 || answer.ErrorRecords[0].RelativeOffset != 1 || answer.ErrorRecords[0].ErrorMessage == nil {
		t.Errorf("refused records are %+v, want the second with a reason", answer.ErrorRecords)
	}
}

func listOffset(w *wire, topic string, timestamp int64, version int16) kmsg.ListOffsetsResponseTopicPartition {
	w.t.Helper()
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Timestamp = timestamp
	topics := kmsg.NewListOffsetsRequestTopic()
	topics.Topic = topic
	topics.Partitions = append(topics.Partitions, p)
	request.Topics = append(request.Topics, topics)
	return ask[*kmsg.ListOffsetsResponse](w, request, version).Topics[0].Partitions[0]
}

func Test05ListOffsetsByTimestamp(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	at := time.Now().UnixMilli() - 1000
	produce(w, "t", batch(t, at, row{"a", "0"}, row{"b", "1"}))
	produce(w, "t", batch(t, at+100, row{"c", "2"}))
	for _, c := range []struct {
		timestamp, offset, found int64
	}{
		{at - 1, 0, at}, {at, 0, at}, {at + 1, 1, at + 1}, {at + 2, 2, at + 100}, {at + 100, 2, at + 100}, {at + 101, -1, -1},
		{-1, 3, -1}, {-2, 0, -1}, {-3, 2, at + 100}, {-4, 0, -1}, {-5, -1, -1},
	} {
		answer := listOffset(w, "t", c.timestamp, 9)
		wantCode(t, fmt.Sprint("timestamp ", c.timestamp-at), answer.ErrorCode, protocol.None)
		if answer.Offset != c.offset || answer.Timestamp != c.found {
			t.Errorf("timestamp %d: offset %d at %d, want %d at %d", c.timestamp, answer.Offset, answer.Timestamp, c.offset, c.found)
		}
	}
	wantCode(t, "an unknown special timestamp", listOffset(w, "t", -9, 9).ErrorCode, protocol.UnsupportedVersion)
}

func Test06CreatePartitionsAnswersForEachTopic(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	request := kmsg.NewPtrCreatePartitionsRequest()
	for _, name := range []string{"t", "none"} {
		topic := kmsg.NewCreatePartitionsRequestTopic()
		topic.Topic, topic.Count = name, 4
		request.Topics = append(request.Topics, topic)
	}
	answers := ask[*kmsg.CreatePartitionsResponse](w, request, 3).Topics
	if len(answers) != 2 {
		t.Fatalf("%d answers, want 2", len(answers))
	}
	for _, a := range answers {
		want := protocol.None
		if a.Topic == "none" {
			want = protocol.UnknownTopicOrPartition
		}
		wantCode(t, "CreatePartitions of "+a.Topic, a.ErrorCode, want)
	}
	if code := ask[*kmsg.ProduceResponse](w, produceRequest("t", 3, -1, batch(t, time.Now().UnixMilli(), row{"k", "v"})), 9).Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Errorf("producing to the new partition: %v", protocol.Code(code))
	}
}

// findCoordinator makes sure that __consumer_offsets exists and the group's partition is loaded.
// findCoordinator makes __consumer_offsets, and waits until the group's partition is loaded.
func findCoordinator(w *wire, group string) {
	w.t.Helper()
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKey = group
	wantCode(w.t, "FindCoordinator", ask[*kmsg.FindCoordinatorResponse](w, request, 2).ErrorCode, protocol.None)
	loaded(w, func() int16 {
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Group = group
		return ask[*kmsg.OffsetFetchResponse](w, fetch, 5).ErrorCode
	})
}

// loaded asks until the answer is another than that partitions of __consumer_offsets are being loaded.
func loaded(w *wire, code func() int16) {
	w.t.Helper()
	for begun := time.Now(); protocol.Code(code()) == protocol.CoordinatorLoadInProgress; time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			w.t.Fatal("the coordinator loads for a minute")
		}
	}
}

func commitOffset(w *wire, group, topic string, offset int64, metadata string) int16 {
	w.t.Helper()
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.Generation = group, -1
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset, p.LeaderEpoch, p.Metadata = offset, 7, &metadata
	topics := kmsg.NewOffsetCommitRequestTopic()
	topics.Topic = topic
	topics.Partitions = append(topics.Partitions, p)
	request.Topics = append(request.Topics, topics)
	return ask[*kmsg.OffsetCommitResponse](w, request, 7).Topics[0].Partitions[0].ErrorCode
}

func Test07OffsetFetchGivesMetadataBack(t *testing.T) {
	node, w := start(t)
	create(w, "t", 1)
	findCoordinator(w, "g")
	wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 42, "where I was"), protocol.None)
	check := func(w *wire) {
		t.Helper()
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Group = "g"
		topic := kmsg.NewOffsetFetchRequestTopic()
		topic.Topic, topic.Partitions = "t", []int32{0, 5}
		fetch.Topics = append(fetch.Topics, topic)
		got := ask[*kmsg.OffsetFetchResponse](w, fetch, 5).Topics[0].Partitions
		if got[0].Offset != 42 || got[0].LeaderEpoch != 7 || got[0].Metadata == nil || *got[0].Metadata != "where I was" {
			t.Errorf("OffsetFetch gives %+v", got[0])
		}
		if got[1].Offset != -1 || got[1].ErrorCode != 0 {
			t.Errorf("OffsetFetch of a partition without commit gives %+v", got[1])
		}
	}
	check(w)
	node.Stop()
	node.Open()
	w = dial(t, node)
	findCoordinator(w, "g")
	check(w)
}

func Test08DescribeConfigsListsEverything(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1, "retention.ms", "12345")
	request := kmsg.NewPtrDescribeConfigsRequest()
	request.IncludeSynonyms, request.IncludeDocumentation = true, true
	for _, r := range []struct {
		kind kmsg.ConfigResourceType
		name string
	}{{kmsg.ConfigResourceTypeTopic, "t"}, {kmsg.ConfigResourceTypeBroker, "1"}} {
		resource := kmsg.NewDescribeConfigsRequestResource()
		resource.ResourceType, resource.ResourceName = r.kind, r.name
		request.Resources = append(request.Resources, resource)
	}
	answers := ask[*kmsg.DescribeConfigsResponse](w, request, 4).Resources
	for i, atLeast := range []int{30, 200} {
		wantCode(t, "DescribeConfigs", answers[i].ErrorCode, protocol.None)
		if n := len(answers[i].Configs); n < atLeast {
			t.Errorf("resource %s has %d configs, want at least %d", answers[i].ResourceName, n, atLeast)
		}
	}
	for _, c := range answers[0].Configs {
		switch {
		case c.Name == "retention.ms" && (c.Value == nil || *c.Value != "12345" || c.Source != kmsg.ConfigSourceDynamicTopicConfig):
			t.Errorf("retention.ms is described as %+v", c)
		case c.Name == "segment.bytes" && (c.Value == nil || *c.Value != "1073741824" || c.Source != kmsg.ConfigSourceDefaultConfig || len(c.ConfigSynonyms) == 0):
			t.Errorf("segment.bytes is described as %+v", c)
		}
	}
}

func Test09TransactionTimeoutAboveTheMaximum(t *testing.T) {
	_, w := start(t)
	request := kmsg.NewPtrInitProducerIDRequest()
	id := "tx"
	request.TransactionalID, request.TransactionTimeoutMillis = &id, math.MaxInt32
	wantCode(t, "InitProducerId", ask[*kmsg.InitProducerIDResponse](w, request, 4).ErrorCode, protocol.InvalidTransactionTimeout)
}

func incremental(w *wire, topic, name string, op kmsg.IncrementalAlterConfigOp, value string) int16 {
	w.t.Helper()
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Op, c.Value = name, op, &value
	resource.Configs = append(resource.Configs, c)
	request.Resources = append(request.Resources, resource)
	return ask[*kmsg.IncrementalAlterConfigsResponse](w, request, 1).Resources[0].ErrorCode
}

func Test14IncrementalAlterConfigsOnLists(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	wantCode(t, "APPEND to a list", incremental(w, "t", "cleanup.policy", kmsg.IncrementalAlterConfigOpAppend, "compact"), protocol.None)
	wantCode(t, "SUBTRACT from a list", incremental(w, "t", "cleanup.policy", kmsg.IncrementalAlterConfigOpSubtract, "delete"), protocol.None)
	wantCode(t, "APPEND to a number", incremental(w, "t", "retention.ms", kmsg.IncrementalAlterConfigOpAppend, "1"), protocol.InvalidConfig)
	request := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.ConfigNames = kmsg.ConfigResourceTypeTopic, "t", []string{"cleanup.policy"}
	request.Resources = append(request.Resources, resource)
	configs := ask[*kmsg.DescribeConfigsResponse](w, request, 4).Resources[0].Configs
	if len(configs) != 1 || configs[0].Value == nil || *configs[0].Value != "compact" {
		t.Errorf("cleanup.policy is %+v, want compact", configs)
	}
}

func Test15NoZeroValuesInAnswers(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	fetched := ask[*kmsg.FetchResponse](w, fetchRequest("t", 0, 0), 11).Topics[0].Partitions[0]
	if fetched.PreferredReadReplica != -1 {
		t.Errorf("preferred read replica is %d, want -1", fetched.PreferredReadReplica)
	}
	metadata := ask[*kmsg.MetadataResponse](w, kmsg.NewPtrMetadataRequest(), 1)
	if metadata.ControllerID != 1 || len(metadata.Brokers) != 1 || metadata.Brokers[0].NodeID != 1 {
		t.Errorf("controller %d, brokers %+v, want node 1", metadata.ControllerID, metadata.Brokers)
	}
	unknown := produce(w, "none", batch(t, time.Now().UnixMilli(), row{"k", "v"}))
	if unknown.ErrorCode == 0 || unknown.BaseOffset != -1 || unknown.LogStartOffset != -1 {
		t.Errorf("a refused produce is answered %+v, want offsets -1", unknown)
	}
}

func joinRequest(group, member, protocolType string) *kmsg.JoinGroupRequest {
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.MemberID, request.ProtocolType = group, member, protocolType
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = 10_000, 10_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "range", []byte{0, 0}
	request.Protocols = append(request.Protocols, p)
	return request
}

func Test17MemberIDIsRequiredFromVersion4Only(t *testing.T) {
	_, w := start(t)
	for version := int16(0); version < 4; version++ {
		group := fmt.Sprint("old", version)
		findCoordinator(w, group)
		answer := ask[*kmsg.JoinGroupResponse](w, joinRequest(group, "", "consumer"), version)
		wantCode(t, fmt.Sprint("JoinGroup version ", version), answer.ErrorCode, protocol.None)
		if answer.MemberID == "" || answer.LeaderID != answer.MemberID {
			t.Errorf("version %d: member %q, leader %q", version, answer.MemberID, answer.LeaderID)
		}
	}
	findCoordinator(w, "new")
	answer := ask[*kmsg.JoinGroupResponse](w, joinRequest("new", "", "consumer"), 4)
	wantCode(t, "JoinGroup version 4", answer.ErrorCode, protocol.MemberIDRequired)
	if answer.MemberID == "" {
		t.Error("MEMBER_ID_REQUIRED comes without an id")
	}
}

func Test18ProtocolTypeAndNameAreEchoed(t *testing.T) {
	_, w := start(t)
	findCoordinator(w, "g")
	first := ask[*kmsg.JoinGroupResponse](w, joinRequest("g", "", "consumer"), 7)
	joined := ask[*kmsg.JoinGroupResponse](w, joinRequest("g", first.MemberID, "consumer"), 7)
	if joined.ProtocolType == nil || *joined.ProtocolType != "consumer" || joined.Protocol == nil || *joined.Protocol != "range" {
		t.Errorf("JoinGroup echoes type %v and protocol %v", joined.ProtocolType, joined.Protocol)
	}
	request := kmsg.NewPtrSyncGroupRequest()
	request.Group, request.MemberID, request.Generation = "g", joined.MemberID, joined.Generation
	request.ProtocolType, request.Protocol = joined.ProtocolType, joined.Protocol
	synced := ask[*kmsg.SyncGroupResponse](w, request, 5)
	wantCode(t, "SyncGroup", synced.ErrorCode, protocol.None)
	if synced.ProtocolType == nil || *synced.ProtocolType != "consumer" || synced.Protocol == nil || *synced.Protocol != "range" {
		t.Errorf("SyncGroup echoes type %v and protocol %v", synced.ProtocolType, synced.Protocol)
	}
	request.ProtocolType = nil
	wantCode(t, "SyncGroup without type", ask[*kmsg.SyncGroupResponse](w, request, 5).ErrorCode, protocol.InconsistentGroupProtocol)
}
