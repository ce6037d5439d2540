package wire

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// APIVersions asks for the table of APIs, the first request of most clients.
func (c *Conn) APIVersions() error { return c.APIVersionsAs("bench", "1") }

// APIVersionsAs asks for it under a client software's name and version.
func (c *Conn) APIVersionsAs(software, version string) error {
	request := kmsg.NewPtrApiVersionsRequest()
	request.SetVersion(3)
	request.ClientSoftwareName, request.ClientSoftwareVersion = software, version
	r, err := c.RoundTrip(request)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(r.(*kmsg.ApiVersionsResponse).ErrorCode)
}

// FindCoordinator returns nil when the group's coordinator is up. Both kinds
// of broker create __consumer_offsets at the first call.
func (c *Conn) FindCoordinator(group string) error {
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.SetVersion(4)
	request.CoordinatorKeys = []string{group}
	r, err := c.RoundTrip(request)
	if err != nil {
		return err
	}
	for _, coordinator := range r.(*kmsg.FindCoordinatorResponse).Coordinators {
		if err := kerr.ErrorForCode(coordinator.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

// DescribeGroup returns the group's state and number of members.
func (c *Conn) DescribeGroup(group string) (state string, members int, err error) {
	request := kmsg.NewPtrDescribeGroupsRequest()
	request.SetVersion(5)
	request.Groups = []string{group}
	r, err := c.RoundTrip(request)
	if err != nil {
		return "", 0, err
	}
	groups := r.(*kmsg.DescribeGroupsResponse).Groups
	if len(groups) != 1 {
		return "", 0, fmt.Errorf("%d groups in the answer for one", len(groups))
	}
	return groups[0].State, len(groups[0].Members), kerr.ErrorForCode(groups[0].ErrorCode)
}

// EndOffsets is the sum of the end offsets of partitions 0 to n-1.
func (c *Conn) EndOffsets(topic string, n int32) (int64, error) {
	one := kmsg.NewListOffsetsRequestTopic()
	one.Topic = topic
	for p := range n {
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Partition, partition.Timestamp, partition.CurrentLeaderEpoch = p, -1, -1
		one.Partitions = append(one.Partitions, partition)
	}
	request := kmsg.NewPtrListOffsetsRequest()
	request.SetVersion(6)
	request.ReplicaID = -1
	request.Topics = append(request.Topics, one)
	r, err := c.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, topic := range r.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range topic.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return 0, fmt.Errorf("end of %s-%d: %w", topic.Topic, p.Partition, err)
			}
			sum += p.Offset
		}
	}
	return sum, nil
}

// CommittedOffsets returns what groups have committed, partition by partition
// of the topic, in the order of the groups. It is an error if one of them
// cannot be answered yet.
func (c *Conn) CommittedOffsets(topic string, groups []string) ([][]int64, error) {
	request := kmsg.NewPtrOffsetFetchRequest()
	request.SetVersion(8)
	for _, group := range groups {
		one := kmsg.NewOffsetFetchRequestGroup()
		one.Group = group // without topics: all that it has
		request.Groups = append(request.Groups, one)
	}
	r, err := c.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	byGroup := map[string][]int64{}
	for _, group := range r.(*kmsg.OffsetFetchResponse).Groups {
		if err := kerr.ErrorForCode(group.ErrorCode); err != nil {
			return nil, fmt.Errorf("offsets of %s: %w", group.Group, err)
		}
		for _, t := range group.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return nil, fmt.Errorf("offset of %s for %s-%d: %w", group.Group, t.Topic, p.Partition, err)
				}
				if t.Topic != topic {
					return nil, fmt.Errorf("group %s has an offset for %s-%d", group.Group, t.Topic, p.Partition)
				}
				byGroup[group.Group] = append(byGroup[group.Group], p.Offset)
			}
		}
	}
	offsets := make([][]int64, len(groups))
	for i, group := range groups {
		offsets[i] = byGroup[group]
	}
	return offsets, nil
}
