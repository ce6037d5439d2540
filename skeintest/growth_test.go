package skeintest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// quorum is who votes and who follows, sorted by id.
type quorum struct {
	voters, observers []int32
	directories       map[int32][16]byte
}

func (q quorum) String() string { return fmt.Sprintf("voters %v observers %v", q.voters, q.observers) }

// quorumOf is what the cluster says of its metadata quorum; empty while nobody leads it.
func quorumOf(t *testing.T, c *kgo.Client) quorum {
	t.Helper()
	request := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(context.Background(), c)
	q := quorum{directories: map[int32][16]byte{}}
	if err != nil || response.ErrorCode != 0 {
		return q
	}
	p := response.Topics[0].Partitions[0]
	for i, list := range [][]kmsg.DescribeQuorumResponseTopicPartitionReplicaState{p.CurrentVoters, p.Observers} {
		for _, r := range list {
			q.directories[r.ReplicaID] = r.ReplicaDirectoryID
			if i == 0 {
				q.voters = append(q.voters, r.ReplicaID)
			} else {
				q.observers = append(q.observers, r.ReplicaID)
			}
		}
	}
	slices.Sort(q.voters)
	slices.Sort(q.observers)
	return q
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for begun := time.Now(); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal("a minute and not: ", what)
		}
	}
}

func awaitQuorum(t *testing.T, c *kgo.Client, want string) {
	t.Helper()
	var q quorum
	defer func() {
		if t.Failed() {
			t.Log("the quorum is ", q)
		}
	}()
	eventually(t, want, func() bool { q = quorumOf(t, c); return q.String() == want })
}

// addVoter has a node vote, however long it takes to catch up.
func addVoter(t *testing.T, c *kgo.Client, id int32) {
	t.Helper()
	eventually(t, fmt.Sprintf("node %d votes", id), func() bool {
		request := kmsg.NewPtrAddRaftVoterRequest()
		request.VoterID, request.VoterDirectoryID = id, quorumOf(t, c).directories[id]
		l := kmsg.NewAddRaftVoterRequestListener()
		l.Name, l.Host, l.Port = "PLAINTEXT", "127.0.0.1", 1
		request.Listeners = append(request.Listeners, l)
		response, err := request.RequestWith(context.Background(), c)
		if err == nil {
			err = kerr.ErrorForCode(response.ErrorCode)
		}
		return settled(t, err, kerr.DuplicateVoter)
	})
}

func removeVoter(t *testing.T, c *kgo.Client, id int32) {
	t.Helper()
	directory := quorumOf(t, c).directories[id]
	eventually(t, fmt.Sprintf("node %d does not vote", id), func() bool {
		request := kmsg.NewPtrRemoveRaftVoterRequest()
		request.VoterID, request.VoterDirectoryID = id, directory
		response, err := request.RequestWith(context.Background(), c)
		if err == nil {
			err = kerr.ErrorForCode(response.ErrorCode)
		}
		return settled(t, err, kerr.VoterNotFound)
	})
}

// settled says whether a change of the voters has happened, perhaps the time before.
func settled(t *testing.T, err, before error) bool {
	t.Helper()
	if err == nil || err == before {
		return true
	}
	if !kerr.IsRetriable(err) {
		t.Fatal(err)
	}
	return false
}

// committed is the group's offset for a partition.
func committed(t *testing.T, c *kgo.Client, group, topic string) int64 {
	t.Helper()
	var at int64
	eventually(t, "the offsets of "+group, func() bool {
		fetched, err := kadm.NewClient(c).FetchOffsets(context.Background(), group)
		if err != nil {
			return false
		}
		o, _ := fetched.Lookup(topic, 0)
		at = o.At
		return true
	})
	return at
}

func commit(t *testing.T, c *kgo.Client, group, topic string, at int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: topic, Partition: 0, At: at, LeaderEpoch: -1})
	eventually(t, "a commit", func() bool { return kadm.NewClient(c).CommitAllOffsets(context.Background(), group, offsets) == nil })
}

// replicate moves a topic's only partition to all three nodes.
func replicate(t *testing.T, c *kgo.Client, topic string, nodes ...int32) {
	t.Helper()
	var request kadm.AlterPartitionAssignmentsReq
	request.Assign(topic, 0, nodes)
	moved, err := kadm.NewClient(c).AlterPartitionAssignments(context.Background(), request)
	if err == nil {
		err = moved.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	awaitISR(t, c, topic, 0, len(nodes))
}

// TestGrowth: a node that is alone serves; two join it and vote; what it had is replicated; it loses its power, and service
// goes on with all that was acknowledged. Then the voters become fewer again, one of them while it is down.
func TestGrowth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		createReplicated(t, c, "t", 1, 1)
		produceAll(t, c, "t", 0, 0, 50)
		commit(t, c, "g", "t", 7)
		awaitQuorum(t, c, "voters [1] observers []")
		c.Close()

		node.Join()
		node.Join()
		c = clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer func() { c.Close() }()
		awaitQuorum(t, c, "voters [1] observers [2 3]")
		addVoter(t, c, 2)
		produceAll(t, c, "t", 0, 50, 60)
		addVoter(t, c, 3)
		awaitQuorum(t, c, "voters [1 2 3] observers []")
		replicate(t, c, "t", 1, 2, 3)
		awaitISR(t, c, "__consumer_offsets", 0, 3)
		for p := range 50 {
			awaitISR(t, c, "__consumer_offsets", int32(p), 3)
		}
		produceAll(t, c, "t", 0, 60, 70)

		begun := time.Now()
		node.Crash()
		produceAll(t, c, "t", 0, 70, 71)
		t.Logf("the first node crashed; the next record was acknowledged after %v", time.Since(begun))
		produceAll(t, c, "t", 0, 71, 80)
		if at := committed(t, c, "g", "t"); at != 7 {
			t.Errorf("the group's offset is %d, 7 was committed", at)
		}
		commit(t, c, "g", "t", 70)
		createReplicated(t, c, "after", 1, 2)

		removeVoter(t, c, 1)
		awaitQuorum(t, c, "voters [2 3] observers []")
		produceAll(t, c, "t", 0, 80, 90)
		node.Open() // it finds itself removed, and follows
		awaitQuorum(t, c, "voters [2 3] observers [1]")
		awaitISR(t, c, "t", 0, 3)
		removeVoter(t, c, 3)
		awaitQuorum(t, c, "voters [2] observers [1 3]")
		produceAll(t, c, "t", 0, 90, 100)
		consumeAll(t, node, "t", 0, 100)
		if at := committed(t, c, "g", "t"); at != 70 {
			t.Errorf("the group's offset is %d, 70 was committed", at)
		}
	})
}

// TestGrowthRestart: a node with observers only is the controller again after it lost its power, and so after a clean end;
// the observers find it.
func TestGrowthRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		second := node.Join()
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "one", 1, 1)
		createReplicated(t, c, "two", 1, 2)
		produceAll(t, c, "one", 0, 0, 10)
		produceAll(t, c, "two", 0, 0, 10)
		for i, end := range []func(){node.Crash, node.Stop, second.Crash, second.Stop, node.CrashAll} {
			end()
			node.OpenAll()
			awaitQuorum(t, c, "voters [1] observers [2]")
			awaitISR(t, c, "one", 0, 1)
			awaitISR(t, c, "two", 0, 2)
			produceAll(t, c, "one", 0, 10+i, 11+i)
			produceAll(t, c, "two", 0, 10+i, 11+i)
		}
		consumeAll(t, node, "one", 0, 15)
		consumeAll(t, node, "two", 0, 15)
	})
}

// TestGrowthRefused: who may not join is told why at its start, and the cluster goes on.
func TestGrowthRefused(t *testing.T) {
	refused := func(t *testing.T, node *skeintest.Node, words string, options ...skeintest.Option) {
		t.Helper()
		joined, err := node.TryJoin(options...)
		if err == nil {
			joined.Stop()
		}
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("the node is told %v, not %q", err, words)
		}
		c := clusterClient(t, node)
		defer c.Close()
		awaitQuorum(t, c, "voters [1] observers []")
	}
	t.Run("nobody", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			node := skeintest.Start(t, skeintest.InMemory())
			begun := time.Now()
			refused(t, node, "no node of controller.quorum.bootstrap.servers has answered within initial.broker.registration.timeout.ms (3s)",
				skeintest.Set("controller.quorum.bootstrap.servers", "127.0.0.1:1"), skeintest.Set("initial.broker.registration.timeout.ms", "3000"))
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	})
	t.Run("the leader's id", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			node := skeintest.Start(t, skeintest.InMemory())
			refused(t, node, "cannot join: it needs an id that is not the leader's, 1", skeintest.Set("node.id", "1"))
		})
	})
	t.Run("another cluster", func(t *testing.T) { // on loopback: the directory was that of a node of another network
		dir := t.TempDir()
		other := skeintest.Start(t, skeintest.Set("node.id", "2"), skeintest.DataDir(dir))
		other.Stop()
		node := skeintest.Start(t)
		refused(t, node, "of which node 2 is the only member", skeintest.DataDir(dir))
	})
}

// TestGrowthMoves: a member that comes back at another address is found there: an observer, a voter, and the only voter.
func TestGrowthMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		node.Join()
		node.Join()
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer func() { c.Close() }()
		createReplicated(t, c, "t", 1, 3)
		n := 0
		moves := func(id int, want string) {
			t.Helper()
			node.Node(id).Stop()
			node.Node(id).Move()
			node.Node(id).Open()
			c.Close()
			c = clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
			awaitQuorum(t, c, want)
			awaitISR(t, c, "t", 0, 3)
			produceAll(t, c, "t", 0, n, n+10)
			n += 10
		}
		moves(1, "voters [1] observers [2 3]")
		moves(2, "voters [1] observers [2 3]")
		addVoter(t, c, 2)
		addVoter(t, c, 3)
		for id := 1; id <= 3; id++ {
			moves(id, "voters [1 2 3] observers []")
		}
		consumeAll(t, node, "t", 0, n)
	})
}
