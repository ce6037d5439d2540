package main

import "testing"

func TestGoNames(t *testing.T) {
	for in, want := range map[string]string{
		"TopicId": "TopicID", "memberId": "MemberID", "ProducerIds": "ProducerIDs", "InitProducerIdRequest": "InitProducerIDRequest",
		"LeaderIdAndEpoch": "LeaderIDAndEpoch", "Identity": "Identity", "GroupIdle": "GroupIdle", "Ideal": "Ideal", "KeyIdsMore": "KeyIDsMore",
	} {
		if got := goName(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestStructNames(t *testing.T) {
	for _, c := range [][3]string{
		{"FetchResponse", "PartitionData", "FetchResponsePartitionData"},
		{"FetchResponse", "FetchableTopicResponse", "FetchResponseFetchableTopicResponse"},
		{"FetchRequest", "FetchTopic", "FetchRequestTopic"},
		{"OffsetCommitRequest", "OffsetCommitRequestTopic", "OffsetCommitRequestTopic"},
		{"ListOffsetsResponse", "ListOffsetsTopicResponse", "ListOffsetsResponseTopicResponse"},
	} {
		if got := structName(c[0], c[1]); got != c[2] {
			t.Errorf("%s of %s: got %s, want %s", c[1], c[0], got, c[2])
		}
	}
}

func TestFileNames(t *testing.T) {
	for _, c := range []struct{ kind, name, want string }{
		{"request", "ProduceRequest", "produce.go"},
		{"response", "InitProducerIdResponse", "init_producer_id.go"},
		{"coordinator-key", "OffsetCommitKey", "offset_commit_record.go"},
		{"coordinator-value", "OffsetCommitValue", "offset_commit_record.go"},
		{"metadata", "TopicRecord", "topic_record.go"},
		{"data", "KRaftVersionRecord", "k_raft_version_record.go"},
	} {
		if got := fileName(messageSpec{Type: c.kind, Name: c.name}); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
