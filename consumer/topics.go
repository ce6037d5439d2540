package consumer

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/backoff"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
)

// topicSet is what is wanted: topics by name, or all that a pattern matches.
type topicSet struct {
	names   []string
	pattern *regexp.Regexp
}

// topics is what is known of topics, and when it has to be asked for. Guarded by Consumer.mu.
type topics struct {
	wanted   topicSet
	assigned bool // by Assign
	matched  []string
	byName   map[string]link.Topic

	asking    bool
	again     bool // the answer that is open is outdated
	asked     time.Time
	dueAt     time.Time // earlier than the age says, after an error
	failures  int
	snapshot  map[string]int // partitions that this leader's assignment was computed from
	lastError error
}

func (t *topics) init() { t.byName = map[string]link.Topic{} }

func (t *topics) subscribed() bool {
	return !t.assigned && (len(t.wanted.names) > 0 || t.wanted.pattern != nil)
}

// want sets what is wanted; what is new is asked for at once.
func (t *topics) want(now time.Time, set topicSet) {
	t.wanted = set
	t.matched = nil
	if set.pattern != nil {
		t.match()
		t.due(now)
		return
	}
	for _, name := range set.names {
		if _, known := t.byName[name]; !known {
			t.due(now)
		}
	}
}

// subscription is the topics that the member names when it joins.
func (t *topics) subscription() []string {
	switch {
	case t.assigned:
		return nil
	case t.wanted.pattern != nil:
		return t.matched
	}
	return t.wanted.names
}

func (t *topics) match() {
	t.matched = nil
	for name, topic := range t.byName {
		if !topic.Internal && topic.Err == nil && t.wanted.pattern.MatchString(name) {
			t.matched = append(t.matched, name)
		}
	}
	slices.Sort(t.matched)
}

// due has topics asked for at that time, or as soon as an open answer is there.
func (t *topics) due(at time.Time) {
	if t.asking {
		t.again = true
	}
	if t.dueAt.IsZero() || at.Before(t.dueAt) {
		t.dueAt = at
	}
}

func (t *topics) active() bool { return len(t.wanted.names) > 0 || t.wanted.pattern != nil }

func (t *topics) next(cfg config) time.Time {
	if t.asking || !t.active() {
		return time.Time{}
	}
	if !t.dueAt.IsZero() {
		return t.dueAt
	}
	return t.asked.Add(cfg.metadataAgeMax)
}

// idsOf copies what a request needs, so that it can be sent without the lock.
func (t *topics) idsOf(names []string) idTable {
	ids := idTable{byName: map[string][16]byte{}, byID: map[[16]byte]string{}}
	for _, name := range names {
		id := t.byName[name].ID
		ids.byName[name] = id
		ids.byID[id] = name
	}
	return ids
}

// names lists the topics that have an id.
func (t *topics) names() map[membership.TopicID]string {
	names := make(map[membership.TopicID]string, len(t.byName))
	for name, topic := range t.byName {
		if topic.ID != (membership.TopicID{}) {
			names[topic.ID] = name
		}
	}
	return names
}

type idTable struct {
	byName map[string][16]byte
	byID   map[[16]byte]string
}

func (t idTable) TopicID(name string) [16]byte { return t.byName[name] }
func (t idTable) TopicName(id [16]byte) string { return t.byID[id] }

// missingMax is how many answers in a row may lack a topic that was there before it counts as gone: nodes hear of
// topics at different times.
const missingMax = 5

// topicFault tells of a topic that cannot be read: its partitions, if the consumer has some, else the subscription.
// c.mu is held.
func (c *Consumer) topicFault(topic link.Topic) {
	has := false
	for _, p := range c.table.All() {
		if p.Name.Topic == topic.Name {
			has = true
			c.fault(p, &PartitionError{Partition: p.Name, Err: topic.Err})
		}
	}
	if !has && !retriable(topic.Err) {
		c.refusedTopic(topic.Name, topic.Err)
	}
}

// refreshTopics asks for metadata if that is due. c.mu is held.
func (c *Consumer) refreshTopics(now time.Time) {
	t := &c.topics
	if due := t.next(c.cfg); due.IsZero() || now.Before(due) {
		return
	}
	t.asking, t.again, t.dueAt = true, false, time.Time{}
	t.asked = now
	names := t.wanted.names
	if t.wanted.pattern != nil {
		names = nil
	} else if c.machine.Leader() { // what the others want is the leader's to watch
		names = slices.Clone(names)
		for name := range t.snapshot {
			names = append(names, name)
		}
		names = sortedOnce(names)
	}
	c.background(func() {
		found, err := c.link.Metadata(c.ctx, names, c.cfg.autoCreate)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.learned(time.Now(), found, names == nil, err)
	})
}

// learned takes an answer of Metadata. c.mu is held.
func (c *Consumer) learned(now time.Time, found []link.Topic, all bool, err error) {
	t := &c.topics
	t.asking = false
	t.lastError = err
	if err != nil {
		t.failures++
		t.due(now.Add(c.pause(t.failures)))
		c.cfg.log.Warn("metadata", "error", err)
		if link.Unwelcome(err) {
			c.refused(anywhere, &ConnectionError{Err: err})
		}
		c.advance(now)
		return
	}
	c.well(anywhere)
	if all {
		clear(t.byName)
	}
	missing := false
	for _, topic := range found {
		if topic.Err != nil && len(topic.Partitions) == 0 {
			missing = true
			gone := !retriable(topic.Err) || t.failures >= missingMax
			if old, known := t.byName[topic.Name]; known && !gone {
				old.Err = topic.Err
				t.byName[topic.Name] = old
				continue
			}
			if gone {
				c.topicFault(topic)
			}
			if errors.Is(topic.Err, link.ErrNonsense) {
				t.lastError = topic.Err
			}
		}
		for _, p := range topic.Partitions {
			missing = missing || p.Node < 0
		}
		t.byName[topic.Name] = topic
		if topic.Err == nil {
			c.well(TopicPartition{Topic: topic.Name, Partition: -1})
		}
	}
	if !all {
		for _, name := range t.wanted.names {
			if !slices.ContainsFunc(found, func(topic link.Topic) bool { return topic.Name == name }) {
				t.lastError = fmt.Errorf("%w: Metadata was asked for topic %s, and it is not named", link.ErrNonsense, name)
				missing = missing || !t.again // a subscription of a moment ago was asked for with other names
			}
		}
	}
	switch {
	case t.again:
		t.again = false
		t.failures = 0
		t.dueAt = now
	case missing:
		t.failures++
		t.due(now.Add(c.pause(t.failures)))
	default:
		t.failures = 0
	}
	c.leaders()
	c.watch(now)
	c.advance(now)
}

// leaders tells the table who leads. c.mu is held.
func (c *Consumer) leaders() {
	for _, p := range c.table.All() {
		topic, known := c.topics.byName[p.Name.Topic]
		if known && int(p.Name.Partition) < len(topic.Partitions) {
			l := topic.Partitions[p.Name.Partition]
			c.table.Leads(p.Name, l.Node, l.Epoch)
		}
	}
}

// watch looks whether what the membership depends on has changed. c.mu is held.
func (c *Consumer) watch(now time.Time) {
	t := &c.topics
	if c.cfg.protocol != ClassicProtocol {
		c.step(now, membership.TopicsNamed{Names: t.names()})
	}
	if t.wanted.pattern != nil && !t.assigned {
		t.match()
		c.step(now, membership.Subscribed{Topics: t.matched})
	}
	for name, partitions := range t.snapshot {
		if n := len(t.byName[name].Partitions); n != partitions {
			t.snapshot = nil
			c.step(now, membership.MetadataChanged{What: fmt.Sprintf("topic %s has %d partitions and had %d", name, n, partitions)})
			return
		}
	}
}

// pause is how long to wait after so many failures in a row.
func (c *Consumer) pause(failures int) time.Duration {
	return backoff.Pause(c.cfg.retryBackoff, c.cfg.retryBackoffMax, failures-1)
}

// staleTopics has metadata asked for soon, because a broker said that something of it is wrong. c.mu is held.
func (c *Consumer) staleTopics(now time.Time) {
	c.topics.due(latest(now, c.topics.asked.Add(c.cfg.retryBackoff)))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sortedOnce(names []string) []string {
	s := slices.Clone(names)
	slices.Sort(s)
	return slices.Compact(s)
}
