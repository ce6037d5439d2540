package check

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

func commitRetention(p *probe) {
	p.needs(8, 4)
	every := p.expiryCheck()
	g := p.group()
	p.code("OffsetCommit that may go soon", g.commits(4, g.expiring(0, 1, 100*time.Millisecond)))
	p.code("OffsetCommit that may go in an hour", g.commits(4, g.expiring(1, 2, time.Hour)))
	p.equal("offset", g.fetch(0).offset, int64(1))
	p.awaitFor("the end of the short retention", 2*every+30*time.Second, func() bool { return g.fetch(0) == none })
	p.equal("the one that may go in an hour", g.fetch(1).offset, int64(2))
}

func expiry(p *probe) {
	p.needs(8, 4)
	every := p.expiryCheck()
	other := p.topic(1)
	g := p.group()
	m := g.member()
	m.protocols = subscribingTo([]string{p.suite.topic}, "x")
	g.settle(m)
	short := 100 * time.Millisecond
	p.code("OffsetCommit of a subscribed topic", g.commits(4, by(m, g.expiring(0, 1, short))))
	req := g.commitRequestOf(other, [16]byte{}, 0, 2)
	req.RetentionTimeMillis = short.Milliseconds()
	p.code("OffsetCommit of another topic", g.commits(4, by(m, req)))
	p.awaitFor("the end of the other topic's offset", 2*every+30*time.Second, func() bool {
		p.code("heartbeat", m.beat())
		return g.fetchOf(p.upTo(9, 7), false, other, 0)[0] == none
	})
	for end := time.Now().Add(every + time.Second); time.Now().Before(end); p.pause(time.Second) {
		p.code("heartbeat", m.beat())
	}
	p.equal("the subscribed topic's offset", g.fetch(0).offset, int64(1))
	p.code("leave", m.leave())
	p.awaitFor("its end when the member is gone", 2*every+30*time.Second, func() bool { return g.fetch(0) == none })
}

func emptyGroupGoes(p *probe) {
	p.needs(8, 4)
	every := p.expiryCheck()
	g := p.group()
	p.code("OffsetCommit that may go soon", g.commits(4, g.expiring(0, 1, 100*time.Millisecond)))
	g.is(stateEmpty)
	p.awaitFor("the end of the group", 2*every+30*time.Second, func() bool { return g.describe().State == stateDead })
	_, listed := g.listed(p.upTo(16, 4), nil, nil)
	p.holds(!listed, "the group is in ListGroups")
	p.code("DeleteGroups", g.remove(), kerr.GroupIDNotFound)
}

func topicDeleted(p *probe) {
	g := p.group()
	name := p.topic(1)
	p.code("OffsetCommit", g.commits(p.upTo(8, 9), g.commitRequestOf(name, [16]byte{}, 0, 7)))
	g.commit(0, 8)
	p.dropTopic(name)
	version := p.upTo(9, 7)
	p.await("the end of the deleted topic's offsets", func() bool { return g.fetchOf(version, false, name, 0)[0] == none })
	p.equal("the offset of another topic", g.fetch(0).offset, int64(8))
}

func deleteOffsets(p *probe) {
	p.needs(47, 0)
	expect := func(what string, g *group, topic string, partition int32, top, one *kerr.Error) {
		gotTop, gotOne := g.deleteOffset(topic, partition)
		p.code("OffsetDelete of "+what, gotTop, top)
		p.code("OffsetDelete of "+what+", the partition", gotOne, one)
	}
	shared := p.suite.topic
	expect("an unknown group", p.group(), shared, 0, kerr.GroupIDNotFound, &noError)

	simple := p.group()
	simple.commit(0, 1)
	expect("a partition without offset", simple, shared, 1, &noError, &noError)
	expect("a simple group", simple, shared, 0, &noError, &noError)
	p.equal("offset afterwards", simple.fetch(0), none)

	subscribed := p.group()
	other := p.topic(1)
	m := subscribed.member()
	m.protocols = subscribingTo([]string{shared}, "x")
	subscribed.settle(m)
	p.code("OffsetCommit", subscribed.commits(p.upTo(8, 8), by(m, subscribed.commitRequest(0, 1))))
	p.code("OffsetCommit", subscribed.commits(p.upTo(8, 8), by(m, subscribed.commitRequestOf(other, [16]byte{}, 0, 2))))
	expect("a topic that a member subscribes to", subscribed, shared, 0, &noError, kerr.GroupSubscribedToTopic)
	p.equal("offset afterwards", subscribed.fetch(0).offset, int64(1))
	expect("another topic of that group", subscribed, other, 0, &noError, &noError)
	p.equal("offset afterwards", subscribed.fetchOf(p.upTo(9, 7), false, other, 0)[0], none)

	foreign := p.group()
	worker := foreign.member()
	worker.kind = "connect"
	foreign.settle(worker)
	expect("a group of another type with members", foreign, shared, 0, kerr.NonEmptyGroup, &noError)
}
