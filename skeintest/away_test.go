package skeintest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// TestSentAway: a client that a node without a lease sends away, and that asks the same connection for the way, has to connect
// again: to another node, if it knows one. On the new connection it is answered, and so is everybody whom the node did not send
// away, and everybody when the node is heard again.
func TestSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node)
		defer c.Close()
		createReplicated(t, c, "t", 3, 3)
		commit(t, c, "g", "t", 1)
		found := kadm.NewClient(c).FindGroupCoordinators(context.Background(), "g")["g"]
		if found.Err != nil {
			t.Fatal(found.Err)
		}
		id := found.NodeID
		led := int32(-1)
		for p := range int32(3) {
			if partitionOf(t, c, "t", p).Leader == id {
				led = p
			}
		}
		if led < 0 {
			t.Fatalf("node %d leads no partition", id)
		}

		asker := func() *asks {
			c := clusterClient(t, node)
			if err := c.Ping(context.Background()); err != nil {
				t.Fatal(err)
			}
			return &asks{t: t, c: c, b: c.Broker(int(id))}
		}
		reader, member, bystander := asker(), asker(), asker()
		for _, a := range []*asks{reader, member, bystander} {
			defer a.c.Close()
			a.answered(true)
		}
		node.Node(int(id)).Isolate()
		time.Sleep(10 * time.Second)

		bystander.answered(true)
		for range 2 { // as often as it comes back
			if got := reader.end(led); got != kerr.NotLeaderForPartition {
				t.Errorf("who asks for the end of a partition is told %v", got)
			}
			reader.answered(false)
			reader.answered(true)
			if got := member.coordinator(); got != kerr.CoordinatorNotAvailable {
				t.Errorf("who looks for the coordinator is told %v", got)
			}
			if got := member.coordinator(); got == nil || kerr.IsRetriable(got) {
				t.Errorf("who looks for it again is told %v", got)
			}
		}
		bystander.answered(true)

		if got := reader.end(led); got != kerr.NotLeaderForPartition {
			t.Errorf("who asks for the end of a partition is told %v", got)
		}
		node.Node(int(id)).HealLinks()
		time.Sleep(10 * time.Second)
		reader.answered(true)
	})
}

// asks asks one node by one connection, which lasts until the node ends it.
type asks struct {
	t *testing.T
	c *kgo.Client
	b *kgo.Broker
}

func (a *asks) request(r kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return a.b.Request(ctx, r)
}

// answered has Metadata be answered, or the connection end.
func (a *asks) answered(want bool) {
	a.t.Helper()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := a.request(request); (err == nil) != want {
		a.t.Errorf("Metadata: %v", err)
	}
}

// end asks for the end of a partition.
func (a *asks) end(partition int32) error {
	request := kmsg.NewPtrListOffsetsRequest()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, -1
	topic.Partitions = append(topic.Partitions, p)
	request.Topics = append(request.Topics, topic)
	answer, err := a.request(request)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(answer.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode)
}

// coordinator asks for the coordinator of the group.
func (a *asks) coordinator() error {
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKey, request.CoordinatorKeys = "g", []string{"g"}
	answer, err := a.request(request)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(answer.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode)
}
