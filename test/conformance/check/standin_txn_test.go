package check

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetsInTransactions is the stand-in's part about transactions. Offsets that a transaction has committed are kept
// here, those of other commits by the node: an OffsetFetch is answered by the later one.
type offsetsInTransactions struct {
	producers int64 // ids that were given
	commits   int   // of both kinds so far: their order
	pending   []pendingOffset
	ended     map[groupSpot]pendingOffset // what transactions committed
	plain     map[groupSpot]int           // when the last commit outside a transaction was
}

// groupSpot is what a group has an offset for.
type groupSpot struct {
	group string
	spot
}

type pendingOffset struct {
	at       groupSpot
	producer int64
	offset   int64
	order    int
}

func newOffsetsInTransactions() offsetsInTransactions {
	return offsetsInTransactions{ended: map[groupSpot]pendingOffset{}, plain: map[groupSpot]int{}}
}

func (o *offsetsInTransactions) newProducer(q *kmsg.InitProducerIDRequest) kmsg.Response {
	o.producers++
	r := q.ResponseKind().(*kmsg.InitProducerIDResponse)
	r.ProducerID, r.ProducerEpoch = o.producers, 0
	return r
}

// commit keeps offsets for the end of the transaction. A member's id and generation are looked at only if one is given.
func (o *offsetsInTransactions) commit(q *kmsg.TxnOffsetCommitRequest, members map[string]int32) kmsg.Response {
	var code int16
	if q.MemberID != "" || q.Generation >= 0 {
		generation, known := members[q.MemberID]
		switch {
		case !known:
			code = kerr.UnknownMemberID.Code
		case generation != q.Generation:
			code = kerr.IllegalGeneration.Code
		}
	}
	r := q.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
	for i := range q.Topics {
		topic := kmsg.NewTxnOffsetCommitResponseTopic()
		topic.Topic = q.Topics[i].Topic
		for _, asked := range q.Topics[i].Partitions {
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = asked.Partition, code
			topic.Partitions = append(topic.Partitions, one)
			if code == 0 {
				o.commits++
				o.pending = append(o.pending, pendingOffset{groupSpot{q.Group, spot{topic.Topic, asked.Partition}}, q.ProducerID, asked.Offset, o.commits})
			}
		}
		r.Topics = append(r.Topics, topic)
	}
	return r
}

// end commits what is pending, but for offsets that were committed outside the transaction since, or drops it.
func (o *offsetsInTransactions) end(q *kmsg.EndTxnRequest, f flaw) kmsg.Response {
	o.pending = slices.DeleteFunc(o.pending, func(p pendingOffset) bool {
		if p.producer != q.ProducerID {
			return false
		}
		if q.Commit && (p.order > o.plain[p.at] || f == endWins) {
			o.ended[p.at] = p
		}
		return true
	})
	return q.ResponseKind()
}

// committed notes commits that the node has taken.
func (o *offsetsInTransactions) committed(q *kmsg.OffsetCommitRequest, r *kmsg.OffsetCommitResponse) {
	for i := range r.Topics {
		for _, one := range r.Topics[i].Partitions {
			if one.ErrorCode == 0 {
				o.commits++
				at := groupSpot{q.Group, spot{r.Topics[i].Topic, one.Partition}}
				o.plain[at] = o.commits
				delete(o.ended, at)
			}
		}
	}
}

// fetched puts the offsets of transactions into an answer below version 8, which is all that the rows ask for.
func (o *offsetsInTransactions) fetched(q *kmsg.OffsetFetchRequest, r *kmsg.OffsetFetchResponse, f flaw) {
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			one := &r.Topics[i].Partitions[j]
			at := groupSpot{q.Group, spot{r.Topics[i].Topic, one.Partition}}
			if ended, ok := o.ended[at]; ok {
				one.Offset = ended.offset
			}
			open := slices.IndexFunc(o.pending, func(p pendingOffset) bool { return p.at == at })
			switch {
			case open < 0:
			case q.RequireStable:
				one.Offset, one.LeaderEpoch, one.Metadata, one.ErrorCode = -1, -1, kmsg.StringPtr(""), kerr.UnstableOffsetCommit.Code
			case f == showsPending:
				one.Offset = o.pending[open].offset
			}
		}
	}
}
