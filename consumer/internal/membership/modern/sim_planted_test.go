package modern

import (
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// bug is a mistake that is planted into a member, its driver or the coordinator, to see that a checker finds it.
type bug struct {
	deaf             bool // that it is fenced is not heard
	hasty            bool // partitions count as given up before the application has done so
	silent           bool // a heartbeat says that the member holds nothing
	forgetful        bool // after a failure a heartbeat says no more than usual
	greedy           bool // a member comes to hold more while it says what it holds
	mute             bool // what it holds is said only when it joins
	anyAnswer        bool // an answer is taken whatever is waited for
	busy             bool // Next is the past
	staysLeft        bool // the answer to the last leave is not heard
	restless         bool // it sends a heartbeat after each answer
	keepsAll         bool // what is lost is not taken from the application
	hastyCoordinator bool // partitions are given to others before they are given up
}

func (b *bug) event(p *process, e membership.Event) membership.Event {
	switch answer := e.(type) {
	case membership.ConsumerBeaten:
		code := answer.Failure.Code
		switch {
		case b.deaf && (code == membership.UnknownMemberID || code == membership.FencedMemberEpoch) && p.m.epoch != joining:
			return membership.ConsumerBeaten{Attempt: answer.Attempt, Epoch: p.m.epoch}
		case b.staysLeft && p.m.open.kind == farewell:
			return nil
		case b.anyAnswer && answer.Failure.OK() && p.m.open.kind == heartbeat:
			answer.Attempt = p.m.open.attempt
			return answer
		}
	case membership.TopicsNamed:
		if b.greedy {
			p.m.claims = false
		}
	}
	return e
}

func (b *bug) effects(p *process, out membership.Effects) membership.Effects {
	for i, effect := range out {
		switch e := effect.(type) {
		case membership.ConsumerHeartbeat:
			if b.restless {
				p.later(100*time.Millisecond, func() {
					p.m.soon = true
					p.step(membership.Tick{})
				})
			}
			switch {
			case b.silent && e.Owned != nil:
				e.Owned = []partition{}
			case b.forgetful && e.Epoch > joining && e.Full:
				e.Full, e.Topics, e.Owned = false, nil, nil
			case b.mute && e.Epoch > joining && !e.Full:
				e.Owned = nil
			}
			out[i] = e
		case membership.Revoke:
			if b.hasty {
				p.later(0, func() { p.step(membership.Released{Ticket: e.Ticket}) })
			}
		case membership.Lose:
			if b.keepsAll {
				out[i] = membership.Note{}
			}
		}
	}
	return out
}

func (b *bug) next(p *process, next time.Time) time.Time {
	if b.busy && p.m.epoch != joining {
		return p.m.beatDue.Add(-p.m.interval)
	}
	return next
}

// TestSimulationFindsMistakes: each of them is found within a few seeds, for the reason that is given.
func TestSimulationFindsMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		bug  bug
		says string
	}{
		"that it is fenced is not heard":                    {bug{deaf: true}, "which is over"},
		"partitions are given up too early":                 {bug{hasty: true}, "says that it does not hold"},
		"what a member holds is not said":                   {bug{silent: true}, "says that it does not hold"},
		"after a failure nothing is said":                   {bug{forgetful: true}, "does not say everything"},
		"a member comes to hold more than it is saying":     {bug{greedy: true}, "when the coordinator hears that it does not"},
		"what was given up is not said":                     {bug{mute: true}, "at the end"},
		"any answer is taken":                               {bug{anyAnswer: true}, ""},
		"the timer is in the past":                          {bug{busy: true}, "is busy"},
		"the answer to the leave is not heard":              {bug{staysLeft: true}, "has not ended"},
		"a member sends heartbeats all the time":            {bug{restless: true}, "heartbeats in the last"},
		"what is lost stays with the application":           {bug{keepsAll: true}, "holds"},
		"the coordinator does not wait for who has to give": {bug{hastyCoordinator: true}, "which is in the group"},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				for _, found := range runSim(seed, c.bug).see.found {
					if strings.Contains(found, c.says) {
						t.Logf("seed %d: %s", seed, found)
						return
					}
				}
			}
			t.Fatal("not found in 60 seeds")
		})
	}
}
