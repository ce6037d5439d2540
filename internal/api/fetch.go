package api

import (
	"sync"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Fetch (1), versions 4 to 18. Sessions from 7 (KIP-227), truncation detection from 12 (KIP-595), topic ids from 13
// (KIP-516), the leader beside NOT_LEADER_OR_FOLLOWER from 16 (KIP-951).
//
// An answer holds whole batches, the first of which may begin below the offset that was asked for. It is given when
// MinBytes are there, when a partition has an error, or when MaxWaitMs is over; meanwhile the call waits for the high
// watermark of its partitions, as a value that nobody polls.
//
// A consumer of version 11 on may read from followers too, up to their high watermarks (KIP-392): see fetch_nearest.go.
//
// A follower names itself and its broker epoch (ReplicaState, KIP-903). It reads to the log's end and waits for that, and
// where it asks from is how far it has the log. With OFFSET_OUT_OF_RANGE it is told what Kafka's has to ask for with
// ListOffsets: where the log begins (LogStartOffset) and ends (DivergingEpoch.EndOffset, without an epoch).

// fetchCall is one Fetch from its first look at the log until its answer.
type fetchCall struct {
	node    *Node
	call    *Call
	request *protocol.FetchRequest
	session *fetchSession // nil without one
	asked   []*fetchPartition
	hosted  []*partition.Partition // parallel to asked; nil where it is not hosted here
	errors  []error                // parallel to asked
	// follower is who asks, where it is a replica; heard says that its partitions know where it is.
	follower *partition.Follower
	heard    bool
	// near says whether a node stands where the consumer does; nil where that is of no interest.
	near func(metadata.NodeID) bool
	// hastens says that a follower is told of each new high watermark at once.
	hastens bool
	// whole says that every partition is answered, not only those with something to tell.
	whole bool

	mu       sync.Mutex
	reader   *partition.Reader
	timer    Timer
	finished bool
}

// read is what one look at one partition found.
type read struct {
	slice         commitlog.Slice
	leftOut       bool // there are records that the leader's throttle makes a follower wait for
	highWatermark record.Offset
	logStart      record.Offset
	logEnd        record.Offset
	diverging     divergence
	preferred     metadata.NodeID // is to be asked instead; NoNode for nobody
	err           error
}

// limit is what the look could see, and what a wait has to pass: the log's end for a follower.
func (f *fetchCall) limit(r *read) record.Offset {
	if f.follower != nil {
		return r.logEnd
	}
	return r.highWatermark
}

func (n *Node) fetch(c *Call) {
	request := c.Request.(*protocol.FetchRequest)
	f := &fetchCall{node: n, call: c, request: request}
	if err := f.open(); err != nil {
		response := protocol.NewFetchResponse()
		response.ErrorCode = n.fail(c, err)
		c.Reply(response)
		return
	}
	c.ReleaseFrame()
	f.settleNear()
	f.locate()
	f.attempt(request.MaxWaitMs <= 0)
}

// locate finds the asked partitions.
func (f *fetchCall) locate() {
	f.hosted = make([]*partition.Partition, len(f.asked))
	f.errors = make([]error, len(f.asked))
	for i, p := range f.asked {
		f.hosted[i], f.errors[i] = f.find(p)
	}
}

func (f *fetchCall) find(p *fetchPartition) (*partition.Partition, error) {
	return f.node.hosted(f.call.Version >= 13, p.topic, p.topicID, p.partition)
}

// serves says why a partition can not be read any more, or not in the client's epoch. Each look asks: it may have been
// deleted while the call waited.
func (f *fetchCall) serves(hosted *partition.Partition, p *fetchPartition) error {
	err := f.checkEpoch(hosted, p.currentEpoch)
	if err == nil {
		return nil
	}
	if _, missing := f.find(p); missing != nil {
		return missing // it says better what is missing: the topic, or its id
	}
	return err
}

// attempt looks at the log and answers if there is enough to say, or if this is the last look; else it waits.
func (f *fetchCall) attempt(last bool) {
	reads, size, urgent := f.look()
	if last || urgent || size >= int(f.request.MinBytes) || len(f.asked) == 0 {
		f.finish(reads)
		return
	}
	release(reads)
	f.wait(reads)
}

// look reads every partition within the limits of the request. urgent says that something other than records is to
// be told at once.
func (f *fetchCall) look() (reads []read, size int, urgent bool) {
	reads = make([]read, len(f.asked))
	left := min(int(f.request.MaxBytes), int(f.node.Config().FetchMax))
	var giving partition.Giving
	if f.follower != nil {
		giving.To = f.follower.Node
	}
	for i, p := range f.asked {
		r := &reads[i]
		r.preferred = metadata.NoNode
		if r.err = f.errors[i]; r.err != nil {
			urgent = true
			continue
		}
		hosted := f.hosted[i]
		if r.err = f.serves(hosted, p); r.err != nil {
			urgent = true
			continue
		}
		// The ends are taken before the read: one that moves in between must still wake the wait.
		r.highWatermark, r.logStart, r.logEnd = hosted.HighWatermark(), hosted.LogStart(), hosted.LogEnd()
		if f.near != nil {
			r.preferred = hosted.Nearest(p.fetchOffset, f.near)
		}
		if r.preferred != metadata.NoNode {
			urgent = true
			continue
		}
		if r.diverging, r.err = diverged(hosted, p); r.err != nil || r.diverging.found {
			urgent = true
			continue
		}
		f.read(&giving, hosted, p, r, min(int(p.bytesMax), left), size == 0)
		if f.follower == nil && r.slice.Len() == 0 && p.fetchOffset >= r.highWatermark {
			if err := hosted.Forsaken(); err != nil { // also where there is no such offset: the next leader may have it
				r.err = err
			}
		}
		if r.err == nil && f.follower != nil && !f.heard {
			r.err = hosted.Fetched(*f.follower, p.currentEpoch, p.fetchOffset, p.logStart)
			r.highWatermark = hosted.HighWatermark() // it may have moved by that
			if r.err == nil && r.slice.Len() > 0 && hosted.GivenAgain(f.follower.Node, p.fetchOffset) {
				r.err = checkAgain(hosted, r.slice)
			}
		}
		if r.err != nil {
			r.slice.Release()
			r.slice = commitlog.Slice{}
			urgent = true
			continue
		}
		urgent = urgent || f.learns(p, r)
		size += r.slice.Len()
		left -= r.slice.Len()
	}
	if !f.heard { // the first look ends before another can begin; later ones change nothing
		f.heard = true
	}
	return reads, size, urgent
}

// read reads one partition, at most up to the limit.
func (f *fetchCall) read(giving *partition.Giving, hosted *partition.Partition, p *fetchPartition, r *read, bytesMax int, atLeastOne bool) {
	if f.follower != nil {
		r.slice, r.leftOut, r.err = giving.Read(hosted, p.fetchOffset, f.limit(r), bytesMax, atLeastOne)
		return
	}
	r.slice, r.err = hosted.Read(p.fetchOffset, f.limit(r), bytesMax, atLeastOne)
}

func release(reads []read) {
	for i := range reads {
		reads[i].slice.Release()
		reads[i].slice = commitlog.Slice{}
	}
}

// wait watches the partitions until one has more than this look saw, or until the time is over.
func (f *fetchCall) wait(seen []read) {
	f.mu.Lock()
	if f.finished {
		f.mu.Unlock()
		return
	}
	f.reader = partition.NewReader(func() { f.node.Runtime.Go(f.again) })
	reader := f.reader
	first := f.timer == nil
	if first {
		limit := time.Duration(f.request.MaxWaitMs)*time.Millisecond - f.node.Runtime.Clock().Sub(f.call.Arrived)
		f.timer = f.node.Runtime.After(max(limit, 0), f.expire)
	}
	f.mu.Unlock()
	for i, hosted := range f.hosted {
		if hosted != nil {
			f.watch(hosted, reader, f.asked[i].fetchOffset, &seen[i])
		}
	}
	if first {
		f.hold()
		f.call.OnEnding(f.expire)
	}
}

// watch has one partition wake the call. One whose records are left out does not: more of them change nothing, and when there
// is room for them is seen when the call's time is over.
func (f *fetchCall) watch(hosted *partition.Partition, reader *partition.Reader, from record.Offset, seen *read) {
	if seen.leftOut {
		return
	}
	if f.follower == nil {
		hosted.Watch(reader, max(seen.highWatermark, from))
		return
	}
	hosted.WatchEnd(reader, max(seen.logEnd, from))
	if f.hastens {
		hosted.Watch(reader, seen.highWatermark)
	}
}

func (f *fetchCall) unwatch() {
	f.mu.Lock()
	reader := f.reader
	f.mu.Unlock()
	if reader == nil {
		return
	}
	reader.Stop()
	for _, hosted := range f.hosted {
		if hosted != nil {
			hosted.Unwatch(reader)
		}
	}
}

// again is a wake-up: the watch is over, so it looks once more.
func (f *fetchCall) again() {
	f.unwatch()
	f.mu.Lock()
	finished := f.finished
	f.mu.Unlock()
	if !finished {
		f.attempt(false)
	}
}

// expire answers with what there is: the time is over, or the connection ends.
func (f *fetchCall) expire() {
	f.unwatch()
	reads, _, _ := f.look()
	f.finish(reads)
}

// finish answers, unless the other of timer and wake-up has done so already.
func (f *fetchCall) finish(reads []read) {
	f.mu.Lock()
	if f.finished {
		f.mu.Unlock()
		release(reads)
		return
	}
	f.finished = true
	if f.timer != nil {
		f.timer.Stop()
	}
	f.mu.Unlock()
	f.unwatch()
	if f.follower != nil {
		f.node.held.remove(f)
	}
	f.call.Reply(f.answer(reads))
}
