package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

func newClusterAddVoter() *cobra.Command {
	var n connection
	c := &cobra.Command{
		Use:   "add-voter ID",
		Short: "Let a node that has joined the cluster vote on metadata",
		Long: "Let a node that has joined the cluster vote on metadata: on who the controller is, and on what it does. A node joins when it is\n" +
			"started with controller.quorum.bootstrap.servers, and is an observer then: a broker that follows. Most of the voters must run, or\n" +
			"no leader is elected any more and nothing can be created or changed: three voters can lose one, five can lose two.",
		Example:           "  skein cluster add-voter 2",
		Args:              exactly("ID"),
		RunE:              func(c *cobra.Command, args []string) error { return changeVoter(c, &n, args[0], true) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	n.flags(c)
	return c
}

func newClusterRemoveVoter() *cobra.Command {
	var n connection
	c := &cobra.Command{
		Use:   "remove-voter ID",
		Short: "Let a node vote on metadata no more, whether it runs or not",
		Long: "Let a node vote on metadata no more, whether it runs or not. One that runs stays in the cluster as an observer: a broker that\n" +
			"follows. If it is the controller, another one takes over. What the node holds of topics is not touched.",
		Example:           "  skein cluster remove-voter 3",
		Args:              exactly("ID"),
		RunE:              func(c *cobra.Command, args []string) error { return changeVoter(c, &n, args[0], false) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	n.flags(c)
	return c
}

// voterPause is the time between two attempts, while a node catches up or another change is under way.
const voterPause = 200 * time.Millisecond

// changeVoter asks until the node is what it is to be, the answer is final, or the time is over.
func changeVoter(c *cobra.Command, n *connection, text string, votes bool) error {
	id64, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return misused(c, "%q is no node id: it is a number", text)
	}
	id := int32(id64)
	w, err := n.reach(c.Context(), c)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }()
	asked := false
	for {
		q, err := askVoters(w)
		if code, ok := codeOf(err); ok && code == protocol.LeaderNotAvailable && time.Until(w.deadline) > voterPause {
			time.Sleep(voterPause) // the leader has just left
			continue
		}
		if err != nil {
			return n.blame(err)
		}
		if q.votes(id) == votes && (asked || votes || q.knows(id)) {
			return printVoters(c, q, id, votes, asked)
		}
		request, response, err := q.request(id, votes, n.timeout)
		if err != nil {
			return err
		}
		if err := w.ask(request, response); err != nil {
			return n.blame(err)
		}
		asked = true
		switch code, message := voterAnswer(response); {
		case code == protocol.None:
		case (code == protocol.RequestTimedOut || code == protocol.NotController) && time.Until(w.deadline) > voterPause:
			time.Sleep(voterPause)
		case message != nil:
			return fmt.Errorf("node %d: %s: %s", id, code, printable(*message))
		default:
			return refusal("node "+text, code, nil)
		}
	}
}

// voters is the metadata quorum.
type voters struct {
	partition protocol.DescribeQuorumResponsePartitionData
	nodes     []protocol.DescribeQuorumResponseNode
}

func askVoters(w *wire) (*voters, error) {
	request, response := protocol.NewDescribeQuorumRequest(), protocol.NewDescribeQuorumResponse()
	request.Topics = []protocol.DescribeQuorumRequestTopicData{{TopicName: metadata.ClusterMetadataTopic,
		Partitions: []protocol.DescribeQuorumRequestPartitionData{{}}}}
	if err := w.ask(request, response); err != nil {
		return nil, err
	}
	if response.ErrorCode != protocol.None {
		return nil, refusal("metadata quorum", response.ErrorCode, response.ErrorMessage)
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("the broker at %s tells nothing of the metadata quorum", w.address)
	}
	p := response.Topics[0].Partitions[0]
	if p.ErrorCode != protocol.None {
		return nil, refusal("metadata quorum", p.ErrorCode, p.ErrorMessage)
	}
	return &voters{p, response.Nodes}, nil
}

func find(list []protocol.DescribeQuorumResponseReplicaState, id int32) int {
	return slices.IndexFunc(list, func(r protocol.DescribeQuorumResponseReplicaState) bool { return r.ReplicaID == id })
}

func (q *voters) votes(id int32) bool { return find(q.partition.CurrentVoters, id) >= 0 }

func (q *voters) knows(id int32) bool { return q.votes(id) || find(q.partition.Observers, id) >= 0 }

func ids(list []protocol.DescribeQuorumResponseReplicaState) []int32 {
	var all []int32
	for i := range list {
		all = append(all, list[i].ReplicaID)
	}
	slices.Sort(all)
	return all
}

// request is what makes a node a voter, or none any more.
func (q *voters) request(id int32, votes bool, timeout time.Duration) (request, response protocol.Message, err error) {
	if !votes {
		i := find(q.partition.CurrentVoters, id)
		if i < 0 {
			return nil, nil, fmt.Errorf("node %d is no member of the metadata quorum, whose voters are %s", id, numbers(ids(q.partition.CurrentVoters)))
		}
		r := protocol.NewRemoveRaftVoterRequest()
		r.VoterID, r.VoterDirectoryID = id, q.partition.CurrentVoters[i].ReplicaDirectoryID
		return r, protocol.NewRemoveRaftVoterResponse(), nil
	}
	i := find(q.partition.Observers, id)
	if i < 0 {
		observers := "there is no observer"
		if len(q.partition.Observers) > 0 {
			observers = "the observers are " + numbers(ids(q.partition.Observers))
		}
		return nil, nil, fmt.Errorf("node %d has not joined the cluster: start it with controller.quorum.bootstrap.servers=%s; the voters are %s, %s",
			id, q.addresses(), numbers(ids(q.partition.CurrentVoters)), observers)
	}
	r := protocol.NewAddRaftVoterRequest()
	r.VoterID, r.VoterDirectoryID, r.TimeoutMs = id, q.partition.Observers[i].ReplicaDirectoryID, int32(min(timeout, time.Minute).Milliseconds())
	for _, l := range q.listeners(id) {
		r.Listeners = append(r.Listeners, protocol.AddRaftVoterRequestListener(l))
	}
	return r, protocol.NewAddRaftVoterResponse(), nil
}

func (q *voters) listeners(id int32) []protocol.DescribeQuorumResponseListener {
	for _, node := range q.nodes {
		if node.NodeID == id {
			return node.Listeners
		}
	}
	return nil
}

// addresses are where the voters listen, in the form of controller.quorum.bootstrap.servers.
func (q *voters) addresses() string {
	var all []string
	for _, id := range ids(q.partition.CurrentVoters) {
		if listeners := q.listeners(id); len(listeners) > 0 {
			all = append(all, fmt.Sprintf("%s:%d", listeners[0].Host, listeners[0].Port))
		}
	}
	if len(all) == 0 {
		return "HOST:PORT,..."
	}
	return strings.Join(all, ",")
}

func voterAnswer(response protocol.Message) (protocol.Code, *string) {
	switch r := response.(type) {
	case *protocol.AddRaftVoterResponse:
		return r.ErrorCode, r.ErrorMessage
	case *protocol.RemoveRaftVoterResponse:
		return r.ErrorCode, r.ErrorMessage
	}
	return protocol.UnknownServerError, nil
}

// printVoters tells what has become of the node, and what the quorum can bear now.
func printVoters(c *cobra.Command, q *voters, id int32, votes, changed bool) error {
	p := &page{w: c.OutOrStdout()}
	switch {
	case votes && changed:
		p.line("node %d votes on metadata now", id)
	case votes:
		p.line("node %d votes on metadata already", id)
	case !changed:
		p.line("node %d does not vote on metadata: it is an observer", id)
	default:
		p.line("node %d votes on metadata no more; while it runs it is an observer", id)
	}
	for _, line := range bearing(ids(q.partition.CurrentVoters)) {
		p.line("%s", line)
	}
	return p.err
}

// bearing says how many of the voters may be lost, and what to do where the number is not a good one.
func bearing(voters []int32) []string {
	n := len(voters)
	lost := (n - 1) / 2
	head := "voters: " + numbers(voters)
	switch {
	case n == 1:
		return []string{head, "The cluster stops when node " + number(voters[0]) + " does. Three voters can lose one."}
	case n == 2:
		return []string{head, "Warning: the cluster stops when either of them does, so two voters are worse than one. Add a third, or remove one."}
	case n%2 == 0:
		return []string{head, fmt.Sprintf("The cluster goes on while %d of them run: it can lose %d. Warning: %d voters could lose as many; add one more, or remove one.",
			n-lost, lost, n-1)}
	}
	return []string{head, fmt.Sprintf("The cluster goes on while %d of them run: it can lose %d.", n-lost, lost)}
}
