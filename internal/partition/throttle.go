package partition

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quota"
	"github.com/skein-io/skein/internal/record"
)

// Throttles of replication (KIP-73). A broker has two rates, one for what it gives as a leader and one for what it takes as a
// follower, and a topic says for which partitions of a broker they count. What is in sync is never made to wait, for every
// produce would wait with it; but it counts, so that replicas that are behind get what is left.
//
// While the leader's rate is exceeded the records of a replica that is behind are left out of the answers to it. While the
// follower's is, it leaves the partition out of its requests. As in Kafka; but where Kafka gives whole answers, and is over a
// low rate for long after each, neither gives nor asks for more than there is room for, or one batch.

// throttle is one of the two rates. Where it is not limited nobody takes its lock.
type throttle struct {
	limited atomic.Bool

	mu   sync.Mutex
	rate quota.Rate
}

func (t *throttle) configure(limit config.Bytes, b *config.Broker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if limit != config.NoLimit {
		t.rate.Configure(int64(limit), b.ThrottleWindows, b.ThrottleWindow)
	} else {
		t.rate = quota.Rate{} // what passes without a limit is not counted, so what passed before says nothing
	}
	t.limited.Store(limit != config.NoLimit)
}

func (t *throttle) pass(now time.Duration, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rate.Pass(now, int64(n))
}

func (t *throttle) room(now time.Duration) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rate.Room(now)
}

func (t *throttle) wait(now time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rate.Wait(now)
}

// throttled says which of this broker's rates count for a partition.
type throttled struct{ giving, taking atomic.Bool }

// setRates takes the rates of the broker's present configuration.
func (h *Host) setRates() {
	b := h.broker()
	h.giving.configure(b.LeaderThrottle, b)
	h.taking.configure(b.FollowerThrottle, b)
}

// throttle takes what a topic's configuration says of the partition.
func (p *Partition) throttle(settings *config.Topic) {
	p.throttled.giving.Store(settings.ThrottlesLeader(p.Name.Partition, int32(p.host.self)))
	p.throttled.taking.Store(settings.ThrottlesFollower(p.Name.Partition, int32(p.host.self)))
}

// resume lets the replicas ask that the follower's rate has made wait, for it may have changed, or not count for them any more.
func (h *Host) resume() {
	for _, f := range h.fetchers { // written by who holds applying, as the caller does
		f.mu.Lock()
		f.resume()
	}
}

// throttleNow is the time by which rates are measured.
func (h *Host) throttleNow() time.Duration { return time.Duration(h.instant()) * time.Millisecond }

// Giving is what one look at the logs finds for a follower. Its partitions share the room in the leader's rate.
type Giving struct {
	To    metadata.NodeID
	bytes int64 // found already, of partitions for which the rate counts
}

// Read is Partition.Read for the follower. leftOut says that there are records for it that the rate has no room for.
func (g *Giving) Read(p *Partition, from, upTo record.Offset, maxBytes int, atLeastOne bool) (slice commitlog.Slice, leftOut bool, err error) {
	if !p.throttled.giving.Load() || !p.host.giving.limited.Load() {
		slice, err = p.Read(from, upTo, maxBytes, atLeastOne)
		return slice, false, err
	}
	inSync := p.inSync(g.To)
	if !inSync {
		room := p.host.giving.room(p.host.throttleNow()) - g.bytes
		maxBytes, atLeastOne = int(min(int64(maxBytes), room)), atLeastOne && room >= 0
	}
	slice, err = p.Read(from, upTo, maxBytes, atLeastOne)
	g.bytes += int64(slice.Len())
	return slice, !inSync && err == nil && slice.Len() == 0 && from < upTo, err
}

// inSync says whether a leader has a replica in the ISR.
func (p *Partition) inSync(node metadata.NodeID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.InSync(node)
}

// Given notes that a follower is given so many bytes.
func (p *Partition) Given(n int) {
	if p.throttled.giving.Load() && p.host.giving.limited.Load() {
		p.host.giving.pass(p.host.throttleNow(), n)
	}
}

// taken notes that so many bytes were taken from the leader.
func (p *Partition) taken(n int) {
	if p.throttled.taking.Load() && p.host.taking.limited.Load() {
		p.host.taking.pass(p.host.throttleNow(), n)
	}
}

// mayWait says whether a follower may be made to wait: its rate counts for the partition, and the image does not have it in the
// ISR. Kafka looks whether it lacks something that it was told of; it is told of nothing new before it has asked.
func (p *Partition) mayWait() bool { return p.throttled.taking.Load() && !p.counts.Load() }
