package clients

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

// Member is a consumer of the group: it joins, syncs, beats, goes on from what is committed, polls and commits. Everything
// that a client may do wrong it does when the nemesis says so.
type Member struct {
	*Client
	cursor
	instance string
	lives    int

	memberID   string
	generation int32
	owned      []int32
	stable     bool
	joining    bool
	commits    int
	beats      *sim.NodeTimer
	lastBeat   beat
}

// beat is a heartbeat that was answered well.
type beat struct {
	at          sim.Instant // when it was sent
	disturbance int         // what had happened to the world by then
	broker      int         // who answered
	valid       bool
}

func newMember(w *World, name, instance string) *Member {
	m := &Member{Client: newClient(w, name), instance: instance}
	m.cursor = newCursor(m.Client, m.process())
	return m
}

// process is the name in the history: a restarted member is another process.
func (m *Member) process() string { return fmt.Sprintf("%s.%d", m.Name, m.lives) }

func (m *Member) start() {
	m.lives++
	m.memberID, m.generation, m.stable, m.owned, m.joining, m.beats, m.lastBeat = "", -1, false, nil, false, nil, beat{}
	m.cursor = newCursor(m.Client, m.process())
	m.join()
}

func (m *Member) operation(kind check.Kind) check.Operation {
	return check.Operation{Process: m.process(), Kind: kind, Group: m.World.Group, Member: m.memberID, Instance: m.instance, Generation: m.generation}
}

// rejoin joins after a moment.
func (m *Member) rejoin() {
	if m.joining {
		return
	}
	m.joining = true
	m.stop()
	m.later(0, 100*time.Millisecond, m.join)
}

// stop ends the work of a generation.
func (m *Member) stop() {
	m.stable, m.owned, m.lastBeat = false, nil, beat{}
	m.cursor = newCursor(m.Client, m.process())
	if m.beats != nil {
		m.beats.Stop()
	}
}

func (m *Member) join() {
	m.joining = true
	m.coordinator(m.World.Group, m.joinAt)
}

func (m *Member) joinAt(broker int) {
	q := protocol.NewJoinGroupRequest()
	q.GroupID, q.MemberID, q.GroupInstanceID, q.ProtocolType = m.World.Group, m.memberID, orNull(m.instance), "consumer"
	q.SessionTimeoutMs, q.RebalanceTimeoutMs = int32(SessionTimeout.Milliseconds()), int32(RebalanceTimeout.Milliseconds())
	q.Protocols = []protocol.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte(m.World.Topic)}}
	pending := m.World.Recorder.Begin(m.operation(check.Join))
	m.ask(broker, q, joinLimit, func(answer protocol.Message, err error) {
		if err != nil {
			m.astray(m.World.Group, protocol.None, err)
			pending.End(check.Info, nil)
			m.joining = false
			m.rejoin()
			return
		}
		r := answer.(*protocol.JoinGroupResponse)
		m.astray(m.World.Group, r.ErrorCode, nil)
		m.World.Notef("%s join: %v %s generation %d", m.Name, r.ErrorCode, r.MemberID, r.GenerationID)
		m.giveID(r.MemberID)
		switch r.ErrorCode {
		case protocol.None:
			m.memberID, m.generation = r.MemberID, r.GenerationID
			pending.End(check.OK, func(o *check.Operation) { o.Member, o.Generation = r.MemberID, r.GenerationID })
			m.sync(broker, r)
		case protocol.MemberIDRequired:
			pending.End(check.Fail, nil)
			m.memberID = r.MemberID
			m.join()
		default:
			pending.End(check.OutcomeOf(r.ErrorCode.String()), nil)
			m.joining = false
			m.obey(r.ErrorCode)
		}
	})
}

func (m *Member) sync(broker int, joined *protocol.JoinGroupResponse) {
	q := protocol.NewSyncGroupRequest()
	q.GroupID, q.MemberID, q.GroupInstanceID, q.GenerationID = m.World.Group, m.memberID, orNull(m.instance), m.generation
	if !joined.SkipAssignment {
		for i, other := range joined.Members {
			var mine []string
			for index := i; index < m.World.Partitions; index += len(joined.Members) {
				mine = append(mine, strconv.Itoa(index))
			}
			q.Assignments = append(q.Assignments, protocol.SyncGroupRequestAssignment{MemberID: other.MemberID, Assignment: []byte(strings.Join(mine, ","))})
		}
	}
	pending := m.World.Recorder.Begin(m.operation(check.Sync))
	m.ask(broker, q, joinLimit, func(answer protocol.Message, err error) {
		m.joining = false
		if err != nil {
			m.astray(m.World.Group, protocol.None, err)
			pending.End(check.Info, nil)
			m.rejoin()
			return
		}
		r := answer.(*protocol.SyncGroupResponse)
		m.astray(m.World.Group, r.ErrorCode, nil)
		m.World.Notef("%s sync: %v %q", m.Name, r.ErrorCode, r.Assignment)
		if r.ErrorCode != protocol.None {
			pending.End(check.OutcomeOf(r.ErrorCode.String()), nil)
			m.obey(r.ErrorCode)
			return
		}
		m.owned = parseOwned(string(r.Assignment))
		pending.End(check.OK, func(o *check.Operation) {
			for _, index := range m.owned {
				o.Owned = append(o.Owned, check.Partition{Topic: m.World.Topic, Index: index})
			}
		})
		m.begin()
	})
}

// giveID notes that a member id was given: nobody else may have it.
func (m *Member) giveID(id string) {
	if id != "" && m.instance == "" {
		m.World.Give("member-id", id, m.process())
	}
}

func parseOwned(s string) []int32 {
	var owned []int32
	for part := range strings.SplitSeq(s, ",") {
		if n, err := strconv.Atoi(part); err == nil {
			owned = append(owned, int32(n))
		}
	}
	return owned
}

// begin works in a generation.
func (m *Member) begin() {
	m.stable = true
	m.World.Recorder.Begin(check.Operation{Process: m.process(), Kind: check.Subscribe}).End(check.OK, nil)
	m.beat()
	m.fetchOffsets(m.generation)
	if m.World.Misbehave && m.World.Attack && m.rand.Chance(200) {
		m.later(0, time.Second, m.commitLate)
	}
}

// fetchOffsets asks where to go on.
func (m *Member) fetchOffsets(generation int32) {
	if len(m.owned) == 0 {
		return
	}
	m.fetchCommitted(m.World.Group, m.process(), m.owned, func(offsets map[int32]record.Offset, ok bool) {
		switch {
		case !m.stable || m.generation != generation:
		case !ok:
			m.later(10*time.Millisecond, 200*time.Millisecond, func() { m.fetchOffsets(generation) })
		default:
			for _, index := range m.owned {
				m.assign(index, max(offsets[index], 0))
			}
			m.work(generation)
		}
	})
}

// work polls and commits until the generation is over.
func (m *Member) work(generation int32) {
	if !m.stable || m.generation != generation {
		return
	}
	again := func() { m.later(5*time.Millisecond, 200*time.Millisecond, func() { m.work(generation) }) }
	if m.rand.Chance(350) {
		m.commit(again)
		return
	}
	m.poll(again)
}

// commit commits the positions, and with them something that nobody has committed before.
func (m *Member) commit(then func()) {
	op := m.operation(check.Commit)
	for _, p := range m.at() {
		m.commits++
		op.Offsets = append(op.Offsets, check.Committed{Partition: p.Partition, Offset: p.Offset, LeaderEpoch: m.epochs[p.Index],
			Metadata: fmt.Sprintf("%s#%d", m.process(), m.commits)})
	}
	m.commitOffsets(op, func(code protocol.Code, err error) {
		if err == nil && code != protocol.None {
			m.obey(code)
			return
		}
		then()
	})
}

// obey does what a consumer does about an error.
func (m *Member) obey(code protocol.Code) {
	switch code {
	case protocol.None:
		return
	case protocol.UnknownMemberID:
		m.expired()
		m.memberID, m.generation = "", -1
	case protocol.FencedInstanceID:
		m.World.Reach("instance fenced")
		m.restart(m.rand.Between(time.Second, 3*time.Second), m.start)
		return
	case protocol.IllegalGeneration:
		m.generation = -1
	case protocol.CoordinatorLoadInProgress, protocol.NotCoordinator, protocol.CoordinatorNotAvailable:
		if m.stable { // the request is tried again, the generation stays
			generation := m.generation
			m.later(10*time.Millisecond, 200*time.Millisecond, func() { m.work(generation) })
			return
		}
	}
	m.rejoin()
}
