package consumer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/position"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/twmb/franz-go/pkg/kerr"
)

// ask sends a request to the coordinator.
func (l *simLink) ask(ctx context.Context, kind string, node int32, timeout time.Duration, event func(group.Token) group.Event) (group.Body, membership.Failure) {
	body, err := l.exchange(ctx, kind, node, timeout, func(node int32, reply func(any)) {
		l.w.tokens++
		l.w.coordinator.Arrive(int(node), event(l.w.tokens), l.w.tokens, func(b group.Body) { reply(b) })
	})
	if err != nil {
		return nil, membership.Failure{Lost: true, Text: err.Error()}
	}
	return body.(group.Body), membership.Failure{}
}

func simFailure(err *protocol.Error) membership.Failure {
	if err == nil {
		return membership.Failure{}
	}
	return membership.Failure{Code: membership.Code(err.Code), Text: err.Reason}
}

func (l *simLink) FindCoordinator(ctx context.Context, _ string) (int32, error) {
	found, err := l.exchange(ctx, "FindCoordinator", anySimNode, simRequest, func(node int32, reply func(any)) {
		w := l.w
		chance := l.draw("the coordinator that is found")
		switch {
		case w.attack && chance.Chance(60):
			reply(kerr.CoordinatorNotAvailable)
		case w.attack && chance.Chance(100):
			reply(int32(chance.IntN(simNodes))) // a node that has not heard yet
		default:
			reply(int32(w.coordinator.Node()))
		}
	})
	if err != nil {
		return -1, err
	}
	return found.(int32), nil
}

func (l *simLink) Join(ctx context.Context, node int32, g link.Group, e membership.Join) membership.Joined {
	request := group.JoinRequest{
		GroupID: g.ID, MemberID: e.MemberID, InstanceID: g.InstanceID, ClientID: l.p.name, ClientHost: "/10.0.0.1",
		SessionTimeout: g.SessionTimeout, RebalanceTimeout: g.RebalanceTimeout, ProtocolType: "consumer", Reason: e.Reason,
		RequiresKnownMemberID: true, SupportsSkippingAssignment: true,
	}
	for _, a := range g.Assignors {
		owned := e.Had
		if a.Cooperative() {
			owned = e.Owned
		}
		request.Protocols = append(request.Protocols, group.Protocol{Name: a.Name(), Metadata: assign.EncodeSubscription(assign.Member{
			Topics: e.Topics, Owned: e.Owned, Generation: e.HadGeneration, UserData: a.UserData(e.Topics, owned, e.HadGeneration),
		})})
	}
	body, f := l.ask(ctx, "Join", node, g.RebalanceTimeout+5*time.Second, func(t group.Token) group.Event {
		l.w.notef("%s: JoinGroup of member %q, owns %v of generation %d: %s", l.p.name, e.MemberID, e.Owned, e.Generation, e.Reason)
		l.joined = e.MemberID
		return &group.Join{Token: t, FreshID: fmt.Sprint(t), JoinRequest: request}
	})
	joined := membership.Joined{Attempt: e.Attempt, Failure: f}
	if !f.OK() {
		return joined
	}
	r := body.(*group.JoinReply)
	joined.MemberID, joined.Failure = r.MemberID, simFailure(r.Err)
	if r.Err != nil {
		return joined
	}
	joined.Generation, joined.LeaderID, joined.SkipAssignment, joined.Protocol = r.Generation, r.Leader, r.SkipAssignment, r.Protocol
	for _, m := range r.Members {
		member, err := assign.DecodeSubscription(m.Metadata)
		must(err)
		member.ID, member.InstanceID = m.MemberID, m.InstanceID
		joined.Members = append(joined.Members, member)
	}
	return joined
}

func (l *simLink) Sync(ctx context.Context, node int32, g link.Group, e membership.Sync) membership.Synced {
	kind := "consumer"
	request := group.SyncRequest{GroupID: g.ID, MemberID: e.MemberID, InstanceID: g.InstanceID, Generation: e.Generation, ProtocolType: &kind, Protocol: &e.Protocol}
	for member, partitions := range e.Plan {
		request.Assignments = append(request.Assignments, group.Assignment{MemberID: member, Data: assign.EncodeAssignment(partitions)})
	}
	slices.SortFunc(request.Assignments, func(a, b group.Assignment) int {
		if a.MemberID < b.MemberID {
			return -1
		}
		return 1
	})
	body, f := l.ask(ctx, "Sync", node, g.RebalanceTimeout+5*time.Second, func(t group.Token) group.Event {
		l.w.notef("%s: SyncGroup of member %q, generation %d: %v", l.p.name, e.MemberID, e.Generation, e.Plan)
		return &group.Sync{Token: t, SyncRequest: request}
	})
	synced := membership.Synced{Attempt: e.Attempt, Failure: f}
	if !f.OK() {
		return synced
	}
	r := body.(*group.SyncReply)
	if synced.Failure = simFailure(r.Err); r.Err == nil {
		var err error
		synced.Partitions, err = assign.DecodeAssignment(r.Assignment)
		must(err)
	}
	return synced
}

func (l *simLink) Heartbeat(ctx context.Context, node int32, g link.Group, e membership.Heartbeat) membership.Beaten {
	body, f := l.ask(ctx, "Heartbeat", node, simRequest, func(t group.Token) group.Event {
		return &group.Heartbeat{Token: t, HeartbeatRequest: group.HeartbeatRequest{
			GroupID: g.ID, MemberID: e.MemberID, InstanceID: g.InstanceID, Generation: e.Generation, Aside: true,
		}}
	})
	if f.OK() {
		f = simFailure(body.(*group.HeartbeatReply).Err)
	}
	return membership.Beaten{Attempt: e.Attempt, Failure: f}
}

// OffersConsumerProtocol: the members of the simulation speak the classic one.
func (l *simLink) OffersConsumerProtocol(context.Context, int32) (bool, error) { return false, nil }

func (l *simLink) ConsumerHeartbeat(_ context.Context, _ int32, _ link.Group, e membership.ConsumerHeartbeat) membership.ConsumerBeaten {
	return membership.ConsumerBeaten{Attempt: e.Attempt, Failure: membership.Failure{Code: membership.Code(kerr.UnsupportedVersion.Code)}}
}

func (l *simLink) Leave(ctx context.Context, node int32, g link.Group, e membership.Leave) membership.Left {
	l.ask(ctx, "Leave", node, simRequest, func(t group.Token) group.Event {
		l.w.notef("%s: LeaveGroup of member %q: %s", l.p.name, e.MemberID, e.Reason)
		l.left = e.MemberID
		return &group.Leave{Token: t, LeaveRequest: group.LeaveRequest{GroupID: g.ID, Members: []group.LeavingMember{{
			MemberID: e.MemberID, InstanceID: g.InstanceID, Reason: e.Reason,
		}}}}
	})
	return membership.Left{Attempt: e.Attempt}
}

func (l *simLink) Commit(ctx context.Context, node int32, g link.Group, memberID string, generation int32, _ link.TopicIDs, items []link.CommitItem) (map[TopicPartition]error, membership.Failure) {
	if l.w.bug.commitsNothing {
		return nil, membership.Failure{}
	}
	items = l.w.bug.commit(l.p, items)
	request := group.CommitRequest{GroupID: g.ID, MemberID: memberID, Generation: generation, Retention: -1, ReportsUnknownGroup: true}
	if generation >= 0 {
		request.InstanceID = g.InstanceID
	}
	for _, item := range items {
		if n := len(request.Topics); n == 0 || request.Topics[n-1].Name != item.Name.Topic {
			request.Topics = append(request.Topics, group.CommitTopic{Name: item.Name.Topic})
		}
		t := &request.Topics[len(request.Topics)-1]
		t.Partitions = append(t.Partitions, group.CommitPartition{
			Partition: item.Name.Partition, Offset: record.Offset(item.At.Offset), LeaderEpoch: record.LeaderEpoch(item.At.LeaderEpoch), CommitTime: group.NoInstant,
		})
	}
	body, f := l.ask(ctx, "Commit", node, simRequest, func(t group.Token) group.Event {
		l.w.notef("%s: OffsetCommit of member %q, generation %d: %v", l.p.name, memberID, generation, items)
		return &group.Commit{Token: t, CommitRequest: request}
	})
	if f.OK() {
		f = simFailure(body.(*group.CommitReply).Err)
	}
	return nil, f
}

func (l *simLink) Committed(ctx context.Context, node int32, g link.Group, _ link.Asker, _ link.TopicIDs, names []TopicPartition) (map[TopicPartition]link.CommittedItem, membership.Failure) {
	request := group.FetchRequest{GroupID: g.ID, RequireStable: true}
	for _, name := range names {
		if n := len(request.Topics); n == 0 || request.Topics[n-1].Name != name.Topic {
			request.Topics = append(request.Topics, group.FetchTopic{Name: name.Topic})
		}
		t := &request.Topics[len(request.Topics)-1]
		t.Partitions = append(t.Partitions, name.Partition)
	}
	body, f := l.ask(ctx, "OffsetFetch", node, simRequest, func(t group.Token) group.Event {
		return &group.Fetch{Token: t, FetchRequest: request}
	})
	if !f.OK() {
		return nil, f
	}
	r := body.(*group.FetchReply)
	if r.Err != nil {
		return nil, simFailure(r.Err)
	}
	found := map[TopicPartition]link.CommittedItem{}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			at := position.Place{Offset: int64(p.Offset), LeaderEpoch: int32(p.LeaderEpoch)}
			if p.Offset < 0 {
				at = position.Nowhere
			}
			found[TopicPartition{Topic: t.Name, Partition: p.Partition}] = link.CommittedItem{At: at}
		}
	}
	return found, membership.Failure{}
}

func (l *simLink) Metadata(ctx context.Context, names []string, _ bool) ([]link.Topic, error) {
	topics, err := l.exchange(ctx, "Metadata", anySimNode, simRequest, func(node int32, reply func(any)) {
		known := l.w.topics()
		if l.w.attack && l.draw("what a node knows").Chance(100) { // it has not heard of the latest yet
			known = l.w.before
		}
		var topics []link.Topic
		if names == nil {
			names = slices.Sorted(maps.Keys(known))
		}
		for _, name := range names {
			if t, exists := known[name]; exists {
				topics = append(topics, t)
			} else {
				topics = append(topics, link.Topic{Name: name, Err: kerr.UnknownTopicOrPartition})
			}
		}
		reply(topics)
	})
	if err != nil {
		return nil, err
	}
	return topics.([]link.Topic), nil
}

func (l *simLink) ListOffsets(ctx context.Context, node int32, _ bool, asks []link.OffsetAsk) (map[TopicPartition]link.OffsetAnswer, error) {
	answers, err := l.exchange(ctx, "ListOffsets", node, simRequest, func(node int32, reply func(any)) {
		answers := map[TopicPartition]link.OffsetAnswer{}
		for _, a := range asks {
			p, answer := l.w.logs[a.Name], link.OffsetAnswer{At: position.Nowhere}
			switch {
			case p == nil:
				answer.Err = kerr.UnknownTopicOrPartition
			case p.checkLeader(node, a.LeaderEpoch) != nil:
				answer.Err = p.checkLeader(node, a.LeaderEpoch)
			case a.Timestamp == link.Earliest:
				answer.At = position.Place{Offset: 0, LeaderEpoch: -1}
			default:
				answer.At = position.Place{Offset: p.hw, LeaderEpoch: p.lastEpoch(p.hw)}
			}
			answers[a.Name] = answer
		}
		reply(answers)
	})
	if err != nil {
		return nil, err
	}
	return answers.(map[TopicPartition]link.OffsetAnswer), nil
}

func (l *simLink) EpochEnds(ctx context.Context, node int32, asks []link.EpochAsk) (map[TopicPartition]link.EpochEnd, error) {
	ends, err := l.exchange(ctx, "OffsetForLeaderEpoch", node, simRequest, func(node int32, reply func(any)) {
		ends := map[TopicPartition]link.EpochEnd{}
		for _, a := range asks {
			p, end := l.w.logs[a.Name], link.EpochEnd{Epoch: -1, End: -1}
			switch {
			case p == nil:
				end.Err = kerr.UnknownTopicOrPartition
			case p.checkLeader(node, a.LeaderEpoch) != nil:
				end.Err = p.checkLeader(node, a.LeaderEpoch)
			default:
				end.Epoch, end.End = p.epochEnd(a.Epoch)
			}
			ends[a.Name] = end
		}
		reply(ends)
	})
	if err != nil {
		return nil, err
	}
	return ends.(map[TopicPartition]link.EpochEnd), nil
}

func (l *simLink) Fetch(ctx context.Context, cfg link.FetchConfig, plan position.Plan, _ link.TopicIDs) ([]link.FetchAnswer, error) {
	answers, err := l.exchange(ctx, "Fetch", plan.Node, simRequest+cfg.MaxWait, func(node int32, reply func(any)) {
		f := &simFetch{node: node, cfg: cfg, wants: plan.Wants, reply: reply, over: cfg.MaxWait == 0}
		f.look(l.w)
		if f.done {
			return
		}
		for _, want := range f.wants {
			l.w.logs[want.Part.Name].waiting[f] = true
		}
		l.w.after(cfg.MaxWait, func() {
			f.over = true
			f.look(l.w)
		})
	})
	if err != nil {
		return nil, err
	}
	return answers.([]link.FetchAnswer), nil
}
