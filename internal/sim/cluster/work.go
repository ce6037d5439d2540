package cluster

import (
	"time"
)

// soon lets the Syncer work after a moment, within which more may come, or the power may go. What is given to the quorum is
// worked on soon by itself, see quorumOf.
func (l *life) soon() {
	l.world.judge.look(l)
	l.roundSoon()
}

// moment is how long it takes until the disk gets to something.
func (l *life) moment() time.Duration {
	if l.node.slow && l.Rand.Chance(300) {
		if l.Rand.Chance(50) {
			return l.Rand.Between(0, 5*time.Second)
		}
		return l.Rand.Between(0, 600*time.Millisecond)
	}
	return l.Rand.Between(50*time.Microsecond, 3*time.Millisecond)
}

func (l *life) roundSoon() {
	if !l.roundDue {
		l.roundDue = true
		l.Machine.After(l.moment(), l.round)
	}
}

// round is one of the Syncer.
func (l *life) round() {
	l.roundDue = false
	if l.Ended || l.dying {
		return
	}
	if err := l.dir.Round(); err != nil && !l.Ended {
		l.node.failed(l, err)
	}
	l.world.judge.look(l)
}

func (l *life) workSoon() {
	if !l.workDue && l.quorum != nil {
		l.workDue = true
		wait := l.moment()
		if l.world.ensemble != nil { // the disk is not in its way
			wait = l.Rand.Between(10*time.Microsecond, time.Millisecond)
		}
		l.Machine.After(wait, l.work)
	}
}

// work has the quorum do what there is, and comes again when something is due.
func (l *life) work() {
	l.workDue = false
	if l.Ended || l.dying {
		return
	}
	err := l.quorum.Work(l.Clock())
	if l.Ended {
		return
	}
	if err != nil {
		l.node.failed(l, err)
		return
	}
	l.world.judge.look(l)
	if l.tick != nil {
		l.tick.Stop()
	}
	if at, ok := l.quorum.Deadline(); ok {
		l.tick = l.Machine.After(max(at.Sub(l.Clock()), time.Millisecond), l.workSoon)
	}
}
