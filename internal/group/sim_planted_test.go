package group

import "testing"

// bug is a fault that is put into the machine on purpose, to see that a checker finds it.
type bug struct {
	early        bool // answers before the record is committed
	reverseLoad  bool // reads the log from its end
	noSessions   bool // sessions never end
	noGeneration bool // generations are not compared
	noFencing    bool // instance ids are not compared
	anyMember    bool // commits are taken from whoever sends them
	sameNumber   bool // a new generation keeps the old number
	leaderAlone  bool // followers get the leader's assignment
	noDiary      bool // the diary is not in the batch of the group's record
	noTombstones bool // what is cut of a diary is gone in memory only
}

// rewrite makes an event what it would be to a shard with the bug.
func (b *bug) rewrite(e Event, s *Shard) Event {
	g := s.groups[simGroup]
	if g == nil {
		return e
	}
	switch e := e.(type) {
	case *Commit:
		changed := *e
		if b.noGeneration {
			changed.Generation = g.generation
		}
		if b.noFencing {
			changed.InstanceID = ""
		}
		if b.anyMember && g.members.first != nil {
			changed.MemberID, changed.InstanceID, changed.Generation = g.members.first.id, "", g.generation
		}
		return &changed
	case *Heartbeat:
		changed := *e
		if b.noGeneration {
			changed.Generation = g.generation
		}
		if known := g.static[e.InstanceID]; b.noFencing && known != "" {
			changed.MemberID = known
		}
		return &changed
	case *Sync:
		if b.leaderAlone && len(e.Assignments) > 1 {
			changed := *e
			for i := range changed.Assignments {
				changed.Assignments[i].Data = changed.Assignments[0].Data
			}
			return &changed
		}
	case *Join:
		if b.sameNumber && g.state == Stable && g.generation > 1 {
			g.generation--
		}
	}
	return e
}

// TestPlantedBugs: each of them is found within a few seeds.
func TestPlantedBugs(t *testing.T) {
	for name, b := range map[string]bug{
		"answers before the commit":         {early: true},
		"loads the log backwards":           {reverseLoad: true},
		"sessions never end":                {noSessions: true},
		"generations are not compared":      {noGeneration: true},
		"instance ids are not compared":     {noFencing: true},
		"anybody may commit":                {anyMember: true},
		"a generation's number comes twice": {sameNumber: true},
		"all get the leader's assignment":   {leaderAlone: true},
		"the diary is not written":          {noDiary: true},
		"the diary is cut in memory alone":  {noTombstones: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(40) {
				if w := runSim(t, seed, b); len(w.see.found) > 0 {
					t.Logf("seed %d: %s", seed, w.see.found[0])
					return
				}
			}
			t.Fatal("not found in 40 seeds")
		})
	}
}
