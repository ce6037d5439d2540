package check

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// standIn answers for what skein does not offer yet, so that the rows about it can be seen to pass and to miss: KIP-848
// groups, share groups and transactions, as far as those rows ask. It remembers what it is told; all the rest is asked of
// the node. It may be used from several goroutines.
type standIn struct {
	flaw flaw

	mu      sync.Mutex
	modern  map[string]map[string]int32 // by KIP-848 group: its members' epochs
	sharing map[string]map[string]bool  // by share group: its members
	classic map[string]map[string]int32 // by classic group: generations of those who joined
	offsets offsetsInTransactions
}

// flaw is a mistake of the stand-in itself, where none on the way does the same.
type flaw string

const (
	noFlaw       flaw = ""
	showsPending flaw = "offsets of an open transaction are told"
	endWins      flaw = "the end of a transaction wins over later commits"
)

func newStandIn(f flaw) *standIn {
	return &standIn{flaw: f, modern: map[string]map[string]int32{}, sharing: map[string]map[string]bool{},
		classic: map[string]map[string]int32{}, offsets: newOffsetsInTransactions()}
}

// offers are the APIs that it adds, in Kafka 4.3.1's versions.
var offers = []kmsg.ApiVersionsResponseApiKey{
	{ApiKey: addOffsetsToTxn, MaxVersion: 4},
	{ApiKey: endTxn, MaxVersion: 5},
	{ApiKey: txnOffsetCommit, MaxVersion: 5},
	{ApiKey: consumerGroupHeartbeat, MaxVersion: 1},
	{ApiKey: shareGroupHeartbeat, MinVersion: 1, MaxVersion: 1},
}

// answer is plant's standIn.
func (s *standIn) answer(req kmsg.Request, ask func() (kmsg.Response, error)) (kmsg.Response, error) {
	s.mu.Lock()
	answer := s.alone(req)
	s.mu.Unlock()
	if answer != nil {
		return answer, nil
	}
	answer, err := ask()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(req, answer)
	return answer, nil
}

// alone answers what is none of the node's business; nil leaves it to the node.
func (s *standIn) alone(req kmsg.Request) kmsg.Response {
	switch q := req.(type) {
	case *kmsg.ConsumerGroupHeartbeatRequest:
		return s.beat(q)
	case *kmsg.ShareGroupHeartbeatRequest:
		return s.share(q)
	case *kmsg.JoinGroupRequest:
		return s.join(q)
	case *kmsg.OffsetCommitRequest:
		if members, ok := s.modern[q.Group]; ok {
			return commitOfModern(q, members)
		}
	case *kmsg.FindCoordinatorRequest:
		if q.CoordinatorType == 1 {
			q.CoordinatorType = 0 // the only node there is coordinates transactions too
		}
	case *kmsg.InitProducerIDRequest:
		if q.TransactionalID != nil {
			return s.offsets.newProducer(q)
		}
	case *kmsg.AddOffsetsToTxnRequest:
		return q.ResponseKind()
	case *kmsg.TxnOffsetCommitRequest:
		return s.offsets.commit(q, s.classic[q.Group])
	case *kmsg.EndTxnRequest:
		return s.offsets.end(q, s.flaw)
	}
	return nil
}

// add puts into the node's answer what the node does not know, and remembers what it says.
func (s *standIn) add(req kmsg.Request, answer kmsg.Response) {
	switch r := answer.(type) {
	case *kmsg.ApiVersionsResponse:
		r.ApiKeys = append(r.ApiKeys, offers...)
	case *kmsg.ListGroupsResponse:
		for name := range s.modern {
			one := kmsg.NewListGroupsResponseGroup()
			one.Group, one.ProtocolType, one.GroupType = name, "consumer", "consumer"
			r.Groups = append(r.Groups, one)
		}
	case *kmsg.JoinGroupResponse:
		if r.ErrorCode == 0 {
			remember(s.classic, req.(*kmsg.JoinGroupRequest).Group, r.MemberID, r.Generation)
		}
	case *kmsg.OffsetCommitResponse:
		s.offsets.committed(req.(*kmsg.OffsetCommitRequest), r)
	case *kmsg.OffsetFetchResponse:
		s.offsets.fetched(req.(*kmsg.OffsetFetchRequest), r, s.flaw)
	}
}

// beat lets members of KIP-848 groups come and go. Nobody asks for what they are assigned.
func (s *standIn) beat(q *kmsg.ConsumerGroupHeartbeatRequest) kmsg.Response {
	r := q.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)
	r.MemberID, r.MemberEpoch = &q.MemberID, q.MemberEpoch
	switch {
	case q.MemberEpoch < 0:
		delete(s.modern[q.Group], q.MemberID)
	case q.MemberEpoch == 0:
		r.MemberEpoch = 1
		remember(s.modern, q.Group, q.MemberID, 1)
	}
	return r
}

func (s *standIn) share(q *kmsg.ShareGroupHeartbeatRequest) kmsg.Response {
	if q.MemberEpoch < 0 {
		delete(s.sharing[q.GroupID], q.MemberID)
	} else {
		remember(s.sharing, q.GroupID, q.MemberID, true)
	}
	r := q.ResponseKind().(*kmsg.ShareGroupHeartbeatResponse)
	r.MemberID, r.MemberEpoch = &q.MemberID, max(q.MemberEpoch, 1)
	return r
}

// join refuses share groups. A KIP-848 group that nobody is in becomes a classic one.
func (s *standIn) join(q *kmsg.JoinGroupRequest) kmsg.Response {
	if len(s.sharing[q.Group]) > 0 {
		r := q.ResponseKind().(*kmsg.JoinGroupResponse)
		r.ErrorCode, r.Generation = kerr.InconsistentGroupProtocol.Code, -1
		return r
	}
	if len(s.modern[q.Group]) == 0 {
		delete(s.modern, q.Group)
	}
	return nil
}

// commitOfModern judges a commit of a member of a KIP-848 group. What it commits is not kept: nobody asks for it.
func commitOfModern(q *kmsg.OffsetCommitRequest, members map[string]int32) kmsg.Response {
	epoch, known := members[q.MemberID]
	var code int16
	switch {
	case q.Version < 9:
		code = kerr.UnsupportedVersion.Code
	case !known:
		code = kerr.UnknownMemberID.Code
	case q.Generation != epoch:
		code = kerr.StaleMemberEpoch.Code
	}
	r := q.ResponseKind().(*kmsg.OffsetCommitResponse)
	for i := range q.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic = q.Topics[i].Topic
		for j := range q.Topics[i].Partitions {
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = q.Topics[i].Partitions[j].Partition, code
			topic.Partitions = append(topic.Partitions, one)
		}
		r.Topics = append(r.Topics, topic)
	}
	return r
}

// remember keeps something of a member of a group.
func remember[V any](groups map[string]map[string]V, group, member string, v V) {
	if groups[group] == nil {
		groups[group] = map[string]V{}
	}
	groups[group][member] = v
}
