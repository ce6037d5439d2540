package api_test

// ListGroups, DescribeGroups, DeleteGroups, OffsetDelete and expiry on the wire: what the scripts of package group say of
// the decisions, seen by a client. Names begin with the checklist's ids.

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/skeintest"
)

// joined makes one member of a group Stable, with a consumer's subscription to topics, and returns its id.
func joined(w *wire, group, protocolType string, topics ...string) string {
	w.t.Helper()
	findCoordinator(w, group)
	request := joinRequest(group, "", protocolType)
	subscription := kmsg.NewConsumerMemberMetadata()
	subscription.Topics = topics
	request.Protocols[0].Metadata = subscription.AppendTo(nil)
	join := ask[*kmsg.JoinGroupResponse](w, request, 3)
	wantCode(w.t, "JoinGroup", join.ErrorCode, protocol.None)
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = group, join.Generation, join.MemberID
	assignment := kmsg.NewSyncGroupRequestGroupAssignment()
	assignment.MemberID, assignment.MemberAssignment = join.MemberID, []byte("work")
	sync.GroupAssignment = append(sync.GroupAssignment, assignment)
	wantCode(w.t, "SyncGroup", ask[*kmsg.SyncGroupResponse](w, sync, 3).ErrorCode, protocol.None)
	return join.MemberID
}

func TestA1ListGroupsFilters(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	joined(w, "stable", "consumer", "t")
	joined(w, "worker", "connect")
	findCoordinator(w, "simple")
	wantCode(t, "OffsetCommit", commitOffset(w, "simple", "t", 1, ""), protocol.None)
	loaded(w, func() int16 { // all partitions, for each may have groups
		return ask[*kmsg.ListGroupsResponse](w, kmsg.NewPtrListGroupsRequest(), 2).ErrorCode
	})
	for _, c := range []struct {
		version       int16
		states, types []string
		want          string
	}{
		{2, nil, nil, "[simple() stable(consumer) worker(connect)]"},
		{4, nil, nil, "[simple() Empty stable(consumer) Stable worker(connect) Stable]"},
		{4, []string{" STABLE "}, nil, "[stable(consumer) Stable worker(connect) Stable]"},
		{4, []string{"empty", "Dead"}, nil, "[simple() Empty]"},
		{4, []string{"asleep"}, nil, "[]"},
		{5, nil, []string{"CLASSIC"}, "[simple() Empty classic stable(consumer) Stable classic worker(connect) Stable classic]"},
		{5, []string{"empty"}, []string{" classic"}, "[simple() Empty classic]"},
		{5, nil, []string{"consumer"}, "[]"},
		{5, nil, []string{"nonsense"}, "[]"},
	} {
		request := kmsg.NewPtrListGroupsRequest()
		request.StatesFilter, request.TypesFilter = c.states, c.types
		answer := ask[*kmsg.ListGroupsResponse](w, request, c.version)
		wantCode(t, "ListGroups", answer.ErrorCode, protocol.None)
		groups := []string{}
		for _, g := range answer.Groups {
			text := fmt.Sprintf("%s(%s)", g.Group, g.ProtocolType)
			for _, more := range []string{g.GroupState, g.GroupType} {
				if more != "" {
					text += " " + more
				}
			}
			groups = append(groups, text)
		}
		slices.Sort(groups)
		if got := fmt.Sprint(groups); got != c.want {
			t.Errorf("version %d, states %q, types %q: %s, want %s", c.version, c.states, c.types, got, c.want)
		}
	}
}

func describedGroup(w *wire, group string, version int16) kmsg.DescribeGroupsResponseGroup {
	w.t.Helper()
	request := kmsg.NewPtrDescribeGroupsRequest()
	request.Groups = []string{group}
	return ask[*kmsg.DescribeGroupsResponse](w, request, version).Groups[0]
}

func TestA2A4DescribeGroups(t *testing.T) {
	node, w := start(t)
	id := joined(w, "g", "consumer", "t")
	for _, version := range []int16{0, 4, 6} {
		g := describedGroup(w, "g", version)
		if g.ErrorCode != 0 || g.State != "Stable" || g.ProtocolType != "consumer" || g.Protocol != "range" || len(g.Members) != 1 {
			t.Fatalf("version %d: %+v", version, g)
		}
		m := g.Members[0]
		if m.MemberID != id || m.ClientID != "test" || m.ClientHost != "/127.0.0.1" || len(m.ProtocolMetadata) == 0 || string(m.MemberAssignment) != "work" {
			t.Errorf("version %d: the member is %+v", version, m)
		}
	}
	// Another member comes, and waits for the first: the group rebalances, and no protocol is shown.
	other, join := dial(t, node), joinRequest("g", "", "consumer")
	waiting := other.send(join, 3)
	for describedGroup(w, "g", 6).State == "Stable" {
	}
	g := describedGroup(w, "g", 6)
	if g.State != "PreparingRebalance" || g.Protocol != "" || len(g.Members) != 2 || len(g.Members[0].ProtocolMetadata) != 0 {
		t.Errorf("in a rebalance: %+v", g)
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = "g", id
	wantCode(t, "LeaveGroup", ask[*kmsg.LeaveGroupResponse](w, leave, 2).ErrorCode, protocol.None)
	wantCode(t, "JoinGroup of the other", other.receive(join, waiting).(*kmsg.JoinGroupResponse).ErrorCode, protocol.None)
	findCoordinator(w, "none")
	if g := describedGroup(w, "none", 5); g.ErrorCode != 0 || g.State != "Dead" || len(g.Members) != 0 {
		t.Errorf("version 5, no group: %+v", g)
	}
	g = describedGroup(w, "none", 6)
	wantCode(t, "DescribeGroups version 6, no group", g.ErrorCode, protocol.GroupIDNotFound)
	if g.State != "Dead" || g.ErrorMessage == nil || *g.ErrorMessage == "" {
		t.Errorf("version 6, no group: %+v", g)
	}
}

func TestA5DeleteGroupsWithMembersAndOffsets(t *testing.T) {
	node, w := start(t)
	create(w, "t", 1)
	id := joined(w, "busy", "consumer", "t")
	findCoordinator(w, "idle")
	wantCode(t, "OffsetCommit", commitOffset(w, "idle", "t", 9, ""), protocol.None)
	request := kmsg.NewPtrDeleteGroupsRequest()
	request.Groups = []string{"busy", "idle"}
	for _, a := range ask[*kmsg.DeleteGroupsResponse](w, request, 2).Groups {
		want := protocol.None
		if a.Group == "busy" {
			want = protocol.NonEmptyGroup
		}
		wantCode(t, "DeleteGroups of "+a.Group, a.ErrorCode, want)
	}
	check := func(w *wire) {
		t.Helper()
		if got := fetchedOffset(w, "idle", "t"); got != -1 {
			t.Errorf("the deleted group still has the offset %d", got)
		}
		wantCode(t, "the deleted group", describedGroup(w, "idle", 6).ErrorCode, protocol.GroupIDNotFound)
	}
	check(w)
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group, beat.MemberID, beat.Generation = "busy", id, 1
	wantCode(t, "Heartbeat in the group that was not deleted", ask[*kmsg.HeartbeatResponse](w, beat, 3).ErrorCode, protocol.None)
	// The tombstones are in the log.
	node.Stop()
	node.Open()
	w = dial(t, node)
	findCoordinator(w, "idle")
	check(w)
}

func fetchedOffset(w *wire, group, topic string) int64 {
	w.t.Helper()
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = group
	t := kmsg.NewOffsetFetchRequestTopic()
	t.Topic, t.Partitions = topic, []int32{0}
	request.Topics = append(request.Topics, t)
	answer := ask[*kmsg.OffsetFetchResponse](w, request, 5)
	wantCode(w.t, "OffsetFetch", answer.ErrorCode, protocol.None)
	return answer.Topics[0].Partitions[0].Offset
}

func TestO17OffsetDelete(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	create(w, "u", 1)
	remove := func(group string, topics ...string) *kmsg.OffsetDeleteResponse {
		t.Helper()
		findCoordinator(w, group)
		request := kmsg.NewPtrOffsetDeleteRequest()
		request.Group = group
		for _, name := range topics {
			topic := kmsg.NewOffsetDeleteRequestTopic()
			topic.Topic = name
			topic.Partitions = append(topic.Partitions, kmsg.NewOffsetDeleteRequestTopicPartition())
			request.Topics = append(request.Topics, topic)
		}
		return ask[*kmsg.OffsetDeleteResponse](w, request, 0)
	}
	wantCode(t, "no group", remove("none", "t").ErrorCode, protocol.GroupIDNotFound)
	findCoordinator(w, "g")
	wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 5, ""), protocol.None)
	wantCode(t, "OffsetCommit", commitOffset(w, "g", "u", 6, ""), protocol.None)
	joined(w, "g", "consumer", "t")
	answer := remove("g", "t", "u", "missing")
	wantCode(t, "OffsetDelete", answer.ErrorCode, protocol.None)
	for i, want := range []protocol.Code{protocol.GroupSubscribedToTopic, protocol.None, protocol.UnknownTopicOrPartition} {
		wantCode(t, answer.Topics[i].Topic, answer.Topics[i].Partitions[0].ErrorCode, want)
	}
	if kept, gone := fetchedOffset(w, "g", "t"), fetchedOffset(w, "g", "u"); kept != 5 || gone != -1 {
		t.Errorf("the offset in use is %d and the other %d, want 5 and -1", kept, gone)
	}
	joined(w, "worker", "connect")
	wantCode(t, "a group that is no consumer's, with members", remove("worker", "t").ErrorCode, protocol.NonEmptyGroup)
}

// TestO19O20OffsetsExpireWhenForeseen: what DescribeGroupLag says of the expiry is what happens.
func TestO19O20OffsetsExpireWhenForeseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, _ := start(t, skeintest.Set("offsets.retention.minutes", "60"), skeintest.Set("offsets.retention.check.interval.ms", "600000"))
		w := dialOwn(t, node)
		create(w, "t", 1)
		findCoordinator(w, "g")
		wantCode(t, "OffsetCommit", commitOffset(w, "g", "t", 5, ""), protocol.None)
		foreseen := lagOf(w, "g").ExpiryTimestampMs
		if want := time.Now().Add(time.Hour).UnixMilli(); foreseen != want {
			t.Fatalf("the offset expires at %d, want %d", foreseen, want)
		}
		time.Sleep(time.Until(time.UnixMilli(foreseen)) - time.Second)
		synctest.Wait()
		w = dial(t, node) // the other was idle for too long
		if got := fetchedOffset(w, "g", "t"); got != 5 {
			t.Errorf("a second before it expires the offset is %d, want 5", got)
		}
		time.Sleep(11 * time.Minute) // there was a cleanup in between: they come each ten minutes, and not at the moment of the commit
		synctest.Wait()
		w = dial(t, node)
		if got := fetchedOffset(w, "g", "t"); got != -1 {
			t.Errorf("after the cleanup the offset is %d, want none", got)
		}
		wantCode(t, "the group that has nothing left", describedGroup(w, "g", 6).ErrorCode, protocol.GroupIDNotFound)
	})
}
