package zookeeper

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// DirectoryFile marks a data directory whose metadata is in ZooKeeper: without it the folders would be taken for those of topics
// that are gone.
const DirectoryFile = "metadata-in-zookeeper"

// Asker asks the ensemble. Session is one.
type Asker interface {
	// Ask sends a request. It does not wait; the answer comes as an event, in any case, and once.
	Ask(*member.Request)
	// Listen begins to give events, each to the function, which must not wait.
	Listen(func(member.Event))
	// Close ends the session, so that others need not wait for its end. It waits for at most a second.
	Close()
}

// Config is what a node is told when it is opened.
type Config struct {
	Asker     Asker
	NodeID    metadata.NodeID
	ClusterID string
	// Broker is what the node's znode says; Controller is where other nodes reach its controller listener.
	Broker member.Broker

	// Controller is the controller's configuration. Self and ClusterID are set by Open; ProposalBytesMax of 0 is what goes
	// into one entry.
	Controller controller.Config
	// SnapshotBytes is how many bytes of entries there may be, at least, before a snapshot replaces them; it is also as
	// many as the snapshot before had. 0 is 1 MiB.
	SnapshotBytes int

	// Random is the source of ids and of the places where replica placement begins; nil is crypto/rand.
	Random seat.Random
	// Now is the clock; nil is time.Now. It must be monotonic: it decides when the node gives itself up.
	Now func() time.Time
	// OnLeader is called when Node.Leader names another node, or the same in a later epoch. It must not wait.
	OnLeader func()
	// OnController is called with where the controller listens, as the ensemble has it. It must not wait.
	OnController func(metadata.NodeID, string)
	// OnSession is called on the node's goroutine when SessionLeft becomes positive, and when it ends. It must not wait.
	OnSession func(held bool)
	// OnStopped is called once when the node has stopped by itself, with the reason. It must not call Close.
	OnStopped func(error)
	// Manual leaves all work to Node.Work: no goroutine is started. For simulation.
	Manual bool
	Logger *slog.Logger // nil discards
}

func (c Config) completed() (Config, error) {
	switch {
	case c.NodeID < 0:
		return c, fmt.Errorf("node.id is %d; it must be 0 or more", c.NodeID)
	case c.ClusterID == "":
		return c, errors.New("the metadata log needs a cluster id")
	}
	if c.SnapshotBytes <= 0 {
		c.SnapshotBytes = 1 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Controller.Self, c.Controller.ClusterID = c.NodeID, c.ClusterID
	if c.Controller.ProposalBytesMax <= 0 {
		c.Controller.ProposalBytesMax = member.EntryBytesMax
	}
	return c, nil
}

// Subscriber is told of each new image; see seat.Subscriber.
type Subscriber = quorum.Subscriber

// entriesMax is how many entries there may be before a snapshot replaces them, whatever their size: each is a znode.
const entriesMax = 10_000
