package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/protocol"
)

// realCluster is nodes on loopback in this process.
type realCluster struct {
	nodes []*skein.Node // nodes[i] has the id i+1
	boots []string
}

// startCluster starts n nodes, together: none is ready before most of them are there.
func startCluster(t *testing.T, n int) *realCluster {
	t.Helper()
	c := &realCluster{nodes: make([]*skein.Node, n)}
	var voters []string
	sockets := make([]net.Listener, n)
	for i := range sockets {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		sockets[i] = l
		c.boots = append(c.boots, l.Addr().String())
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, l.Addr()))
	}
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range sockets {
		wait.Go(func() {
			c.nodes[i], errs[i] = skein.Open(skein.Config{DataDir: t.TempDir(), Listener: sockets[i], Properties: map[string]string{
				"node.id": strconv.Itoa(i + 1), "controller.quorum.voters": strings.Join(voters, ","),
				"default.replication.factor": "3", "min.insync.replicas": "2", "broker.rack": "r" + strconv.Itoa(i+1), "offsets.topic.num.partitions": "1"}})
		})
	}
	wait.Wait()
	t.Cleanup(func() {
		for _, node := range c.nodes {
			if node != nil {
				wait.Go(func() { _ = node.Close() })
			}
		}
		wait.Wait()
	})
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// skein runs a command with the cluster's bootstrap servers.
func (c *realCluster) skein(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), append(args, "--bootstrap-server", strings.Join(c.boots, ",")), strings.NewReader("x\n"), &out, &errs); code != exitOK {
		t.Fatalf("%v: exit code %d, %s", args, code, errs.String())
	}
	return out.String()
}

// described is cluster describe --replicas as JSON, once the node that answers has heard of what was done on another.
func (c *realCluster) described(t *testing.T, settled func(*describedCluster) bool) (d *describedCluster) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		d = &describedCluster{}
		if err := json.Unmarshal([]byte(c.skein(t, "cluster", "describe", "--replicas", "-o", "json")), d); err != nil {
			t.Fatal(err)
		}
		if settled(d) || time.Now().After(deadline) {
			return d
		}
	}
}

// UnmarshalText reads what MarshalText wrote.
func (h *partitionHealth) UnmarshalText(text []byte) error {
	for i, name := range healthNames {
		if name == string(text) {
			*h = partitionHealth(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no health", text)
}

// TestClusterDescribe: a whole cluster, and one without a node; a bootstrap server that never
// answers keeps nobody waiting.
func TestClusterDescribe(t *testing.T) {
	c := startCluster(t, 3)
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	c.boots = append([]string{deaf.Addr().String()}, c.boots...)
	began := time.Now()
	c.skein(t, "cluster", "describe", "--replicas", "--timeout", "5m")
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("it took %v, for a bootstrap server that never answers", took)
	}
	c.boots = c.boots[1:]
	whole := c.described(t, func(d *describedCluster) bool {
		answered := d.Controller.ID != nil && len(d.Quorum) == 3
		for _, n := range d.Nodes {
			answered = answered && n.Problem == ""
		}
		return answered && d.Summary.NodesUnfenced == 3
	})
	if s := whole.Summary; s != (clusterSummary{Nodes: 3, NodesUnfenced: 3}) || whole.Controller.ID == nil || len(whole.Quorum) != 3 {
		t.Errorf("at first: %+v, controller %+v, quorum %+v", s, whole.Controller, whole.Quorum)
	}
	for _, n := range whole.Nodes {
		if n.State != "unfenced" || n.Rack == nil || *n.Rack != fmt.Sprintf("r%d", n.ID) || n.Epoch == nil || n.Problem != "" {
			t.Errorf("node %+v", n)
		}
	}
	c.skein(t, "topic", "create", "orders", "--partitions", "3")
	c.skein(t, "produce", "orders")
	whole = c.described(t, func(d *describedCluster) bool {
		written := int64(0)
		for _, p := range d.Partitions {
			for _, r := range p.Details {
				if r.LogEnd == nil || r.HighWatermark == nil || r.Why != "in" {
					return false
				}
				written += *r.HighWatermark
			}
		}
		return written > 0
	})
	written := int64(0)
	for _, p := range whole.Partitions {
		if p.Health != partitionInSync || len(p.ISR) != 3 || len(p.Details) != 3 {
			t.Errorf("partition %+v", p)
			continue
		}
		for _, r := range p.Details {
			if r.Why != "in" || r.LogEnd == nil || r.DurableEnd == nil || r.HighWatermark == nil {
				t.Errorf("%s-%d: replica %+v", p.Topic, p.Partition, r)
			} else if r.Node == *p.Leader {
				written += *r.HighWatermark
			}
		}
	}
	if written != 1 || whole.Summary.Topics != 1 || whole.Summary.Partitions != 3 {
		t.Errorf("%d records, %+v", written, whole.Summary)
	}
	gone := int32(*whole.Controller.ID%3 + 1) // not the controller
	if err := c.nodes[gone-1].Close(); err != nil {
		t.Error(err)
	}
	one := c.described(t, func(d *describedCluster) bool {
		for _, p := range d.Partitions {
			for _, r := range p.Details {
				if r.Node == gone && !strings.HasPrefix(r.Why, "out: shut down") {
					return false
				}
			}
		}
		return d.Summary.NodesUnfenced == 2 && d.Summary.UnderReplicated == 3 && d.Nodes[gone-1].State == "shut down"
	})
	if s := one.Summary; s.UnderReplicated != 3 || s.UnderMinISR != 0 || s.Offline != 0 || s.NodesUnfenced != 2 || s.NodesSilent != 1 {
		t.Errorf("without node %d: %+v", gone, s)
	}
	if n := one.Nodes[gone-1]; n.State != "shut down" || n.Since == nil || !strings.Contains(n.Problem, "connection refused") {
		t.Errorf("node %+v", n)
	}
	for _, p := range one.Partitions {
		for _, r := range p.Details {
			if r.Node == gone && (r.InSync || !strings.HasPrefix(r.Why, "out: shut down since ") || !strings.HasSuffix(r.Why, "; the node does not answer")) {
				t.Errorf("%s-%d: replica %+v", p.Topic, p.Partition, r)
			}
		}
	}
}

// TestClusterPage: what is wrong comes first, with the reason for each replica.
func TestClusterPage(t *testing.T) {
	at := time.Date(2026, 11, 28, 14, 5, 0, 0, time.UTC)
	moment := func(hour, minute, second int) *time.Time {
		m := time.Date(2026, 11, 28, hour, minute, second, 0, time.UTC)
		return &m
	}
	p := func(n int32) *int32 { return &n }
	long := func(n int64) *int64 { return &n }
	yesterday := at.Add(-26 * time.Hour)
	d := &describedCluster{ClusterID: "c", At: at, replicas: true, Controller: clusterController{ID: p(1), Epoch: p(7)},
		Nodes: []clusterNode{
			{ID: 1, Address: "a:1", State: "unfenced", Since: &yesterday, Epoch: long(3)},
			{ID: 2, Address: "b:1", State: "unfenced", Since: moment(14, 1, 0), Epoch: long(40)},
			{ID: 3, Address: "c:1", State: "session lost", Since: moment(14, 2, 11), Epoch: long(5), Problem: "cannot reach c:1: connection refused"},
		},
		Quorum: []quorumMember{{ID: 1, Role: "leader", LogEnd: long(90), Lag: long(0)}, {ID: 3, Role: "voter", LogEnd: long(50), Lag: long(40), SilentMs: long(169000)}},
		Partitions: []clusterPartition{
			{Topic: "fine", Leader: p(1), Replicas: []int32{1, 2}, ISR: []int32{1, 2}, topicID: [16]byte{1}},
			{Topic: "lone", Leader: p(2), LeaderEpoch: 2, Replicas: []int32{2, 1, 3}, ISR: []int32{2}, MinISR: p(2), ELR: []int32{1}, topicID: [16]byte{2}},
			{Topic: "lost", LeaderEpoch: 9, Replicas: []int32{3, 1}, ISR: []int32{3}, MinISR: p(1), topicID: [16]byte{3}},
			{Topic: "thin", Leader: p(1), LeaderEpoch: 4, Replicas: []int32{1, 2, 4}, ISR: []int32{1}, MinISR: p(1), topicID: [16]byte{4}},
		}}
	replica := func(id int32, in bool, standing string, since *time.Time, end, durable int64) protocol.DescribeReplicasResponseReplica {
		r := protocol.DescribeReplicasResponseReplica{NodeID: id, InSync: in, Standing: standing, SinceMs: -1, LogEndOffset: end, DurableEndOffset: durable}
		if since != nil {
			r.SinceMs = since.UnixMilli()
		}
		return r
	}
	q := &clusterQuestion{found: d, held: map[replicaKey]*protocol.DescribeReplicasResponsePartition{
		{[16]byte{2}, 0, 2}: {LeaderID: 2, LeaderEpoch: 2, LogEndOffset: 2000, DurableEndOffset: 2000, HighWatermark: 796, Replicas: []protocol.DescribeReplicasResponseReplica{
			replica(1, false, "behind", moment(14, 2, 11), 1000, 796), replica(2, true, "in", nil, 2000, 2000), replica(3, false, "session lost", moment(14, 2, 11), 5, 5)}},
		{[16]byte{2}, 0, 1}: {LeaderID: 2, LeaderEpoch: 2, LogEndOffset: 1000, DurableEndOffset: 796, HighWatermark: 796},
		{[16]byte{3}, 0, 1}: {LeaderID: -1, LeaderEpoch: 9, LogEndOffset: 12, DurableEndOffset: 12, HighWatermark: 12},
		{[16]byte{4}, 0, 1}: {LeaderID: 1, LeaderEpoch: 4, LogEndOffset: 7, DurableEndOffset: 7, HighWatermark: 7, Replicas: []protocol.DescribeReplicasResponseReplica{
			replica(1, true, "in", nil, 7, 7), replica(2, false, "behind", &yesterday, 7, 6), replica(4, false, "unregistered", nil, 0, 0)}},
		{[16]byte{4}, 0, 2}: {LeaderID: 1, LeaderEpoch: 4, LogEndOffset: 7, DurableEndOffset: 6, HighWatermark: 6, ErrorCode: protocol.KafkaStorageError},
	}}
	d.finish()
	q.takeReplicas()
	var out bytes.Buffer
	d.print(&page{w: &out})
	want := `cluster c at 2026-11-28T14:05:00Z: 3 nodes, 2 unfenced, 1 without an answer
controller 1, epoch 7
4 topics, 4 partitions: 1 offline, 1 under min.insync.replicas, 3 under-replicated in all

NODE  ADDRESS  RACK  STATE         SINCE                BROKER EPOCH
1     a:1      -     unfenced      2026-11-27 12:05:00  3
2     b:1      -     unfenced      14:01:00             40
3     c:1      -     session lost  14:02:11             5
node 3 does not answer: cannot reach c:1: connection refused

QUORUM  ROLE    LOG END  LAG  HEARD
1       leader  90       0    -
3       voter   50       40   2m49s ago

HEALTH            TOPIC  PARTITION  LEADER  EPOCH  REPLICAS  ISR  MIN ISR  ELR  LAST KNOWN ELR
offline           lost   0          none    9      3,1       3    1        -    -
under min ISR     lone   0          2       2      2,1,3     2    2        1    -
under-replicated  thin   0          1       4      1,2,4     1    1        -    -
in sync           fine   0          1       0      1,2       1,2  -        -    -
1 partition offline: start node 3 (session lost since 14:02:11): it has everything that was acknowledged

TOPIC  PARTITION  REPLICA  ROLE      LOG END  DURABLE END  HIGH WATERMARK  ISR
lost   0          3        -         -        -            -               in: session lost since 14:02:11; the node does not answer
lost   0          1        -         12       12           12              out: nobody leads the partition
lone   0          2        leader    2000     2000         796             in
lone   0          1        follower  1000     796          796             out: lags 1,204 records since 14:02:11
lone   0          3        follower  5        5            -               out: session lost since 14:02:11; the node does not answer
thin   0          1        leader    7        7            7               in
thin   0          2        follower  7        6            6               out: has fetched everything, but its disk lags 1 record since 2026-11-27 12:05:00; KAFKA_STORAGE_ERROR
thin   0          4        follower  0        0            -               out: node 4 is not registered
fine   0          1        leader    -        -            -               in
fine   0          2        follower  -        -            -               in
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	d.Controller = clusterController{Problem: "LEADER_NOT_AVAILABLE: the metadata quorum has no leader"}
	out.Reset()
	d.print(&page{w: &out})
	if want := "\nno controller: LEADER_NOT_AVAILABLE: the metadata quorum has no leader\nmost of the voters have to run"; !strings.Contains(out.String(), want) {
		t.Errorf("printed\n%s", out.String())
	}
}

// TestReplicaReasons: every word that a leader says of a replica is told, each in a way of its own.
func TestReplicaReasons(t *testing.T) {
	at := time.Date(2026, 11, 28, 14, 5, 0, 0, time.UTC)
	p := &clusterPartition{Leader: new(int32)}
	seen := map[string]string{}
	for _, standing := range []string{"leaving", "joining", "silent", "behind", "unfit", "catching up", "waiting", "unregistered", "fenced", "starting", "shutting down",
		"shut down", "a word of a later version"} {
		lag := int64(3)
		r := &clusterReplica{Node: 2, Lag: &lag}
		text := p.reason(r, &protocol.DescribeReplicasResponsePartition{LeaderEpoch: 4, LogEndOffset: 9},
			&protocol.DescribeReplicasResponseReplica{Standing: standing, LogEndOffset: 6}, at)
		if other, again := seen[text]; again || text == "" {
			t.Errorf("%q is told as %q, as %q is", standing, text, other)
		}
		seen[text] = standing
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}
