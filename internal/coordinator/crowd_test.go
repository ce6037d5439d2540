package coordinator

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// crowdMember joins, syncs and beats like a consumer, until it is told to stop. Its state changes only in what soon runs.
type crowdMember struct {
	n        *node
	group    string
	interval time.Duration
	stable   atomic.Int32 // generation in which it has an assignment

	mu         sync.Mutex
	id         string
	generation int32
	life       int // counts what ends its heartbeats
	beating    bool
}

// soon does something after what a network takes.
func (m *crowdMember) soon(f func()) { m.after(time.Millisecond, f) }

func (m *crowdMember) after(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		f()
	})
}

// stop makes it fall silent.
func (m *crowdMember) stop() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life++
	return m.id
}

func (m *crowdMember) join() {
	m.n.Join(joinRequest(m.group, m.id), func(r group.JoinReply) {
		m.soon(func() {
			switch code(r.Err) {
			case protocol.MemberIDRequired:
				m.id = r.MemberID
				m.join()
			case protocol.None:
				m.generation = r.Generation
				m.sync(r.Members)
			case protocol.UnknownMemberID:
				m.id = ""
				m.join()
			default:
				m.join()
			}
		})
	})
}

func (m *crowdMember) sync(members []group.JoinMember) {
	r := group.SyncRequest{GroupID: m.group, MemberID: m.id, Generation: m.generation}
	for _, member := range members {
		r.Assignments = append(r.Assignments, group.Assignment{MemberID: member.MemberID, Data: []byte(member.MemberID)})
	}
	m.n.Sync(r, func(r group.SyncReply) {
		m.soon(func() {
			if r.Err != nil {
				m.join()
				return
			}
			m.stable.Store(m.generation)
			m.life++
			m.beat(m.life)
		})
	})
}

// beat sends a heartbeat at each interval, unless the last is not answered.
func (m *crowdMember) beat(life int) {
	m.after(m.interval, func() {
		if m.life != life {
			return
		}
		m.beat(life)
		if m.beating {
			return
		}
		m.beating = true
		r := group.HeartbeatRequest{GroupID: m.group, MemberID: m.id, Generation: m.generation, Aside: true}
		m.n.Heartbeat(r, func(r group.HeartbeatReply) { m.soon(func() { m.told(life, r.Err) }) })
	})
}

func (m *crowdMember) told(life int, err *protocol.Error) {
	m.beating = false
	if m.life == life && err != nil {
		m.life++
		if code(err) == protocol.UnknownMemberID {
			m.id = ""
		}
		m.join()
	}
}

// crowd starts members, a few at a time, and waits until all are stable in one generation.
func (n *node) crowd(count int, between time.Duration, interval time.Duration) []*crowdMember {
	n.t.Helper()
	members := make([]*crowdMember, count)
	for i := range members {
		members[i] = &crowdMember{n: n, group: "g", interval: interval}
		members[i].after(time.Duration(i)*between, members[i].join)
	}
	for range 600 {
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if settled(members) {
			return members
		}
	}
	n.t.Fatalf("not stable after a minute: %v", n.describe("g").State)
	return nil
}

func settled(members []*crowdMember) bool {
	generation := members[0].stable.Load()
	for _, m := range members {
		if m.stable.Load() != generation {
			return false
		}
	}
	return generation > 0
}

// TestFiveHundredMembersAtOnce: with no initial delay, and clients that come over half a second, the group needs at most
// two rebalances.
func TestFiveHundredMembersAtOnce(t *testing.T) {
	for name, between := range map[string]time.Duration{"at one instant": 0, "within half a second": time.Millisecond, "within two and a half": 5 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := startNode(t, testConfig(), 1)
				members := n.crowd(500, between, 200*time.Millisecond)
				if g := members[0].stable.Load(); g > 2 {
					t.Fatalf("stable in generation %d", g)
				}
			})
		})
	}
}

// TestTenThousandMembers: a large group forms, one leaves, and it settles again. The loop's work is bounded: it steps a
// few events for each member and each rebalance, not members times members.
func TestTenThousandMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Group.HoldHeartbeats = false
		n := startNode(t, cfg, 1)
		const count = 10_000
		start := time.Now()
		members := n.crowd(count, 0, 3*time.Second)
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("stable after %v", took)
		}
		events := n.loop(0).recorder.total
		if most := 12 * count; events > most {
			t.Fatalf("%d events for %d members", events, count)
		}
		left := new(slot[group.LeaveReply])
		n.Leave(group.LeaveRequest{GroupID: "g", Members: []group.LeavingMember{{MemberID: members[17].stop()}}}, left.set)
		wantCode(t, "leave", left.get(t).Err, protocol.None)
		rest := append(append([]*crowdMember(nil), members[:17]...), members[18:]...)
		before := rest[0].stable.Load()
		for !settled(rest) || rest[0].stable.Load() == before {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if time.Since(start) > time.Minute {
				t.Fatal("not settled a minute later")
			}
		}
	})
}

// TestSessionExpiresInTime: a member that is gone is removed within 50 ms of its session's end, and the others, whose
// heartbeats are held, learn it at once.
func TestSessionExpiresInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		members := n.crowd(3, 0, 3*time.Second)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		members[1].stop() // never heard of again
		d := n.describe("g")
		before := d.Generation
		start := time.Now()
		for n.describe("g").Generation == before {
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			if time.Since(start) > 20*time.Second {
				t.Fatal("not expired")
			}
		}
		took := time.Since(start)
		if took > 10*time.Second+50*time.Millisecond+200*time.Millisecond {
			t.Fatalf("the others had a new generation %v after the last sign of life", took)
		}
		for members[0].stable.Load() == before || members[2].stable.Load() == before {
			time.Sleep(10 * time.Millisecond)
			if time.Since(start) > 11*time.Second {
				t.Fatal("the others do not have their assignment yet")
			}
		}
	})
}
