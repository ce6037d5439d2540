package controller

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// checker watches a controller's steps and holds them against what must be true of every cluster. It has its own idea of
// everything; it shares no decision with the controller.
type checker struct {
	s *scenario
	// By token, what the answer may be, from the image that the request met.
	stale  map[Token]bool // it speaks of a former registration: no success
	alters map[Token]bool // an AlterPartition of one partition: accepted or not
	saw    map[string]int // how often something was seen that the histories must reach
}

// violation is what the checker panics with.
type violation string

func (k *checker) must(ok bool, format string, args ...any) {
	if !ok {
		panic(violation(fmt.Sprintf(format, args...)))
	}
}

func (k *checker) watch(before *metadata.Image, e Event, effects *Effects) {
	image := before
	if lead, ok := e.(*Lead); ok {
		image = lead.Image
	}
	if image != nil {
		k.expect(image, e)
	}
	switch e.(type) {
	case *SessionExpired, *RegisterBroker:
		if len(effects.Proposals) > 1 && k.s.config.ProposalBytesMax > 0 {
			k.saw["a failover in several proposals"]++
		}
	}
	for _, p := range effects.Proposals {
		for _, r := range p.Records {
			next, _, err := metadata.Apply(image, []metadata.Record{r})
			k.must(err == nil, "proposal %d: %v", p.Sequence, err)
			if change, ok := r.(*protocol.PartitionChangeRecord); ok {
				t := image.TopicByID(change.TopicID)
				k.transition(&transition{image, e, t, t.Partition(change.PartitionID), next.TopicByID(t.ID).Partition(change.PartitionID)})
			}
			image = next
		}
		k.state(image, e)
	}
	if k.s.c.Leading() {
		k.settled(image)
		if r, ok := e.(*RegisterBroker); ok && len(effects.Proposals) > 0 {
			k.registration(before, image, r)
		}
	}
	for _, r := range effects.Replies {
		if r.Err == nil {
			k.reply(r)
		}
	}
}

// expect notes what a request may be answered.
func (k *checker) expect(image *metadata.Image, e Event) {
	stale := func(token Token, id int32, epoch int64) {
		b := image.Broker(metadata.NodeID(id))
		k.stale[token] = b == nil || int64(b.Epoch) != epoch
	}
	switch e := e.(type) {
	case *BrokerHeartbeat:
		stale(e.Token, e.Request.BrokerID, e.Request.BrokerEpoch)
	case *AllocateProducerIDs:
		stale(e.Token, e.Request.BrokerID, e.Request.BrokerEpoch)
	case *AlterPartition:
		stale(e.Token, e.Request.BrokerID, e.Request.BrokerEpoch)
		t := e.Request.Topics[0]
		k.alters[e.Token] = mayAlter(image, metadata.NodeID(e.Request.BrokerID), t.TopicID, &t.Partitions[0])
	}
}

func mayAlter(image *metadata.Image, leader metadata.NodeID, id protocol.UUID, wanted *protocol.AlterPartitionRequestPartitionData) bool {
	t := image.TopicByID(id)
	if t == nil || t.Partition(wanted.PartitionIndex) == nil {
		return false
	}
	p := t.Partition(wanted.PartitionIndex)
	if p.Leader != leader || p.LeaderEpoch != record.LeaderEpoch(wanted.LeaderEpoch) || p.Epoch != metadata.PartitionEpoch(wanted.PartitionEpoch) {
		return false
	}
	var isr []metadata.NodeID
	for _, s := range wanted.NewIsrWithEpochs {
		b := image.Broker(metadata.NodeID(s.BrokerID))
		if b == nil || b.Fenced || b.ControlledShutdown || s.BrokerEpoch >= 0 && s.BrokerEpoch != int64(b.Epoch) {
			return false
		}
		if !slices.Contains(p.Replicas, b.ID) || slices.Contains(isr, b.ID) {
			return false
		}
		isr = append(isr, b.ID)
	}
	if wanted.LeaderRecoveryState == 1 && (!p.Recovering || len(isr) > 1) {
		return false
	}
	return slices.Contains(isr, leader)
}

func (k *checker) reply(r Reply) {
	k.must(!k.stale[r.Token], "token %d is answered with success and speaks of a former registration", r.Token)
	if m, ok := r.Response.(*protocol.AlterPartitionResponse); ok {
		code := m.Topics[0].Partitions[0].ErrorCode
		accepted := code == protocol.None || code == protocol.NewLeaderElected
		k.saw["AlterPartition answered with "+code.String()]++
		k.must(accepted == k.alters[r.Token], "token %d: a change of the ISR is answered with %v, acceptable %t", r.Token, code, k.alters[r.Token])
	}
}

// state is what is true after each proposal, for it may be the last that is committed.
func (k *checker) state(image *metadata.Image, e Event) {
	elr := elrOf(image)
	for t := range image.Topics() {
		for p := range t.Partitions() {
			name := &place{e, t, p}
			if p.Leader != metadata.NoNode {
				k.must(slices.Contains(p.ISR, p.Leader), "%s: the leader is not in sync", name)
				for _, r := range p.ISR {
					k.must(image.Broker(r).Active(), "%s: %d is in sync and does not live", name, r)
				}
			}
			for _, part := range [][]metadata.NodeID{p.ISR, p.ELR, p.Adding, p.Removing} {
				k.must(containsAll(p.Replicas, part) && distinct(part), "%s: %v are no replicas", name, part)
			}
			k.must(distinct(p.Replicas), "%s: replicas", name)
			for _, r := range p.ELR {
				k.must(!slices.Contains(p.ISR, r), "%s: %d is in sync and eligible", name, r)
			}
			k.must(elr || len(p.ISR) > 0, "%s: nobody is in sync", name)
			k.must(len(p.ELR) == 0 || elr && !enough(image, t.Name, p), "%s: some are eligible beside enough in sync", name)
		}
	}
}

// place is where something was found; it is for messages.
type place struct {
	event     Event
	topic     *metadata.Topic
	partition *metadata.Partition
}

// String says where.
func (x *place) String() string {
	return fmt.Sprintf("after %T: %s-%d %+v", x.event, x.topic.Name, x.partition.Index, *x.partition)
}

func distinct(nodes []metadata.NodeID) bool {
	sorted := slices.Sorted(slices.Values(nodes))
	return len(slices.Compact(sorted)) == len(nodes)
}

// settled is what is true after each step: nobody waits for a leader who could have one.
func (k *checker) settled(image *metadata.Image) {
	for t := range image.Topics() {
		for p := range t.Partitions() {
			if p.Leader != metadata.NoNode {
				continue
			}
			able := p.ISR
			if len(able) == 0 {
				able = p.ELR
			}
			if len(able) == 0 {
				able = p.LastKnownELR
			}
			if setting(image, t.Name, "unclean.leader.election.enable") == "true" {
				able = p.Replicas
			}
			for _, r := range able {
				k.must(!image.Broker(r).Active() || !slices.Contains(p.Replicas, r), "%s-%d %+v: %d could lead", t.Name, p.Index, *p, r)
			}
		}
	}
}

// registration: a broker that came back with less than it had is not in sync and not eligible, but where an unclean
// election has made it the leader.
func (k *checker) registration(before, after *metadata.Image, e *RegisterBroker) {
	id := metadata.NodeID(e.Request.BrokerID)
	b := before.Broker(id)
	if !elrOf(after) || b != nil && b.Incarnation == e.Request.IncarnationID {
		return
	}
	same := b != nil && len(e.Request.LogDirs) == len(b.LogDirs) && (len(b.LogDirs) == 0 || b.LogDirs[0] == e.Request.LogDirs[0])
	if same && (!b.Volatile() || e.Request.PreviousBrokerEpoch == int64(b.Epoch)) {
		return
	}
	k.saw["a broker came back with less"]++
	for t := range after.Topics() {
		for p := range t.Partitions() {
			trusted := slices.Contains(p.ISR, id) && !p.Recovering || slices.Contains(p.ELR, id)
			k.must(len(p.Replicas) == 1 || !trusted, "%s-%d %+v: broker %d has lost records and is trusted", t.Name, p.Index, *p, id)
		}
	}
}

func elrOf(image *metadata.Image) bool { return image.Feature("eligible.leader.replicas.version") > 0 }

// setting is a topic's configuration as this test sets it: for the topic, or for all brokers.
func setting(image *metadata.Image, topic, name string) string {
	if v, ok := image.Config(metadata.Resource{Type: metadata.TopicResource, Name: topic}).Get(name); ok {
		return v
	}
	v, _ := image.Config(metadata.ClusterDefault).Get(name)
	return v
}

func enough(image *metadata.Image, topic string, p *metadata.Partition) bool {
	n, err := strconv.Atoi(setting(image, topic, "min.insync.replicas"))
	if err != nil {
		n = 1
	}
	counted := 0
	for _, r := range p.Replicas {
		if !slices.Contains(p.Adding, r) {
			counted++
		}
	}
	return len(p.ISR) >= min(n, counted)
}
