package partition

import (
	"math"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// request is the next Fetch: everything to begin a session, what has moved within one. It is nil if everything has to wait. The
// caller holds mu.
func (f *fetcher) request() *protocol.FetchRequest {
	epoch := f.host.brokerEpoch()
	if f.epoch != epoch { // the leader is to see the new registration in each partition
		f.renewed = f.epoch != metadata.NoBrokerEpoch
		f.epoch, f.sessionEpoch = epoch, 0
	}
	f.hold()
	if f.ready == 0 {
		return nil
	}
	settings := f.host.broker()
	r := protocol.NewFetchRequest()
	r.ReplicaState.ReplicaID, r.ReplicaState.ReplicaEpoch = int32(f.host.self), int64(epoch)
	r.MaxWaitMs = int32(settings.ReplicaFetchWaitMax.Milliseconds())
	r.MinBytes, r.MaxBytes = clamp(int64(settings.ReplicaFetchMin)), clamp(int64(settings.ReplicaFetchResponseMax))
	r.SessionID, r.SessionEpoch = f.sessionID, f.sessionEpoch
	topics := map[protocol.UUID]int{}
	add := func(fl *followed) {
		fl.dirty = false
		if fl.paused || f.partitions[fl.key] != fl {
			return
		}
		i, ok := topics[fl.key.topic]
		if !ok {
			i = len(r.Topics)
			topics[fl.key.topic] = i
			r.Topics = append(r.Topics, protocol.FetchRequestTopic{TopicID: fl.key.topic})
		}
		fl.asked = fl.partition.position(fl.epoch)
		fl.sent, fl.inSession = true, true
		p := protocol.NewFetchRequestPartition()
		p.Partition, p.PartitionMaxBytes = fl.key.partition, clamp(int64(settings.ReplicaFetchMax))
		if fl.share > 0 {
			p.PartitionMaxBytes, fl.share = min(p.PartitionMaxBytes, clamp(fl.share)), 0
		}
		p.CurrentLeaderEpoch, p.LastFetchedEpoch = int32(fl.asked.epoch), int32(fl.asked.lastEpoch)
		p.FetchOffset, p.LogStartOffset = int64(fl.asked.offset), int64(fl.asked.logStart)
		r.Topics[i].Partitions = append(r.Topics[i].Partitions, p)
	}
	due, dirty := f.due(), f.dirty
	f.dirty = nil
	for _, fl := range due {
		add(fl)
	}
	if f.sessionEpoch == 0 {
		for _, fl := range dirty { // those that were removed too
			fl.dirty = false
		}
		f.forgotten = nil
		return r
	}
	r.ForgottenTopicsData = f.forget()
	return r
}

// forget lists what the session is to forget. One that was taken in again since is not in it. The caller holds mu.
func (f *fetcher) forget() (topics []protocol.FetchRequestForgottenTopic) {
	at := map[protocol.UUID]int{}
	for _, key := range f.forgotten {
		if fl := f.partitions[key]; fl != nil && fl.inSession {
			continue
		}
		i, ok := at[key.topic]
		if !ok {
			i = len(topics)
			at[key.topic] = i
			topics = append(topics, protocol.FetchRequestForgottenTopic{TopicID: key.topic})
		}
		topics[i].Partitions = append(topics[i].Partitions, key.partition)
	}
	f.forgotten = nil
	return topics
}

// accepted notes that the leader took the request. A leader without room for a session answers 0: the next request is
// whole again. The caller holds mu.
func (f *fetcher) accepted(id int32) {
	switch {
	case id == 0:
		f.sessionID = 0
		f.restart()
	case f.sessionEpoch == math.MaxInt32:
		f.sessionID, f.sessionEpoch = id, 1
	default:
		f.sessionID, f.sessionEpoch = id, f.sessionEpoch+1
	}
}

// restart has the next request begin a session, in the place of the one that there was. The caller holds mu.
func (f *fetcher) restart() {
	f.sessionEpoch = 0
	for _, fl := range f.partitions {
		fl.inSession = false
	}
	f.forgotten = nil
}

func clamp(n int64) int32 { return int32(min(n, math.MaxInt32)) }
