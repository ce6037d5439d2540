package quorum

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// raftID is a node's id within raft, where 0 means nobody.
func raftID(node metadata.NodeID) uint64 { return uint64(node) + 1 }

func nodeID(id uint64) metadata.NodeID { return metadata.NodeID(int64(id) - 1) }

// Open opens the metadata log, or begins a new one. A node that is the only voter has the complete image then and leads,
// and its broker is registered if Config.Register asks for it. Any other has the image that it knows to be agreed upon, and
// follows. The log directory is in use until Close.
func Open(config Config) (*Node, error) {
	config, err := config.completed()
	if err != nil {
		return nil, err
	}
	n := &Node{
		config: config, logger: config.Logger,
		inbox: seat.NewInbox(), quit: make(chan struct{}), done: make(chan struct{}),
		contacts: make(map[metadata.NodeID]contact),
	}
	n.seat = seat.New(seat.Config{Controller: config.Controller, Propose: n.propose, Reply: n.reply})
	log, err := openEntryLog(config.Dir)
	if err != nil {
		return nil, err
	}
	log.unsynced = config.faults.entriesUnsynced
	n.storage = &storage{log: log, send: n.snapshotToSend}
	if err := n.open(config.Now()); err != nil {
		if n.state != nil {
			err = errors.Join(err, n.state.close())
		}
		return nil, errors.Join(err, log.close())
	}
	n.opened = true
	if !config.Manual {
		n.loop.Add(1)
		go n.run()
	}
	return n, nil
}

func (n *Node) open(now time.Time) error {
	if err := n.load(); err != nil {
		return err
	}
	if err := n.claim(); err != nil {
		return err
	}
	if err := n.restore(); err != nil {
		return err
	}
	raftNode, err := raft.NewRawNode(&raft.Config{
		ID: raftID(n.config.NodeID), ElectionTick: electionTicks, HeartbeatTick: 1, Storage: n.storage, Applied: n.storage.index,
		MaxSizePerMsg: 1 << 20, MaxCommittedSizePerReady: math.MaxUint64, MaxInflightMsgs: 256, MaxInflightBytes: 64 << 20,
		CheckQuorum: true, PreVote: true, DisableProposalForwarding: true, StepDownOnRemoval: true, Logger: raftLogger{n.logger},
	})
	if err != nil {
		return err
	}
	n.raft = raftNode
	return n.begin(now)
}

// load reads quorum-state, the newest snapshot and the entries behind it.
func (n *Node) load() error {
	state, err := openStateFile(n.config.FS, logFolder)
	if err != nil {
		return err
	}
	n.state = state
	c, image, size, err := readCheckpoint(n.config.FS, logFolder)
	if err != nil {
		return err
	}
	if c == nil {
		n.images.Begin(metadata.NewImage(n.config.ClusterID))
		return n.storage.load(false)
	}
	if c.clusterID != n.config.ClusterID {
		return fmt.Errorf("%s belongs to cluster %q, not %q: give this node its own data directory", logFolder, c.clusterID, n.config.ClusterID)
	}
	n.images.Begin(image)
	n.applied = c.index
	n.storage.index, n.storage.term = c.index, c.term
	n.snapshot.size = size
	n.setMembers(c.members)
	return n.storage.load(state != nil && state.state.replacedIndex == c.index && state.state.replacedTerm == c.term)
}

// claim looks whether quorum-state is this node's, or writes it for a cluster that is new.
func (n *Node) claim() error {
	found := n.state != nil
	if !found {
		if n.storage.last() > 0 {
			return fmt.Errorf("%s/%s is missing although the log has entries up to %d: without it this node could vote twice; "+
				"take the folder from a backup", logFolder, stateFileName, n.storage.last())
		}
		state, err := createStateFile(n.config.FS, logFolder, hardState{
			node: n.config.NodeID, clusterID: n.config.ClusterID, began: n.config.Voters, members: n.config.Voters,
		}, n.config.faults.stateUnsynced)
		if err != nil {
			return err
		}
		n.state = state
	}
	n.state.unsynced = n.config.faults.stateUnsynced
	s := &n.state.state
	if s.node != n.config.NodeID || s.clusterID != n.config.ClusterID {
		return fmt.Errorf("%s belongs to node %d of cluster %q, this is node %d of cluster %q: give each node its own data directory",
			n.state.name, s.node, s.clusterID, n.config.NodeID, n.config.ClusterID)
	}
	if s.members.alone(n.config.NodeID) && len(n.config.Voters) > 1 {
		return fmt.Errorf("node %d is a quorum of its own, and is told to be one of the voters %v: they would be a second quorum "+
			"of the same cluster. Start it without them, and let the others join it", s.node, nodeIDs(n.config.Voters))
	}
	if n.storage.index == 0 {
		n.setMembers(s.began)
	}
	n.storage.conf = n.members.confState()
	// What the last life wrote may be in the kernel's cache only. Of a node that is alone only its first start relies on it, see
	// restore.
	if found && (n.storage.last() == 0 || !s.members.alone(n.config.NodeID)) {
		return n.state.renew(logFolder)
	}
	return nil
}

// restore gives raft the state it goes on from, as quorum-state has it.
//
// A voter that is alone needs neither its term nor its vote written down: the term is that of its last entry, nobody else
// can have had its vote. And whatever is in the log of a node that is the only voter is committed, for it is its own
// majority. This is why a start costs one sync. Before the first change of the members has any effect, quorum-state says
// so durably, with the term and the vote; from then on it holds the truth.
func (n *Node) restore() error {
	s, self := &n.state.state, n.config.NodeID
	term, vote, commit, last := s.term, s.vote, max(s.commit, n.storage.index), n.storage.last()
	switch {
	case s.members.alone(self):
		if lastTerm := n.storage.lastTerm(); lastTerm > term {
			term, vote = lastTerm, raftID(self)
		}
	case term < n.storage.lastTerm():
		return fmt.Errorf("%s is of epoch %d, and the log has an entry of epoch %d: the file is older than the log, "+
			"and this node could vote twice; remove it from the quorum, and let it join again without the folder", n.state.name, term, n.storage.lastTerm())
	case commit > last:
		return fmt.Errorf("%s says that entry %d is agreed upon, and the log ends with entry %d: it has lost entries; "+
			"remove this node from the quorum, and let it join again without the folder", n.state.name, commit, last)
	}
	if s.members.decides(self) {
		commit = last
	}
	n.storage.state = raftpb.HardState{Term: new(term), Vote: new(vote), Commit: new(commit)}
	return nil
}

// begin applies what was committed before, and elects this node if it is the only voter; then it does everything that is to
// be done before it serves.
func (n *Node) begin(now time.Time) error {
	n.now = now
	for n.raft.HasReady() {
		if err := n.ready(now); err != nil {
			return err
		}
	}
	if !n.members.decides(n.config.NodeID) {
		return nil
	}
	if err := n.raft.Campaign(); err != nil {
		return err
	}
	for n.lead(now); n.term == 0; n.lead(now) {
		if !n.raft.HasReady() {
			return fmt.Errorf("node %d could not elect itself: %+v", n.config.NodeID, n.raft.BasicStatus())
		}
		if err := n.ready(now); err != nil {
			return err
		}
	}
	var refused error
	if n.config.Register != nil {
		n.Submit(n.config.Register, 0, func(_ protocol.Message, err error) { refused = err })
	}
	return errors.Join(n.Work(now), refused)
}
