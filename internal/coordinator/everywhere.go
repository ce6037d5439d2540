package coordinator

import (
	"slices"
	"strings"
	"sync"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// List handles ListGroups for all partitions led here (A1). A partition that is still loading makes the whole an error,
// so that a client does not take a part for all; one that is being given up has no groups here.
func (c *Coordinator) List(states, types []string, done func(groups []group.ListedGroup, err *protocol.Error)) {
	if c.partitions.Load() <= 0 {
		done(nil, errNotRunning)
		return
	}
	loops := c.allLoops()
	all := &listing{left: len(loops) + 1, done: done}
	for _, l := range loops {
		switch status(l.status.Load()) {
		case active:
			e := &group.List{Token: c.token(), States: states, Types: types}
			l.send(e.Token, e, all.add)
		case loading:
			all.add(nil, l.errLoading())
		default:
			all.add(new(group.ListReply), nil)
		}
	}
	all.add(new(group.ListReply), nil)
}

// listing collects the replies of all loops.
type listing struct {
	mu     sync.Mutex
	left   int
	groups []group.ListedGroup
	err    *protocol.Error
	done   func([]group.ListedGroup, *protocol.Error)
}

func (a *listing) add(b group.Body, err error) {
	a.mu.Lock()
	if err == nil {
		a.groups = append(a.groups, b.(*group.ListReply).Groups...)
	} else if protocol.CodeOf(err) != protocol.NotCoordinator {
		a.err = asError(err)
	}
	a.left--
	last := a.left == 0
	a.mu.Unlock()
	if !last {
		return
	}
	if a.err != nil {
		a.done(nil, a.err)
		return
	}
	slices.SortFunc(a.groups, func(x, y group.ListedGroup) int { return strings.Compare(x.GroupID, y.GroupID) })
	a.done(a.groups, nil)
}

// TopicsDeleted removes the offsets of topics that are gone from all groups led here (O18). Partitions that are still
// loading do so when they are loaded.
func (c *Coordinator) TopicsDeleted(topics []group.DeletedTopic) {
	for _, l := range c.allLoops() {
		l.inbox.put(item{event: &group.TopicsDeleted{Topics: topics}}, true)
	}
}

func (c *Coordinator) allLoops() []*loop {
	c.mu.RLock()
	defer c.mu.RUnlock()
	loops := make([]*loop, 0, len(c.loops))
	for _, l := range c.loops {
		loops = append(loops, l)
	}
	slices.SortFunc(loops, func(x, y *loop) int { return int(x.partition - y.partition) })
	return loops
}
