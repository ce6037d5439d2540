package check

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetRows are section 2.5: offsets. Those about expiry are in expiry.go, about transactions in transaction.go.
func offsetRows() []Row {
	return []Row{
		seen("O1", "a commit without generation to an unknown group makes it; with one it is refused", commitUnknownGroup),
		waits("O2", "a commit of nobody's: accepted by an Empty group, refused by one with members", commitOfNobody),
		waits("O3", "a member's commit: its id, its generation, and not before the generation is assigned", commitOfMember),
		waits("O4", "a commit keeps the session alive", commitKeepsSession),
		seen("O5", "a commit of a missing topic or partition is refused, the rest goes on", commitMissing),
		seen("O6", "metadata longer than offset.metadata.max.bytes: refused for that partition only", commitMetadata),
		waits("O7", "a retention that a commit brings along (versions 2 to 4) is kept", commitRetention),
		seen("O8", "what a commit's answer acknowledges is there to read (how long it waits for that is hidden)", commitIsThere),
		seen("O9", "commits of KIP-848 members: version 9 at least, and the member's epoch", commitOfEpoch),
		seen("O10", "OffsetFetch of an unknown group: -1 for what is asked, nothing for all", fetchUnknown),
		seen("O11", "RequireStable: UNSTABLE_OFFSET_COMMIT while a transaction is open", fetchStable),
		hidden("O12", "OffsetFetch reads what is committed only", "needs a commit that is not replicated yet"),
		seen("O13", "a topic that was made anew has no offsets", fetchNewTopic),
		seen("O14", "OffsetFetch of many groups from version 8 on; the other versions give the same", fetchMany),
		seen("O15", "transactional commits show when the transaction commits, and are gone when it aborts", transactionEnds),
		waits("O16", "TxnOffsetCommit checks member and generation only if they are given", transactionMember),
		waits("O17", "OffsetDelete: by group, state and subscription", deleteOffsets),
		seen("O18", "a deleted topic's offsets are deleted", topicDeleted),
		waits("O19", "expiry: not of topics that a member subscribes to, of others when their time is over", expiry),
		waits("O20", "a group whose last offset expires is gone", emptyGroupGoes),
	}
}

func commitUnknownGroup(p *probe) {
	p.each(8, 2, 9, func(v int16) {
		g := p.group()
		p.code(fmt.Sprintf("OffsetCommit v%d without generation", v), g.commits(v, g.commitRequest(0, 5)))
		p.equal("offset", g.fetch(0).offset, int64(5))
		g = p.group()
		m := g.member()
		m.id, m.generation = "stranger", 3
		want := kerr.IllegalGeneration
		if v >= 9 {
			want = kerr.GroupIDNotFound
		}
		p.code(fmt.Sprintf("OffsetCommit v%d with a generation", v), g.commits(v, by(m, g.commitRequest(0, 5))), want)
	})
}

func commitOfNobody(p *probe) {
	g := p.group()
	g.commit(0, 1)
	m := g.member()
	g.settle(m)
	p.each(8, 2, 9, func(v int16) {
		p.code("OffsetCommit of nobody's to a group with members", g.commits(v, g.commitRequest(0, 2)), kerr.UnknownMemberID)
	})
	p.equal("offset", g.fetch(0).offset, int64(1))
	p.code("leave", m.leave())
	g.becomes(stateEmpty)
	g.commit(0, 3)
	p.equal("offset", g.fetch(0).offset, int64(3))
}

func commitOfMember(p *probe) {
	g := p.group()
	a := g.member()
	a.join()
	version := p.upTo(8, 9)
	p.code("when CompletingRebalance", g.commits(version, by(a, g.commitRequest(0, 1))), kerr.RebalanceInProgress)
	a.syncs(a.assign(a))
	p.code("when Stable", g.commits(version, by(a, g.commitRequest(0, 2))))
	wrong := *a
	wrong.generation++
	p.code("with a wrong generation", g.commits(version, by(&wrong, g.commitRequest(0, 3))), kerr.IllegalGeneration)
	wrong = *a
	wrong.id = "stranger"
	p.code("of a stranger", g.commits(version, by(&wrong, g.commitRequest(0, 3))), kerr.UnknownMemberID)
	b := g.member()
	b.joinLater()
	g.counts(2)
	p.code("when PreparingRebalance", g.commits(version, by(a, g.commitRequest(0, 4))))
	p.equal("offset", g.fetch(0).offset, int64(4))
}

func commitKeepsSession(p *probe) {
	g := p.group()
	m := g.member()
	m.session = p.suite.session()
	g.settle(m)
	for i, end := int64(0), time.Now().Add(m.session*3/2); time.Now().Before(end); i++ {
		p.code("OffsetCommit", g.commits(p.upTo(8, 8), by(m, g.commitRequest(0, i))))
		p.pause(m.session / 4)
	}
	p.code("heartbeat after a session and a half of commits only", m.beat())
}

func commitMissing(p *probe) {
	g := p.group()
	p.each(8, 2, 9, func(v int16) {
		req := g.commitRequest(0, int64(v))
		req.Topics = append(req.Topics, g.commitRequest(99, 1).Topics...)
		nowhere := p.suite.prefix + "-missing"
		req.Topics = append(req.Topics, g.commitRequestOf(nowhere, [16]byte{}, 0, 1).Topics...)
		missing := kerr.UnknownTopicOrPartition.Code
		p.equal(fmt.Sprintf("errors of OffsetCommit v%d", v), g.commitsAll(v, req),
			map[spot]int16{{p.suite.topic, 0}: 0, {p.suite.topic, 99}: missing, {nowhere, 0}: missing})
		p.equal("offset", g.fetch(0).offset, int64(v))
	})
	if p.has(8, 10) {
		unknown := [16]byte{1, 2, 3}
		p.code("OffsetCommit v10 of an unknown topic id", g.commits(10, g.commitRequestOf("", unknown, 0, 1)), kerr.UnknownTopicID)
		p.code("OffsetCommit v10", g.commits(10, g.commitRequest(0, 11)))
	}
}

func commitMetadata(p *probe) {
	longest := int(p.suite.number("offset.metadata.max.bytes", 4096))
	g := p.group()
	req := g.commitRequest(0, 1)
	req.Topics[0].Partitions[0].Metadata = kmsg.StringPtr(strings.Repeat("m", longest+1))
	req.Topics = append(req.Topics, g.commitRequest(1, 1).Topics...)
	req.Topics[1].Partitions[0].Metadata = kmsg.StringPtr(strings.Repeat("m", longest))
	p.equal("errors of metadata that is too long, and just not", g.commitsAll(p.upTo(8, 8), req),
		map[spot]int16{{p.suite.topic, 0}: kerr.OffsetMetadataTooLarge.Code, {p.suite.topic, 1}: 0})
	p.equal("the first", g.fetch(0), none)
	p.equal("length of the second's metadata", len(g.fetch(1).metadata), longest)
}

func commitIsThere(p *probe) {
	g := p.group()
	partition := partitionOf(g.name, p.suite.offsetsPartitions())
	from := p.logEnd(partition)
	for offset := range int64(100) {
		g.commit(0, offset)
		p.equal("offset just committed", g.fetch(0).offset, offset)
	}
	found := false
	p.readLog(partition, from, func(key, value []byte) bool {
		var k kmsg.OffsetCommitKey
		var v kmsg.OffsetCommitValue
		found = version(key) <= 1 && k.ReadFrom(key) == nil && k.Group == g.name && v.ReadFrom(value) == nil && v.Offset == 99
		return found
	})
	p.holds(found, "the last commit is answered, but not yet in %s", offsetsTopic)
}

func fetchUnknown(p *probe) {
	g := p.group()
	p.each(9, 5, 7, func(v int16) {
		p.equal(fmt.Sprintf("OffsetFetch v%d", v), g.fetchOf(v, false, p.suite.topic, 0, 1), map[int32]stored{0: none, 1: none})
	})
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.Topics = g.name, nil
	r := ask[*kmsg.OffsetFetchResponse](p, g.addr, p.upTo(9, 7), req)
	p.code("OffsetFetch of all", r.ErrorCode)
	p.equal("topics in OffsetFetch of all", len(r.Topics), 0)
	g.is(stateDead)
}

func fetchNewTopic(p *probe) {
	g := p.group()
	name := p.topic(1)
	old := p.topicID(name)
	p.code("OffsetCommit", g.commits(p.upTo(8, 10), g.commitRequestOf(name, old, 0, 7)))
	p.equal("offset", g.fetchOf(p.upTo(9, 7), false, name, 0)[0].offset, int64(7))
	p.dropTopic(name)
	p.topicNamed(name, 1)
	p.await("the topic's new id", func() bool { return p.topicID(name) != old })
	p.await("no offset of the new topic", func() bool { return g.fetchOf(p.upTo(9, 7), false, name, 0)[0] == none })
	if !p.has(9, 10) {
		return
	}
	for id, want := range map[[16]byte]int16{old: kerr.UnknownTopicID.Code, p.topicID(name): 0} {
		one := g.fetchByID(id, 0)
		p.equal("error by topic id", codeName(one.code), codeName(want))
		p.equal("offset by topic id", one.offset, int64(-1))
	}
}

// fetchByID asks OffsetFetch v10 for one partition.
func (g *group) fetchByID(id [16]byte, partition int32) stored {
	of := kmsg.NewOffsetFetchRequestGroup()
	of.Group, of.MemberEpoch = g.name, -1
	t := kmsg.NewOffsetFetchRequestGroupTopic()
	t.TopicID, t.Partitions = id, []int32{partition}
	of.Topics = append(of.Topics, t)
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Groups = append(req.Groups, of)
	r := ask[*kmsg.OffsetFetchResponse](g.p, g.addr, 10, req)
	g.p.holds(len(r.Groups) == 1 && len(r.Groups[0].Topics) == 1 && len(r.Groups[0].Topics[0].Partitions) == 1,
		"OffsetFetch v10 of one partition: another number in the answer")
	one := r.Groups[0].Topics[0].Partitions[0]
	return stored{one.Offset, one.LeaderEpoch, text(one.Metadata), one.ErrorCode}
}

func fetchMany(p *probe) {
	a, b := p.group(), p.group()
	a.commit(0, 10)
	b.commit(1, 20)
	p.each(9, 5, 7, func(v int16) { p.equal("offset", a.fetchOf(v, false, p.suite.topic, 0)[0].offset, int64(10)) })
	p.needs(9, 8)
	if a.addr != b.addr {
		p.skip("the two groups have different coordinators")
	}
	p.each(9, 8, 9, func(v int16) {
		req := kmsg.NewPtrOffsetFetchRequest()
		for _, g := range []*group{a, b} {
			of := kmsg.NewOffsetFetchRequestGroup()
			of.Group, of.MemberEpoch, of.Topics = g.name, -1, nil
			req.Groups = append(req.Groups, of)
		}
		unknown := kmsg.NewOffsetFetchRequestGroup()
		unknown.Group, unknown.MemberEpoch, unknown.Topics = p.suite.prefix+"-unknown", -1, nil
		req.Groups = append(req.Groups, unknown)
		r := ask[*kmsg.OffsetFetchResponse](p, a.addr, v, req)
		found := map[string]int64{}
		for i := range r.Groups {
			p.code(fmt.Sprintf("OffsetFetch v%d, a group", v), r.Groups[i].ErrorCode)
			for _, t := range r.Groups[i].Topics {
				found[r.Groups[i].Group] = t.Partitions[0].Offset
			}
		}
		p.equal(fmt.Sprintf("groups in OffsetFetch v%d", v), len(r.Groups), 3)
		p.equal(fmt.Sprintf("offsets by group in OffsetFetch v%d", v), found, map[string]int64{a.name: 10, b.name: 20})
	})
}
