// Package partition is the machinery of the partitions that this node hosts: it joins a log (package commitlog) to a
// decision about its high watermark (package replica) and to those who wait for it. It keeps no files of its own and
// knows no request of the wire. Start with Host, then Partition.Append and Partition.Read.
package partition

import (
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

	highWatermark atomic.Int64 // copy of state's, for readers without the lock

	// mu guards what follows. No file is touched and no callback runs under it.
	mu      sync.Mutex
	state   replica.State
	effects replica.Effects
	gone    error       // set when the partition was deleted or moved away
	commits commitQueue // wait for the high watermark
	syncs   commitQueue // wait for the durable end of this node's log
	readers map[*Reader]struct{}
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
	p.mu.Lock()
	epoch, leading := p.state.Leading()
	ok, have, need := p.state.EnoughInSync()
	gone := p.gone
	p.mu.Unlock()
	switch {
	case gone != nil:
		return commitlog.Appended{}, gone
	case !leading:
		return commitlog.Appended{}, p.notLeader()
	case acks == AcksAll && !ok:
		return commitlog.Appended{}, protocol.Fail(protocol.NotEnoughReplicas,
			"%s has %d in-sync replicas and min.insync.replicas is %d", p.Name, have, need)
	}
	appended, err := p.log.Append(records, commitlog.AppendOptions{
		LeaderEpoch: epoch,
		Origin:      origin,
		Now:         p.host.now().UnixMilli(),
	})
	if err != nil {
		return appended, err
	}
	if end := p.log.DurableEnd(); end > appended.Last { // page-cache mode: nothing to wait for
		p.durable(end)
	}
	return appended, nil
}

func (p *Partition) notLeader() error {
	return protocol.Fail(protocol.NotLeaderOrFollower, "node %d does not lead %s", p.host.self, p.Name)
}

// durable takes a new durable end of this node's log.
func (p *Partition) durable(end record.Offset) {
	p.step(replica.Durable{Node: p.host.self, End: end})
}

// step gives the state one event and does what it asks. Callbacks run on this goroutine, outside the lock.
func (p *Partition) step(event replica.Event) {
	p.mu.Lock()
	p.state.Step(event, &p.effects)
	var done []commitWait
	var failed error
	if p.effects.Moved {
		p.highWatermark.Store(int64(p.effects.HighWatermark))
		done = p.commits.below(p.effects.HighWatermark)
	}
	if e, ok := event.(replica.Durable); ok && e.Node == p.host.self {
		done = append(done, p.syncs.below(e.End)...)
	}
	if p.effects.Resigned {
		failed = p.gone
		if failed == nil {
			failed = p.notLeader()
		}
		done = append(append(done, p.commits.all()...), p.syncs.all()...)
	}
	var wake []*Reader
	if (p.effects.Moved || p.effects.Resigned) && len(p.readers) > 0 {
		wake = make([]*Reader, 0, len(p.readers))
		for r := range p.readers {
			wake = append(wake, r)
		}
		clear(p.readers)
	}
	p.mu.Unlock()
	// Readers first: each goes on in a goroutine of its own, beside the answers that are written here.
	for _, r := range wake {
		r.wake()
	}
	for _, w := range done {
		w.f(failed)
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

// CheckEpoch says whether this node leads the partition, and compares the leader epoch a client believes in with its
// own (KIP-320): an older one is FENCED_LEADER_EPOCH, a newer one UNKNOWN_LEADER_EPOCH, NoLeaderEpoch is not checked.
func (p *Partition) CheckEpoch(believed record.LeaderEpoch) error {
	p.mu.Lock()
	epoch, leading := p.state.Leading()
	gone := p.gone
	p.mu.Unlock()
	switch {
	case gone != nil:
		return gone
	case !leading:
		return p.notLeader()
	case believed == record.NoLeaderEpoch || believed == epoch:
		return nil
	case believed < epoch:
		return protocol.Fail(protocol.FencedLeaderEpoch, "%s is in leader epoch %d; the request says %d: refresh metadata", p.Name, epoch, believed)
	default:
		return protocol.Fail(protocol.UnknownLeaderEpoch, "%s is in leader epoch %d; the request says %d, which this node does not know yet", p.Name, epoch, believed)
	}
}
