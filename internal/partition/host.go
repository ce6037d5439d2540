package partition

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/replica"
)

// HostConfig is what a Host needs.
type HostConfig struct {
	Self   metadata.NodeID
	Dir    *commitlog.Dir
	Broker func() *config.Broker // the present one
	Now    func() time.Time
	Logger *slog.Logger
}

// Host is every partition of this node. Find may be called concurrently; Apply is called by one goroutine, with each
// new image in order.
type Host struct {
	self   metadata.NodeID
	dir    *commitlog.Dir
	broker func() *config.Broker
	now    func() time.Time
	logger *slog.Logger

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
	return &Host{
		self: c.Self, dir: c.Dir, broker: c.Broker, now: c.Now, logger: c.Logger,
		byName: map[string]*hostedTopic{}, byID: map[protocol.UUID]*hostedTopic{}, byLog: map[*commitlog.Log]*Partition{},
		stop: make(chan struct{}),
	}
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
			p.durable(log.DurableEnd())
		}
	}
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
	p.step(replica.Resign{})
}

// Apply opens, changes and drops partitions so that they are what the image says. A nil delta means everything, as at
// start. An error names the partitions that could not be opened; the others are served.
func (h *Host) Apply(image *metadata.Image, delta *metadata.Delta) error {
	var failed []error
	if delta == nil {
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
	var failed []error
	each := func(p *metadata.Partition) {
		if slices.Contains(p.Replicas, h.self) {
			failed = append(failed, h.applyPartition(topic, p, settings))
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
	return errors.Join(failed...)
}

func (h *Host) applyPartition(topic *metadata.Topic, wanted *metadata.Partition, settings *config.Topic) error {
	p := h.FindByID(topic.ID, wanted.Index)
	if p == nil {
		var err error
		if p, err = h.open(topic, wanted.Index, settings); err != nil {
			return fmt.Errorf("partition %s-%d: %w", topic.Name, wanted.Index, err)
		}
	}
	if wanted.Leader != h.self {
		p.step(replica.Resign{})
		return nil
	}
	p.step(replica.Lead{Self: h.self, Epoch: wanted.LeaderEpoch, ISR: wanted.ISR,
		ISRMin: settings.InsyncReplicasMin, DurableEnd: p.log.DurableEnd()})
	// A round that ended while the partition was not leading yet told it nothing.
	p.durable(p.log.DurableEnd())
	return nil
}

func (h *Host) open(topic *metadata.Topic, index int32, settings *config.Topic) (*Partition, error) {
	name := metadata.TopicPartition{Topic: topic.Name, Partition: index}
	log, err := h.dir.OpenLog(commitlog.TopicPartition(name), topic.ID, logConfig(topic.Name, h.broker(), settings))
	if err != nil {
		return nil, err
	}
	p := &Partition{Name: name, TopicID: topic.ID, host: h, log: log}
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
	if t != nil {
		for _, p := range t.partitions {
			if p != nil {
				delete(h.byLog, p.log)
			}
		}
	}
	h.mu.Unlock()
	if t == nil {
		return nil
	}
	logs := make([]*commitlog.Log, 0, len(t.partitions))
	reason := protocol.Fail(protocol.UnknownTopicOrPartition, "topic %s was deleted", topic.Name)
	for _, p := range t.partitions {
		if p != nil {
			p.lose(reason)
			logs = append(logs, p.log)
		}
	}
	err := h.dir.Delete(logs...)
	h.reap()
	return err
}

// reap removes the files of deleted logs in the background: it takes time that nobody has to wait for. After Close they
// are left to the next start.
func (h *Host) reap() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopping() {
		h.done.Go(func() { h.dir.Reap(h.now().UnixMilli()) })
	}
}

// Close ends the housekeeping and every leadership. The logs stay open: they are the directory's to close.
func (h *Host) Close() {
	h.mu.Lock()
	close(h.stop)
	h.mu.Unlock()
	h.done.Wait()
	for _, p := range h.All() {
		p.lose(protocol.Fail(protocol.NotLeaderOrFollower, "node %d is shutting down", h.self))
	}
}
