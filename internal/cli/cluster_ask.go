package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/protocol"
)

// nodePatience is how long one node is waited for when all of them are asked: one that is gone must not keep what the
// others tell.
const nodePatience = 4 * time.Second

// replicasAsked is how many replicas a node is asked about at once.
const replicasAsked = 5000

// clusterQuestion is one cluster describe on its way.
type clusterQuestion struct {
	ctx   context.Context
	found *describedCluster
	mu    sync.Mutex                                   // guards what follows while the nodes are asked
	told  map[int32]*protocol.DescribeReplicasResponse // by node; the newest, for what it says of the brokers
	held  map[replicaKey]*protocol.DescribeReplicasResponsePartition
}

// replicaKey names a replica.
type replicaKey struct {
	topic     [16]byte
	partition int32
	node      int32
}

// describeCluster asks the first node that answers for what all know, and then each node for what it alone knows.
func describeCluster(c *cobra.Command, n *connection, replicas bool) (*describedCluster, error) {
	first, err := n.reachAny(c)
	if err != nil {
		return nil, err
	}
	defer first.close()
	patience := min(n.timeout, nodePatience)
	q := &clusterQuestion{ctx: c.Context(), told: map[int32]*protocol.DescribeReplicasResponse{},
		held:  map[replicaKey]*protocol.DescribeReplicasResponsePartition{},
		found: &describedCluster{At: time.Now().UTC(), replicas: replicas, Quorum: []quorumMember{}, Partitions: []clusterPartition{}}}
	if err := q.askNodes(first); err != nil {
		return nil, err
	}
	if err := q.askPartitions(first); err != nil {
		return nil, err
	}
	var wait sync.WaitGroup
	wait.Go(func() { q.askQuorum(first.address, patience) })
	for i := range q.found.Nodes {
		wait.Go(func() { q.askNode(&q.found.Nodes[i], patience) })
	}
	wait.Wait()
	if err := q.askMinimums(first); err != nil {
		return nil, err
	}
	q.takeStates()
	q.found.finish()
	if replicas {
		q.takeReplicas()
	}
	return q.found, nil
}

// reachAny connects to all bootstrap servers at once and takes the first that answers: of a cluster that is ill, any may be
// the one that hangs.
func (n *connection) reachAny(c *cobra.Command) (*wire, error) {
	addresses, err := n.addresses(c)
	if err != nil {
		return nil, err
	}
	type dialed struct {
		w   *wire
		err error
	}
	ctx, cancel := context.WithCancel(c.Context())
	answers := make(chan dialed, len(addresses))
	for _, address := range addresses {
		go func() {
			w, err := dialWire(ctx, address, n.timeout)
			answers <- dialed{w, err}
		}()
	}
	var failed []error
	for left := len(addresses); left > 0; left-- {
		one := <-answers
		if one.err != nil {
			failed = append(failed, one.err)
			continue
		}
		one.w.conn = &closingConn{one.w.conn, cancel} // its close ends those who came too late too
		go func() {
			for range left - 1 {
				if late := <-answers; late.err == nil {
					_ = late.w.close()
				}
			}
		}()
		return one.w, nil
	}
	cancel()
	return nil, errors.Join(failed...)
}

// askNodes asks which nodes there are.
func (q *clusterQuestion) askNodes(w *wire) error {
	request, response := protocol.NewDescribeClusterRequest(), protocol.NewDescribeClusterResponse()
	request.IncludeFencedBrokers = true
	if err := w.ask(request, response); err != nil {
		return err
	}
	if response.ErrorCode != protocol.None {
		return refusal("the cluster", response.ErrorCode, response.ErrorMessage)
	}
	q.found.ClusterID = response.ClusterID
	for _, b := range response.Brokers {
		node := clusterNode{ID: b.BrokerID, Rack: b.Rack, State: "unfenced",
			Address: brokerAddress(protocol.MetadataResponseBroker{NodeID: b.BrokerID, Host: b.Host, Port: b.Port})}
		if b.IsFenced {
			node.State = "fenced"
		}
		q.found.Nodes = append(q.found.Nodes, node)
	}
	slices.SortFunc(q.found.Nodes, func(a, b clusterNode) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// askPartitions asks for every partition, page by page.
func (q *clusterQuestion) askPartitions(w *wire) error {
	request := protocol.NewDescribeTopicPartitionsRequest()
	request.Topics = []protocol.DescribeTopicPartitionsRequestTopicRequest{}
	for {
		response := protocol.NewDescribeTopicPartitionsResponse()
		if err := w.ask(request, response); err != nil {
			return err
		}
		for i := range response.Topics {
			q.found.addTopic(&response.Topics[i])
		}
		if response.NextCursor == nil {
			return nil
		}
		request.Cursor = &protocol.DescribeTopicPartitionsRequestCursor{TopicName: response.NextCursor.TopicName, PartitionIndex: response.NextCursor.PartitionIndex}
	}
}

func (d *describedCluster) addTopic(t *protocol.DescribeTopicPartitionsResponseTopic) {
	if t.Name == nil || len(t.Partitions) == 0 {
		return // it was deleted meanwhile
	}
	for _, p := range t.Partitions {
		one := clusterPartition{Topic: *t.Name, Partition: p.PartitionIndex, LeaderEpoch: p.LeaderEpoch, Replicas: present(p.ReplicaNodes),
			ISR: present(p.IsrNodes), ELR: present(p.EligibleLeaderReplicas), LastKnownELR: present(p.LastKnownElr), topicID: t.TopicID}
		if p.LeaderID >= 0 {
			leader := p.LeaderID
			one.Leader = &leader
		}
		d.Partitions = append(d.Partitions, one)
	}
}

// askQuorum asks in a connection of its own: where no controller is known, the answer takes long.
func (q *clusterQuestion) askQuorum(address string, patience time.Duration) {
	found := q.found
	w, err := dialWire(q.ctx, address, patience)
	if err != nil {
		found.Controller.Problem = err.Error()
		return
	}
	defer w.close()
	request, response := protocol.NewDescribeQuorumRequest(), protocol.NewDescribeQuorumResponse()
	request.Topics = []protocol.DescribeQuorumRequestTopicData{{TopicName: "__cluster_metadata",
		Partitions: []protocol.DescribeQuorumRequestPartitionData{{PartitionIndex: 0}}}}
	if err := w.ask(request, response); err != nil {
		found.Controller.Problem = err.Error()
		if isTimeout(err) {
			found.Controller.Problem = "no controller answered within " + patience.String()
		}
		return
	}
	code, message := response.ErrorCode, response.ErrorMessage
	if code == protocol.None && len(response.Topics) == 1 && len(response.Topics[0].Partitions) == 1 {
		p := &response.Topics[0].Partitions[0]
		if code, message = p.ErrorCode, p.ErrorMessage; code == protocol.None {
			found.takeQuorum(p)
			return
		}
	}
	found.Controller.Problem = describeCode(code, message)
}

// takeQuorum notes how far the members are. The leader is there at every time, so its own contact is its clock.
func (d *describedCluster) takeQuorum(p *protocol.DescribeQuorumResponsePartitionData) {
	d.Controller.ID, d.Controller.Epoch = &p.LeaderID, &p.LeaderEpoch
	now, end := d.At.UnixMilli(), p.HighWatermark
	for _, r := range p.CurrentVoters {
		if r.ReplicaID == p.LeaderID {
			now, end = max(now, r.LastFetchTimestamp), max(end, r.LogEndOffset)
			if r.LastFetchTimestamp > 0 {
				now = r.LastFetchTimestamp
			}
		}
	}
	add := func(role string, list []protocol.DescribeQuorumResponseReplicaState) {
		for _, r := range list {
			m := quorumMember{ID: r.ReplicaID, Role: role}
			if r.ReplicaID == p.LeaderID {
				m.Role = "leader"
			}
			if r.LogEndOffset >= 0 {
				lag := max(end-r.LogEndOffset, 0)
				m.LogEnd, m.Lag = &r.LogEndOffset, &lag
			}
			m.SilentMs, m.CaughtUpMs = ago(now, r.LastFetchTimestamp), ago(now, r.LastCaughtUpTimestamp)
			d.Quorum = append(d.Quorum, m)
		}
	}
	add("voter", p.CurrentVoters)
	add("observer", p.Observers)
}

// ago is the time since then, nil if there was none.
func ago(now, then int64) *int64 {
	if then < 0 {
		return nil
	}
	passed := max(now-then, 0)
	return &passed
}

// askNode asks a node for what it knows of the brokers, and with --replicas for its replicas.
func (q *clusterQuestion) askNode(node *clusterNode, patience time.Duration) {
	w, err := dialWire(q.ctx, node.Address, patience)
	if err != nil {
		node.Problem = err.Error()
		return
	}
	defer w.close()
	if w.knows(protocol.KeyDescribeReplicas) != nil {
		return // not skein, or an older one: it cannot tell, and answers all the same
	}
	for _, request := range q.requests(node.ID) {
		response := protocol.NewDescribeReplicasResponse()
		err := w.ask(request, response)
		if err == nil && response.ErrorCode != protocol.None {
			err = errors.New(describeCode(response.ErrorCode, response.ErrorMessage))
		}
		if err == nil && response.NodeID != node.ID {
			err = errors.New("node " + number(response.NodeID) + " answers at " + node.Address)
		}
		if err != nil {
			node.Problem = err.Error()
			return
		}
		q.take(node.ID, response)
	}
}

// requests are what a node is asked: about so many of its replicas at once, or about none.
func (q *clusterQuestion) requests(node int32) []*protocol.DescribeReplicasRequest {
	requests := []*protocol.DescribeReplicasRequest{protocol.NewDescribeReplicasRequest()}
	if !q.found.replicas {
		return requests
	}
	asked := 0
	for i := range q.found.Partitions {
		p := &q.found.Partitions[i]
		if !slices.Contains(p.Replicas, node) {
			continue
		}
		if asked == replicasAsked {
			requests, asked = append(requests, protocol.NewDescribeReplicasRequest()), 0
		}
		asked++
		r := requests[len(requests)-1]
		if last := len(r.Topics) - 1; last < 0 || r.Topics[last].TopicID != p.topicID {
			r.Topics = append(r.Topics, protocol.DescribeReplicasRequestTopic{TopicID: p.topicID})
		}
		topic := &r.Topics[len(r.Topics)-1]
		topic.Partitions = append(topic.Partitions, p.Partition)
	}
	return requests
}

func (q *clusterQuestion) take(node int32, response *protocol.DescribeReplicasResponse) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.told[node] = response
	for i := range response.Topics {
		t := &response.Topics[i]
		for j := range t.Partitions {
			q.held[replicaKey{t.TopicID, t.Partitions[j].PartitionIndex, node}] = &t.Partitions[j]
		}
	}
}

// takeStates notes of each broker what the controller's node says; then what others do, where they saw more of it.
func (q *clusterQuestion) takeStates() {
	tellers := sortedKeys(q.told)
	if id := q.found.Controller.ID; id != nil && q.told[*id] != nil {
		tellers = append([]int32{*id}, tellers...)
	}
	for i := range q.found.Nodes {
		node := &q.found.Nodes[i]
		for _, teller := range tellers {
			for _, b := range q.told[teller].Brokers {
				if b.BrokerID == node.ID {
					node.takeState(&b)
				}
			}
		}
	}
}

// takeState takes a state, or from a later teller why and since when it is so.
func (n *clusterNode) takeState(b *protocol.DescribeReplicasResponseBroker) {
	epoch := b.BrokerEpoch
	if n.Epoch != nil {
		same := *n.Epoch == epoch && (n.State == b.State || n.State == "fenced" && b.State != "unfenced")
		if !same || n.Since != nil || b.SinceMs < 0 {
			return
		}
	}
	n.Epoch, n.State, n.Since = &epoch, b.State, moment(b.SinceMs)
}

// moment is a time of ms since 1970, nil if there is none.
func moment(ms int64) *time.Time {
	if ms < 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}

// askMinimums asks for min.insync.replicas of the topics that lack a replica.
func (q *clusterQuestion) askMinimums(w *wire) error {
	request := protocol.NewDescribeConfigsRequest()
	for i := range q.found.Partitions {
		p := &q.found.Partitions[i]
		if last := len(request.Resources) - 1; len(p.ISR) < len(p.Replicas) && (last < 0 || request.Resources[last].ResourceName != p.Topic) {
			request.Resources = append(request.Resources, protocol.DescribeConfigsRequestResource{ResourceType: topicResource, ResourceName: p.Topic,
				ConfigurationKeys: []string{minISRProperty}})
		}
	}
	if len(request.Resources) == 0 {
		return nil
	}
	response := protocol.NewDescribeConfigsResponse()
	if err := w.ask(request, response); err != nil {
		return err
	}
	minimums := map[string]*int32{}
	for i := range response.Results {
		r := &response.Results[i]
		for j := range r.Configs {
			if r.Configs[j].Name == minISRProperty && r.Configs[j].Value != nil {
				if n, err := strconv.ParseInt(*r.Configs[j].Value, 10, 32); err == nil {
					least := int32(n)
					minimums[r.ResourceName] = &least
				}
			}
		}
	}
	for i := range q.found.Partitions {
		if p := &q.found.Partitions[i]; len(p.ISR) < len(p.Replicas) {
			p.MinISR = minimums[p.Topic]
		}
	}
	return nil
}

const (
	topicResource  = 2 // in DescribeConfigs
	minISRProperty = "min.insync.replicas"
)

// finish counts, and puts the worst first.
func (d *describedCluster) finish() {
	s := &d.Summary
	s.Nodes, s.Partitions = len(d.Nodes), len(d.Partitions)
	for i := range d.Nodes {
		if d.Nodes[i].State == "unfenced" {
			s.NodesUnfenced++
		}
		if d.Nodes[i].Problem != "" {
			s.NodesSilent++
		}
	}
	topic := ""
	for i := range d.Partitions {
		p := &d.Partitions[i]
		if p.Topic != topic {
			topic = p.Topic
			s.Topics++
		}
		switch {
		case p.Leader == nil:
			p.Health = partitionOffline
			s.Offline++
		case p.MinISR != nil && len(p.ISR) < min(int(*p.MinISR), len(p.Replicas)):
			p.Health = partitionUnderMinISR
			s.UnderMinISR++
		case len(p.ISR) < len(p.Replicas):
			p.Health = partitionUnderReplicated
		default:
			p.Health = partitionInSync
			continue
		}
		s.UnderReplicated++
	}
	slices.SortStableFunc(d.Partitions, func(a, b clusterPartition) int { return cmp.Compare(a.Health, b.Health) })
}
