package consumer_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

// senseless is no error code of Kafka's.
const senseless = 9999

func changing[R kmsg.Response](change func(R)) func(*answer) {
	return func(a *answer) {
		if r, ok := is[R](a); ok {
			change(r)
		}
	}
}

func framed(key kmsg.Key, change func(*answer)) func(*answer) {
	return func(a *answer) {
		if a.key == key.Int16() {
			change(a)
		}
	}
}

// spoiledFrames are answers whose frames are wrong, for one API.
func spoiledFrames(key kmsg.Key) []hostility {
	const (
		unreadable = "response did not contain enough data to be valid"
		ended      = "EOF|broker closed the connection"
		timeout    = "i/o timeout|context deadline exceeded"
	)
	name := key.Name()
	promised := timeout
	switch key {
	case kmsg.JoinGroup, kmsg.SyncGroup:
		promised = "invalid large response size" // that much is read of Fetch only
	}
	random := rand.New(rand.NewPCG(1, uint64(key)))
	size := func(n int32) func(*answer) {
		return func(a *answer) { a.frame = binary.BigEndian.AppendUint32(nil, uint32(n)) }
	}
	return []hostility{
		{name: name + "/wrong correlation id", spoil: framed(key, func(a *answer) { a.header[0] ^= 1; a.changed = true }), says: "correlation ID mismatch"},
		{name: name + "/cut off", spoil: framed(key, func(a *answer) {
			a.ends, a.frame = true, a.bytes()
			a.frame = a.frame[:len(a.frame)/2]
		}), says: ended},
		{name: name + "/shorter than it says", spoil: framed(key, func(a *answer) { a.body, a.changed = a.body[:len(a.body)/2], true }), says: unreadable},
		{name: name + "/empty", spoil: framed(key, size(0)), says: unreadable},
		{name: name + "/negative length", spoil: framed(key, size(-1)), says: "negative response size"},
		{name: name + "/huge length", spoil: framed(key, size(math.MaxInt32)), says: "invalid large response size"},
		{name: name + "/promises 90 MiB", spoil: framed(key, size(90<<20)), says: promised},
		{name: name + "/HTTP", spoil: framed(key, func(a *answer) { a.frame = []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }), says: "the beginning of an HTTP response"},
		{name: name + "/random bytes", spoil: framed(key, func(a *answer) {
			a.body, a.changed = make([]byte, 200), true
			for i := range a.body {
				if a.body[i] = byte(random.Uint32()); i%2 == 1 {
					a.body[i] &= 0x7f // see hasManyTags: no number is of more than two bytes, or kmsg might count for minutes
				}
			}
		}), says: unreadable},
		{name: name + "/all ones", spoil: framed(key, func(a *answer) {
			a.body, a.changed = make([]byte, 200), true
			for i := range a.body {
				a.body[i] = 0xff
			}
		}), says: unreadable},
		{name: name + "/silent", spoil: framed(key, func(a *answer) { a.silent = true; a.changed = true }), says: timeout},
		{name: name + "/hangs up", spoil: framed(key, func(a *answer) { a.silent, a.ends = true, true }), says: ended},
	}
}

// spoiledPauses are answers that let the consumer wait for weeks before its next request on the connection (KIP-219).
var spoiledPauses = []hostility{
	{name: "Metadata/throttles for weeks", spoil: changing(func(r *kmsg.MetadataResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "Metadata/no nodes, and throttles for weeks", spoil: changing(func(r *kmsg.MetadataResponse) { r.Brokers, r.ThrottleMillis = nil, math.MaxInt32 }), says: weeks},
	{name: "FindCoordinator/throttles for weeks", spoil: changing(func(r *kmsg.FindCoordinatorResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "JoinGroup/throttles for weeks", spoil: changing(func(r *kmsg.JoinGroupResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "SyncGroup/throttles for weeks", spoil: changing(func(r *kmsg.SyncGroupResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "Heartbeat/throttles for weeks", spoil: changing(func(r *kmsg.HeartbeatResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "OffsetFetch/throttles for weeks", spoil: changing(func(r *kmsg.OffsetFetchResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "ListOffsets/throttles for weeks", spoil: changing(func(r *kmsg.ListOffsetsResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "Fetch/throttles for weeks", spoil: changing(func(r *kmsg.FetchResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
	{name: "OffsetCommit/throttles for weeks", spoil: changing(func(r *kmsg.OffsetCommitResponse) { r.ThrottleMillis = math.MaxInt32 }), says: weeks},
}

const weeks = "pause=596h31m23.647s"

// spoiledTopics are answers about nodes and topics.
var spoiledTopics = []hostility{
	{name: "ApiVersions/nothing", spoil: changing(func(r *kmsg.ApiVersionsResponse) { r.ApiKeys = nil }), says: "contained no ApiKeys"},
	{name: "ApiVersions/no Fetch", spoil: changing(func(r *kmsg.ApiVersionsResponse) {
		r.ApiKeys = slices.DeleteFunc(r.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == kmsg.Fetch.Int16() })
	}), says: "broker is too old", restart: true},
	{name: "ApiVersions/impossible versions", spoil: changing(func(r *kmsg.ApiVersionsResponse) {
		for i := range r.ApiKeys {
			r.ApiKeys[i].MinVersion, r.ApiKeys[i].MaxVersion = 9000, -9000
		}
	}), says: "advertised non-downgrade version -9000"},
	{name: "ApiVersions/senseless error", spoil: changing(func(r *kmsg.ApiVersionsResponse) { r.ErrorCode = senseless }), says: "unable to read ApiVersions response"},

	{name: "Metadata/empty", spoil: changing(func(r *kmsg.MetadataResponse) { r.Brokers, r.Topics = nil, nil }), says: "unknown broker"},
	{name: "Metadata/no nodes", spoil: changing(func(r *kmsg.MetadataResponse) { r.Brokers = nil }), says: "unknown broker"},
	{name: "Metadata/no topics", spoil: changing(func(r *kmsg.MetadataResponse) { r.Topics = nil }), says: "was asked for topic orders, and it is not named"},
	{name: "Metadata/absurd nodes", spoil: changing(func(r *kmsg.MetadataResponse) {
		for i, id := range []int32{-1, -5, math.MinInt32, math.MaxInt32} {
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID, b.Host, b.Port = id, []string{"", "256.1.1.1", "\x00\xff", strings.Repeat("x", 30000)}[i], []int32{-1, 0, 99999, math.MaxInt32}[i]
			r.Brokers = append(r.Brokers, b)
		}
		r.Brokers[0].Host, r.Brokers[0].Port = "nowhere.invalid", -7
	}), says: "unable to dial"},
	{name: "Metadata/nodes that nobody can reach", spoil: changing(func(r *kmsg.MetadataResponse) { r.Brokers[0].Port = 1 }), says: "connection refused"},
	{name: "Metadata/leaders that do not exist", spoil: everyLeader(func(p *kmsg.MetadataResponseTopicPartition) { p.Leader = 77 }), says: "ListOffsets to node 77: unknown broker"},
	{name: "Metadata/absurd leaders", spoil: everyLeader(func(p *kmsg.MetadataResponseTopicPartition) { p.Leader, p.LeaderEpoch = math.MinInt32, math.MinInt32 }), says: "has no leader that is known"},
	{name: "Metadata/leader epoch of the future", spoil: everyLeader(func(p *kmsg.MetadataResponseTopicPartition) { p.LeaderEpoch = 1000 }), says: "UNKNOWN_LEADER_EPOCH"},
	{name: "Metadata/absurd partitions", spoil: everyLeader(func(p *kmsg.MetadataResponseTopicPartition) { p.Partition = math.MaxInt32 - p.Partition }), says: "of 2 partitions of topic orders one has the number 2147483647"},
	{name: "Metadata/negative partitions", spoil: everyLeader(func(p *kmsg.MetadataResponseTopicPartition) { p.Partition = -1 - p.Partition }), says: "of 2 partitions of topic orders one has the number -1"},
	{name: "Metadata/senseless errors", spoil: changing(func(r *kmsg.MetadataResponse) {
		for i := range r.Topics {
			r.Topics[i].ErrorCode, r.Topics[i].Partitions = senseless, nil
		}
	}), says: "topic orders: UNKNOWN_SERVER_ERROR"},
	{name: "Metadata/topics that were not asked for", spoil: changing(func(r *kmsg.MetadataResponse) {
		for i := range r.Topics {
			r.Topics[i].Topic = kmsg.StringPtr("other" + strconv.Itoa(i))
		}
	}), says: "was asked for topic orders, and it is not named"},
	{name: "Metadata/topics without a name", spoil: changing(func(r *kmsg.MetadataResponse) {
		for i := range r.Topics {
			r.Topics[i].Topic = nil
		}
	}), says: "was asked for topic orders, and it is not named"},
}

func everyLeader(change func(*kmsg.MetadataResponseTopicPartition)) func(*answer) {
	return changing(func(r *kmsg.MetadataResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				change(&r.Topics[i].Partitions[j])
			}
		}
	})
}

// spoiledGroups are answers of the coordinator.
var spoiledGroups = []hostility{
	{name: "FindCoordinator/a node that does not exist", spoil: coordinator(func(c *kmsg.FindCoordinatorResponseCoordinator) { c.NodeID = 77 }), says: "JoinGroup to node 77: unknown broker"},
	{name: "FindCoordinator/an absurd node", spoil: coordinator(func(c *kmsg.FindCoordinatorResponseCoordinator) { c.NodeID = math.MinInt32 }), says: "is answered with node -2147483648"},
	{name: "FindCoordinator/another group's", spoil: coordinator(func(c *kmsg.FindCoordinatorResponseCoordinator) { c.Key = "other" }), says: "is answered for"},
	{name: "FindCoordinator/senseless error", fatal: true, spoil: coordinator(func(c *kmsg.FindCoordinatorResponseCoordinator) { c.ErrorCode = senseless }), says: "FindCoordinator was refused"},
	{name: "FindCoordinator/a loop", spoil: func(a *answer) {
		if r, ok := is[*kmsg.JoinGroupResponse](a); ok {
			*r = kmsg.JoinGroupResponse{Version: r.Version, ErrorCode: kerr.NotCoordinator.Code}
		}
	}, says: "NOT_COORDINATOR"},

	{name: "JoinGroup/senseless error", fatal: true, spoil: changing(func(r *kmsg.JoinGroupResponse) { r.ErrorCode = senseless }), says: "JoinGroup was refused"},
	{name: "JoinGroup/always another member id", spoil: changing(func(r *kmsg.JoinGroupResponse) {
		r.ErrorCode, r.MemberID = kerr.MemberIDRequired.Code, "m"+strconv.Itoa(rand.Int())
	}), says: "failures"},
	{name: "JoinGroup/a member id without an id", spoil: changing(func(r *kmsg.JoinGroupResponse) {
		r.ErrorCode, r.MemberID = kerr.MemberIDRequired.Code, ""
	}), says: "failures"},
	{name: "JoinGroup/another's member id", spoil: changing(func(r *kmsg.JoinGroupResponse) {
		if r.ErrorCode == 0 {
			r.MemberID = "somebody"
		}
	}), says: "SyncGroup was not answered: UNKNOWN_MEMBER_ID"},
	{name: "JoinGroup/wrong generation", spoil: joined(func(r *kmsg.JoinGroupResponse) { r.Generation += 7 }), says: "SyncGroup was not answered: ILLEGAL_GENERATION"},
	{name: "JoinGroup/negative generation", spoil: joined(func(r *kmsg.JoinGroupResponse) { r.Generation = -3 }), says: "SyncGroup was not answered: ILLEGAL_GENERATION"},
	{name: "JoinGroup/an assignor that was not offered", fatal: true, spoil: joined(func(r *kmsg.JoinGroupResponse) { r.Protocol = kmsg.StringPtr("lottery") }), says: "which this member did not offer"},
	{name: "JoinGroup/no assignor", fatal: true, spoil: joined(func(r *kmsg.JoinGroupResponse) { r.Protocol = nil }), says: "which this member did not offer"},
	{name: "JoinGroup/nobody leads", spoil: joined(func(r *kmsg.JoinGroupResponse) { r.LeaderID, r.Members = "nobody", nil }), says: "has 0 partitions", rejoin: true},
	{name: "JoinGroup/a leader of nobody", spoil: joined(func(r *kmsg.JoinGroupResponse) { r.Members = nil }), says: "does not name it among the members"},
	{name: "JoinGroup/garbage of members", spoil: joined(func(r *kmsg.JoinGroupResponse) {
		for i := range r.Members {
			r.Members[i].ProtocolMetadata = []byte{0xff, 0xff, 0xff, 0xff, 0xff}
		}
	}), says: "has 0 partitions", rejoin: true},
	{name: "JoinGroup/one member ten thousand times", spoil: joined(func(r *kmsg.JoinGroupResponse) {
		for len(r.Members) > 0 && len(r.Members) < 10000 {
			r.Members = append(r.Members, r.Members[0])
		}
	}), says: "of 10000 members"},

	{name: "SyncGroup/senseless error", fatal: true, spoil: changing(func(r *kmsg.SyncGroupResponse) { r.ErrorCode = senseless }), says: "SyncGroup was refused"},
	{name: "SyncGroup/garbage", fatal: true, spoil: changing(func(r *kmsg.SyncGroupResponse) { r.MemberAssignment = []byte("garbage") }), says: "an assignment of 7 bytes cannot be read"},
	{name: "SyncGroup/nothing", spoil: changing(func(r *kmsg.SyncGroupResponse) { r.MemberAssignment = nil }), says: "has 0 partitions", rejoin: true},
	{name: "SyncGroup/absurd partitions", fatal: true, spoil: assigned(orders(-1), orders(math.MinInt32)), says: "an assignment names partition -2147483648 of topic"},
	{name: "SyncGroup/partitions that do not exist", spoil: assigned(orders(2), orders(math.MaxInt32)), says: "orders-2147483647: has no leader that is known", rejoin: true},
	{name: "SyncGroup/topics that it does not want", spoil: assigned(consumer.TopicPartition{Topic: "other"}, consumer.TopicPartition{}), says: "which it does not subscribe to"},
	{name: "SyncGroup/the same partition often", spoil: assigned(orders(0), orders(0), orders(1), orders(0)), says: "has 2 partitions in generation 1"},

	{name: "Heartbeat/senseless error", fatal: true, spoil: changing(func(r *kmsg.HeartbeatResponse) { r.ErrorCode = senseless }), says: "Heartbeat was refused"},
	{name: "Heartbeat/always a rebalance", spoil: changing(func(r *kmsg.HeartbeatResponse) { r.ErrorCode = kerr.RebalanceInProgress.Code }), says: "the group is rebalancing"},
	{name: "Heartbeat/not a member", spoil: changing(func(r *kmsg.HeartbeatResponse) { r.ErrorCode = kerr.UnknownMemberID.Code }), says: "lost its partitions: UNKNOWN_MEMBER_ID"},

	{name: "OffsetFetch/senseless error", spoil: changing(func(r *kmsg.OffsetFetchResponse) {
		for i := range r.Groups {
			r.Groups[i].ErrorCode = senseless
		}
	}), says: "OffsetFetch was refused", fatal: true},
	{name: "OffsetFetch/nothing", spoil: changing(func(r *kmsg.OffsetFetchResponse) { r.Groups = nil }), says: "the answer to OffsetFetch does not name it"},
	{name: "OffsetFetch/no topics", spoil: changing(func(r *kmsg.OffsetFetchResponse) { r.Groups[0].Topics = nil }), says: "the answer to OffsetFetch does not name it"},
	{name: "OffsetFetch/senseless errors of partitions", spoil: committed(func(p *kmsg.OffsetFetchResponseGroupTopicPartition) { p.ErrorCode = senseless }), says: "orders-0: UNKNOWN_SERVER_ERROR"},
	{name: "OffsetFetch/absurd partitions", spoil: committed(func(p *kmsg.OffsetFetchResponseGroupTopicPartition) { p.Partition = -5 }), says: "the answer to OffsetFetch does not name it"},
	{name: "OffsetFetch/negative offsets", spoil: committed(func(p *kmsg.OffsetFetchResponseGroupTopicPartition) { p.Offset = math.MinInt64 }), says: "the group has no committed offset for it"},
	{name: "OffsetFetch/offsets of the future", spoil: committed(func(p *kmsg.OffsetFetchResponseGroupTopicPartition) { p.Offset = math.MaxInt64 }), says: "its offset is not in the log any more, or not yet"},
	{name: "OffsetFetch/epochs of the future", spoil: committed(func(p *kmsg.OffsetFetchResponseGroupTopicPartition) { p.Offset, p.LeaderEpoch = 0, math.MaxInt32 }), says: "has 2 partitions"},

	{name: "OffsetCommit/senseless errors", spoil: written(func(p *kmsg.OffsetCommitResponseTopicPartition) { p.ErrorCode = senseless }), says: "auto commit"},
	{name: "OffsetCommit/other partitions", spoil: written(func(p *kmsg.OffsetCommitResponseTopicPartition) { p.Partition += 7 }), says: "does not name every partition"},
	{name: "OffsetCommit/nothing", spoil: changing(func(r *kmsg.OffsetCommitResponse) { r.Topics = nil }), says: "does not name every partition"},
	{name: "LeaveGroup/silent", spoil: func(a *answer) {
		if a.key == kmsg.LeaveGroup.Int16() {
			a.silent = true
		}
	}, says: "has 2 partitions", atClose: true},
}

func coordinator(change func(*kmsg.FindCoordinatorResponseCoordinator)) func(*answer) {
	return changing(func(r *kmsg.FindCoordinatorResponse) {
		for i := range r.Coordinators {
			change(&r.Coordinators[i])
		}
	})
}

// joined changes answers of JoinGroup that let the member in.
func joined(change func(*kmsg.JoinGroupResponse)) func(*answer) {
	return func(a *answer) {
		if r, ok := is[*kmsg.JoinGroupResponse](a); ok && r.ErrorCode == 0 {
			change(r)
		}
	}
}

func assigned(partitions ...consumer.TopicPartition) func(*answer) {
	return changing(func(r *kmsg.SyncGroupResponse) {
		if r.ErrorCode == 0 {
			r.MemberAssignment = assign.EncodeAssignment(partitions)
		}
	})
}

func committed(change func(*kmsg.OffsetFetchResponseGroupTopicPartition)) func(*answer) {
	return changing(func(r *kmsg.OffsetFetchResponse) {
		for i := range r.Groups {
			for j := range r.Groups[i].Topics {
				for k := range r.Groups[i].Topics[j].Partitions {
					change(&r.Groups[i].Topics[j].Partitions[k])
				}
			}
		}
	})
}

func written(change func(*kmsg.OffsetCommitResponseTopicPartition)) func(*answer) {
	return changing(func(r *kmsg.OffsetCommitResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				change(&r.Topics[i].Partitions[j])
			}
		}
	})
}

// spoiledRecords are answers of those who lead partitions.
var spoiledRecords = []hostility{
	{name: "ListOffsets/nothing", spoil: changing(func(r *kmsg.ListOffsetsResponse) { r.Topics = nil }), says: "the answer to ListOffsets does not name it"},
	{name: "ListOffsets/negative", spoil: listed(func(p *kmsg.ListOffsetsResponseTopicPartition) { p.Offset = math.MinInt64 }), says: "the answer to ListOffsets names no offset of it"},
	{name: "ListOffsets/of the future", spoil: listed(func(p *kmsg.ListOffsetsResponseTopicPartition) { p.Offset = math.MaxInt64 }), says: "its offset is not in the log any more, or not yet"},
	{name: "ListOffsets/other partitions", spoil: listed(func(p *kmsg.ListOffsetsResponseTopicPartition) { p.Partition = -5 }), says: "the answer to ListOffsets does not name it"},
	{name: "ListOffsets/senseless errors", spoil: listed(func(p *kmsg.ListOffsetsResponseTopicPartition) { p.ErrorCode = senseless }), says: "orders-0: UNKNOWN_SERVER_ERROR"},

	{name: "Fetch/senseless error", spoil: changing(func(r *kmsg.FetchResponse) { r.ErrorCode = senseless }), says: "UNKNOWN_SERVER_ERROR"},
	{name: "Fetch/nothing", spoil: changing(func(r *kmsg.FetchResponse) { r.Topics = nil }), says: "the answer to Fetch does not name it"},
	{name: "Fetch/senseless errors", spoil: fetched(func(p *kmsg.FetchResponseTopicPartition) { p.ErrorCode, p.RecordBatches = senseless, nil }), says: "orders-0: UNKNOWN_SERVER_ERROR"},
	{name: "Fetch/partitions that were not asked for", spoil: fetched(func(p *kmsg.FetchResponseTopicPartition) { p.Partition += 2 }), says: "the answer to Fetch does not name it"},
	{name: "Fetch/another topic", spoil: changing(func(r *kmsg.FetchResponse) {
		for i := range r.Topics {
			r.Topics[i].Topic, r.Topics[i].TopicID = "other", [16]byte{1}
		}
	}), says: "the answer to Fetch does not name it"},
	{name: "Fetch/absurd offsets", spoil: fetched(func(p *kmsg.FetchResponseTopicPartition) {
		p.HighWatermark, p.LastStableOffset, p.LogStartOffset = math.MinInt64, math.MinInt64, math.MaxInt64
	}), says: "high watermark -1"},
	{name: "Fetch/absurd replica", spoil: fetched(func(p *kmsg.FetchResponseTopicPartition) { p.PreferredReadReplica, p.RecordBatches = 77, nil }), says: "Fetch to node 77: unknown broker"},
	{name: "Fetch/absurd leader", spoil: fetched(func(p *kmsg.FetchResponseTopicPartition) {
		p.ErrorCode, p.RecordBatches = kerr.NotLeaderForPartition.Code, nil
		p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch = 77, math.MaxInt32
	}), says: "node 77: unknown broker"},
	{name: "Fetch/always out of range", spoil: fetched(func(p *kmsg.FetchResponseTopicPartition) {
		p.ErrorCode, p.RecordBatches = kerr.OffsetOutOfRange.Code, nil
	}), says: "its offset is not in the log any more, or not yet"},
	{name: "Fetch/garbage", spoil: batches(func(b []byte) []byte {
		return []byte("garbage, and enough of it that there could be a whole batch in it, with a header and all that")
	}), says: "a record batch of 543256176 bytes, of which 93 are there"},
	{name: "Fetch/cut off within the first batch", spoil: batches(func(b []byte) []byte { return b[:len(b)/3] }), says: "the answer ends within its first batch"},
	{name: "Fetch/wrong CRC", spoil: batches(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), says: "the record batch states CRC"},
	{name: "Fetch/unknown codec", spoil: batches(rewritten(func(b []byte) { b[22] |= 7 })), says: "the record batch has compression codec 7"},
	{name: "Fetch/not compressed as it says", spoil: batches(rewritten(func(b []byte) { b[22] |= 1 })), says: "cannot be decompressed"},
	{name: "Fetch/magic 0", spoil: batches(func(b []byte) []byte { b[16] = 0; return b }), says: "the record batch has magic 0"},
	{name: "Fetch/magic 99", spoil: batches(func(b []byte) []byte { b[16] = 99; return b }), says: "the record batch has magic 99"},
	{name: "Fetch/negative base offset", spoil: batches(func(b []byte) []byte { b[0] = 0xff; return b }), says: "impossible offsets"},
	{name: "Fetch/offsets go back", spoil: againAndAgain(), says: "has 2 partitions"},
	{name: "Fetch/negative count", spoil: batches(rewritten(func(b []byte) { binary.BigEndian.PutUint32(b[57:], 0xffffffff) })), says: "impossible count of records: -1"},
	{name: "Fetch/huge count", spoil: batches(rewritten(func(b []byte) { binary.BigEndian.PutUint32(b[57:], math.MaxInt32) })), says: "impossible count of records: 2147483647"},
	{name: "Fetch/last offset far away", spoil: batches(rewritten(func(b []byte) { binary.BigEndian.PutUint32(b[23:], math.MaxInt32) })), says: "from=2147483648 to=0"},
	{name: "Fetch/bomb", spoil: batches(func([]byte) []byte { return bomb() }), says: "have more than 67108864 bytes when decompressed", brief: true},
}

func listed(change func(*kmsg.ListOffsetsResponseTopicPartition)) func(*answer) {
	return changing(func(r *kmsg.ListOffsetsResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				change(&r.Topics[i].Partitions[j])
			}
		}
	})
}

func fetched(change func(*kmsg.FetchResponseTopicPartition)) func(*answer) {
	return changing(func(r *kmsg.FetchResponse) {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				change(&r.Topics[i].Partitions[j])
			}
		}
	})
}

// batches changes what there is of batches.
func batches(change func([]byte) []byte) func(*answer) {
	return fetched(func(p *kmsg.FetchResponseTopicPartition) {
		if len(p.RecordBatches) > 0 {
			p.RecordBatches = change(bytes.Clone(p.RecordBatches))
		}
	})
}

// rewritten changes the first batch, and makes its CRC right again.
func rewritten(change func([]byte)) func([]byte) []byte {
	return func(b []byte) []byte {
		first := b[:12+binary.BigEndian.Uint32(b[8:])]
		change(first)
		sign(first)
		return b
	}
}

// sign computes the CRC of a batch.
func sign(b []byte) {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
}

// againAndAgain answers each Fetch of a partition with its first batch.
func againAndAgain() func(*answer) {
	first := map[int32][]byte{}
	return fetched(func(p *kmsg.FetchResponseTopicPartition) {
		if first[p.Partition] == nil {
			first[p.Partition] = p.RecordBatches
		}
		p.RecordBatches = first[p.Partition]
	})
}

// bomb is a batch of a few KiB that becomes 80 MiB, which is more than a consumer unpacks.
var bomb = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	zeros := make([]byte, 1<<20)
	for range 80 {
		if _, err := w.Write(zeros); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	b := make([]byte, 61)
	b = append(b, packed.Bytes()...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	b[16], b[22] = 2, 4
	binary.BigEndian.PutUint64(b[43:], math.MaxUint64) // no producer
	binary.BigEndian.PutUint16(b[51:], math.MaxUint16)
	binary.BigEndian.PutUint32(b[53:], math.MaxUint32)
	binary.BigEndian.PutUint32(b[57:], 1)
	sign(b)
	return b
})
