package cluster

import (
	"context"
	"errors"
	"time"
)

// leaveMax is how long a node that ends waits for others to take over what it leads.
const leaveMax = 5 * time.Second

// shutDown ends the process in good order, as Close of package skein does: others take over what it leads, those who wait
// are answered, and the logs are closed.
func (n *node) shutDown(down time.Duration) {
	l := n.life
	if l == nil || !l.ready || l.leaving {
		return
	}
	l.leaving = true
	n.world.Notef("%s shuts down", n)
	n.world.Reach("shut down in good order")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = l.link.Leave(ended) // that it goes on leaving is what is wanted
	until := l.Clock().Add(leaveMax)
	var wait func()
	wait = func() {
		if l.link.Left() || l.Clock().After(until) {
			l.close(down)
			return
		}
		l.Machine.After(10*time.Millisecond, wait)
	}
	wait()
}

// close closes the parts in the order of package skein.
func (l *life) close(down time.Duration) {
	if l.Ended || l.dying {
		return
	}
	n, power := l.node, l.world.nemesis.losesPower() && l.Rand.Chance(500)
	l.dying = true
	var failed []error
	for _, end := range []func() error{l.quorum.Close, func() error { l.Groups.Close(); l.Host.Close(); return l.link.Close() }, l.dir.Close} {
		if failed = append(failed, end()); l.Ended {
			return // the power went meanwhile
		}
	}
	if err := errors.Join(failed...); err != nil && !n.world.ofTheDisk(err) {
		n.world.Wrong("close", n.String(), "%v", err)
	}
	n.end(power, down)
}
