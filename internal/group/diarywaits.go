package group

import "github.com/skein-io/skein/internal/protocol"

// Who was waited for.

// waitFor notes how long a member's JoinGroup or SyncGroup was waited for.
func (g *group) waitFor(m *member, sync, came bool, since, until Instant) {
	if g.diary == nil || g.diary.draft == nil {
		return
	}
	addWait(g.diary.draft, protocol.GroupDiaryValueWait{MemberID: clipID(m.id), ClientID: clip(m.clientID, diaryNameMax),
		ClientHost: clip(m.clientHost, diaryNameMax), Sync: sync, Came: came, WaitMs: int64(until - since)})
}

// joinsEnded notes at the end of a join phase who came when. A new member was not waited for: nobody knew of it.
func (g *group) joinsEnded(now Instant) {
	if g.diary == nil || g.diary.draft == nil {
		return
	}
	e := g.diary.draft
	e.FormedMs, e.LastJoiner, e.LastJoinMs = int64(now), "", -1
	last := (*member)(nil)
	for m := g.members.first; m != nil; m = m.next {
		switch {
		case m.join == 0:
			g.waitFor(m, false, false, g.phase.started, now)
			continue
		case !m.isNew:
			g.waitFor(m, false, true, g.phase.started, m.asked)
		}
		if last == nil || m.asked >= last.asked {
			last = m
		}
	}
	if last != nil {
		e.LastJoiner, e.LastJoinMs = clipID(last.id), int64(last.asked)
	}
	g.forgetSyncs()
}

// forgetSyncs is for a new generation.
func (g *group) forgetSyncs() {
	if g.diary != nil {
		g.diary.lastSyncer, g.diary.lastSync = "", NoInstant
	}
}

// syncNoted remembers whose SyncGroup came last.
func (g *group) syncNoted(m *member, now Instant) {
	if g.diary != nil {
		g.diary.lastSyncer, g.diary.lastSync = m.id, now
	}
}

// assignedNoted notes how long the leader's assignment was waited for. If it has sent it before, that is told already: what
// happened since is not of this rebalance.
func (g *group) assignedNoted(m *member, now Instant) {
	if g.diary != nil && g.diary.draft != nil && g.diary.draft.FormedMs >= 0 {
		g.waitFor(m, true, true, Instant(g.diary.draft.FormedMs), now)
	}
}

// absentNoted notes a member that was waited for in vain.
func (g *group) absentNoted(m *member, sync bool, now Instant) {
	since := g.phase.started
	if sync {
		since = g.stateTime
	}
	g.waitFor(m, sync, false, since, now)
}
