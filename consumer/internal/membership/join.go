package membership

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/consumer/assign"
)

// prepareJoin sends Join, once the application holds nothing that has to be given up before.
func (m *Machine) prepareJoin(now time.Time, out *Effects) bool {
	if m.generation >= 0 {
		if give := m.beforeJoin(); len(give) > 0 {
			m.revoke(now, give, m.rejoin, out)
			m.state = Releasing
			return true
		}
	}
	m.state = Joining
	m.withheld, m.followAt = false, time.Time{}
	m.attempt = m.nextAttempt()
	m.joined = m.topics
	reason := m.rejoin
	m.rejoin = ""
	*out = append(*out,
		m.note(now, "joins: "+orElse(reason, "it is new")),
		Join{
			Attempt: m.attempt, MemberID: m.memberID, Topics: m.topics,
			Owned: slices.Clone(m.owned), Generation: m.generation, Had: m.had, HadGeneration: m.hadGeneration, Reason: reason,
		})
	return false
}

// beforeJoin is what the member may not take into a rebalance: all of it, or, when it is cooperative, what it does
// not subscribe to any more.
func (m *Machine) beforeJoin() []TopicPartition {
	if !m.cfg.Cooperative {
		return slices.Clone(m.owned)
	}
	var give []TopicPartition
	for _, p := range m.owned {
		if _, still := slices.BinarySearch(m.topics, p.Topic); !still {
			give = append(give, p)
		}
	}
	return give
}

// revoke asks the application to give partitions up. They leave owned at once: a request that is sent from now on
// does not claim them.
func (m *Machine) revoke(now time.Time, give []TopicPartition, reason string, out *Effects) {
	m.ticket = m.nextAttempt()
	m.giving = give
	m.owned = without(m.owned, give)
	*out = append(*out,
		m.note(now, fmt.Sprintf("has to give up %d partitions: %s", len(give), orElse(reason, "a rebalance"))),
		Revoke{Ticket: m.ticket, Partitions: give, Reason: reason})
}

func (m *Machine) released(ticket uint64) {
	if ticket == 0 || ticket != m.ticket {
		return
	}
	m.ticket, m.giving = 0, nil
	if m.state == Releasing {
		m.state = Stable
	}
	if m.cfg.Cooperative && m.end == goOn {
		m.wantRejoin("it gave up partitions that others are to have")
	}
}

// lose drops what the member holds: it is not its own any more.
func (m *Machine) lose(now time.Time, reason string, out *Effects) {
	m.takeAway(now, reason, out)
	if m.beats() { // no request is open
		m.state = Idle
	}
	m.generation, m.leader = -1, false
	m.withheld, m.followAt = false, time.Time{}
	m.beat = 0
}

// takeAway tells the application that what the member holds is not its own any more.
func (m *Machine) takeAway(now time.Time, reason string, out *Effects) {
	lost := sorted(slices.Concat(m.owned, m.giving))
	m.owned, m.giving, m.ticket = nil, nil, 0
	if len(lost) > 0 {
		*out = append(*out, m.note(now, "lost its partitions: "+reason), Lose{Partitions: lost, Reason: reason})
	}
}

func (m *Machine) joinAnswer(now time.Time, e Joined, out *Effects) {
	if m.state != Joining || e.Attempt != m.attempt {
		return
	}
	if !e.Failure.OK() {
		m.refused(now, "JoinGroup", e.Failure, e.MemberID, out)
		return
	}
	if e.Generation < m.reached || e.Generation > m.reached+1 {
		m.missed = true
	}
	m.memberID, m.generation, m.protocol, m.reached = e.MemberID, e.Generation, e.Protocol, e.Generation
	m.leader = e.LeaderID == e.MemberID
	m.heardOf(now)
	if m.leader && !e.SkipAssignment {
		if !slices.ContainsFunc(e.Members, func(member assign.Member) bool { return member.ID == e.MemberID }) {
			m.refused(now, "JoinGroup", Failure{Lost: true, Text: "the answer makes this member lead the group, and does not name it among the members"}, "", out)
			return
		}
		m.state = Assigning
		m.attempt = m.nextAttempt()
		*out = append(*out,
			m.note(now, fmt.Sprintf("leads generation %d of %d members, by %s", e.Generation, len(e.Members), e.Protocol)),
			Assign{Attempt: m.attempt, Protocol: e.Protocol, Members: e.Members})
		return
	}
	m.withheld = m.leader // the plan is that of another process: it is not known what it was computed from, and left out
	m.sync(now, nil, out)
}

func (m *Machine) assigned(now time.Time, e Assigned, out *Effects) {
	if m.state != Assigning || e.Attempt != m.attempt {
		return
	}
	if !e.Failure.OK() {
		m.fail("the assignment", e.Failure, out)
		return
	}
	m.withheld = e.Withheld > 0
	m.sync(now, e.Plan, out)
}

func (m *Machine) sync(now time.Time, plan map[string][]TopicPartition, out *Effects) {
	m.state = Syncing
	m.attempt = m.nextAttempt()
	*out = append(*out, Sync{Attempt: m.attempt, MemberID: m.memberID, Generation: m.generation, Protocol: m.protocol, Plan: plan})
}

func (m *Machine) synced(now time.Time, e Synced, out *Effects) {
	if m.state != Syncing || e.Attempt != m.attempt {
		return
	}
	if !e.Failure.OK() {
		m.refused(now, "SyncGroup", e.Failure, "", out)
		return
	}
	m.heardOf(now)
	m.beatDue = now // so that a coordinator that holds heartbeats can tell at once of what follows: often another rebalance does
	m.state = Stable
	strange := m.strange(e.Partitions)
	if strange == "" {
		m.failures = 0
	}
	if m.withheld {
		m.followAt = now.Add(m.cfg.PollIntervalMax)
	}
	if m.end != goOn { // what it was given is for the next rebalance, which it causes by leaving
		m.passed(now, out)
		return
	}
	m.dropMissed(now, out)
	next := slices.DeleteFunc(sorted(e.Partitions), func(p TopicPartition) bool { return !m.joinedWith(p.Topic) })
	gone, added := without(m.owned, next), without(next, m.owned)
	*out = append(*out, m.note(now, fmt.Sprintf("has %d partitions in generation %d, %d of them new", len(next), m.generation, len(added))))
	if len(gone) > 0 {
		m.revoke(now, gone, "they are assigned to others", out)
	}
	m.owned = next
	m.had, m.hadGeneration = slices.Clone(next), m.generation
	*out = append(*out, Grant{Added: added, All: slices.Clone(next), Generation: m.generation})
	switch {
	case !slices.Equal(m.joined, m.topics):
		m.wantRejoin("the subscription changed")
	case strange != "": // its leader is wrong; the next may be right
		m.pause(now)
		m.wantRejoin(fmt.Sprintf("it was assigned partitions of topic %q, which it does not subscribe to", strange))
	}
}

// joinedWith reports whether the member named the topic when it joined.
func (m *Machine) joinedWith(topic string) bool {
	_, named := slices.BinarySearch(m.joined, topic)
	return named
}

// strange is a topic that the member was assigned partitions of and does not want, or "". Such partitions it does not take.
func (m *Machine) strange(assigned []TopicPartition) string {
	for _, p := range assigned {
		if !m.joinedWith(p.Topic) {
			return cmp.Or(p.Topic, " ")
		}
	}
	return ""
}

// checkFollowUp makes a leader that withheld partitions ask for the rebalance that gives them out, if nobody else does
// within the time that members have to give them up. Usually who gave them up does. But a static member that was started
// anew meanwhile is given what the old process was to keep, without a rebalance, and has nothing to give up. A leader that
// was started anew does not know the plan at all: partitions may have come since it was made.
func (m *Machine) checkFollowUp(now time.Time) {
	if m.beats() && !m.followAt.IsZero() && !now.Before(m.followAt) {
		m.followAt = time.Time{}
		m.wantRejoin("there may be partitions that nobody was given")
	}
}

// refused acts on a failure of JoinGroup or SyncGroup.
func (m *Machine) refused(now time.Time, doing string, f Failure, memberID string, out *Effects) {
	v := f.verdict()
	if v != impossible && v != needsID {
		*out = append(*out, m.note(now, doing+" was not answered: "+f.String()))
	}
	why := orElse(m.rejoin, doing+" has to be sent again: "+f.String())
	m.rest()
	switch v {
	case again:
		m.pause(now)
	case find:
		m.known = false
		m.pause(now)
	case rejoin:
		if doing == "JoinGroup" {
			m.pause(now)
		}
	case needsID:
		if m.memberID != "" || memberID == "" { // an honest coordinator asks who has no id, and gives one
			m.pause(now)
		}
		m.memberID = memberID
	case outdated:
		m.lose(now, f.String(), out)
		m.pause(now)
	case forgotten:
		m.memberID = ""
		m.lose(now, f.String(), out)
		m.pause(now)
	case impossible:
		m.fail(doing, f, out)
		return
	}
	if m.generation < 0 {
		return
	}
	m.rejoin = why
	if doing == "SyncGroup" && m.end != goOn { // it does not join again, and so hears nothing more of this generation
		m.passed(now, out)
	}
}

// passed has a member that ends commit in the generation that it has joined what it still holds. It said so in its JoinGroup.
func (m *Machine) passed(now time.Time, out *Effects) {
	m.dropMissed(now, out)
	*out = append(*out, Passed{Generation: m.generation})
}

// dropMissed takes away what the member holds from before a generation that it did not join: nobody held it back for it there, and
// others may have had it since. It begins anew with what it is assigned. A static member can miss a generation, because the
// coordinator keeps its place.
func (m *Machine) dropMissed(now time.Time, out *Effects) {
	if m.missed {
		m.missed = false
		m.takeAway(now, "it has missed a generation, in which others may have had them", out)
	}
}

// fail ends the member: the application has to be told.
func (m *Machine) fail(doing string, f Failure, out *Effects) {
	lost := sorted(slices.Concat(m.owned, m.giving))
	m.owned, m.giving, m.ticket = nil, nil, 0
	m.generation, m.leader, m.beat = -1, false, 0
	m.withheld, m.followAt = false, time.Time{}
	if len(lost) > 0 {
		*out = append(*out, Lose{Partitions: lost, Reason: doing + " was refused: " + f.String()})
	}
	m.state = Failed
	if m.end != goOn {
		m.state = Over
		*out = append(*out, Ended{})
		return
	}
	*out = append(*out, Fail{Doing: doing, Failure: f})
}

func (m *Machine) note(now time.Time, text string) Note { return Note{At: now, Text: text} }

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

// sorted returns the partitions in order, each once.
func sorted(p []TopicPartition) []TopicPartition {
	s := slices.Clone(p)
	slices.SortFunc(s, TopicPartition.Compare)
	return slices.Compact(s)
}

// without returns what of a is not in b; both are sorted.
func without(a, b []TopicPartition) []TopicPartition {
	var rest []TopicPartition
	for _, p := range a {
		if _, in := slices.BinarySearchFunc(b, p, TopicPartition.Compare); !in {
			rest = append(rest, p)
		}
	}
	return rest
}
