// Package partition is the machinery of the partitions that this node hosts: it joins a log (package commitlog) to the
// decisions of its replication (package replica) and to those who wait for it. A partition is led here, follows another
// node, or neither, as the image says. Start with Host, then Partition.Append and Partition.Read, then fetcher.go for
// those that follow and follower.go for what a leader hears of its followers.
package partition

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// Partition is one partition hosted here. Its methods may be called concurrently.
type Partition struct {
	Name    metadata.TopicPartition
	TopicID protocol.UUID

	host *Host
	log  *commitlog.Log

	fetcher    *fetcher    // that it is given to; only the goroutine of Apply knows
	replicated atomic.Bool // there are other replicas
	spoilt     atomic.Bool // damage was found, and is being looked at
	throttled  throttled
	counts     atomic.Bool // the image has this node in the ISR

	highWatermark atomic.Int64 // copy of state's, for readers without the lock
	endWatchers   atomic.Int32 // len(ends)

	// taking is held by the one answer of the leader that is being taken. roles is held shared while the log is appended
	// to or cut, and alone while the role changes: no append of one leader epoch falls into the next. Locks are taken in
	// the order taking, roles, mu.
	taking sync.Mutex
	roles  sync.RWMutex

	// mu guards what follows. No file is touched and no callback runs under it.
	mu       sync.Mutex
	state    replica.State
	effects  replica.Effects
	ownEnd   replica.Durable // scratch, as the next two: what happens in each round allocates nothing
	fetched  replica.Fetched
	reported replica.Durable
	given    map[metadata.NodeID]record.Offset // from where each follower was given records last
	gone     error                             // set when the partition was deleted or moved away
	commits  commitQueue                       // wait for the high watermark
	syncs    commitQueue                       // wait for the durable end of this node's log
	starts   commitQueue                       // wait for the replicas to have moved their log starts
	readers  map[*Reader]uint64                // wait for the high watermark; with when they began to, as a number
	ends     map[*Reader]uint64                // wait for the log's end
	watches  uint64                            // numbers those who watch
	// forsakenUntil is when, without a lease, the leader counts on its replicas again, if none is silent by then.
	forsakenUntil replica.Instant
}

// Acks is how many replicas must hold a produce before it is answered, as in Produce.
type Acks int16

const (
	AcksAll    Acks = -1
	AcksNone   Acks = 0
	AcksLeader Acks = 1
)

// Append writes record batches at the log's end. Offsets and the leader epoch are set in the caller's bytes. The
// records are not committed, and not durable, until OnCommitted says so.
func (p *Partition) Append(records []byte, origin commitlog.Origin, acks Acks) (commitlog.Appended, error) {
	p.roles.RLock()
	appended, err := p.appendLeading(records, origin, acks)
	p.roles.RUnlock()
	if err != nil {
		return appended, err
	}
	p.wakeEnds()
	if p.log.DurableEnd() > appended.Last { // page-cache mode: nothing to wait for
		p.durable()
	}
	return appended, nil
}

// appendLeading appends in the leader epoch of now. The caller holds roles.
func (p *Partition) appendLeading(records []byte, origin commitlog.Origin, acks Acks) (commitlog.Appended, error) {
	p.mu.Lock()
	epoch, leading := p.state.Leading()
	ok, have, need := p.state.EnoughInSync()
	gone, forsaken := p.gone, p.forsakenLocked()
	p.mu.Unlock()
	switch {
	case gone != nil:
		return commitlog.Appended{}, gone
	case !leading:
		return commitlog.Appended{}, p.notLeader()
	case forsaken != nil:
		return commitlog.Appended{}, forsaken
	case acks == AcksAll && !ok:
		return commitlog.Appended{}, protocol.Fail(protocol.NotEnoughReplicas,
			"%s has %d in-sync replicas and min.insync.replicas is %d", p.Name, have, need)
	}
	return p.log.Append(records, commitlog.AppendOptions{
		LeaderEpoch: epoch,
		Origin:      origin,
		Now:         p.host.now().UnixMilli(),
	})
}

// lost is why the partition is of no use here any more, or nil.
func (p *Partition) lost() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

func (p *Partition) notLeader() error {
	return protocol.Fail(protocol.NotLeaderOrFollower, "node %d does not lead %s", p.host.self, p.Name)
}

// durable takes the durable end of this node's log. It is read under mu: one that was read before a cut must not pass for
// that of what was written in the place of what was cut.
func (p *Partition) durable() {
	p.mu.Lock()
	end := p.log.DurableEnd()
	p.ownEnd = replica.Durable{Node: p.host.self, End: end, LogEnd: p.log.EndOffset()}
	o := p.decideLocked(&p.ownEnd)
	if synced := p.syncs.below(end); len(synced) > 0 {
		o.done = append(o.done, synced...)
	}
	p.mu.Unlock()
	o.run(p)
}

// step gives the state one event and does what it asks. Callbacks run on this goroutine, outside the locks.
func (p *Partition) step(event replica.Event) replica.Effects {
	o := p.decide(event)
	o.run(p)
	return o.effects
}

// decide gives the state one event. The caller runs the outcome when it holds no lock any more.
func (p *Partition) decide(event replica.Event) outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.decideLocked(event)
}

// turn is decide for an event that may change the role. Those who read in another epoch than the new one are told so: they
// wake and look.
func (p *Partition) turn(event replica.Event) outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	epoch, served := p.state.Serving()
	o := p.decideLocked(event)
	if now, serves := p.state.Serving(); now != epoch || serves != served {
		o.wake = takeReaders(p.readers, o.wake)
	}
	return o
}

func (p *Partition) decideLocked(event replica.Event) outcome {
	p.state.Step(p.host.instant(), event, &p.effects)
	o := outcome{effects: p.effects}
	if o.effects.Moved {
		p.highWatermark.Store(int64(o.effects.HighWatermark))
		o.done = p.commits.below(o.effects.HighWatermark)
	}
	if len(p.starts.waits) > 0 {
		o.done = append(o.done, p.starts.below(p.state.LowWatermark(p.log.StartOffset()))...)
	}
	if o.effects.Resigned {
		o.failed = p.gone
		if o.failed == nil {
			o.failed = p.notLeader()
		}
		o.lost = slices.Concat(p.commits.all(), p.syncs.all(), p.starts.all())
	}
	if o.effects.Moved || o.effects.Resigned {
		o.wake = takeReaders(p.readers, o.wake)
	}
	if o.effects.Resigned {
		o.wake = takeReaders(p.ends, o.wake)
		p.endWatchers.Store(0)
	}
	if o.effects.Reports {
		o.leader, o.epoch, _ = p.state.Following()
	}
	return o
}

// outcome is what an event asks to be done outside the locks.
type outcome struct {
	effects replica.Effects
	done    []commitWait // have what they waited for
	lost    []commitWait // will not get it here
	failed  error        // why
	wake    []*Reader
	leader  metadata.NodeID // whom the report goes to
	epoch   record.LeaderEpoch
}

func (o *outcome) run(p *Partition) {
	// Readers first: each goes on in a goroutine of its own, beside the answers that are written here.
	for _, r := range o.wake {
		r.wake()
	}
	for _, w := range o.done {
		w.f(nil)
	}
	for _, w := range o.lost {
		w.f(o.failed)
	}
	if o.effects.Reports {
		p.host.reports.add(p, o.leader, report{epoch: o.epoch, end: o.effects.Report})
	}
	if o.effects.Alter != nil {
		p.host.alter(p, o.effects.Alter)
	}
	if o.effects.Wake {
		p.host.checkAt(p, o.effects.WakeAt)
	}
}

// OnCommitted calls f once: with nil when every record below end is committed, at once if it is already, or with an
// error when that can no longer be known here. f must not block; it may run on the Syncer's goroutine.
func (p *Partition) OnCommitted(end record.Offset, f func(error)) {
	p.mu.Lock()
	p.await(&p.commits, p.state.HighWatermark(), commitWait{end: end, f: f})
}

// OnDurable is OnCommitted for what is durable on this node, whatever other replicas have (acks=1).
func (p *Partition) OnDurable(end record.Offset, f func(error)) {
	p.mu.Lock()
	p.await(&p.syncs, p.log.DurableEnd(), commitWait{end: end, f: f})
}

// OnDeleted is OnCommitted for a log start that was moved, by DeleteRecords: nil says that the replicas in sync have moved
// theirs, and so no leader that is elected from them brings back what was deleted.
func (p *Partition) OnDeleted(start record.Offset, f func(error)) {
	p.mu.Lock()
	p.await(&p.starts, p.state.LowWatermark(p.log.StartOffset()), commitWait{end: start, f: f})
}

// await queues a wait unless it is over already. The caller holds mu, which await gives back.
func (p *Partition) await(queue *commitQueue, reached record.Offset, w commitWait) {
	_, leading := p.state.Leading()
	var err error
	switch {
	case reached >= w.end:
	case p.gone != nil:
		err = p.gone
	case !leading:
		err = p.notLeader()
	default:
		queue.add(w)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	w.f(err)
}

// HighWatermark is the offset below which every record is committed, and the end of what consumers may read.
func (p *Partition) HighWatermark() record.Offset { return record.Offset(p.highWatermark.Load()) }

// Settled says whether the high watermark of a new leader has reached what the leaders before may have committed. Until
// then it may be below one that a client was told.
func (p *Partition) Settled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Settled()
}

// EpochEnd answers where a leader epoch ended in this log (KIP-101), as commitlog's EpochEnd does; but the epoch of a
// leader has begun though nothing was written in it yet.
func (p *Partition) EpochEnd(epoch record.LeaderEpoch) (found record.LeaderEpoch, end record.Offset, ok bool) {
	p.mu.Lock()
	current, leading := p.state.Leading()
	start := p.state.EpochStart()
	p.mu.Unlock()
	if latest, known := p.log.LatestEpoch(); leading && epoch >= 0 && epoch < current && (!known || epoch > latest) {
		if !known {
			latest = epoch
		}
		return latest, start, true
	}
	return p.log.EpochEnd(epoch)
}

// Replicas is how far each replica is, as the leader sees it; empty where this node does not lead.
func (p *Partition) Replicas() []replica.Replica {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Replicas(p.host.instant())
}

// LogStart is the offset of the first record that may still be read.
func (p *Partition) LogStart() record.Offset { return p.log.StartOffset() }

// LogEnd is the offset that the next record will have.
func (p *Partition) LogEnd() record.Offset { return p.log.EndOffset() }

// Log is the partition's log, for what is asked of a log alone.
func (p *Partition) Log() *commitlog.Log { return p.log }

// LeaderEpoch is the epoch in which this node leads; ok is false if it does not.
func (p *Partition) LeaderEpoch() (epoch record.LeaderEpoch, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Leading()
}
