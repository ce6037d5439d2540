package membership

import (
	"strings"
	"testing"
	"time"
)

// bug is a mistake that is planted into a member or its driver, to see that a checker finds it.
type bug struct {
	deaf       bool // what a heartbeat is told of the generation is not heard
	hasty      bool // partitions count as given up before the application has done so
	silent     bool // JoinGroup does not say what the member owns
	anyAnswer  bool // an answer is taken whatever is waited for
	busy       bool // Next is the past
	staysLeft  bool // LeaveGroup's answer is not heard
	restless   bool // it joins again after each assignment
	keepsAll   bool // what is lost is not taken from the application
	wrongOwner bool // the leader gives all to everybody
}

func (b *bug) event(p *process, e Event) Event {
	switch answer := e.(type) {
	case Beaten:
		if b.deaf && (answer.Failure.Code == UnknownMemberID || answer.Failure.Code == IllegalGeneration) {
			return Beaten{Attempt: answer.Attempt}
		}
	case Synced:
		if b.anyAnswer && p.m.State() == Stable && answer.Failure.OK() {
			p.m.state = Syncing
			answer.Attempt = p.m.attempt
			return answer
		}
	case Left:
		if b.staysLeft {
			return nil
		}
	case Assigned:
		if b.wrongOwner {
			for id := range answer.Plan {
				for _, q := range answer.Plan {
					answer.Plan[id] = sorted(append(answer.Plan[id], q...))
				}
			}
		}
	}
	return e
}

func (b *bug) effects(p *process, out Effects) Effects {
	for i, effect := range out {
		switch e := effect.(type) {
		case Join:
			if b.silent {
				e.Owned = nil
				out[i] = e
			}
		case Revoke:
			if b.hasty {
				p.later(0, func() { p.step(Released{Ticket: e.Ticket}) })
			}
		case Grant:
			if b.restless {
				p.later(time.Millisecond, func() { p.step(RejoinRequested{Reason: "restless"}) })
			}
		case Lose:
			if b.keepsAll {
				out[i] = Note{}
			}
		}
	}
	return out
}

func (b *bug) next(p *process, next time.Time) time.Time {
	if b.busy && p.m.State() == Stable {
		return p.m.beatDue.Add(-p.m.cfg.HeartbeatInterval)
	}
	return next
}

// TestPlantedMistakes: each of them is found within a few seeds, for the reason that is given.
func TestPlantedMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		bug  bug
		says string
	}{
		"a lost generation is not noticed":        {bug{deaf: true}, "which it was told is over"},
		"partitions are given up too early":       {bug{hasty: true}, "holds it since"},
		"what a member owns is not said":          {bug{silent: true}, "holds it since"},
		"any answer is taken":                     {bug{anyAnswer: true}, "which SyncGroup did not answer"},
		"the timer is in the past":                {bug{busy: true}, "is busy"},
		"the answer to LeaveGroup is not heard":   {bug{staysLeft: true}, "has not ended"},
		"a member joins after each assignment":    {bug{restless: true}, "has sent JoinGroup"},
		"what is lost stays with the application": {bug{keepsAll: true}, "holds"},
		"the leader gives all to everybody":       {bug{wrongOwner: true}, "is granted to"},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(40) {
				for _, found := range runSim(t, seed, c.bug).see.found {
					if strings.Contains(found, c.says) {
						t.Logf("seed %d: %s", seed, found)
						return
					}
				}
			}
			t.Fatal("not found in 40 seeds")
		})
	}
}
