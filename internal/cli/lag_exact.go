package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/internal/protocol"
)

// lags finds how far groups are behind: exactly where the broker can tell, else with Kafka's own requests. times asks for
// what needs the brokers to read files.
func (n *connection) lags(c *cobra.Command, names []string, times bool) ([]groupLag, error) {
	lags := []groupLag{}
	plain, err := n.exactLags(c, names, times, &lags)
	if err != nil || len(plain) == 0 {
		return lags, err
	}
	err = n.admin(c, func(ctx context.Context, admin *kadm.Client) error {
		for _, name := range plain {
			g, err := publicLag(ctx, admin, name)
			if err != nil {
				return err
			}
			lags = append(lags, g)
		}
		return nil
	})
	return lags, err
}

// exactLags asks each group's coordinator. It stops at the first that has no exact answer and returns the groups that are
// left: a cluster is of one kind, but for the time in which it is upgraded.
func (n *connection) exactLags(c *cobra.Command, names []string, times bool, lags *[]groupLag) (plain []string, err error) {
	first, err := n.reach(c.Context(), c)
	if err != nil {
		return nil, err
	}
	b := n.brokers(c.Context(), first)
	defer b.close()
	for i, name := range names {
		answer, err := b.describeLag(name, times)
		switch {
		case errors.Is(err, errNotOffered):
			return names[i:], nil
		case err != nil:
			return nil, err
		}
		g := groupLag{Group: name, State: answer.State, ProtocolType: answer.ProtocolType, Exact: true,
			CommitsReadAt: timeOf(answer.CommitsReadAtMs), Partitions: []partitionLag{}}
		for i := range answer.Topics {
			t := &answer.Topics[i]
			for j := range t.Partitions {
				g.Partitions = append(g.Partitions, partitionLagOf(t.Name, &t.Partitions[j]))
			}
		}
		g.sum()
		*lags = append(*lags, g)
	}
	return nil, nil
}

// errNotOffered is the error where a broker does not know a private API.
var errNotOffered = errors.New("the broker does not know this request; is it skein, and as new as this program?")

// leaderRounds is how often leaders are asked: a partition may move while it is asked about.
const leaderRounds = 4

// describeLag asks a group's coordinator for the commits, and then for the ends the leaders that it does not lead itself.
func (b *brokers) describeLag(name string, times bool) (*protocol.DescribeGroupLagResponse, error) {
	request, response := protocol.NewDescribeGroupLagRequest(), protocol.NewDescribeGroupLagResponse()
	request.GroupID, request.Times, request.Topics = &name, times, []protocol.DescribeGroupLagRequestTopic{}
	_, err := b.askCoordinator(name, request, response, func() (protocol.Code, *string) { return response.ErrorCode, response.ErrorMessage })
	if err != nil {
		return nil, err
	}
	for range leaderRounds {
		elsewhere := endsElsewhere(response)
		if len(elsewhere) == 0 {
			break
		}
		for _, leader := range sortedKeys(elsewhere) {
			if err := b.askLeader(leader, elsewhere[leader], times, response); err != nil {
				return nil, err
			}
		}
	}
	return response, nil
}

// askLeader completes an answer with what one leader says of its partitions.
func (b *brokers) askLeader(leader int32, topics []protocol.DescribeGroupLagRequestTopic, times bool, into *protocol.DescribeGroupLagResponse) error {
	w, err := b.at(leader)
	if err != nil {
		return err
	}
	if _, offered := w.offered[protocol.KeyDescribeGroupLag]; !offered {
		return errNotOffered
	}
	request, response := protocol.NewDescribeGroupLagRequest(), protocol.NewDescribeGroupLagResponse()
	request.Times, request.Topics = times, topics
	if err := w.ask(request, response); err != nil {
		return err
	}
	if response.ErrorCode != protocol.None {
		return refusal("lag at broker "+number(leader), response.ErrorCode, response.ErrorMessage)
	}
	mergeEnds(into, response)
	return nil
}

// endsElsewhere is what the leaders have to be asked: the partitions whose ends the coordinator does not know, by leader.
func endsElsewhere(response *protocol.DescribeGroupLagResponse) map[int32][]protocol.DescribeGroupLagRequestTopic {
	elsewhere := map[int32][]protocol.DescribeGroupLagRequestTopic{}
	for i := range response.Topics {
		t := &response.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if p.ErrorCode != protocol.NotLeaderOrFollower || p.LeaderID < 0 {
				continue
			}
			topics := elsewhere[p.LeaderID]
			if n := len(topics); n == 0 || topics[n-1].Name != t.Name {
				topics = append(topics, protocol.DescribeGroupLagRequestTopic{Name: t.Name})
			}
			last := &topics[len(topics)-1]
			last.Partitions = append(last.Partitions, protocol.DescribeGroupLagRequestPartition{
				PartitionIndex: p.PartitionIndex, TopicID: p.TopicID, CommittedOffset: p.CommittedOffset})
			elsewhere[p.LeaderID] = topics
		}
	}
	return elsewhere
}

// mergeEnds takes from a leader's answer all but what the coordinator said of the commit.
func mergeEnds(into, from *protocol.DescribeGroupLagResponse) {
	type place struct {
		topic     string
		partition int32
	}
	told := map[place]*protocol.DescribeGroupLagResponsePartition{}
	for i := range from.Topics {
		for j := range from.Topics[i].Partitions {
			p := &from.Topics[i].Partitions[j]
			told[place{from.Topics[i].Name, p.PartitionIndex}] = p
		}
	}
	for i := range into.Topics {
		for j := range into.Topics[i].Partitions {
			p := &into.Topics[i].Partitions[j]
			ends := told[place{into.Topics[i].Name, p.PartitionIndex}]
			if ends == nil {
				continue
			}
			commit := *p
			*p = *ends
			p.TopicID, p.CommittedOffset, p.CommittedLeaderEpoch, p.Metadata = commit.TopicID, commit.CommittedOffset, commit.CommittedLeaderEpoch, commit.Metadata
			p.CommitTimestampMs, p.ExpiryTimestampMs, p.MemberID = commit.CommitTimestampMs, commit.ExpiryTimestampMs, commit.MemberID
		}
	}
}
