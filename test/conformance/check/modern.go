package check

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file is for what classic groups have to do with groups of other protocols, where a broker offers those.

// epochMember is a member of a KIP-848 group.
type epochMember struct {
	g     *group
	id    string
	epoch int32
}

const consumerGroupHeartbeat, shareGroupHeartbeat = 68, 76

// newConsumer joins a KIP-848 group that subscribes to the shared topic.
func (g *group) newConsumer() *epochMember {
	m := &epochMember{g: g, id: uuid.NewString()}
	r := m.beat(func(req *kmsg.ConsumerGroupHeartbeatRequest) {
		req.RebalanceTimeoutMillis, req.SubscribedTopicNames = 60000, []string{g.p.suite.topic}
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	})
	g.p.code("ConsumerGroupHeartbeat of a new member", r.ErrorCode)
	m.epoch = r.MemberEpoch
	return m
}

func (m *epochMember) beat(change func(*kmsg.ConsumerGroupHeartbeatRequest)) *kmsg.ConsumerGroupHeartbeatResponse {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch = m.g.name, m.id, m.epoch
	change(req)
	return ask[*kmsg.ConsumerGroupHeartbeatResponse](m.g.p, m.g.addr, m.g.p.upTo(consumerGroupHeartbeat, 1), req)
}

func (m *epochMember) leave() {
	m.epoch = -1
	m.g.p.code("ConsumerGroupHeartbeat that leaves", m.beat(func(*kmsg.ConsumerGroupHeartbeatRequest) {}).ErrorCode)
}

func joinConverts(p *probe) {
	p.needs(consumerGroupHeartbeat, 0)
	g := p.group()
	first := g.newConsumer()
	one, found := g.listed(p.upTo(16, 5), nil, nil)
	p.holds(found && one.GroupType == "consumer", "type in ListGroups: expected consumer, got %q", one.GroupType)
	first.leave()
	m := g.member()
	m.join()
	one, found = g.listed(p.upTo(16, 5), nil, nil)
	p.holds(found && one.GroupType == "classic", "type after JoinGroup: expected classic, got %q", one.GroupType)

	if !p.has(shareGroupHeartbeat, 1) {
		p.note("share groups are not offered")
		return
	}
	share := p.group()
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.SubscribedTopicNames = share.name, uuid.NewString(), []string{p.suite.topic}
	r := ask[*kmsg.ShareGroupHeartbeatResponse](p, share.addr, 1, req)
	p.code("ShareGroupHeartbeat of a new member", r.ErrorCode)
	joined := share.member().askJoin()
	p.code("JoinGroup to a share group with a member", joined.ErrorCode, kerr.InconsistentGroupProtocol)
	p.equal("member id", joined.MemberID, "")
	req.MemberEpoch, req.SubscribedTopicNames = -1, nil
	p.code("ShareGroupHeartbeat that leaves", ask[*kmsg.ShareGroupHeartbeatResponse](p, share.addr, 1, req).ErrorCode)
}

func commitOfEpoch(p *probe) {
	p.needs(consumerGroupHeartbeat, 0)
	p.needs(8, 9)
	g := p.group()
	m := g.newConsumer()
	commit := func(version int16, epoch int32) int16 {
		req := g.commitRequest(0, int64(epoch))
		req.MemberID, req.Generation = m.id, epoch
		return g.commits(version, req)
	}
	p.each(8, 2, 8, func(v int16) {
		p.code(fmt.Sprintf("OffsetCommit v%d of a KIP-848 member", v), commit(v, m.epoch), kerr.UnsupportedVersion)
	})
	p.code("OffsetCommit with a later epoch", commit(9, m.epoch+1), kerr.StaleMemberEpoch)
	p.code("OffsetCommit with the member's epoch", commit(9, m.epoch))
	m.leave()
}

// transaction is one of a producer of the row's own.
type transaction struct {
	p     *probe
	id    string
	addr  string
	pid   int64
	epoch int16
	group *group
}

const initProducerID, addOffsetsToTxn, endTxn, txnOffsetCommit = 22, 25, 26, 28

// begin starts a transaction that may commit offsets of a group.
func (g *group) begin() *transaction {
	p := g.p
	p.needs(txnOffsetCommit, 3)
	p.needs(addOffsetsToTxn, 3)
	p.needs(endTxn, 3)
	t := &transaction{p: p, id: p.name(), group: g}
	p.await("the transaction's coordinator", func() bool {
		found := p.find(p.upTo(10, 4), 1, t.id)
		if found.code != 0 {
			p.code("FindCoordinator of a transaction", found.code, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress)
			return false
		}
		t.addr = found.addr
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis, req.ProducerID, req.ProducerEpoch = &t.id, 60000, -1, -1
		r := ask[*kmsg.InitProducerIDResponse](p, t.addr, p.upTo(initProducerID, 4), req)
		if r.ErrorCode != 0 {
			p.code("InitProducerId", r.ErrorCode, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.ConcurrentTransactions)
			return false
		}
		t.pid, t.epoch = r.ProducerID, r.ProducerEpoch
		return true
	})
	t.enlist()
	return t
}

// enlist puts the group's partition of __consumer_offsets into the transaction.
func (t *transaction) enlist() {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = t.id, t.pid, t.epoch, t.group.name
	t.p.await("AddOffsetsToTxn", func() bool {
		code := ask[*kmsg.AddOffsetsToTxnResponse](t.p, t.addr, 3, req).ErrorCode
		if code != 0 {
			t.p.code("AddOffsetsToTxn", code, kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress)
		}
		return code == 0
	})
}

// commit commits an offset of the shared topic within the transaction, as a member or as nobody, and returns the error.
func (t *transaction) commit(partition int32, offset int64, as *member) int16 {
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group, req.Generation = t.id, t.pid, t.epoch, t.group.name, -1
	if as != nil {
		req.MemberID, req.Generation = as.id, as.generation
	}
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = t.p.suite.topic
	one := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	one.Partition, one.Offset, one.LeaderEpoch, one.Metadata = partition, offset, -1, kmsg.StringPtr("")
	topic.Partitions = append(topic.Partitions, one)
	req.Topics = append(req.Topics, topic)
	r := ask[*kmsg.TxnOffsetCommitResponse](t.p, t.group.addr, 3, req)
	return r.Topics[0].Partitions[0].ErrorCode
}

// end commits or aborts.
func (t *transaction) end(commit bool) {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = t.id, t.pid, t.epoch, commit
	t.p.await("EndTxn", func() bool {
		code := ask[*kmsg.EndTxnResponse](t.p, t.addr, 3, req).ErrorCode
		if code != 0 {
			t.p.code("EndTxn", code, kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress)
		}
		return code == 0
	})
}

func fetchStable(p *probe) {
	p.needs(9, 7)
	g := p.group()
	t := g.begin()
	g.commit(0, 1)
	p.code("TxnOffsetCommit", t.commit(0, 2, nil))
	unstable := g.fetchOf(7, true, p.suite.topic, 0, 1)
	p.equal("a stable fetch while the transaction is open", unstable[0], stored{offset: -1, epoch: -1, code: kerr.UnstableOffsetCommit.Code})
	p.equal("a stable fetch of another partition", unstable[1], none)
	p.equal("a fetch that need not be stable", g.fetch(0).offset, int64(1))
	t.end(true)
	p.await("a stable fetch afterwards", func() bool { return g.fetchOf(7, true, p.suite.topic, 0)[0].offset == 2 })
}

func transactionEnds(p *probe) {
	g := p.group()
	t := g.begin()
	g.commit(0, 1)
	p.code("TxnOffsetCommit", t.commit(0, 2, nil))
	p.code("TxnOffsetCommit", t.commit(1, 3, nil))
	p.equal("offset while the transaction is open", g.fetch(0).offset, int64(1))
	t.end(true)
	p.await("the offset of the transaction", func() bool { return g.fetch(0).offset == 2 && g.fetch(1).offset == 3 })

	t.enlist()
	p.code("TxnOffsetCommit", t.commit(0, 4, nil))
	t.end(false)
	p.pause(500 * time.Millisecond)
	p.equal("offset after an abort", g.fetchOf(7, true, p.suite.topic, 0)[0].offset, int64(2))

	// A later commit outside the transaction wins over its pending one.
	t.enlist()
	p.code("TxnOffsetCommit", t.commit(0, 5, nil))
	g.commit(0, 6)
	t.end(true)
	p.await("the end of the transaction", func() bool { return g.fetchOf(7, true, p.suite.topic, 0)[0].code == 0 })
	p.equal("offset of the later commit", g.fetch(0).offset, int64(6))
}

func transactionMember(p *probe) {
	p.needs(txnOffsetCommit, 3)
	g := p.group()
	m := g.member()
	m.join()
	t := g.begin()
	p.code("of nobody's, when CompletingRebalance", t.commit(0, 1, nil))
	p.code("of a member, when CompletingRebalance", t.commit(0, 1, m))
	wrong := *m
	wrong.generation++
	p.code("with a wrong generation", t.commit(0, 1, &wrong), kerr.IllegalGeneration)
	wrong = *m
	wrong.id = "stranger"
	p.code("of a stranger", t.commit(0, 1, &wrong), kerr.UnknownMemberID)
	t.end(true)
}
