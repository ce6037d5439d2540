package quorum

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// Config is what a node is told when it is opened.
type Config struct {
	// Dir is the log directory that holds the metadata log, FS the tree in which it lies.
	Dir *commitlog.Dir
	FS  disk.FS

	NodeID    metadata.NodeID
	ClusterID string
	// Address is where the others reach this node's controller listener. It may be empty while the node is alone.
	Address string
	// Voters are the nodes that elect the controller, of a cluster that is new; a cluster that exists knows them. None
	// means this node alone. They all have the same list.
	Voters []Member
	// Join says that a node without a metadata log belongs to a cluster that exists: it begins as no member, and waits to
	// be made one, see Node.Join. Voters is not looked at then.
	Join bool
	// Transport carries messages to the other members. A node that is alone, and stays so, needs none.
	Transport Transport

	// Controller is the controller's configuration. Self and ClusterID are set by Open; ProposalBytesMax of 0 is what goes
	// into one entry.
	Controller controller.Config
	// Register, if it is set, registers this process's broker as soon as the node leads, in the same round of the disk as
	// all else that the start needs. A node that is not the only voter leaves that to its broker, which does it as every
	// broker does.
	Register *protocol.BrokerRegistrationRequest

	// SnapshotBytes is how many bytes of entries there may be, at least, before a snapshot replaces them; it is also as
	// many as the snapshot before had. 0 is 1 MiB.
	SnapshotBytes int64
	// SnapshotSendMax is the largest snapshot that is sent to another node, in bytes: it goes in one message. 0 is 64 MiB.
	SnapshotSendMax int

	// Random is the source of ids, of the places where replica placement begins, and of how long a node waits before it
	// stands for election; nil is crypto/rand.
	Random seat.Random
	// Now is the clock; nil is time.Now. It decides nothing but when sessions end and when ticks are due.
	Now func() time.Time
	// OnLeader is called when Node.Leader names another node, or the same in a later epoch. It must not wait.
	OnLeader func()
	// OnMembers is called on the node's goroutine with each change of the members that has its effect after Open. It must not
	// wait, and not change the list.
	OnMembers func([]Member)
	// OnStopped is called once when the node has stopped by itself, with the reason. It must not call Close.
	OnStopped func(error)
	// Manual leaves all work to Node.Work: no goroutine is started, a snapshot is written where it falls due. For
	// simulation, where one goroutine does everything in an order that a seed decides. Then Dir is Manual too.
	Manual bool
	Logger *slog.Logger // nil discards

	faults faults
}

func (c Config) completed() (Config, error) {
	if c.NodeID < 0 {
		return c, fmt.Errorf("node.id is %d; it must be 0 or more", c.NodeID)
	}
	if c.ClusterID == "" {
		return c, errors.New("the metadata log needs a cluster id")
	}
	if err := c.completeVoters(); err != nil {
		return c, err
	}
	if c.SnapshotBytes <= 0 {
		c.SnapshotBytes = 1 << 20
	}
	if c.SnapshotSendMax <= 0 {
		c.SnapshotSendMax = 64 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Controller.Self, c.Controller.ClusterID = c.NodeID, c.ClusterID
	if c.Controller.ProposalBytesMax <= 0 {
		c.Controller.ProposalBytesMax = EntryBytesMax - proposalHeaderMax
	}
	return c, nil
}

// completeVoters makes Voters a sorted list of voters, this node among them.
func (c *Config) completeVoters() error {
	if len(c.Address) > addressBytesMax {
		return fmt.Errorf("the address %.40q... has %d bytes; at most %d", c.Address, len(c.Address), addressBytesMax)
	}
	self := Member{ID: c.NodeID, Address: c.Address, Directory: c.Dir.ID(), Voter: true}
	switch {
	case c.Join:
		c.Voters = nil
	case len(c.Voters) == 0:
		c.Voters = members{self}
	default:
		c.Voters = sortedMembers(c.Voters)
		for i := range c.Voters {
			v := &c.Voters[i]
			v.Voter = true
			if v.ID < 0 || i > 0 && c.Voters[i-1].ID == v.ID || len(v.Address) > addressBytesMax {
				return fmt.Errorf("voter %d at %q: each voter has an id of its own, 0 or more, and an address of at most %d bytes",
					v.ID, v.Address, addressBytesMax)
			}
			if v.ID == c.NodeID && c.Address == "" {
				self.Address = v.Address
			}
		}
		if _, ok := members(c.Voters).find(c.NodeID); !ok {
			return fmt.Errorf("node %d is none of the voters %v: it can only join them", c.NodeID, nodeIDs(c.Voters))
		}
		c.Voters = members(c.Voters).with(self)
		c.Address = self.Address
	}
	if c.Transport == nil && (c.Join || len(c.Voters) > 1) {
		return fmt.Errorf("node %d is not alone, and has no transport to reach the voters %v", c.NodeID, nodeIDs(c.Voters))
	}
	return nil
}

func nodeIDs(list []Member) []metadata.NodeID {
	ids := make([]metadata.NodeID, 0, len(list))
	for _, m := range list {
		ids = append(ids, m.ID)
	}
	return slices.Clip(ids)
}

// Bounds.
const (
	// EntryBytesMax is the greatest size of one entry of the metadata log, in bytes.
	EntryBytesMax = 32 << 20
)
