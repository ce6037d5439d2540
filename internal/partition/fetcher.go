package partition

import (
	"bytes"
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// fetcher brings the partitions that follow one node up to date. It has one Fetch in flight, in a session (KIP-227) that
// the leader holds: after the first, a request names only the partitions whose logs have moved. It is no goroutine: an
// answer is taken on the goroutine that brings it, and sends the next request. What it holds in memory is one response,
// which replica.fetch.response.max.bytes bounds.
type fetcher struct {
	host   *Host
	leader metadata.NodeID
	number int // of those that fetch from this leader

	mu         sync.Mutex
	partitions map[fetchKey]*followed
	ready      int         // how many are not paused
	dirty      []*followed // to be named in the next request
	forgotten  []fetchKey  // to be taken out of the session
	asking     bool        // a request is in flight
	pausing    bool        // after a failure of the whole request
	failures   int
	nudging    bool       // the leader is being asked not to hold the request
	nudges     int        // how often it was, for the one that is in flight
	held       []heldBack // paused for the follower's rate
	holding    bool       // a timer will end their pauses
	serves     uint64     // numbers the partitions that were served

	sessionID    int32
	sessionEpoch int32 // of the next request; 0 begins a session

	epoch   metadata.BrokerEpoch // of the last request
	renewed bool                 // that was another registration than before, and the leader has not answered yet
}

// fetchKey names a partition in a request.
type fetchKey struct {
	topic     protocol.UUID
	partition int32
}

// followed is one partition of a fetcher.
type followed struct {
	key       fetchKey
	partition *Partition
	epoch     record.LeaderEpoch // in which it follows
	asked     position           // what the leader was told last
	sent      bool               // it was told
	inSession bool
	dirty     bool // it is in the list
	paused    bool
	pause     int // counts pauses: the end of an earlier one does not end the present
	failures  int
	served    uint64 // when records were taken last, as a number
	share     int64  // of the room in the follower's rate, for the next request; 0 where that does not count
}

// follow has the partition follow a leader in an epoch; NoNode stops it. It is called by the goroutine of Apply.
func (h *Host) follow(p *Partition, leader metadata.NodeID, epoch record.LeaderEpoch) {
	if h.peers == nil {
		return
	}
	at := fetcherKey{leader, h.fetcherOf(keyOf(p))}
	if p.fetcher != nil && (p.fetcher.leader != leader || p.fetcher.number != at.number) {
		p.fetcher.remove(p)
		p.fetcher = nil
	}
	if leader == metadata.NoNode {
		return
	}
	f := h.fetchers[at]
	if f == nil {
		f = &fetcher{host: h, leader: leader, number: at.number, epoch: metadata.NoBrokerEpoch, partitions: map[fetchKey]*followed{}}
		h.mu.Lock() // for those who look; only who holds applying writes
		h.fetchers[at] = f
		h.mu.Unlock()
	}
	p.fetcher = f
	f.add(p, epoch)
}

// fetcherKey is one of the fetchers of a leader.
type fetcherKey struct {
	leader metadata.NodeID
	number int
}

// fetcherOf is which of num.replica.fetchers a partition is given to. A change of their number moves a partition when it is
// given to one the next time.
func (h *Host) fetcherOf(key fetchKey) int {
	sum := fnv.New32a()
	_, _ = sum.Write(key.topic[:]) // never fails
	return int((sum.Sum32() + uint32(key.partition)) % uint32(max(h.broker().ReplicaFetchers, 1)))
}

func keyOf(p *Partition) fetchKey { return fetchKey{p.TopicID, p.Name.Partition} }

func (k fetchKey) compare(other fetchKey) int {
	return cmp.Or(bytes.Compare(k.topic[:], other.topic[:]), cmp.Compare(k.partition, other.partition))
}

// add takes a partition in, or a newer epoch of one that is in.
func (f *fetcher) add(p *Partition, epoch record.LeaderEpoch) {
	f.mu.Lock()
	key := keyOf(p)
	fl := f.partitions[key]
	if fl == nil || fl.partition != p {
		fl = &followed{key: key, partition: p, paused: true}
		f.partitions[key] = fl
	}
	fl.epoch, fl.failures = epoch, 0
	f.wake(fl)
	f.next()
}

// wake ends the pause of a partition and has it named in the next request. The caller holds mu.
func (f *fetcher) wake(fl *followed) {
	if fl.paused {
		fl.paused = false
		f.ready++
	}
	f.name(fl)
}

// name has a partition named in the next request. The caller holds mu.
func (f *fetcher) name(fl *followed) {
	if !fl.dirty {
		fl.dirty = true
		f.dirty = append(f.dirty, fl)
	}
}

// rest takes a partition out of the requests until wake. The caller holds mu.
func (f *fetcher) rest(fl *followed) {
	if fl.paused {
		return
	}
	fl.paused = true
	fl.pause++
	f.ready--
	f.leave(fl)
}

// leave has the session forget a partition. The caller holds mu.
func (f *fetcher) leave(fl *followed) {
	if fl.inSession {
		fl.inSession = false
		f.forgotten = append(f.forgotten, fl.key)
	}
}

// remove takes a partition out. An answer that is on its way is not taken any more, for it is of an older epoch.
func (f *fetcher) remove(p *Partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := keyOf(p)
	fl := f.partitions[key]
	if fl == nil || fl.partition != p {
		return
	}
	f.rest(fl)
	delete(f.partitions, key)
}

// next sends a request if there is one to send. It gives mu back.
func (f *fetcher) next() {
	if f.asking && len(f.dirty) > 0 && !f.nudging && !f.host.stopping() {
		f.nudging = true
		f.nudges++
		pause := nudgePause << min(f.nudges-1, 5)
		f.mu.Unlock()
		f.nudge(pause)
		return
	}
	if f.asking || f.pausing || f.ready == 0 || f.host.stopping() {
		f.mu.Unlock()
		return
	}
	request := f.request()
	if request == nil {
		f.mu.Unlock()
		return
	}
	f.asking, f.nudges = true, 0
	f.mu.Unlock()
	f.host.fetching(f.number).Ask(f.leader, request, f.answered)
}

// nudgePause is until a leader is asked again not to hold a request, which may have come after the asking. It doubles.
const nudgePause = 20 * time.Millisecond

// nudge asks the leader not to hold the request that is in flight, for there are partitions to be named in the next: durable
// ends of no partition say so.
func (f *fetcher) nudge(pause time.Duration) {
	request := protocol.NewReplicaDurableEndsRequest()
	request.ReplicaID, request.ReplicaEpoch = int32(f.host.self), int64(f.host.brokerEpoch())
	f.host.peers.Ask(f.leader, request, func(protocol.Message, int16, error) {
		f.host.after(pause, func() {
			if f.host.enter() {
				defer f.host.done.Done()
				f.mu.Lock()
				f.nudging = false
				f.next()
			}
		})
	})
}

// answered takes an answer and sends the next request.
func (f *fetcher) answered(response protocol.Message, _ int16, err error) {
	if !f.host.enter() {
		return
	}
	defer f.host.done.Done()
	answer, ok := response.(*protocol.FetchResponse)
	switch {
	case err != nil:
		f.failed(err)
		return
	case !ok:
		f.failed(protocol.Fail(protocol.UnknownServerError, "the answer to a Fetch is a %T", response))
		return
	case answer.ErrorCode != protocol.None:
		f.failed(protocol.Fail(answer.ErrorCode, "node %d refuses the fetch", f.leader))
		return
	}
	f.mu.Lock()
	f.failures = 0
	f.accepted(answer.SessionID)
	again := f.renew()
	f.mu.Unlock()
	for i := range answer.Responses {
		topic := &answer.Responses[i]
		for j := range topic.Partitions {
			f.take(fetchKey{topic.TopicID, topic.Partitions[j].PartitionIndex}, &topic.Partitions[j])
		}
	}
	for _, p := range again {
		p.step(&replica.Renewed{DurableEnd: p.log.DurableEnd()})
	}
	f.host.reports.flush()
	f.mu.Lock()
	f.asking = false
	f.next()
}

// renew returns the partitions whose durable ends the leader has forgotten, because it has seen this node's new registration. The
// caller holds mu.
func (f *fetcher) renew() []*Partition {
	if !f.renewed {
		return nil
	}
	f.renewed = false
	var all []*Partition
	for _, key := range slices.SortedFunc(maps.Keys(f.partitions), fetchKey.compare) {
		all = append(all, f.partitions[key].partition)
	}
	return all
}

// take gives one partition's part of an answer to it.
func (f *fetcher) take(key fetchKey, data *protocol.FetchResponsePartitionData) {
	f.mu.Lock()
	fl := f.partitions[key]
	if fl == nil || fl.paused || !fl.sent {
		f.mu.Unlock()
		return
	}
	asked := fl.asked
	f.mu.Unlock()
	effects, err := fl.partition.take(asked, data)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.partitions[key] != fl || fl.epoch != asked.epoch {
		return // it follows another, or in another epoch, for which it is named already
	}
	switch {
	case err != nil:
		f.host.logger.Warn("a replica cannot take what its leader sends", "partition", fl.partition.Name.String(), "leader", int(f.leader), "error", err)
		f.retryLater(fl)
	case effects.Action == replica.RetryLater:
		f.host.logger.Debug("a replica is refused by its leader", "partition", fl.partition.Name.String(), "leader", int(f.leader),
			"code", data.ErrorCode.String())
		f.retryLater(fl)
	case effects.Action == replica.TruncateTo, effects.Action == replica.ResetTo:
		f.rest(fl)
		f.cut(fl, fl.pause, asked, effects)
	case effects.Action == replica.TakeRecords:
		fl.failures = 0
		if fl.partition.position(fl.epoch) != asked {
			f.serves++
			fl.served = f.serves
			f.name(fl)
		}
	case fl.partition.lost() != nil:
		f.rest(fl)
		delete(f.partitions, key)
	case fl.partition.position(fl.epoch) != asked: // the log has moved on without this answer
		f.name(fl)
	default:
		f.retryLater(fl)
	}
}

// cut cuts a log where it may wait for the Syncer: not on the goroutine that brings answers. The caller holds mu.
func (f *fetcher) cut(fl *followed, pause int, asked position, effects replica.Effects) {
	f.host.after(0, func() {
		if !f.host.enter() {
			return
		}
		defer f.host.done.Done()
		err := fl.partition.cut(asked, effects)
		f.mu.Lock()
		if err != nil {
			f.host.logger.Error("a replica's log cannot be cut", "partition", fl.partition.Name.String(), "error", err)
			fl.failures++
			f.wakeAfter(fl, pause)
			f.mu.Unlock()
			return
		}
		f.endPause(fl, pause)
	})
}

// retryLater asks for a partition again after a pause. The caller holds mu.
func (f *fetcher) retryLater(fl *followed) {
	fl.failures++
	f.rest(fl)
	f.wakeAfter(fl, fl.pause)
}

func (f *fetcher) wakeAfter(fl *followed, pause int) {
	f.host.after(backoff(fl.failures), func() {
		if f.host.enter() {
			defer f.host.done.Done()
			f.mu.Lock()
			f.endPause(fl, pause)
		}
	})
}

// endPause ends one pause of a partition, if it is still in it. The caller holds mu, which it gives back.
func (f *fetcher) endPause(fl *followed, pause int) {
	if f.partitions[fl.key] == fl && fl.paused && fl.pause == pause {
		f.wake(fl)
	}
	f.next()
}

// failed begins anew after a pause: what the session is at is not known any more.
func (f *fetcher) failed(err error) {
	f.mu.Lock()
	f.asking = false
	f.failures++
	f.restart()
	f.pausing = true
	pause := backoff(f.failures)
	f.host.logger.Info("a fetch from a leader failed", "leader", int(f.leader), "again after", pause, "error", err)
	f.mu.Unlock()
	f.host.after(pause, func() {
		if f.host.enter() {
			defer f.host.done.Done()
			f.mu.Lock()
			f.pausing = false
			f.next()
		}
	})
}
