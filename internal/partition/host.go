package partition

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// HostConfig is what a Host needs.
type HostConfig struct {
	Self   metadata.NodeID
	Dir    *commitlog.Dir
	Broker func() *config.Broker // the present one
	Now    func() time.Time
	Logger *slog.Logger

	// Files is the log directory, for the checkpoint of high watermarks; nil keeps none.
	Files disk.FS
	// Peers and ISR are the ways to other nodes; nil on a node that is alone.
	Peers Peers
	ISR   ISRChanges
	// Fetching is the way for the fetches of each of num.replica.fetchers, counted from 0: an answer that is held holds what is
	// behind it. nil sends all by Peers.
	Fetching func(fetcher int) Peers
	// BrokerEpoch is that of this process's registration, NoBrokerEpoch before it. While the image has another one,
	// every partition is without a role: what the image says of this node is about an earlier process, which may have had
	// records that this one has lost. nil trusts the image.
	BrokerEpoch func() metadata.BrokerEpoch
	// Instant is a monotonic clock and After runs a function later, in a goroutine of its own; nil takes the real ones. A
	// simulation, which gives both and does not call Start, has everything on the goroutine that steps it.
	Instant func() replica.Instant
	After   func(time.Duration, func())
	// Leased says whether no other broker can have taken this one's place, see metadata.Lease; nil is always. LeaseOver has to be
	// called when it is over.
	Leased func() bool
	// Lost tells the controller that what this node acknowledged of a partition is gone. done is called exactly once, from any
	// goroutine, when Image may show it or with an error. nil leaves damaged logs to the operator.
	Lost func(topic protocol.UUID, partition int32, done func(error))
}

// Host is every partition of this node. Find may be called concurrently; Apply is called by one goroutine, with each
// new image in order.
type Host struct {
	self    metadata.NodeID
	dir     *commitlog.Dir
	broker  func() *config.Broker
	now     func() time.Time
	instant func() replica.Instant
	after   func(time.Duration, func())

	looksAgain atomic.Bool // a look of LeaseOver is to come
	logger     *slog.Logger

	files disk.FS
	peers Peers
	isr   ISRChanges

	fetching func(fetcher int) Peers
	// registered is HostConfig.BrokerEpoch; nil trusts the image.
	registered func() metadata.BrokerEpoch
	leased     func() bool

	replicates atomic.Bool // a partition here has, or had, other replicas
	giving     throttle    // as a leader
	taking     throttle    // as a follower
	lost       func(topic protocol.UUID, partition int32, done func(error))

	// applying is held while partitions are brought to what an image says. It guards the next three.
	applying     sync.Mutex
	latest       *metadata.Image // the newest that was applied
	damages      map[fetchKey]*damage
	fetchers     map[fetcherKey]*fetcher // written with mu held, too
	reports      reporter
	known        map[metadata.TopicPartition]record.Offset // high watermarks of an earlier life
	checkpointMu sync.Mutex
	checkpoint   []byte // what the file has; nil if this life has not written it

	mu     sync.RWMutex
	byName map[string]*hostedTopic
	byID   map[protocol.UUID]*hostedTopic
	byLog  map[*commitlog.Log]*Partition

	stop chan struct{}
	done sync.WaitGroup
}

// hostedTopic is the partitions of one topic by number; nil where one is not hosted here.
type hostedTopic struct {
	name       string
	partitions []*Partition
}

func (t *hostedTopic) at(index int32) *Partition {
	if t == nil || index < 0 || int(index) >= len(t.partitions) {
		return nil
	}
	return t.partitions[index]
}

// NewHost makes a Host without partitions.
func NewHost(c HostConfig) *Host {
	h := &Host{
		self: c.Self, dir: c.Dir, broker: c.Broker, now: c.Now, instant: c.Instant, after: c.After, logger: c.Logger,
		files: c.Files, peers: c.Peers, isr: c.ISR, registered: c.BrokerEpoch, fetchers: map[fetcherKey]*fetcher{},
		byName: map[string]*hostedTopic{}, byID: map[protocol.UUID]*hostedTopic{}, byLog: map[*commitlog.Log]*Partition{},
		lost: c.Lost, leased: c.Leased, damages: map[fetchKey]*damage{}, stop: make(chan struct{}),
	}
	h.reports = reporter{host: h}
	if h.fetching = c.Fetching; h.fetching == nil {
		h.fetching = func(int) Peers { return h.peers }
	}
	if h.leased == nil {
		h.leased = func() bool { return true }
	}
	if h.instant == nil {
		h.instant = monotonic()
	}
	if h.after == nil {
		h.after = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	return h
}

// brokerEpoch is that of this process's registration.
func (h *Host) brokerEpoch() metadata.BrokerEpoch {
	if h.registered == nil {
		return metadata.NoBrokerEpoch
	}
	return h.registered()
}

// current says whether an image speaks of this process, and not of an earlier one of this node.
func (h *Host) current(image *metadata.Image) bool {
	if h.registered == nil {
		return true
	}
	b, epoch := image.Broker(h.self), h.registered()
	return b != nil && epoch != metadata.NoBrokerEpoch && b.Epoch == epoch
}

// Find returns a partition by its topic's name, nil if it is not hosted here.
func (h *Host) Find(topic string, index int32) *Partition {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byName[topic].at(index)
}

// FindByID returns a partition by its topic's id, nil if it is not hosted here.
func (h *Host) FindByID(topic protocol.UUID, index int32) *Partition {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byID[topic].at(index)
}

// All returns the hosted partitions, sorted by name.
func (h *Host) All() []*Partition {
	h.mu.RLock()
	all := make([]*Partition, 0, len(h.byLog))
	for _, p := range h.byLog {
		all = append(all, p)
	}
	h.mu.RUnlock()
	slices.SortFunc(all, func(a, b *Partition) int { return a.Name.Compare(b.Name) })
	return all
}

// Space is the room of the log directory's file system.
func (h *Host) Space() (disk.Space, error) { return h.dir.Space() }

// Durable takes the logs whose durable end moved. It is commitlog.DirConfig.OnDurable.
func (h *Host) Durable(logs []*commitlog.Log) {
	for _, log := range logs {
		h.mu.RLock()
		p := h.byLog[log]
		h.mu.RUnlock()
		if p != nil {
			p.durable()
		}
	}
	h.reports.flush()
}

// Offline ends every leadership of this node: its log directory takes no more writes. It is
// commitlog.DirConfig.OnOffline.
func (h *Host) Offline(reason error) {
	lost := protocol.Fail(protocol.KafkaStorageError, "the log directory of node %d is offline: %w", h.self, reason)
	for _, p := range h.All() {
		p.lose(lost)
	}
}

// lose ends leadership for good, with what those who wait and those who come are told.
func (p *Partition) lose(reason error) {
	p.mu.Lock()
	if p.gone == nil {
		p.gone = reason
	}
	p.mu.Unlock()
	o := p.turn(&replica.Resign{})
	o.run(p)
}

// Apply opens, changes and drops partitions so that they are what the image says. A nil delta means everything, as at
// start. An error names the partitions that could not be opened; the others are served.
func (h *Host) Apply(image *metadata.Image, delta *metadata.Delta) error {
	h.applying.Lock()
	defer h.applying.Unlock()
	h.latest = image
	var failed []error
	if delta == nil {
		h.setRates()
		h.loadCheckpoint()
		failed = append(failed, h.dir.SetAside(h.wanted(image)))
		for topic := range image.Topics() {
			failed = append(failed, h.applyTopic(image, topic, nil))
		}
		// What recovery found above the durable mark is synced before anybody is answered: no client may see a high
		// watermark below one that it saw before the restart.
		failed = append(failed, h.dir.Round())
		return errors.Join(failed...)
	}
	for i := range delta.Topics {
		change := &delta.Topics[i]
		if change.Deleted() {
			failed = append(failed, h.drop(change.Before))
			continue
		}
		failed = append(failed, h.applyTopic(image, change.After, change.Partitions))
	}
	for _, id := range delta.Brokers {
		if id != h.self && !image.Broker(id).Active() {
			for _, p := range h.All() {
				if p.replicated.Load() {
					p.step(&replica.Fenced{Node: id})
				}
			}
		}
	}
	if h.registered != nil && slices.Contains(delta.Brokers, h.self) { // it may speak of this process from now on
		for topic := range image.Topics() {
			failed = append(failed, h.applyTopic(image, topic, nil))
		}
	}
	for _, resource := range delta.Configs {
		h.configure(image, resource)
	}
	return errors.Join(failed...)
}

// wanted is the partitions that this node has to host, with their topics' ids.
func (h *Host) wanted(image *metadata.Image) map[commitlog.TopicPartition]protocol.UUID {
	wanted := map[commitlog.TopicPartition]protocol.UUID{}
	for topic := range image.Topics() {
		for p := range topic.Partitions() {
			if slices.Contains(p.Replicas, h.self) {
				wanted[commitlog.TopicPartition{Topic: topic.Name, Partition: p.Index}] = topic.ID
			}
		}
	}
	return wanted
}

// applyTopic brings the given partitions of a topic, or all if nil, to what the image says.
func (h *Host) applyTopic(image *metadata.Image, topic *metadata.Topic, indexes []int32) error {
	settings := h.topicConfig(image, topic.Name)
	current := h.current(image)
	var failed []error
	var away []*Partition
	each := func(p *metadata.Partition) {
		if slices.Contains(p.Replicas, h.self) {
			failed = append(failed, h.applyPartition(topic, p, settings, current))
			return
		}
		delete(h.damages, fetchKey{topic.ID, p.Index})
		if hosted := h.FindByID(topic.ID, p.Index); hosted != nil {
			away = append(away, hosted)
		}
	}
	if indexes == nil {
		for p := range topic.Partitions() {
			each(p)
		}
	}
	for _, index := range indexes {
		each(topic.Partition(index))
	}
	if len(away) > 0 {
		failed = append(failed, h.remove(away, protocol.Fail(protocol.NotLeaderOrFollower, "topic %s: the partition has moved away from node %d", topic.Name, h.self)))
	}
	return errors.Join(failed...)
}

func (h *Host) applyPartition(topic *metadata.Topic, wanted *metadata.Partition, settings *config.Topic, current bool) error {
	p, err := h.find(topic, wanted, settings, current)
	if err != nil {
		return fmt.Errorf("partition %s-%d: %w", topic.Name, wanted.Index, err)
	}
	if p != nil && p.lost() == nil {
		h.setRole(p, wanted, settings, current)
	}
	return nil
}

// setRole has the partition led here, follow, or neither. No append runs meanwhile: what was appended in one leader epoch
// is below where the next begins.
func (h *Host) setRole(p *Partition, wanted *metadata.Partition, settings *config.Topic, current bool) {
	p.replicated.Store(len(wanted.Replicas) > 1)
	if len(wanted.Replicas) > 1 {
		h.replicates.Store(true)
	}
	p.throttle(settings)
	p.counts.Store(current && slices.Contains(wanted.ISR, h.self))
	follows := current && wanted.Leader != h.self
	if !follows || wanted.Leader == metadata.NoNode {
		h.follow(p, metadata.NoNode, wanted.LeaderEpoch)
	}
	p.roles.Lock()
	var o outcome
	switch {
	case !current:
		o = p.turn(&replica.Resign{})
	case follows:
		o = p.turn(&replica.Follow{Self: h.self, Leader: wanted.Leader, Epoch: wanted.LeaderEpoch, PartitionEpoch: wanted.Epoch, LogEnd: p.log.EndOffset()})
	default:
		o = p.turn(&replica.Lead{Self: h.self, BrokerEpoch: h.brokerEpoch(), Epoch: wanted.LeaderEpoch, PartitionEpoch: wanted.Epoch,
			Replicas: wanted.Replicas, ISR: wanted.ISR, ISRMin: settings.InsyncReplicasMin, LagMax: h.broker().ReplicaLagMax,
			LogEnd: p.log.EndOffset(), DurableEnd: p.log.DurableEnd()})
	}
	p.roles.Unlock()
	o.run(p)
	if follows && wanted.Leader != metadata.NoNode {
		h.follow(p, wanted.Leader, wanted.LeaderEpoch)
		return
	}
	p.wakeEnds() // fetches of an older epoch
	p.durable()  // a round that ended while the partition was not leading yet told it nothing
}

func (h *Host) open(topic *metadata.Topic, index int32, settings *config.Topic) (*Partition, error) {
	name := metadata.TopicPartition{Topic: topic.Name, Partition: index}
	log, err := h.dir.OpenLog(commitlog.TopicPartition(name), topic.ID, logConfig(topic.Name, h.broker(), settings))
	if err != nil {
		return nil, err
	}
	p := &Partition{Name: name, TopicID: topic.ID, host: h, log: log}
	p.step(&replica.Loaded{HighWatermark: h.known[name], LogStart: log.StartOffset(), LogEnd: log.EndOffset()})
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.byID[topic.ID]
	if t == nil {
		t = &hostedTopic{name: topic.Name}
		h.byID[topic.ID], h.byName[topic.Name] = t, t
	}
	for int(index) >= len(t.partitions) {
		t.partitions = append(t.partitions, nil)
	}
	t.partitions[index] = p
	h.byLog[log] = p
	return p, nil
}

// drop ends the partitions of a deleted topic and deletes their logs, all at once.
func (h *Host) drop(topic *metadata.Topic) error {
	h.mu.Lock()
	t := h.byID[topic.ID]
	delete(h.byID, topic.ID)
	if h.byName[topic.Name] == t {
		delete(h.byName, topic.Name)
	}
	h.mu.Unlock()
	for key := range h.damages {
		if key.topic == topic.ID {
			delete(h.damages, key)
		}
	}
	if t == nil {
		return nil
	}
	hosted := slices.DeleteFunc(slices.Clone(t.partitions), func(p *Partition) bool { return p == nil })
	return h.remove(hosted, protocol.Fail(protocol.UnknownTopicOrPartition, "topic %s was deleted", topic.Name))
}

// remove ends partitions and deletes their logs, all at once.
func (h *Host) remove(partitions []*Partition, reason error) error {
	h.mu.Lock()
	logs := make([]*commitlog.Log, 0, len(partitions))
	for _, p := range partitions {
		delete(h.byLog, p.log)
		if t := h.byID[p.TopicID]; t != nil {
			t.partitions[p.Name.Partition] = nil
		}
		logs = append(logs, p.log)
	}
	h.mu.Unlock()
	for _, p := range partitions {
		h.follow(p, metadata.NoNode, record.NoLeaderEpoch)
		p.lose(reason)
	}
	err := h.dir.Delete(logs...)
	h.reap()
	return err
}

// reap removes the files of deleted logs in the background: it takes time that nobody has to wait for. After Close they
// are left to the next start.
func (h *Host) reap() {
	h.after(0, func() {
		if h.enter() {
			defer h.done.Done()
			h.dir.Reap(h.now().UnixMilli())
		}
	})
}

// Close ends the housekeeping and every leadership. The logs stay open: they are the directory's to close.
func (h *Host) Close() {
	h.mu.Lock()
	close(h.stop)
	h.mu.Unlock()
	h.done.Wait()
	if err := h.CheckpointHighWatermarks(); err != nil {
		h.logger.Warn("high watermarks are not written", "error", err)
	}
	for _, p := range h.All() {
		p.lose(protocol.Fail(protocol.NotLeaderOrFollower, "node %d is shutting down", h.self))
	}
}
