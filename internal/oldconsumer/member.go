package oldconsumer

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Settings are those of an old consumer that its rebalances depend on, with Kafka's names.
type Settings struct {
	RetriesMax     int           // rebalance.max.retries
	Backoff        time.Duration // rebalance.backoff.ms
	CommitInterval time.Duration // auto.commit.interval.ms
}

// DefaultSettings are those of Kafka 0.8.
func DefaultSettings() Settings {
	return Settings{RetriesMax: 4, Backoff: 2 * time.Second, CommitInterval: time.Minute}
}

// Log is a topic each of whose partitions grows evenly from the time 0 on. A member that reads a partition has read everything.
type Log struct{ PerSecond int64 }

// End is the log end offset at a time.
func (l Log) End(at time.Duration) int64 {
	return int64(at/time.Millisecond) * l.PerSecond / 1000
}

// Member is an old consumer with one stream on one topic. It belongs to one goroutine.
//
// When it is notified of a change among the ids or the topics, it rebalances: it reads the ids and the topic, stops reading, commits
// and releases what it owned, works out its part by itself, reads the offsets, and claims each partition by creating its owner. Where
// another is still the owner it gives back what it claimed and tries everything again after a back-off.
type Member struct {
	group, topic, name string
	settings           Settings
	log                Log

	phase     phase
	todo      []Request // of the phase, the first of which is under way or comes next
	asked     *Request  // under way
	rearm     []string  // znodes whose watch has fired
	rearming  bool      // what is under way sets such a watch again
	triggered bool      // a notification came since the last rebalance began
	tries     int
	stale     *Request // a commit that a session's end left without an answer, and that is sent again in the next

	ids     []ID
	reading map[int32]*reading // by partition
	claims  []Owner            // this try's
	offsets []int64            // of the claims
	claimed int                // how many of them are created
}

// reading is a partition that is being read.
type reading struct {
	from  int64 // where it began
	noted int64 // up to where it was noted
	owner bool  // it is in this session's registry: it will be committed and released
}

type phase uint8

const (
	idle phase = iota
	recommitting
	registering
	watching
	listing
	lookingAtIDs
	lookingAtBrokers
	lookingAtTopic
	committing // before a release
	releasing
	lookingAtOffsets
	claiming
	checking // who owns what could not be claimed
	undoing
	waiting     // between two tries
	autocommits // by the timer
)

// NewMember makes a member of a group that has no session yet. Names sort as strings.
func NewMember(group, topic, name string, settings Settings, log Log) *Member {
	return &Member{group: group, topic: topic, name: name, settings: settings, log: log, reading: map[int32]*reading{}}
}

// Reading is the partitions that it reads, in order.
func (m *Member) Reading() []int32 { return slices.Sorted(maps.Keys(m.reading)) }

// Step takes an event at a time, which never goes back.
func (m *Member) Step(now time.Duration, event Event, fx *Effects) {
	switch e := event.(type) {
	case SessionBegun:
		m.begin()
	case SessionExpired:
		m.expire()
	case Answered:
		m.answered(now, e.Answer, fx)
	case Notified:
		m.triggered = true
		m.rearm = append(m.rearm, e.Path)
	case Woken:
		m.woken(now, e.Timer, fx)
	case Asked:
		for _, p := range m.Reading() {
			m.note(now, p, fx)
		}
	}
	m.next(fx)
}

// next sends what comes next, if nothing is under way. A watch is set again before all else, as a thread of its own would.
func (m *Member) next(fx *Effects) {
	switch {
	case m.asked != nil:
	case len(m.rearm) > 0:
		m.asked, m.rearming = &Request{Op: WatchChildren, Path: m.rearm[0]}, true
		fx.Request = m.asked
	case len(m.todo) > 0:
		m.asked = &m.todo[0]
		fx.Request = m.asked
	}
}

// begin is a session: the id has to be there again, and everything that was owned in the last one is not.
func (m *Member) begin() {
	m.triggered, m.tries = false, 0
	if m.stale != nil {
		m.phase, m.todo = recommitting, []Request{*m.stale}
		m.stale = nil
		return
	}
	m.register()
}

func (m *Member) register() {
	m.phase = registering
	m.todo = []Request{{Op: CreateEphemeral, Path: IDsPath(m.group) + "/" + m.name, Data: FormatID(map[string]int{m.topic: 1})}}
}

// expire: fetching needs no ZooKeeper, and goes on until the next rebalance.
func (m *Member) expire() {
	if m.asked != nil && m.asked.Op == Set {
		stale := *m.asked
		m.stale = &stale
	}
	m.phase, m.todo, m.asked, m.rearm, m.rearming, m.triggered = idle, nil, nil, nil, false, false
	for _, r := range m.reading {
		r.owner = false
	}
}

func (m *Member) woken(now time.Duration, timer Timer, fx *Effects) {
	switch {
	case timer == Backoff && m.phase == waiting:
		m.look()
	case timer == Commit:
		fx.Wakes = append(fx.Wakes, Wake{Commit, now + m.settings.CommitInterval})
		if m.phase == idle && m.commits(now, fx) {
			m.phase = autocommits
		}
	}
}

// commits makes the requests that commit everything that is owned.
func (m *Member) commits(now time.Duration, fx *Effects) bool {
	for _, p := range m.Reading() {
		if m.reading[p].owner {
			m.todo = append(m.todo, Request{Op: Set, Path: OffsetPath(m.group, m.topic, p), Data: strconv.AppendInt(nil, m.note(now, p, fx), 10)})
		}
	}
	return len(m.todo) > 0
}

// note says what was read of a partition, and is its position.
func (m *Member) note(now time.Duration, p int32, fx *Effects) int64 {
	r := m.reading[p]
	position := max(r.from, m.log.End(now))
	if position > r.noted {
		fx.Notes = append(fx.Notes, Note{Kind: Read, Partition: p, Offset: r.noted, End: position})
		r.noted = position
	}
	return position
}
