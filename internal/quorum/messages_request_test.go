package quorum

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// TestStrangers: a request of a node that does not belong here is refused by name.
func TestStrangers(t *testing.T) {
	voter := voterOfThree(t)
	defer voter.close(t)
	alone := mustOpen(t, disk.NewSimulated(disk.SimulatedOptions{}), 1, nil)
	defer alone.close(t)
	for name, c := range map[string]struct {
		at      *life
		cluster string
		from    int32
		to      int32
		want    protocol.Code
	}{
		"another cluster":              {voter, "other", 2, 1, protocol.InconsistentClusterID},
		"no cluster":                   {voter, "", 2, 1, protocol.InconsistentClusterID},
		"for another":                  {voter, "cluster", 2, 3, protocol.InvalidRequest},
		"from nobody":                  {voter, "cluster", -1, 1, protocol.InvalidRequest},
		"from itself":                  {voter, "cluster", 1, 1, protocol.InvalidRequest},
		"from another than it says":    {voter, "cluster", 3, 1, protocol.InvalidRequest},
		"a member":                     {voter, "cluster", 2, 1, protocol.None},
		"nobody's member, to a leader": {alone, "cluster", 2, 1, protocol.UnknownControllerID},
	} {
		r := protocol.NewQuorumMessagesRequest()
		r.ClusterID, r.FromNodeID, r.ToNodeID = c.cluster, c.from, c.to
		r.Messages = []protocol.QuorumMessagesRequestMessage{{Data: mail(t, raftpb.MsgHeartbeat, nil)}}
		if err := c.at.node.HandleMessages(r); protocol.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := voter.node.Work(voter.now); err != nil {
		t.Fatal(err)
	}
	if id, _, ok := voter.node.Leader(); !ok || id != 2 {
		t.Errorf("after a member's heartbeat %d leads, %v", id, ok)
	}
}
