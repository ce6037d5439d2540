package skeintest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// TestJoinWhileTheLogRefuses: the first member of a group is told that the coordinator cannot write, where too few replicas of
// __consumer_offsets are in sync. An id that nobody knows when the member comes with it would have the client ask for ids for ever.
func TestJoinWhileTheLogRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("offsets.topic.num.partitions", "1"))
		c := clusterClient(t, node)
		defer c.Close()
		admin := kadm.NewClient(c)
		var coordinator int32
		eventually(t, "the group has a coordinator", func() bool {
			found := admin.FindGroupCoordinators(context.Background(), "g")["g"]
			coordinator = found.NodeID
			return found.Err == nil
		})
		awaitISR(t, c, "__consumer_offsets", 0, 3)
		three := "3"
		altered, err := admin.AlterTopicConfigs(context.Background(), []kadm.AlterConfig{{Name: "min.insync.replicas", Value: &three}}, "__consumer_offsets")
		if err != nil || altered[0].Err != nil {
			t.Fatal(err, altered)
		}
		other := node.Node(int(coordinator%3) + 1)
		other.Stop()
		awaitISR(t, c, "__consumer_offsets", 0, 2)
		if _, err := joinOnce(t, c, coordinator, ""); !errors.Is(err, kerr.CoordinatorNotAvailable) {
			t.Errorf("a member without an id is told %v", err)
		}
		other.Open()
		awaitISR(t, c, "__consumer_offsets", 0, 3)
		id, err := joinOnce(t, c, coordinator, "")
		if !errors.Is(err, kerr.MemberIDRequired) {
			t.Errorf("when all replicas are in sync a member without an id is told %v", err)
		}
		if _, err := joinOnce(t, c, coordinator, id); err != nil {
			t.Errorf("with its id it is told %v", err)
		}
	})
}

// joinOnce sends one JoinGroup to a node.
func joinOnce(t *testing.T, c *kgo.Client, node int32, member string) (id string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.MemberID, request.ProtocolType = "g", member, "consumer"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = 10_000, 10_000
	request.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
	response, err := c.Broker(int(node)).Request(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	joined := response.(*kmsg.JoinGroupResponse)
	return joined.MemberID, kerr.ErrorForCode(joined.ErrorCode)
}
