package protocol

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// oracle is what kmsg's requests and responses have in common.
type oracle interface {
	SetVersion(version int16)
	MaxVersion() int16
	AppendTo(dst []byte) []byte
	ReadFrom(src []byte) error
}

// side is a request or a response of an API, ours and kmsg's.
type side struct {
	name   string
	ours   func() Message
	theirs func() oracle
	lowest int16
	// highest is the highest version that both know.
	highest int16
}

// sides lists what both sides know, in order of the API's number.
func sides() []side {
	var list []side
	for key := Key(0); int(key) < len(apis); key++ {
		request, response := kmsg.RequestForKey(int16(key)), kmsg.ResponseForKey(int16(key))
		if request == nil || response == nil || apis[key].request == nil {
			continue
		}
		lowest, highest := Decodable(key)
		highest = min(highest, request.MaxVersion())
		list = append(list,
			side{key.String() + "Request", func() Message { return NewRequest(key) },
				func() oracle { return kmsg.RequestForKey(int16(key)) }, lowest, highest},
			side{key.String() + "Response", func() Message { return NewResponse(key) },
				func() oracle { return kmsg.ResponseForKey(int16(key)) }, lowest, highest})
	}
	return list
}

func newOracle(s side, version int16) oracle {
	theirs := s.theirs()
	theirs.SetVersion(version)
	return theirs
}

// taggedFrom are kmsg's tagged fields that Kafka's schema has from a later version on than the message is flexible.
// kmsg writes them in every flexible version; Kafka refuses such a tag, we skip it, so nothing equal could come back.
var taggedFrom = map[string]int16{
	"ProduceResponse.Brokers":                               10,
	"ProduceResponseTopicPartition.CurrentLeader":           10,
	"FetchRequest.ReplicaState":                             15,
	"FetchRequestTopicPartition.ReplicaDirectoryID":         17,
	"FetchRequestTopicPartition.HighWatermark":              18,
	"FetchResponse.Brokers":                                 16,
	"VoteResponse.NodeEndpoints":                            1,
	"FetchSnapshotRequestTopicPartition.ReplicaDirectoryID": 1,
	"FetchSnapshotResponse.NodeEndpoints":                   1,
	"BrokerHeartbeatRequest.OfflineLogDirs":                 1,
	"BrokerHeartbeatRequest.CordonedLogDirs":                2,
}

// neverNull are kmsg's fields that Kafka's schema allows to be null only in versions that are gone.
var neverNull = map[string]bool{"ShareFetchResponseTopicPartition.Records": true}

const roundsEach = 30

// What kmsg writes, we read and write again byte for byte, in every API and version that both know.
func TestReadsWhatKmsgWrites(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	versions := 0
	for _, s := range sides() {
		for version := s.lowest; version <= s.highest; version++ {
			versions++
			for range roundsEach {
				theirs := filler{rng, version}.message(newOracle(s, version)).(oracle)
				want := theirs.AppendTo(nil)
				ours := s.ours()
				r := NewReader(want, Limits{})
				if err := ours.Decode(r, version); err != nil || len(r.Remaining()) > 0 {
					t.Errorf("%s v%d: %v, %d bytes left of %x", s.name, version, err, len(r.Remaining()), want)
					break
				}
				if got := AppendMessage(nil, ours, version); !bytes.Equal(got, want) {
					t.Errorf("%s v%d:\n got %x\nwant %x\n%+v", s.name, version, got, want, ours)
					break
				}
			}
		}
	}
	t.Logf("%d messages and versions", versions)
}

// What we write, kmsg reads and writes again byte for byte.
func TestWritesWhatKmsgReads(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, s := range sides() {
		for version := s.lowest; version <= s.highest; version++ {
			for range roundsEach {
				ours := filler{rng, version}.message(s.ours()).(Message)
				want := AppendMessage(nil, ours, version)
				theirs := newOracle(s, version)
				if err := theirs.ReadFrom(want); err != nil {
					t.Errorf("%s v%d: kmsg: %v of %x", s.name, version, err, want)
					break
				}
				if got := theirs.AppendTo(nil); !bytes.Equal(got, want) {
					t.Errorf("%s v%d:\nkmsg %x\nours %x\n%+v", s.name, version, got, want, ours)
					break
				}
			}
		}
	}
}
