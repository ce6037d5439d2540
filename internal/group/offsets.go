package group

import (
	"slices"

	"github.com/skein-io/skein/internal/protocol"
)

// offsetStore holds the committed offsets of a shard. It is beside the groups, for a group's tombstone may be in the
// log while its offsets are still under the high watermark.
//
// Each partition has two values: latest, what the log says, and committed, what the log says below the high watermark.
// OffsetFetch reads committed. What was appended but is not committed yet is in the queue.
type offsetStore struct {
	byGroup map[string]*groupOffsets
	queue   []uncommitted // by Seq
	head    int           // of the queue: what is before it is done

	last *groupOffsets // the group of the last apply: one commit has many partitions
}

type groupOffsets struct {
	id      string
	byTopic map[string]*topicOffsets
	present int // entries whose latest value is present
	last    *topicOffsets
}

type topicOffsets struct {
	name    string
	entries map[int32]*offsetEntry
}

type offsetEntry struct {
	latest    offsetState
	committed offsetState
	queued    int // how often it is in the queue
}

// offsetState is a value, or that there is none.
type offsetState struct {
	OffsetValue
	present bool
}

type uncommitted struct {
	seq       Seq
	group     *groupOffsets
	topic     *topicOffsets
	partition int32
	entry     *offsetEntry
	state     offsetState
}

func newOffsetStore() offsetStore { return offsetStore{byGroup: make(map[string]*groupOffsets)} }

// apply takes a record that is in the log. Without a Seq it is committed already.
func (o *offsetStore) apply(r *Record) {
	g := o.group(r.Group)
	t := g.topic(r.Topic)
	e := t.entries[r.Partition]
	if e == nil {
		if r.Kind == OffsetRemoved && r.Seq == 0 {
			o.prune(g, t)
			return
		}
		e = new(offsetEntry)
		t.entries[r.Partition] = e
	}
	state := offsetState{OffsetValue: r.Offset, present: r.Kind == OffsetStored}
	switch {
	case state.present && !e.latest.present:
		g.present++
	case !state.present && e.latest.present:
		g.present--
	}
	e.latest = state
	if r.Seq == 0 {
		e.committed = state
		o.drop(g, t, r.Partition, e)
		return
	}
	e.queued++
	o.queue = append(o.queue, uncommitted{seq: r.Seq, group: g, topic: t, partition: r.Partition, entry: e, state: state})
}

func (o *offsetStore) group(id string) *groupOffsets {
	if o.last != nil && o.last.id == id {
		return o.last
	}
	g := o.byGroup[id]
	if g == nil {
		g = &groupOffsets{id: id, byTopic: make(map[string]*topicOffsets)}
		o.byGroup[id] = g
	}
	o.last = g
	return g
}

func (g *groupOffsets) topic(name string) *topicOffsets {
	if g.last != nil && g.last.name == name {
		return g.last
	}
	t := g.byTopic[name]
	if t == nil {
		t = &topicOffsets{name: name, entries: make(map[int32]*offsetEntry)}
		g.byTopic[name] = t
	}
	g.last = t
	return t
}

// commit makes everything up to a Seq readable.
func (o *offsetStore) commit(upTo Seq) {
	for o.head < len(o.queue) && o.queue[o.head].seq <= upTo {
		u := &o.queue[o.head]
		u.entry.committed = u.state
		u.entry.queued--
		o.drop(u.group, u.topic, u.partition, u.entry)
		*u = uncommitted{}
		o.head++
	}
	switch {
	case o.head == len(o.queue):
		o.queue, o.head = o.queue[:0], 0
	case o.head > 1024 && o.head > len(o.queue)/2:
		n := copy(o.queue, o.queue[o.head:])
		clear(o.queue[n:])
		o.queue, o.head = o.queue[:n], 0
	}
}

// drop forgets an entry that says nothing any more.
func (o *offsetStore) drop(g *groupOffsets, t *topicOffsets, partition int32, e *offsetEntry) {
	if e.queued == 0 && !e.latest.present && !e.committed.present {
		delete(t.entries, partition)
		o.prune(g, t)
	}
}

func (o *offsetStore) prune(g *groupOffsets, t *topicOffsets) {
	if len(t.entries) > 0 {
		return
	}
	delete(g.byTopic, t.name)
	g.last = nil
	if len(g.byTopic) == 0 {
		delete(o.byGroup, g.id)
		o.last = nil
	}
}

// find returns the entry of a partition, or nil.
func (o *offsetStore) find(group, topic string, partition int32) *offsetEntry {
	if g := o.byGroup[group]; g != nil {
		if t := g.byTopic[topic]; t != nil {
			return t.entries[partition]
		}
	}
	return nil
}

// present is how many offsets a group has, committed or not.
func (o *offsetStore) present(group string) int {
	if g := o.byGroup[group]; g != nil {
		return g.present
	}
	return 0
}

func (g *groupOffsets) topicNames() []string {
	names := make([]string, 0, len(g.byTopic))
	for name := range g.byTopic {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (t *topicOffsets) partitions() []int32 {
	list := make([]int32, 0, len(t.entries))
	for p := range t.entries {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// otherTopic says whether two topic ids are of different topics; the zero id is any (O13).
func otherTopic(a, b protocol.UUID) bool { return !a.IsZero() && !b.IsZero() && a != b }
