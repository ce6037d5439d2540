package coordinator

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Coordinator is the group coordinator of one node.
type Coordinator struct {
	cfg        Config
	partitions atomic.Int32 // 0 before Start
	tokens     atomic.Uint64

	mu       sync.RWMutex
	loops    map[int32]*loop
	ending   map[int32]*loop // the last that was told to end: the next one of its partition waits for it
	draining bool            // no partition is taken any more, see Drain
	closed   bool
}

// New makes a Coordinator that leads no partition. Every request is refused with COORDINATOR_NOT_AVAILABLE until Start.
func New(cfg Config) *Coordinator {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Coordinator{cfg: cfg, loops: make(map[int32]*loop), ending: make(map[int32]*loop)}
}

// Start says how many partitions __consumer_offsets has, or will have when it is created. It must not change while any
// group exists.
func (c *Coordinator) Start(partitions int) { c.partitions.Store(int32(partitions)) }

// PartitionFor is the partition of __consumer_offsets whose leader coordinates a group. -1 before Start.
func (c *Coordinator) PartitionFor(groupID string) int32 {
	n := c.partitions.Load()
	if n <= 0 {
		return -1
	}
	return partitionFor(groupID, n)
}

// Elected says that this node leads a partition in an epoch. It is loaded in the background; until that is done
// requests are refused with COORDINATOR_LOAD_IN_PROGRESS. An older epoch's loop ends first, an equal or newer one stays.
func (c *Coordinator) Elected(partition int32, epoch record.LeaderEpoch, log Log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.loops[partition]
	if c.closed || c.draining || before != nil && before.epoch >= epoch {
		return
	}
	l := newLoop(&c.cfg, partition, epoch, log)
	c.loops[partition] = l
	if before != nil {
		c.end(before)
	}
	ending := c.ending[partition]
	go func() {
		if ending != nil {
			<-ending.done // until then it may still append
		}
		l.run()
	}()
}

// end tells a loop to end. The caller holds mu.
func (c *Coordinator) end(l *loop) {
	c.ending[l.partition] = l
	l.stopNow()
}

// Resigned says that this node does not lead a partition any more, from an epoch on. Everybody who waits is answered
// with NOT_COORDINATOR.
func (c *Coordinator) Resigned(partition int32, epoch record.LeaderEpoch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.loops[partition]; l != nil && l.epoch <= epoch {
		delete(c.loops, partition)
		c.end(l)
	}
}

// LeaseChanged has every partition look whether its log is still leased. Those whose is not answer everybody who waits, and all
// who come, with NOT_COORDINATOR, until it is; then they load again. Requests look by themselves: the call is for those that are
// parked.
func (c *Coordinator) LeaseChanged() {
	for _, l := range c.allLoops() {
		l.inbox.signal()
	}
}

// Drain answers everybody who is parked, JoinGroup, SyncGroup and held Heartbeat, with NOT_COORDINATOR, and everybody who
// would be from now on: the node ends soon. Offsets are committed and fetched until Close.
func (c *Coordinator) Drain() {
	c.mu.Lock()
	c.draining = true
	c.mu.Unlock()
	for _, l := range c.allLoops() {
		l.inbox.put(item{event: &group.ShuttingDown{Code: protocol.NotCoordinator, Reason: "the node is shutting down"}}, true)
	}
}

// Close ends all loops and waits for them. Everybody who waits is answered with NOT_COORDINATOR, every later request
// with COORDINATOR_NOT_AVAILABLE.
func (c *Coordinator) Close() {
	c.partitions.Store(0)
	c.mu.Lock()
	c.closed = true
	for partition, l := range c.loops {
		delete(c.loops, partition)
		c.end(l)
	}
	ending := c.ending
	c.ending = make(map[int32]*loop)
	c.mu.Unlock()
	for _, l := range ending {
		<-l.done
	}
}

// Ready says whether a partition is led here and loaded.
func (c *Coordinator) Ready(partition int32) bool {
	l := c.loop(partition)
	return l != nil && status(l.status.Load()) == active
}

func (c *Coordinator) loop(partition int32) *loop {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.loops[partition]
}

// route finds the loop of a group, if it can take requests (F5).
func (c *Coordinator) route(groupID string) (*loop, *protocol.Error) {
	partition := c.PartitionFor(groupID)
	if partition < 0 {
		return nil, errNotRunning
	}
	l := c.loop(partition)
	if l == nil {
		return nil, protocol.Fail(protocol.NotCoordinator, "group %q belongs to partition %d of __consumer_offsets, which this node does not lead", groupID, partition)
	}
	switch status(l.status.Load()) {
	case active:
		return l, nil
	case loading:
		return nil, l.errLoading()
	default:
		return nil, l.errGone()
	}
}

func (l *loop) errLoading() *protocol.Error {
	return protocol.Fail(protocol.CoordinatorLoadInProgress, "partition %d of __consumer_offsets is being loaded", l.partition)
}

func (l *loop) errGone() *protocol.Error {
	return protocol.Fail(protocol.NotCoordinator, "partition %d of __consumer_offsets is not served here any more", l.partition)
}

var errNotRunning = protocol.Fail(protocol.CoordinatorNotAvailable, "the group coordinator is not running")

// send queues an event for a loop. finish takes the reply or why there is none.
func (l *loop) send(token group.Token, e group.Event, finish func(group.Body, error)) {
	accepted, closed := l.inbox.put(item{event: e, token: token, finish: finish}, false)
	switch {
	case accepted:
	case closed:
		finish(nil, l.errGone())
	default:
		finish(nil, protocol.Fail(protocol.CoordinatorNotAvailable, "the inbox of partition %d of __consumer_offsets is full", l.partition))
	}
}

func (c *Coordinator) token() group.Token { return group.Token(c.tokens.Add(1)) }
