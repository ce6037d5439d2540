package check

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// group is a group of the row's own, and its coordinator.
type group struct {
	p    *probe
	name string
	addr string
}

// States that DescribeGroups tells.
const (
	stateEmpty      = "Empty"
	statePreparing  = "PreparingRebalance"
	stateCompleting = "CompletingRebalance"
	stateStable     = "Stable"
	stateDead       = "Dead"
)

// group names a group that nobody else uses; the broker does not know it yet.
func (p *probe) group() *group { return p.groupNamed(p.name()) }

func (p *probe) groupNamed(name string) *group {
	p.mu.Lock()
	p.groups = append(p.groups, name)
	p.mu.Unlock()
	return &group{p: p, name: name, addr: p.coordinator(name)}
}

func (g *group) describe() kmsg.DescribeGroupsResponseGroup { return g.describeAt(g.p.upTo(15, 5)) }

func (g *group) describeAt(version int16) kmsg.DescribeGroupsResponseGroup {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{g.name}
	r := ask[*kmsg.DescribeGroupsResponse](g.p, g.addr, version, req)
	g.p.holds(len(r.Groups) == 1, "DescribeGroups of one group: %d in the answer", len(r.Groups))
	return r.Groups[0]
}

// is expects a state.
func (g *group) is(state string) {
	g.p.equal("state in DescribeGroups", g.describe().State, state)
}

// becomes waits for a state.
func (g *group) becomes(state string) {
	g.p.await("state "+state, func() bool { return g.describe().State == state })
}

// counts waits for a number of members. Those that have only been given their id do not count.
func (g *group) counts(n int) {
	g.p.await(fmt.Sprintf("%d members", n), func() bool { return len(g.describe().Members) == n })
}

// listed looks for the group in ListGroups.
func (g *group) listed(version int16, states, types []string) (kmsg.ListGroupsResponseGroup, bool) {
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter, req.TypesFilter = states, types
	r := ask[*kmsg.ListGroupsResponse](g.p, g.addr, version, req)
	g.p.code("ListGroups", r.ErrorCode)
	for _, one := range r.Groups {
		if one.Group == g.name {
			return one, true
		}
	}
	return kmsg.ListGroupsResponseGroup{}, false
}

// remove asks DeleteGroups and returns the error.
func (g *group) remove() int16 {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{g.name}
	r := ask[*kmsg.DeleteGroupsResponse](g.p, g.addr, g.p.upTo(42, 1), req)
	g.p.holds(len(r.Groups) == 1, "DeleteGroups of one group: %d in the answer", len(r.Groups))
	return r.Groups[0].ErrorCode
}

// member is somebody who has not joined yet. Its protocols are x and y, its session is ample.
func (g *group) member() *member {
	return &member{g: g, p: g.p, generation: -1, session: max(20*time.Second, g.p.suite.session()), rebalance: time.Minute, kind: "consumer",
		protocols: subscribing("x", "y"), version: g.p.upTo(11, 9)}
}

// members are n of them.
func (g *group) members(n int) []*member {
	all := make([]*member, n)
	for i := range all {
		all[i] = g.member()
	}
	return all
}

// gather brings members into one generation that nobody has synced yet. The first one leads.
//
// The first joins alone; the others join, and when they are all there it joins again. So it does not matter whether the
// broker waits for more members in an empty group, or how long.
func (g *group) gather(all ...*member) {
	first := all[0]
	first.join()
	if len(all) == 1 {
		return
	}
	first.syncs(first.assign(all...))
	parked := make([]*pending, 0, len(all))
	for _, m := range all[1:] {
		parked = append(parked, m.joinLater())
	}
	g.counts(len(all))
	parked = append([]*pending{first.joinLater()}, parked...)
	for i, m := range all {
		m.joined(parked[i])
	}
	for _, m := range all[1:] {
		g.p.equal("generation of members that joined together", m.generation, first.generation)
	}
}

// settle brings members into a Stable group. Each has its name's number as assignment.
func (g *group) settle(all ...*member) {
	g.gather(all...)
	g.syncAll(all...)
}

func (g *group) syncAll(all ...*member) {
	parked := make([]*pending, 0, len(all))
	for _, m := range all[1:] {
		parked = append(parked, m.syncLater(nil))
	}
	parked = append([]*pending{all[0].syncLater(all[0].assign(all...))}, parked...)
	for i := range all {
		r := within[*kmsg.SyncGroupResponse](parked[i], answerMax)
		g.p.code("SyncGroup", r.ErrorCode)
		g.p.equal("assignment", string(r.MemberAssignment), assignmentOf(i))
	}
}

func assignmentOf(i int) string { return fmt.Sprintf("assignment %d", i) }

// rejoinAll sends every member into the rebalance that is on.
func (g *group) rejoinAll(all ...*member) {
	parked := make([]*pending, 0, len(all))
	for _, m := range all {
		parked = append(parked, m.joinLater())
	}
	for i, m := range all {
		m.joined(parked[i])
	}
}

// rebalances waits until a member's heartbeat tells it of a rebalance.
func (g *group) rebalances(m *member) {
	g.p.await("REBALANCE_IN_PROGRESS in a heartbeat", func() bool {
		code := m.beat()
		if code != 0 {
			g.p.code("heartbeat", code, kerr.RebalanceInProgress)
		}
		return code != 0
	})
}

// rejoinIfNeeded brings members back into a Stable group if a rebalance is on.
func (g *group) rejoinIfNeeded(all ...*member) {
	if g.describe().State != stateStable {
		g.rejoinAll(all...)
		g.syncAll(all...)
	}
}
