package api

import (
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// divergence is where a client's log went another way than this one.
type divergence struct {
	found bool
	epoch record.LeaderEpoch
	end   record.Offset
}

// diverged says whether the client's log went another way than this one (KIP-595): it has records of an epoch that
// ended earlier here. It is then told where, instead of being given records. Where its last epoch is newer than any here
// nobody can say, which Kafka answers like an offset that does not exist. A follower whose log ends early in the client's last
// epoch is behind and has not diverged.
func diverged(hosted *partition.Partition, p *fetchPartition) (divergence, error) {
	if p.lastFetchedEpoch < 0 {
		return divergence{}, nil
	}
	latest, some := hosted.Log().LatestEpoch()
	if _, leads := hosted.LeaderEpoch(); some && latest == p.lastFetchedEpoch && !leads {
		return divergence{}, nil
	}
	epoch, end, known := hosted.EpochEnd(p.lastFetchedEpoch)
	if known {
		return divergence{epoch < p.lastFetchedEpoch || end < p.fetchOffset, epoch, end}, nil
	}
	if some {
		return divergence{}, protocol.Fail(protocol.OffsetOutOfRange, "%s: the client last fetched in leader epoch %d; the newest here is %d", hosted.Name, p.lastFetchedEpoch, latest)
	}
	return divergence{}, nil
}

// checkAgain looks whether records are damaged that a follower asks for again. It may have found that out: what is sent on is not
// looked at otherwise.
func checkAgain(hosted *partition.Partition, slice commitlog.Slice) error {
	err := slice.Check()
	if err != nil {
		hosted.Spoilt(err)
	}
	return err
}

// answer turns what was read into the response. The slices in it are released by whoever sends it.
func (f *fetchCall) answer(reads []read) *protocol.FetchResponse {
	response := protocol.NewFetchResponse()
	if f.session != nil {
		f.session.mu.Lock()
		defer f.session.mu.Unlock()
		response.SessionID = f.session.id
	}
	var topic *protocol.FetchResponseFetchableTopicResponse
	for i, p := range f.asked {
		data := f.partition(p, &reads[i])
		if f.session != nil && !f.tell(p, &data) {
			reads[i].slice.Release()
			continue
		}
		if topic == nil || topic.Topic != p.topic || topic.TopicID != p.topicID {
			response.Responses = append(response.Responses, protocol.FetchResponseFetchableTopicResponse{Topic: p.topic, TopicID: p.topicID})
			topic = &response.Responses[len(response.Responses)-1]
		}
		if f.follower != nil && reads[i].slice.Len() > 0 {
			f.hosted[i].Given(reads[i].slice.Len())
		}
		f.tellLeader(response, p, &data)
		topic.Partitions = append(topic.Partitions, data)
	}
	return response
}

func (f *fetchCall) partition(p *fetchPartition, r *read) protocol.FetchResponsePartitionData {
	var data protocol.FetchResponsePartitionData
	data.Default()
	data.PartitionIndex = p.partition
	data.Records = protocol.Bytes{}
	data.AbortedTransactions = nil // said under read_committed only
	if r.err != nil {
		data.ErrorCode = f.node.fail(f.call, r.err)
		if data.ErrorCode == protocol.UnknownTopicOrPartition || data.ErrorCode == protocol.UnknownTopicID {
			data.AbortedTransactions = []protocol.FetchResponseAbortedTransaction{} // null for every other error, as in Kafka
		}
		data.HighWatermark, data.LastStableOffset, data.LogStartOffset = -1, -1, -1
		if f.follower != nil && data.ErrorCode == protocol.OffsetOutOfRange {
			data.LogStartOffset, data.DivergingEpoch.EndOffset = int64(r.logStart), int64(r.logEnd)
		}
		return data
	}
	data.HighWatermark = int64(r.highWatermark)
	data.LastStableOffset = int64(r.highWatermark) // there are no transactions yet
	data.LogStartOffset = int64(r.logStart)
	data.PreferredReadReplica = int32(r.preferred)
	if r.diverging.found {
		data.DivergingEpoch.Epoch, data.DivergingEpoch.EndOffset = int32(r.diverging.epoch), int64(r.diverging.end)
		return data
	}
	if f.request.IsolationLevel == 1 {
		data.AbortedTransactions = []protocol.FetchResponseAbortedTransaction{}
	}
	if r.slice.Len() > 0 {
		data.Records = r.slice
	}
	return data
}

// tell says whether an incremental answer must hold the partition, and keeps what the client is told by it. The
// caller holds the session's mu.
func (f *fetchCall) tell(p *fetchPartition, data *protocol.FetchResponsePartitionData) bool {
	highWatermark, logStart := record.Offset(data.HighWatermark), record.Offset(data.LogStartOffset)
	news := f.whole || data.ErrorCode != protocol.None || data.Records.Len() > 0 || data.DivergingEpoch.Epoch >= 0 ||
		data.PreferredReadReplica >= 0 || highWatermark != p.toldHighWatermark || logStart != p.toldLogStart
	p.toldHighWatermark, p.toldLogStart = highWatermark, logStart
	if data.ErrorCode != protocol.None || data.DivergingEpoch.Epoch >= 0 {
		p.toldHighWatermark = -1 // tell again when the error is gone, or the log cut: a follower waits to hear that its log is as this one
	}
	if data.Records.Len() > 0 {
		f.session.served(p.fetchKey)
	}
	return news
}
