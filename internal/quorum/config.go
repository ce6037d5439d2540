package quorum

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Config is what a node is told when it is opened.
type Config struct {
	// Dir is the log directory that holds the metadata log, FS the tree in which it lies.
	Dir *commitlog.Dir
	FS  disk.FS

	NodeID    metadata.NodeID
	ClusterID string
	// Voters are the nodes that elect the controller, of a cluster that is new; a cluster that exists knows them. None
	// means this node alone. More than one is refused for now.
	Voters []metadata.NodeID

	// Controller is the controller's configuration. Self and ClusterID are set by Open; ProposalBytesMax of 0 is what goes
	// into one entry.
	Controller controller.Config
	// Register, if it is set, registers this process's broker as soon as the node leads, in the same round of the disk as
	// all else that the start needs.
	Register *protocol.BrokerRegistrationRequest

	// SnapshotBytes is how many bytes of entries there may be, at least, before a snapshot replaces them; it is also as
	// many as the snapshot before had. 0 is 1 MiB.
	SnapshotBytes int64

	// Random is the source of ids and of the places where replica placement begins; nil is crypto/rand.
	Random func([]byte)
	// Now is the clock; nil is time.Now. It decides nothing but when sessions end.
	Now func() time.Time
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
	if len(c.Voters) == 0 {
		c.Voters = []metadata.NodeID{c.NodeID}
	}
	if len(c.Voters) != 1 || c.Voters[0] != c.NodeID {
		return c, fmt.Errorf("controller.quorum.voters is %v; for now node %d can only be its own and only voter", c.Voters, c.NodeID)
	}
	if c.SnapshotBytes <= 0 {
		c.SnapshotBytes = 1 << 20
	}
	if c.Random == nil {
		c.Random = func(b []byte) { _, _ = rand.Read(b) } // never fails: crypto/rand ends the process instead
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

func (c *Config) uuid() (id protocol.UUID) {
	c.Random(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // RFC 9562, version 4
	return id
}

func (c *Config) number() uint32 {
	var b [4]byte
	c.Random(b[:])
	return binary.BigEndian.Uint32(b[:])
}

// Bounds.
const (
	// EntryBytesMax is the greatest size of one entry of the metadata log, in bytes.
	EntryBytesMax = 32 << 20
	// InboxMax is how many requests may wait for the node's goroutine; more are refused.
	InboxMax = 10_000
)
