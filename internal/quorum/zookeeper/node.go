package zookeeper

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/record"
)

// Node is this process's part of the quorum: its image of the metadata log, and the controller while this node leads. All its
// exported methods but Work and Deadline may be called concurrently. One goroutine does all the work, in Work.
type Node struct {
	config Config
	logger *slog.Logger

	images  seat.Images
	leader  atomic.Pointer[leadership]
	inbox   *seat.Inbox
	dropped atomic.Pointer[error] // why the node stopped by itself
	trouble atomic.Pointer[error] // what does not work for now
	sure    atomic.Pointer[time.Time]

	quit       chan struct{}
	done       chan struct{} // closed when the node has stopped, by itself or by Close
	loop       sync.WaitGroup
	background sync.WaitGroup // a snapshot is being encoded
	closing    sync.Once
	stopping   sync.Once

	// The rest belongs to the goroutine that works.
	member   *member.Machine
	effects  member.Effects
	events   []member.Event // to be stepped
	seat     *seat.Seat
	held     []held
	session  bool   // Config.OnSession was told that it is sure
	asked    uint64 // the last number of Confirm
	hearing  hearing
	snapshot snapshot
}

// leadership is who leads, as far as this node knows.
type leadership struct {
	node  metadata.NodeID
	epoch record.LeaderEpoch
}

// held is an answer that waits until it is certain that this node still led when it was made.
type held struct {
	number uint64
	answer seat.Answer
}

// Open begins to follow the metadata log, to register this node's broker, and to stand for election. It does not wait for
// any of that.
func Open(config Config) (*Node, error) {
	config, err := config.completed()
	if err != nil {
		return nil, err
	}
	n := &Node{
		config: config, logger: config.Logger, inbox: seat.NewInbox(), quit: make(chan struct{}), done: make(chan struct{}),
		member: member.New(member.Config{Self: config.NodeID, ClusterID: config.ClusterID, Broker: config.Broker}),
	}
	n.hearing.silence = metadata.Lease(config.Controller.SessionTimeout)
	n.seat = seat.New(seat.Config{Controller: config.Controller, Propose: n.propose, Reply: n.reply})
	n.images.Begin(metadata.NewImage(config.ClusterID))
	config.Asker.Listen(func(e member.Event) {
		_ = n.inbox.Put(seat.Message{Work: func(now time.Time) error { return n.happen(now, e) }}) // a node that has stopped does not care
	})
	if !config.Manual {
		n.loop.Add(1)
		go n.run()
	}
	return n, nil
}

// run works until Close or a failure.
func (n *Node) run() {
	defer n.loop.Done()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	for {
		if at, ok := n.Deadline(); ok {
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

// Work does all there is to do now, and returns why the node has stopped, or nil. Only a Manual node's owner calls it,
// from one goroutine; now is injected.
func (n *Node) Work(now time.Time) error {
	if err := n.Err(); err != nil {
		return err
	}
	if err := n.happen(now, &member.Due{}); err != nil { // first: a node that was stopped for long must know that
		return n.fail(now, err)
	}
	for {
		messages := n.inbox.Take()
		for _, m := range messages {
			if err := n.handle(now, m); err != nil {
				return n.fail(now, err)
			}
		}
		if err := n.listenIn(now); err != nil {
			return n.fail(now, err)
		}
		if err := n.expire(now); err != nil { // after the messages: heartbeats that came meanwhile count
			return n.fail(now, err)
		}
		if len(messages) == 0 {
			n.noteSession(now)
			return n.Err()
		}
	}
}

// Deadline says when there is work though nothing comes; false if there is none.
func (n *Node) Deadline() (time.Time, bool) {
	at, ok := n.seat.Deadline()
	if due, some := n.member.Deadline(); some && (!ok || due.Before(at)) {
		at, ok = due, true
	}
	if deaf, some := n.deafAt(); some && (!ok || deaf.Before(at)) {
		at, ok = deaf, true
	}
	return at, ok
}

// fail stops the node.
func (n *Node) fail(now time.Time, cause error) error {
	var reason error = protocol.Fail(protocol.KafkaStorageError, "the metadata log has stopped: %w", cause)
	n.dropped.Store(&reason)
	n.logger.Error("the metadata log has stopped; restart the node", "cause", cause)
	n.stop(now, reason)
	n.config.Asker.Close() // another node need not wait for the session's end
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
		n.sure.Store(nil)
		_ = n.seat.Step(now, &controller.Resign{Reason: reason})
		n.release(reason)
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

// Close ends the node and its session: another node leads at once, if there is one. What waits is answered with NOT_CONTROLLER.
func (n *Node) Close() error {
	n.closing.Do(func() {
		close(n.quit)
		n.loop.Wait()
		n.background.Wait()
		n.stop(n.config.Now(), protocol.Fail(protocol.NotController, "node %d is shutting down", n.config.NodeID))
		n.config.Asker.Close()
	})
	return nil
}
