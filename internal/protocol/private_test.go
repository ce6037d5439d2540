package protocol

import (
	"reflect"
	"testing"
)

// skein's own APIs have no oracle: what is written must be read back, and every cut of it refused.
func TestPrivateMessagesRoundTrip(t *testing.T) {
	id, message := "app", "why"
	for _, m := range []Message{
		&DescribeClientErrorsRequest{},
		&DescribeClientErrorsRequest{ClientID: &id},
		&DescribeClientErrorsResponse{ErrorCode: InvalidRequest, ErrorMessage: &message, Clients: []DescribeClientErrorsResponseClient{
			{ClientID: "app", Errors: []DescribeClientErrorsResponseAnsweredError{
				{TimestampMs: 1, ApiKey: 9, ApiVersion: 8, AnsweredErrorCode: NotCoordinator, Reason: "it moved", Times: 3}}}}},
		&DescribeFlightRecorderRequest{Partition: 7},
		&DescribeFlightRecorderResponse{NodeID: 1, Settings: []DescribeFlightRecorderResponseSetting{{Name: "a", Value: "b"}},
			OmittedBytes: 5, Events: []byte("{}\n")},
		&DescribeGroupDiaryRequest{GroupID: "g", IncludeOffsets: true},
		&DescribeGroupDiaryResponse{ErrorCode: GroupIDNotFound, ErrorMessage: &message, NowMs: 1, State: "Stable", Generation: 2, Members: 3,
			Entries: [][]byte{{0, 1}, {2}}, Since: []byte{3}, WaitedFor: []DescribeGroupDiaryResponseWaited{{MemberID: "m", InstanceID: "i", ClientID: "c",
				ClientHost: "/h", Sync: true, SinceMs: 4}}, WaitedForOmitted: 1, LastSyncer: "m", LastSyncMs: 5,
			Offsets: []DescribeGroupDiaryResponseTopicOffsets{{Topic: "t", Partitions: []DescribeGroupDiaryResponsePartitionOffset{{1, 2, 3, 4}}}}},
		&GroupDiaryKey{Group: "g", Slot: 63},
		&GroupDiaryValue{Number: 1, Generation: 2, Members: 3, Leader: "m", Protocol: "range", StartedMs: 4, FormedMs: 5, EndedMs: 6, JoinPhases: 7,
			Initial: true, LastJoiner: "n", LastJoinMs: 8, Cause: &GroupDiaryValueHappening{TimestampMs: 9, Kind: 1, MemberID: "m", InstanceID: "i", ClientID: "c",
				ClientHost: "/h", Detail: "d", Reason: "r", Times: 2, Generation: 5}, Happenings: []GroupDiaryValueHappening{{Kind: 3}}, HappeningsOmitted: 4,
			Waits:              []GroupDiaryValueWait{{MemberID: "m", ClientID: "c", ClientHost: "/h", Sync: true, Came: true, WaitMs: 5}},
			PartitionsAssigned: 6, PartitionsMoved: 5, PartitionsNew: 4, PartitionsFreed: 3, Moves: []GroupDiaryValueMove{{"m", "c", 1, 2}}, MovesOmitted: 1,
			ExpiredOffsets: []GroupDiaryValueExpiredOffset{{TimestampMs: 1, Topic: "t", Partitions: 2, RetentionMs: 3, Asked: true}}, ExpiredOffsetsOmitted: 4},
		&DescribeGroupLagRequest{GroupID: &id, Times: true, Topics: []DescribeGroupLagRequestTopic{}},
		&DescribeGroupLagRequest{Topics: []DescribeGroupLagRequestTopic{{Name: "t", Partitions: []DescribeGroupLagRequestPartition{
			{PartitionIndex: 3, TopicID: UUID{1}, CommittedOffset: 7}}}}},
		&DescribeGroupLagResponse{NodeID: 1, State: "Stable", ProtocolType: "consumer", CommitsReadAtMs: 9, Topics: []DescribeGroupLagResponseTopic{
			{Name: "t", Partitions: []DescribeGroupLagResponsePartition{{PartitionIndex: 3, TopicID: UUID{1}, CommittedOffset: 7, CommittedLeaderEpoch: 2,
				Metadata: "m", CommitTimestampMs: 5, ExpiryTimestampMs: 6, MemberID: &id, ErrorCode: NotLeaderOrFollower, ErrorMessage: &message,
				LeaderID: 2, LeaderEpoch: 4, EndsReadAtMs: 10, LogStartOffset: 1, LastStableOffset: 8, HighWatermark: 9, LogEndOffset: 10,
				NextTimestampMs: 3, LastTimestampMs: 4, Lag: 2, LagMs: 7, Lost: 1, Beyond: 1}}}}},
		&DescribeNodeRequest{},
		&DescribeNodeResponse{ErrorCode: InvalidRequest, ErrorMessage: &message, NodeID: 1, NowMs: 2, MonotonicUs: 3, Goroutines: 4, MemoryBytes: 5,
			Listeners: []DescribeNodeResponseListener{{"PLAINTEXT", 6}}, ConnectionsAccepted: 7, ConnectionsRefused: 8, ConnectionsFailed: 9, RequestsTotal: 10,
			RequestBytes: 11, ResponseBytes: 12, BytesInFlight: 13, BytesInFlightMax: 14, ConnectionsPaused: 15,
			Requests: []DescribeNodeResponseApiRequests{{1, 2, 3, 4, 5}}, WaitsCommitted: 16, WaitsDurable: 17, WaitsRecords: 18, WaitsLogEnd: 19,
			SyncRounds: 20, SyncBusyUs: 21, SyncFiles: 22, SyncLastUs: 23, SyncRunningUs: 24, DirtyLogs: 25, LogDirError: &message, PartitionsLed: 26,
			PartitionsFollowed: 27, PartitionsIdle: 28, PartitionsUnderReplicated: 29, PartitionsUnderMinIsr: 30,
			Fetchers:          []DescribeNodeResponseFetcher{{LeaderID: 2, Partitions: 3, PartitionsPaused: 1, InFlight: true, Failures: 4, Lag: 5, LagMax: 6}},
			CoordinatorActive: 31, CoordinatorLoading: 32, CoordinatorQueue: 33, Groups: []DescribeNodeResponseGroupState{{"Stable", 2}}, GroupsUnknown: &message,
			ControllerID: 34, ControllerEpoch: 35, MetadataCommitted: 36, MetadataLogEnd: 37, ControllerQueue: 38, QuorumQueue: 39, BrokerState: "unfenced", BrokerEpoch: 40},
		&DescribeReplicasRequest{Topics: []DescribeReplicasRequestTopic{{TopicID: UUID{1}, Partitions: []int32{0, 5}}}},
		&DescribeReplicasResponse{ErrorCode: InvalidRequest, ErrorMessage: &message, NodeID: 1, NowMs: 2,
			Brokers: []DescribeReplicasResponseBroker{{BrokerID: 1, BrokerEpoch: 7, State: "unfenced", SinceMs: 3}},
			Topics: []DescribeReplicasResponseTopic{{TopicID: UUID{1}, Partitions: []DescribeReplicasResponsePartition{{PartitionIndex: 5, ErrorCode: KafkaStorageError,
				ErrorMessage: &message, LeaderID: 1, LeaderEpoch: 4, LogStartOffset: 1, LogEndOffset: 9, DurableEndOffset: 8, HighWatermark: 7,
				Replicas: []DescribeReplicasResponseReplica{{NodeID: 2, InSync: true, Standing: "in", SinceMs: 6, LogEndOffset: 8, DurableEndOffset: 7}}}}}}},
		&QuorumMessagesRequest{ClusterID: "c", FromNodeID: 1, FromAddress: "a:1", ToNodeID: 2, Messages: []QuorumMessagesRequestMessage{{Data: []byte("m")}}},
		&QuorumMessagesResponse{ErrorCode: UnknownControllerID, ErrorMessage: &message},
		&JoinQuorumRequest{NodeID: -1},
		&JoinQuorumRequest{ClusterID: &id, NodeID: 2, DirectoryID: UUID{1}, Address: "a:1"},
		&JoinQuorumResponse{ErrorCode: NotController, ErrorMessage: &message, ClusterID: "c", LeaderID: 1,
			Members: []JoinQuorumResponseMember{{NodeID: 1, DirectoryID: UUID{1}, Address: "a:1", Voter: true}, {NodeID: 2, Address: "b:1"}}},
	} {
		b := AppendMessage(nil, m, 0)
		back := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
		if err := back.Decode(NewReader(b, Limits{}), 0); err != nil || !reflect.DeepEqual(m, back) {
			t.Errorf("%+v came back as %+v (%v)", m, back, err)
		}
		for n := range len(b) {
			if err := back.Decode(NewReader(b[:n], Limits{}), 0); err == nil {
				t.Errorf("%T: %d of %d bytes were taken", m, n, len(b))
			}
		}
	}
}

func TestPrivateRegistryAndMessagesAgree(t *testing.T) {
	for i := range privateAPIs {
		key := PrivateKeys + Key(i)
		request, response := NewRequest(key), NewResponse(key)
		if request == nil || response == nil || request.Key() != key || response.Key() != key {
			t.Errorf("%s: %T and %T", key, request, response)
		}
	}
	if KeyDescribeClientErrors.String() != "DescribeClientErrors" || NewRequest(PrivateKeys+Key(len(privateAPIs))) != nil {
		t.Error("names", KeyDescribeClientErrors)
	}
}
