package partition

import (
	"cmp"
	"maps"
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// What a partition tells those who want to look at it. Nothing here is kept for them: it is read when they ask.

// View is a partition at one moment, as this node has it.
type View struct {
	Leader metadata.NodeID    // this node if it leads; whom it follows; NoNode if neither
	Epoch  record.LeaderEpoch // in which it has that role, or had the last

	LogStart, LogEnd, DurableEnd, HighWatermark record.Offset

	Replicas []replica.Replica // as a leader sees them; empty elsewhere
}

// View reads the partition's state and the ends of its log. The error is why it is of no use here: deleted, moved away,
// or its log directory is offline.
func (p *Partition) View() (View, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := View{Leader: metadata.NoNode, HighWatermark: p.state.HighWatermark()}
	leads := false
	if v.Epoch, leads = p.state.Leading(); leads {
		v.Leader = p.host.self
		v.Replicas = p.state.Replicas(p.host.instant())
	} else if leader, _, follows := p.state.Following(); follows {
		v.Leader = leader
	}
	// The durable end first: it is never told to be above the log's end.
	v.DurableEnd, v.LogEnd, v.LogStart = p.log.DurableEnd(), p.log.EndOffset(), p.log.StartOffset()
	return v, p.gone
}

// HostView is the partitions of a node at one moment, counted.
type HostView struct {
	Led, Followed   int
	Idle            int // led by nobody, or the image is about an earlier process
	UnderReplicated int // of those led
	UnderMinISR     int // of those led

	// Who waits: for a high watermark, for the durable end of this node's log, for records that consumers may read, for the
	// log's end. The last two count partitions: a fetch waits in each that it names.
	Committed, Durable, Records, LogEnd int

	Fetchers []FetcherView // by leader
}

// FetcherView is what brings the partitions that follow one node up to date.
type FetcherView struct {
	Leader     metadata.NodeID
	Partitions int
	Paused     int   // partitions that are left out for a while, for the leader refused them, the log is being cut, or a throttle makes them wait
	InFlight   bool  // a Fetch waits for its answer
	Failures   int   // of whole requests, in a row
	Lag        int64 // records that are committed and not here
	LagMax     int64 // of one partition
}

// View counts. It takes each partition's lock once.
func (h *Host) View() HostView {
	h.mu.RLock()
	all := make([]*Partition, 0, len(h.byLog))
	for _, p := range h.byLog {
		all = append(all, p)
	}
	fetchers := slices.Collect(maps.Values(h.fetchers))
	h.mu.RUnlock()
	var v HostView
	for _, p := range all {
		p.count(&v)
	}
	for _, f := range fetchers {
		if one := f.view(); one.Partitions > 0 {
			v.Fetchers = append(v.Fetchers, one)
		}
	}
	slices.SortFunc(v.Fetchers, func(a, b FetcherView) int { return cmp.Compare(a.Leader, b.Leader) })
	return v
}

func (p *Partition) count(v *HostView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, leads := p.state.Leading()
	_, _, follows := p.state.Following()
	switch {
	case leads:
		v.Led++
		enough, have, _ := p.state.EnoughInSync()
		if !enough {
			v.UnderMinISR++
		}
		if have < len(p.state.Replicas(p.host.instant())) {
			v.UnderReplicated++
		}
	case follows:
		v.Followed++
	default:
		v.Idle++
	}
	v.Committed += len(p.commits.waits)
	v.Durable += len(p.syncs.waits)
	v.Records += min(len(p.readers), 1)
	v.LogEnd += min(len(p.ends), 1)
}

func (f *fetcher) view() FetcherView {
	f.mu.Lock()
	v := FetcherView{Leader: f.leader, Partitions: len(f.partitions), Paused: len(f.partitions) - f.ready, InFlight: f.asking, Failures: f.failures}
	partitions := make([]*Partition, 0, len(f.partitions))
	for _, fl := range f.partitions {
		partitions = append(partitions, fl.partition)
	}
	f.mu.Unlock()
	for _, p := range partitions {
		lag := p.lag()
		v.Lag, v.LagMax = v.Lag+lag, max(v.LagMax, lag)
	}
	return v
}

// lag is how many records a follower lacks of what its leader has committed, as far as it was told.
func (p *Partition) lag() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if told, ok := p.state.Told(); ok {
		return max(int64(told-p.log.EndOffset()), 0)
	}
	return 0
}
