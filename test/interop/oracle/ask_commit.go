package main

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func commit(group, member string, generation int32, topic string, id [16]byte, partition int32, offset int64) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = group, member, generation
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, id
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = partition, offset, 0, kmsg.StringPtr("some metadata")
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// probeCommit commits, fetches and deletes offsets.
func probeCommit(s *session) {
	s.warm()
	s.topic("commit-a", 2, nil)
	id := s.topicID("commit-a")
	each(2, 10, func(v int16) { s.commits(v, id) })
	each(1, 10, func(v int16) { s.offsetFetches(v, id) })
	s.offsetDeletes()
}

func (s *session) commits(v int16, id [16]byte) {
	group := fmt.Sprintf("commit-%d", v)
	member, generation := s.joined(group)
	unknown := [16]byte{3, 3}
	for _, c := range []struct {
		name string
		req  *kmsg.OffsetCommitRequest
	}{
		{"as a member", commit(group, member, generation, "commit-a", id, 0, 5)},
		{"with a wrong generation", commit(group, member, generation+1, "commit-a", id, 0, 6)},
		{"as a stranger", commit(group, "stranger", generation, "commit-a", id, 0, 6)},
		{"without a member while there are members", commit(group, "", -1, "commit-a", id, 0, 6)},
		{"as a simple group", commit(group+"-simple", "", -1, "commit-a", id, 0, 7)},
		{"as a stranger of an unknown group", commit(group+"-unknown", "stranger", 3, "commit-a", id, 0, 7)},
		{"with an empty group id", commit("", "", -1, "commit-a", id, 0, 8)},
		{"of an unknown topic", commit(group, member, generation, "commit-unknown", unknown, 0, 5)},
		{"of an unknown partition", commit(group, member, generation, "commit-a", id, 9, 5)},
		{"of a negative offset", commit(group, member, generation, "commit-a", id, 1, -1)},
	} {
		s.ask(c.name, v, c.req)
	}
	long := commit(group, member, generation, "commit-a", id, 1, 5)
	long.Topics[0].Partitions[0].Metadata = kmsg.StringPtr(strings.Repeat("m", 5000))
	s.ask("with long metadata", v, long)
	null := commit(group, member, generation, "commit-a", id, 1, 5)
	null.Topics[0].Partitions[0].Metadata = nil
	s.ask("with null metadata", v, null)
	if v >= 7 {
		named := commit(group, member, generation, "commit-a", id, 0, 5)
		named.InstanceID = kmsg.StringPtr("unknown")
		s.ask("with an unknown instance", v, named)
	}
}

func (s *session) offsetFetches(v int16, id [16]byte) {
	for _, c := range []struct {
		name, group, topic string
		all                bool
	}{
		{"of a group", "commit-5", "commit-a", false}, {"of a simple group", "commit-5-simple", "commit-a", false},
		{"of an unknown group", "commit-nobody", "commit-a", false}, {"of the empty group id", "", "commit-a", false},
		{"of an unknown topic", "commit-5", "commit-unknown", false}, {"of everything", "commit-5", "", true},
		{"of everything of an unknown group", "commit-nobody", "", true},
	} {
		if c.all && v < 2 {
			continue
		}
		s.ask("fetch "+c.name, v, offsetFetch(v, c.group, c.topic, topicIDFor(c.topic, id), c.all))
	}
	if v >= 7 {
		req := offsetFetch(v, "commit-5", "commit-a", id, false)
		req.RequireStable = true
		s.ask("fetch stable", v, req)
	}
}

func topicIDFor(topic string, id [16]byte) [16]byte {
	if topic == "commit-a" {
		return id
	}
	return [16]byte{5, 5}
}

func offsetFetch(v int16, group, topic string, id [16]byte, all bool) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	if v < 8 {
		if !all {
			t := kmsg.NewOffsetFetchRequestTopic()
			t.Topic, t.Partitions = topic, []int32{0, 1, 9}
			req.Topics = append(req.Topics, t)
		}
		return req
	}
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group, g.MemberEpoch = group, -1
	if !all {
		t := kmsg.NewOffsetFetchRequestGroupTopic()
		t.Topic, t.TopicID, t.Partitions = topic, id, []int32{0, 1, 9}
		g.Topics = append(g.Topics, t)
	}
	req.Groups = append(req.Groups, g)
	return req
}

func (s *session) offsetDeletes() {
	ask := func(name, group, topic string, partition int32) {
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = group
		t := kmsg.NewOffsetDeleteRequestTopic()
		t.Topic = topic
		p := kmsg.NewOffsetDeleteRequestTopicPartition()
		p.Partition = partition
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		s.ask("delete offsets "+name, 0, req)
	}
	ask("of a simple group", "commit-5-simple", "commit-a", 0)
	ask("again", "commit-5-simple", "commit-a", 0)
	ask("of a group with members", "commit-9", "commit-a", 0)
	ask("of an unknown group", "commit-nobody", "commit-a", 0)
	ask("of the empty group id", "", "commit-a", 0)
	ask("of an unknown topic", "commit-6-simple", "commit-unknown", 0)
	ask("of an unknown partition", "commit-6-simple", "commit-a", 9)
	s.ask("fetch after deletion", 5, offsetFetch(5, "commit-5-simple", "commit-a", [16]byte{}, false))
}

// probeGroups lists, describes and deletes groups.
func probeGroups(s *session) {
	s.warm()
	s.topic("groups-a", 1, nil)
	id := s.topicID("groups-a")
	s.joined("groups-member")
	s.quiet(5, commit("groups-simple", "", -1, "groups-a", id, 0, 1))
	each(0, 5, func(v int16) { s.lists(v) })
	each(0, 6, func(v int16) {
		for _, group := range []string{"groups-member", "groups-simple", "groups-unknown", ""} {
			req := kmsg.NewPtrDescribeGroupsRequest()
			req.Groups, req.IncludeAuthorizedOperations = []string{group}, v >= 3
			s.ask(fmt.Sprintf("describe %q", group), v, req)
		}
	})
	each(0, 2, func(v int16) {
		name := fmt.Sprintf("groups-delete-%d", v)
		s.quiet(5, commit(name, "", -1, "groups-a", id, 0, 1))
		for _, group := range []string{name, "groups-member", "groups-unknown", ""} {
			req := kmsg.NewPtrDeleteGroupsRequest()
			req.Groups = []string{group, group}
			s.ask(fmt.Sprintf("delete %q", group), v, req)
		}
	})
}

// lists keeps only the groups of this probe: others come and go.
func (s *session) lists(v int16) {
	ask := func(name string, states, types []string) {
		req := kmsg.NewPtrListGroupsRequest()
		req.StatesFilter, req.TypesFilter = states, types
		resp, _ := s.quiet(v, req).(*kmsg.ListGroupsResponse)
		if resp == nil {
			return
		}
		found := map[string]any{}
		for _, g := range resp.Groups {
			if g.Group == "groups-member" || g.Group == "groups-simple" {
				found[g.Group] = []any{g.ProtocolType, g.GroupState, g.GroupType}
			}
		}
		s.say(fmt.Sprintf("list %s/v%d", name, v), fmt.Sprintf(`{"error":%d,"groups":%s}`, resp.ErrorCode, text(found)))
	}
	ask("all", nil, nil)
	if v >= 4 {
		ask("stable", []string{"sTaBlE "}, nil)
		ask("empty or dead", []string{"Empty", "Dead"}, nil)
		ask("no such state", []string{"Nowhere"}, nil)
	}
	if v >= 5 {
		ask("classic", nil, []string{"Classic"})
		ask("consumer", nil, []string{"consumer"})
		ask("no such type", nil, []string{"nothing"})
	}
}
