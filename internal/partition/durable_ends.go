package partition

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// report is a durable end that a leader is to be told.
type report struct {
	epoch record.LeaderEpoch
	end   record.Offset
}

// reportsInFlight bounds the requests to one leader that are not answered. There may be several: an answer waits in its
// connection behind that of a fetch that is held, and the next round's report must not.
const reportsInFlight = 16

// reporter tells leaders what is durable here: after each round of the Syncer one request to each leader that is
// concerned. What a leader did not take is told again, as long as the partition follows it.
type reporter struct {
	host    *Host
	mu      sync.Mutex
	leaders []*reports // by node
}

// reports is what one leader is to be told: the newest of each partition.
type reports struct {
	leader   metadata.NodeID
	due      map[*Partition]report
	inFlight int
	failures int
	pausing  bool
}

// add notes a report. flush sends it.
func (r *reporter) add(p *Partition, leader metadata.NodeID, due report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, known := slices.BinarySearchFunc(r.leaders, leader, func(to *reports, node metadata.NodeID) int { return cmp.Compare(to.leader, node) })
	if !known {
		r.leaders = slices.Insert(r.leaders, at, &reports{leader: leader, due: map[*Partition]report{}})
	}
	r.leaders[at].due[p] = due
}

// flush sends what is due.
func (r *reporter) flush() {
	if r.host.peers == nil {
		return
	}
	r.mu.Lock()
	var requests []sending
	for _, to := range r.leaders {
		if len(to.due) > 0 && !to.pausing && to.inFlight < reportsInFlight {
			to.inFlight++
			requests = append(requests, sending{to, to.due})
			to.due = map[*Partition]report{}
		}
	}
	r.mu.Unlock()
	for _, s := range requests {
		r.send(s)
	}
}

// sending is one request on its way.
type sending struct {
	to   *reports
	told map[*Partition]report
}

func (r *reporter) send(s sending) {
	request := protocol.NewReplicaDurableEndsRequest()
	request.ReplicaID, request.ReplicaEpoch = int32(r.host.self), int64(r.host.brokerEpoch())
	topics := map[protocol.UUID]int{}
	for _, p := range slices.SortedFunc(maps.Keys(s.told), func(a, b *Partition) int { return keyOf(a).compare(keyOf(b)) }) {
		told := s.told[p]
		i, ok := topics[p.TopicID]
		if !ok {
			i = len(request.Topics)
			topics[p.TopicID] = i
			request.Topics = append(request.Topics, protocol.ReplicaDurableEndsRequestTopic{TopicID: p.TopicID})
		}
		request.Topics[i].Partitions = append(request.Topics[i].Partitions, protocol.ReplicaDurableEndsRequestPartition{
			PartitionIndex: p.Name.Partition, LeaderEpoch: int32(told.epoch), DurableEndOffset: int64(told.end)})
	}
	r.host.peers.Ask(s.to.leader, request, func(response protocol.Message, _ int16, err error) { r.answered(s, response, err) })
}

// answered keeps what the leader did not take, and sends what has come meanwhile.
func (r *reporter) answered(s sending, response protocol.Message, err error) {
	answer, ok := response.(*protocol.ReplicaDurableEndsResponse)
	failed := err != nil || !ok || answer.ErrorCode != protocol.None
	if !failed {
		s.keepRefused(answer)
	}
	r.mu.Lock()
	to := s.to
	to.inFlight--
	switch {
	case failed:
		to.again(s)
		if !to.pausing {
			to.failures++
			to.pausing = true
			r.host.after(backoff(to.failures), func() { r.resume(func() { to.pausing = false }) })
		}
	case len(s.told) > 0: // they alone wait: the others' reports must not
		to.failures = 0
		r.host.after(refusedPause, func() { r.resume(func() { to.again(s) }) })
	default:
		to.failures = 0
	}
	r.mu.Unlock()
	r.resume(func() {})
}

// keepRefused leaves in told what an answer says did not count.
func (s *sending) keepRefused(answer *protocol.ReplicaDurableEndsResponse) {
	refused := map[fetchKey]bool{}
	for i := range answer.Topics {
		for _, p := range answer.Topics[i].Partitions {
			refused[fetchKey{answer.Topics[i].TopicID, p.PartitionIndex}] = true
		}
	}
	for p := range s.told {
		if !refused[keyOf(p)] {
			delete(s.told, p)
		}
	}
}

// again notes reports that did not count, where they are still true and nothing newer is due. The caller holds mu.
func (to *reports) again(s sending) {
	for p, told := range s.told {
		if newer, ok := to.due[p]; (!ok || newer.epoch == told.epoch && newer.end < told.end) && p.follows(to.leader, told.epoch) {
			to.due[p] = told
		}
	}
}

// resume changes something and sends what is due, unless the host closes.
func (r *reporter) resume(change func()) {
	if !r.host.enter() {
		return
	}
	defer r.host.done.Done()
	r.mu.Lock()
	change()
	r.mu.Unlock()
	r.flush()
}

// follows says whether the partition follows a leader in an epoch.
func (p *Partition) follows(leader metadata.NodeID, epoch record.LeaderEpoch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, in, ok := p.state.Following()
	return ok && now == leader && in == epoch && p.gone == nil
}

const (
	backoffMin = 20 * time.Millisecond
	backoffMax = time.Second
	// refusedPause is until a report is told again that the leader did not take: it, or this node, learns soon of the other.
	refusedPause = 50 * time.Millisecond
)

// backoff is the pause after so many failures in a row.
func backoff(failures int) time.Duration {
	return min(backoffMin<<min(failures-1, 10), backoffMax)
}
