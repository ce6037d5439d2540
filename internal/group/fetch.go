package group

import (
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Fetch is one group of an OffsetFetch request (key 9).
type Fetch struct {
	Token Token
	FetchRequest
}

// FetchRequest asks for committed offsets.
type FetchRequest struct {
	GroupID string
	All     bool // every offset of the group; Topics is empty
	Topics  []FetchTopic
	// RequireStable waits for offsets that are written and not committed yet (KIP-447).
	RequireStable bool
}

// FetchTopic names partitions.
type FetchTopic struct {
	Name       string
	ID         protocol.UUID // zero: any
	Partitions []int32
}

// FetchReply answers it. Topics are those of the request in its order, or all, sorted.
type FetchReply struct {
	Err    *protocol.Error
	Topics []FetchedTopic
}

// FetchedTopic is the offsets of one topic.
type FetchedTopic struct {
	Name       string
	ID         protocol.UUID
	Partitions []FetchedPartition
}

// FetchedPartition is one offset; Offset -1 is none.
type FetchedPartition struct {
	Partition   int32
	Offset      record.Offset
	LeaderEpoch record.LeaderEpoch
	Metadata    string
}

// Refuse is for records that were waited for and not written.
func (*FetchReply) Refuse(err *protocol.Error) Body { return &FetchReply{Err: err} }

// fetch is O10, O12 and O13. It reads what is under the high watermark and waits for nothing, unless it must be
// stable: then it reads the latest and waits until that is committed.
func (s *Shard) fetch(e *Fetch) {
	g := s.offsets.byGroup[e.GroupID]
	r := new(FetchReply)
	if e.All {
		r.Topics = g.fetchAll(e.RequireStable)
	} else {
		r.Topics = make([]FetchedTopic, len(e.Topics))
		for i := range e.Topics {
			r.Topics[i] = g.fetchTopic(&e.Topics[i], e.RequireStable)
		}
	}
	if e.RequireStable && s.offsets.head < len(s.offsets.queue) {
		s.replyWhenCommitted(e.Token, r)
		return
	}
	s.reply(e.Token, r)
}

func (g *groupOffsets) fetchTopic(t *FetchTopic, latest bool) FetchedTopic {
	out := FetchedTopic{Name: t.Name, ID: t.ID, Partitions: make([]FetchedPartition, len(t.Partitions))}
	var known *topicOffsets
	if g != nil {
		known = g.byTopic[t.Name]
	}
	for i, p := range t.Partitions {
		out.Partitions[i] = FetchedPartition{Partition: p, Offset: -1, LeaderEpoch: record.NoLeaderEpoch}
		if known == nil {
			continue
		}
		if state, ok := known.read(p, latest); ok && !otherTopic(t.ID, state.TopicID) {
			out.Partitions[i] = fetched(p, &state)
		}
	}
	return out
}

func (g *groupOffsets) fetchAll(latest bool) []FetchedTopic {
	if g == nil {
		return nil
	}
	var topics []FetchedTopic
	for _, name := range g.topicNames() {
		t := g.byTopic[name]
		out := FetchedTopic{Name: name}
		for _, p := range t.partitions() {
			if state, ok := t.read(p, latest); ok {
				out.ID = state.TopicID
				out.Partitions = append(out.Partitions, fetched(p, &state))
			}
		}
		if len(out.Partitions) > 0 {
			topics = append(topics, out)
		}
	}
	return topics
}

func (t *topicOffsets) read(partition int32, latest bool) (offsetState, bool) {
	e := t.entries[partition]
	switch {
	case e == nil:
		return offsetState{}, false
	case latest:
		return e.latest, e.latest.present
	default:
		return e.committed, e.committed.present
	}
}

func fetched(p int32, state *offsetState) FetchedPartition {
	return FetchedPartition{Partition: p, Offset: state.Offset, LeaderEpoch: state.LeaderEpoch, Metadata: state.Metadata}
}
