package quorum

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/record"
)

// Node is this process's part of the quorum: its copy of the metadata log, the image that the log makes, and the
// controller while this node leads. All its exported methods may be called concurrently.
//
// One goroutine does all the work, in Work: it steps the controller through the requests that have come, gives its
// proposals and the other nodes' messages to raft, writes what raft wants written, waits for the disk, applies what is
// committed, tells subscribers, and answers. Requests that come while it waits for the disk share the next wait. A second
// goroutine for the controller was rejected: it would only wait for this one. A node that is alone sleeps while nothing
// comes: it needs no ticks.
type Node struct {
	config Config
	logger *slog.Logger

	images  seat.Images
	leader  atomic.Pointer[leadership]
	inbox   *seat.Inbox
	dropped atomic.Pointer[error] // why the node stopped by itself

	quit       chan struct{}
	done       chan struct{} // closed when the node has stopped, by itself or by Close
	loop       sync.WaitGroup
	background sync.WaitGroup // a snapshot is being written
	closing    sync.Once
	stopping   sync.Once

	membership atomic.Pointer[[]Member] // members, for everybody

	// The rest belongs to the goroutine that works.
	now       time.Time // of the work at hand
	state     *stateFile
	storage   *storage
	raft      *raft.RawNode
	seat      *seat.Seat
	applied   uint64    // index of the last entry in image
	term      uint64    // in which this node leads or is about to; 0 if it follows
	first     uint64    // index of the first entry of that term
	since     time.Time // when this node began to lead in term
	cededTerm uint64    // in which it does not want to for now, see cede
	refused   bool      // raft has not taken a proposal
	snapshot  snapshotState

	confirmation confirmation

	members     members // as the applied entries have them
	contacts    map[metadata.NodeID]contact
	timer       electionTimer
	changing    *change       // of the members, proposed here
	opened      bool          // Open has done all that is done before it returns
	said        bool          // an entry of this life has this node's address and directory
	arrived     []*incoming   // snapshots that raft may have installed
	sent        []uint64      // raft's nodes that were just sent a snapshot
	handingOver chan struct{} // closed when this node leads no more

	applying func([]*raftpb.Entry) // of a test
}

// leadership is who leads, as far as this node knows.
type leadership struct {
	node  metadata.NodeID
	epoch record.LeaderEpoch
}

// Work does all there is to do now, and returns why the node has stopped, or nil. Only a Manual node's owner calls it,
// from one goroutine; now is injected.
func (n *Node) Work(now time.Time) error {
	if err := n.Err(); err != nil {
		return err
	}
	n.now = now
	for {
		messages := n.inbox.Take()
		for _, m := range messages {
			if err := n.handle(now, m); err != nil {
				return n.fail(now, err)
			}
		}
		n.expire(now) // after the messages: heartbeats that came while the disk was slow count
		n.tick(now)
		n.lead(now)
		n.confirm(now)
		if !n.raft.HasReady() {
			n.arrived = nil
			if len(messages) == 0 {
				return n.Err()
			}
			continue
		}
		if err := n.ready(now); err != nil {
			return n.fail(now, err)
		}
	}
}

// run works until Close or a failure.
func (n *Node) run() {
	defer n.loop.Done()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	for {
		if at, ok := n.deadline(); ok {
			timer.Reset(at.Sub(n.config.Now()))
		}
		select {
		case <-n.inbox.Wake():
		case <-timer.C:
		case <-n.quit:
			return
		}
		timer.Stop()
		if n.Work(n.config.Now()) != nil {
			return
		}
	}
}

// Deadline says when a Manual node has work though nothing comes; false if it has none.
func (n *Node) Deadline() (time.Time, bool) { return n.deadline() }

// fail stops the node: what it holds in memory may be more than what is on the disk.
func (n *Node) fail(now time.Time, cause error) error {
	var reason error = protocol.Fail(protocol.KafkaStorageError, "the metadata log has stopped: %w", cause)
	n.dropped.Store(&reason)
	n.logger.Error("the metadata log has stopped; restart the node", "cause", cause)
	n.stop(now, reason)
	if n.config.OnStopped != nil {
		n.config.OnStopped(reason)
	}
	return reason
}

// stop answers everything that waits with a reason, and takes nothing more.
func (n *Node) stop(now time.Time, reason error) {
	n.stopping.Do(func() {
		n.inbox.Stop(reason)
		n.leader.Store(nil)
		n.step(now, &controller.Resign{Reason: reason})
		n.unconfirmed(reason)
		n.abandonChange(reason)
		n.inbox.Refuse(reason)
		close(n.done)
	})
}

// Err is why the node has stopped by itself, nil while it works and after Close.
func (n *Node) Err() error {
	if reason := n.dropped.Load(); reason != nil {
		return *reason
	}
	return nil
}

// Done is closed when the node has stopped, by itself or by Close.
func (n *Node) Done() <-chan struct{} { return n.done }

// Close ends the node: another voter leads if there is one, which it waits for at most a second; what waits is answered
// with NOT_CONTROLLER, the log is closed, the log directory stays open. It returns what went wrong while closing, not why
// the node had stopped before; that is Err.
func (n *Node) Close() error {
	var err error
	n.closing.Do(func() {
		n.handOver()
		close(n.quit)
		n.loop.Wait()
		n.background.Wait()
		n.stop(n.config.Now(), protocol.Fail(protocol.NotController, "node %d is shutting down", n.config.NodeID))
		err = errors.Join(n.noteCommit(), n.storage.log.close(), n.state.close())
	})
	return err
}

// Image is the cluster as this node knows it. It never goes back.
func (n *Node) Image() *metadata.Image { return n.images.Image() }

// Subscriber is told of each new image; see seat.Subscriber.
type Subscriber = seat.Subscriber

// Subscribe adds a subscriber, which is told of the present image at once; see seat.Images.
func (n *Node) Subscribe(s Subscriber) { n.images.Subscribe(s) }

// Recording is the flight recorder's content; see seat.Seat.
func (n *Node) Recording() []byte { return n.seat.Recording() }

// Leader is the controller and the epoch in which it leads, as far as this node knows; false if it knows none.
func (n *Node) Leader() (metadata.NodeID, record.LeaderEpoch, bool) {
	if l := n.leader.Load(); l != nil {
		return l.node, l.epoch, true
	}
	return metadata.NoNode, record.NoLeaderEpoch, false
}
