package oldconsumer

import (
	"strconv"
	"time"
)

// answered takes the answer to what is under way and goes on.
func (m *Member) answered(now time.Duration, a Answer, fx *Effects) {
	if m.asked == nil {
		return // of a session that is over
	}
	m.asked = nil
	if m.rearming {
		m.rearm, m.rearming = m.rearm[1:], false
		if m.phase == idle {
			m.again(fx)
		}
		return
	}
	done := m.todo[0]
	m.todo = m.todo[1:]
	m.took(done, a, fx)
	for len(m.todo) == 0 && m.phase != idle && m.phase != waiting {
		m.advance(now, fx)
	}
}

// took is what an answer tells.
func (m *Member) took(done Request, a Answer, fx *Effects) {
	switch m.phase {
	case listing:
		m.ids = m.ids[:0]
		for _, name := range a.Names {
			m.ids = append(m.ids, ID{Name: name})
		}
	case lookingAtIDs:
		i := len(m.ids) - len(m.todo) - 1
		if streams, err := ParseID(a.Data); a.Outcome == OK && err == nil {
			m.ids[i].Streams = streams // else it has gone meanwhile, and has none
		}
	case lookingAtTopic:
		partitions, err := ParseTopic(a.Data)
		if a.Outcome != OK || err != nil {
			partitions = nil
		}
		m.claims = Assign(m.ids, m.topic, partitions, m.name)
	case lookingAtOffsets:
		offset, err := ParseOffset(a.Data)
		if a.Outcome != OK || err != nil {
			offset = 0
		}
		m.offsets = append(m.offsets, offset)
	case claiming:
		if a.Outcome == OK {
			m.claimed++
			return
		}
		m.phase = checking
		m.todo = append([]Request{{Op: Get, Path: done.Path}}, m.todo...)
	case checking:
		if a.Outcome == OK && string(a.Data) == m.claims[m.claimed].Stream { // the answer to creating it was lost
			m.claimed++
			m.phase = claiming
			return
		}
		m.collide(fx)
	}
}

// collide gives back what this try has claimed.
func (m *Member) collide(fx *Effects) {
	fx.Notes = append(fx.Notes, Note{Kind: Collided, Partition: m.claims[m.claimed].Partition})
	m.phase, m.todo = undoing, nil
	for _, c := range m.claims[:m.claimed] {
		m.todo = append(m.todo, Request{Op: Delete, Path: OwnerPath(m.group, m.topic, c.Partition)})
	}
	m.claimed = 0
}

// advance begins the next phase; todo is empty. A phase that has nothing to ask leaves it so.
func (m *Member) advance(now time.Duration, fx *Effects) {
	switch m.phase {
	case recommitting:
		m.register()
	case registering:
		m.phase = watching
		m.todo = []Request{{Op: WatchChildren, Path: IDsPath(m.group)}, {Op: WatchChildren, Path: BrokerTopicsPath}}
	case watching:
		fx.Wakes = append(fx.Wakes, Wake{Commit, now + m.settings.CommitInterval})
		m.rebalance(fx)
	case listing:
		m.phase = lookingAtIDs
		for _, id := range m.ids {
			m.todo = append(m.todo, Request{Op: Get, Path: IDsPath(m.group) + "/" + id.Name})
		}
	case lookingAtIDs:
		m.phase, m.todo = lookingAtBrokers, []Request{{Op: Children, Path: BrokerIDsPath}}
	case lookingAtBrokers:
		m.phase, m.todo = lookingAtTopic, []Request{{Op: Get, Path: BrokerTopicsPath + "/" + m.topic}}
	case lookingAtTopic:
		m.stop(now, fx)
	case committing:
		m.release()
	case releasing:
		m.phase, m.offsets = lookingAtOffsets, m.offsets[:0]
		for _, c := range m.claims {
			m.todo = append(m.todo, Request{Op: Get, Path: OffsetPath(m.group, m.topic, c.Partition)})
		}
	case lookingAtOffsets:
		m.phase, m.claimed = claiming, 0
		for _, c := range m.claims {
			m.todo = append(m.todo, Request{Op: CreateEphemeral, Path: OwnerPath(m.group, m.topic, c.Partition), Data: []byte(c.Stream)})
		}
	case claiming:
		m.start(fx)
	case undoing:
		m.tried(now, fx)
	case autocommits:
		m.phase = idle
		m.again(fx)
	}
}

// again begins a rebalance if a notification came since the last one began.
func (m *Member) again(fx *Effects) {
	if m.triggered {
		m.rebalance(fx)
	}
}

func (m *Member) rebalance(fx *Effects) {
	m.triggered, m.tries = false, 0
	fx.Notes = append(fx.Notes, Note{Kind: Began})
	m.look()
}

// look is where each try begins.
func (m *Member) look() {
	m.phase, m.todo = listing, []Request{{Op: Children, Path: IDsPath(m.group)}}
}

// stop ends reading. What is owned is committed before it is released.
func (m *Member) stop(now time.Duration, fx *Effects) {
	m.phase = committing
	m.commits(now, fx)
	for _, p := range m.Reading() {
		fx.Notes = append(fx.Notes, Note{Kind: Stopped, Partition: p, Offset: m.note(now, p, fx)})
	}
}

func (m *Member) release() {
	m.phase = releasing
	for _, p := range m.Reading() {
		if m.reading[p].owner {
			m.todo = append(m.todo, Request{Op: Delete, Path: OwnerPath(m.group, m.topic, p)})
		}
	}
	clear(m.reading)
}

// start reads what was claimed from the offsets on that were read before it was claimed.
func (m *Member) start(fx *Effects) {
	for i, c := range m.claims {
		m.reading[c.Partition] = &reading{from: m.offsets[i], noted: m.offsets[i], owner: true}
		fx.Notes = append(fx.Notes, Note{Kind: Started, Partition: c.Partition, Offset: m.offsets[i]})
	}
	fx.Notes = append(fx.Notes, Note{Kind: Balanced})
	m.phase = idle
	m.again(fx)
}

// tried ends a try that has failed.
func (m *Member) tried(now time.Duration, fx *Effects) {
	if m.tries++; m.tries < m.settings.RetriesMax {
		m.phase = waiting
		fx.Wakes = append(fx.Wakes, Wake{Backoff, now + m.settings.Backoff})
		return
	}
	fx.Notes = append(fx.Notes, Note{Kind: GaveUp})
	m.phase = idle
	m.again(fx)
}

// Leave is what a member asks that ends in good order: everything is committed and released, the id is deleted. Nothing else is
// asked afterwards, and what it led to need not be told to the member.
func (m *Member) Leave(now time.Duration, fx *Effects) []Request {
	m.todo = nil
	m.commits(now, fx)
	requests := m.todo
	for _, p := range m.Reading() {
		fx.Notes = append(fx.Notes, Note{Kind: Stopped, Partition: p, Offset: m.note(now, p, fx)})
		if m.reading[p].owner {
			requests = append(requests, Request{Op: Delete, Path: OwnerPath(m.group, m.topic, p)})
		}
	}
	m.phase, m.todo = idle, nil
	clear(m.reading)
	return append(requests, Request{Op: Delete, Path: IDsPath(m.group) + "/" + m.name})
}

// Name is what its id is called.
func (m *Member) Name() string { return m.name }

// String tells where it stands, for those who look for a mistake.
func (m *Member) String() string {
	return m.name + ": phase " + strconv.Itoa(int(m.phase)) + ", try " + strconv.Itoa(m.tries)
}
