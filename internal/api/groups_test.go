package api_test

// The lines of the coordinator's checklist that the API layer answers for. Names begin with the checklist's ids.

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/skeintest"
)

func TestF2CoordinatorWithoutItsTopic(t *testing.T) {
	_, w := start(t, skeintest.Set("offsets.topic.replication.factor", "3"))
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKey = "g"
	answer := ask[*kmsg.FindCoordinatorResponse](w, request, 2)
	wantCode(t, "FindCoordinator with a replication factor that cannot be had", answer.ErrorCode, protocol.CoordinatorNotAvailable)
	if answer.NodeID != -1 || answer.Host != "" || answer.ErrorMessage == nil || *answer.ErrorMessage == "" {
		t.Errorf("the answer is %+v, want node -1 and the reason", answer)
	}
}

func TestF3OneErrorForEachKey(t *testing.T) {
	_, w := start(t)
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKeys = []string{"a", "b"}
	answers := ask[*kmsg.FindCoordinatorResponse](w, request, 4).Coordinators
	if len(answers) != 2 || answers[0].Key != "a" || answers[1].Key != "b" {
		t.Fatalf("answers are %+v, want one for each key", answers)
	}
	for _, a := range answers {
		wantCode(t, "FindCoordinator of "+a.Key, a.ErrorCode, protocol.None)
	}
	request.CoordinatorType = 1
	for _, a := range ask[*kmsg.FindCoordinatorResponse](w, request, 4).Coordinators {
		wantCode(t, "FindCoordinator of a transactional id", a.ErrorCode, protocol.TransactionalIDAuthorizationFailed)
	}
	request.CoordinatorType = 2
	for _, a := range ask[*kmsg.FindCoordinatorResponse](w, request, 5).Coordinators {
		wantCode(t, "FindCoordinator of a share group below version 6", a.ErrorCode, protocol.InvalidRequest)
	}
}

func TestJ21ProtocolNameOfARefusedJoin(t *testing.T) {
	_, w := start(t)
	findCoordinator(w, "g")
	for version, null := range map[int16]bool{6: false, 7: true} {
		answer := ask[*kmsg.JoinGroupResponse](w, joinRequest("g", "nobody", "consumer"), version)
		wantCode(t, "JoinGroup of an unknown member", answer.ErrorCode, protocol.UnknownMemberID)
		if (answer.Protocol == nil) != null {
			t.Errorf("version %d: protocol name %v, want null: %v", version, answer.Protocol, null)
		}
	}
}

func TestL2LeaveOfUnknownMembers(t *testing.T) {
	_, w := start(t)
	findCoordinator(w, "g")
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group, request.MemberID = "g", "nobody"
	wantCode(t, "LeaveGroup version 2", ask[*kmsg.LeaveGroupResponse](w, request, 2).ErrorCode, protocol.UnknownMemberID)
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = "nobody"
	request.Members = append(request.Members, member, member)
	answer := ask[*kmsg.LeaveGroupResponse](w, request, 3)
	wantCode(t, "LeaveGroup version 3", answer.ErrorCode, protocol.None)
	if len(answer.Members) != 2 {
		t.Fatalf("%d members answered, want 2", len(answer.Members))
	}
	for _, m := range answer.Members {
		wantCode(t, "a member that leaves", m.ErrorCode, protocol.UnknownMemberID)
	}
}

func TestO5CommitsOfMissingPartitions(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	findCoordinator(w, "g")
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.Generation = "g", -1
	for _, name := range []string{"t", "none"} {
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic = name
		for _, index := range []int32{0, 7} {
			p := kmsg.NewOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset = index, 5
			topic.Partitions = append(topic.Partitions, p)
		}
		request.Topics = append(request.Topics, topic)
	}
	answers := ask[*kmsg.OffsetCommitResponse](w, request, 7).Topics
	for i, want := range []protocol.Code{protocol.None, protocol.UnknownTopicOrPartition, protocol.UnknownTopicOrPartition, protocol.UnknownTopicOrPartition} {
		p := answers[i/2].Partitions[i%2]
		wantCode(t, answers[i/2].Topic, p.ErrorCode, want)
	}
	byID := kmsg.NewPtrOffsetCommitRequest()
	byID.Group, byID.Generation = "g", -1
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.TopicID = [16]byte{1, 2, 3}
	topic.Partitions = append(topic.Partitions, kmsg.NewOffsetCommitRequestTopicPartition())
	byID.Topics = append(byID.Topics, topic)
	answer := ask[*kmsg.OffsetCommitResponse](w, byID, 10).Topics[0]
	wantCode(t, "an unknown topic id", answer.Partitions[0].ErrorCode, protocol.UnknownTopicID)
}

func TestO14ManyGroups(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	findCoordinator(w, "g")
	findCoordinator(w, "nobody")
	wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 9, ""), protocol.None)
	request := kmsg.NewPtrOffsetFetchRequest()
	for _, id := range []string{"g", "nobody"} {
		group := kmsg.NewOffsetFetchRequestGroup()
		group.Group = id
		topic := kmsg.NewOffsetFetchRequestGroupTopic()
		topic.Topic, topic.Partitions = "t", []int32{0}
		group.Topics = append(group.Topics, topic)
		request.Groups = append(request.Groups, group)
	}
	answers := ask[*kmsg.OffsetFetchResponse](w, request, 8).Groups
	for i, want := range []int64{9, -1} {
		wantCode(t, answers[i].Group, answers[i].ErrorCode, protocol.None)
		if got := answers[i].Topics[0].Partitions[0].Offset; got != want {
			t.Errorf("group %s has offset %d, want %d", answers[i].Group, got, want)
		}
	}
	all := kmsg.NewPtrOffsetFetchRequest()
	all.Group, all.Topics = "g", nil
	if topics := ask[*kmsg.OffsetFetchResponse](w, all, 7).Topics; len(topics) != 1 || topics[0].Partitions[0].Offset != 9 {
		t.Errorf("all offsets of the group are %+v", topics)
	}
}

func TestA3RightsOnRequest(t *testing.T) {
	_, w := start(t)
	findCoordinator(w, "g")
	request := kmsg.NewPtrDescribeGroupsRequest()
	request.Groups = []string{"g"}
	if got := ask[*kmsg.DescribeGroupsResponse](w, request, 5).Groups[0].AuthorizedOperations; got != -1<<31 {
		t.Errorf("rights that were not asked for are %d, want %d", got, -1<<31)
	}
	request.IncludeAuthorizedOperations = true
	answer := ask[*kmsg.DescribeGroupsResponse](w, request, 5).Groups[0]
	if answer.AuthorizedOperations <= 0 || answer.State != "Dead" {
		t.Errorf("rights are %d and state %q, want some and Dead", answer.AuthorizedOperations, answer.State)
	}
	wantCode(t, "DescribeGroups version 5 of an unknown group", answer.ErrorCode, protocol.None)
	wantCode(t, "version 6", ask[*kmsg.DescribeGroupsResponse](w, request, 6).Groups[0].ErrorCode, protocol.GroupIDNotFound)
}

func TestA5DeleteGroups(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	findCoordinator(w, "g")
	findCoordinator(w, "nobody")
	wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 9, ""), protocol.None)
	request := kmsg.NewPtrDeleteGroupsRequest()
	request.Groups = []string{"nobody", "g", "g"}
	answers := ask[*kmsg.DeleteGroupsResponse](w, request, 2).Groups
	if len(answers) != 2 {
		t.Fatalf("%d answers, want each group once", len(answers))
	}
	for _, a := range answers {
		want := protocol.None
		if a.Group == "nobody" {
			want = protocol.GroupIDNotFound
		}
		wantCode(t, "DeleteGroups of "+a.Group, a.ErrorCode, want)
	}
}
