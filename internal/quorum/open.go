package quorum

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// raftID is a node's id within raft, where 0 means nobody.
func raftID(node metadata.NodeID) uint64 { return uint64(node) + 1 }

// Open opens the metadata log, or begins a new one, and returns when the image is complete: a node that is its own
// quorum leads then, and its broker is registered if Config.Register asks for it. The log directory is in use until
// Close.
func Open(config Config) (*Node, error) {
	config, err := config.completed()
	if err != nil {
		return nil, err
	}
	n := &Node{
		config: config, logger: config.Logger,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		waiting: make(map[controller.Token]func(protocol.Message, error)), deadlines: make(map[metadata.NodeID]time.Time),
		controller: controller.New(config.Controller),
	}
	log, err := openEntryLog(config.Dir)
	if err != nil {
		return nil, err
	}
	log.unsynced = config.faults.entriesUnsynced
	n.storage = &storage{log: log}
	if err := n.open(config.Now()); err != nil {
		if n.state != nil {
			err = errors.Join(err, n.state.close())
		}
		return nil, errors.Join(err, log.close())
	}
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
	n.restore()
	raftNode, err := raft.NewRawNode(&raft.Config{
		ID: raftID(n.config.NodeID), ElectionTick: 10, HeartbeatTick: 1, Storage: n.storage, Applied: n.storage.index,
		MaxSizePerMsg: 1 << 20, MaxCommittedSizePerReady: math.MaxUint64, MaxInflightMsgs: 256,
		CheckQuorum: true, PreVote: true, DisableProposalForwarding: true, Logger: raftLogger{n.logger},
	})
	if err != nil {
		return err
	}
	n.raft = raftNode
	return n.begin(now)
}

// load reads the newest snapshot and the entries behind it.
func (n *Node) load() error {
	c, image, size, err := readCheckpoint(n.config.FS, logFolder)
	if err != nil {
		return err
	}
	if c == nil {
		n.image.Store(metadata.NewImage(n.config.ClusterID))
		return n.storage.load()
	}
	if c.clusterID != n.config.ClusterID {
		return fmt.Errorf("%s belongs to cluster %q, not %q: give this node its own data directory", logFolder, c.clusterID, n.config.ClusterID)
	}
	n.image.Store(image)
	n.applied = c.index
	n.storage.index, n.storage.term = c.index, c.term
	n.storage.conf = raftpb.ConfState{Voters: c.voters, Learners: c.learners}
	n.snapshot.size = size
	return n.storage.load()
}

// claim reads quorum-state, or writes it for a cluster that is new.
func (n *Node) claim() error {
	state, err := openStateFile(n.config.FS, logFolder)
	if err != nil {
		return err
	}
	if state == nil {
		if n.storage.last() > 0 {
			return fmt.Errorf("%s/%s is missing although the log has entries up to %d: without it this node could vote twice; "+
				"take the folder from a backup", logFolder, stateFileName, n.storage.last())
		}
		state, err = createStateFile(n.config.FS, logFolder, hardState{
			node: n.config.NodeID, clusterID: n.config.ClusterID, voters: raftIDs(n.config.Voters),
		}, n.config.faults.stateUnsynced)
		if err != nil {
			return err
		}
	} else if n.storage.last() == 0 {
		// The first start ended before its first entry, perhaps between writing this file and making it durable.
		if err := state.renew(logFolder); err != nil {
			return errors.Join(err, state.close())
		}
	}
	n.state = state
	if s := &state.state; s.node != n.config.NodeID || s.clusterID != n.config.ClusterID {
		return fmt.Errorf("%s belongs to node %d of cluster %q, this is node %d of cluster %q: give each node its own data directory",
			state.name, s.node, s.clusterID, n.config.NodeID, n.config.ClusterID)
	}
	if n.storage.index == 0 {
		n.storage.conf = raftpb.ConfState{Voters: state.state.voters}
	}
	if !slices.Equal(n.storage.conf.GetVoters(), []uint64{raftID(n.config.NodeID)}) {
		return fmt.Errorf("%s has the voters %v; for now node %d can only be its own and only voter",
			logFolder, n.storage.conf.GetVoters(), n.config.NodeID)
	}
	return nil
}

func raftIDs(nodes []metadata.NodeID) []uint64 {
	ids := make([]uint64, len(nodes))
	for i, id := range nodes {
		ids[i] = raftID(id)
	}
	return ids
}

// restore gives raft the state it goes on from. A voter that is alone needs neither its term nor its vote written down:
// the term is that of its last entry, nobody else can have had its vote, and whatever is in its log is committed, for it
// was its own majority. This is why a start costs one sync. With the first change of the voters in the log, quorum-state
// holds the truth again.
func (n *Node) restore() {
	s := &n.state.state
	term := max(s.term, n.storage.lastTerm())
	n.storage.state = raftpb.HardState{Term: new(term), Vote: new(s.vote), Commit: new(n.storage.last())}
}

// begin elects this node at once, for it is the only voter, and does everything that is to be done before it serves.
func (n *Node) begin(now time.Time) error {
	for n.raft.HasReady() { // what was committed before is applied before anybody leads
		if err := n.ready(now); err != nil {
			return err
		}
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
