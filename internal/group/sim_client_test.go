package group

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// simClient is a consumer as simple as can be: it joins, syncs, beats, fetches and commits, one request at a time but
// for heartbeats and what nudges them. Everything that a client may do wrong it does: it stalls, dies, comes back.
type simClient struct {
	w        *simWorld
	rand     *sim.Rand
	name     string
	instance string
	session  time.Duration

	memberID   string
	generation int32
	owned      []string
	life       int // counts restarts: what was set up before does nothing
	serial     int // of requests
	waiting    int // the serial of the request whose answer is awaited; 0 is none
	beating    int // the same for a heartbeat
	heldBy     Token
	asleep     bool
	twin       bool // a second process with the name of another: it dies for good
}

func (c *simClient) start() {
	c.life++
	c.memberID, c.generation, c.owned, c.waiting, c.beating, c.asleep = "", -1, nil, 0, 0, false
	c.join()
}

// later does something unless the client was restarted meanwhile.
func (c *simClient) later(d time.Duration, f func()) {
	life := c.life
	c.w.After(d, func() {
		if c.life == life && !c.asleep {
			f()
		}
	})
}

// send gives a request to the network. If no answer comes the client does something else after its timeout.
func (c *simClient) send(e Event, token Token, timeout time.Duration, onTimeout func()) int {
	c.serial++
	serial := c.serial
	if c.heldBy != 0 { // a later request on the connection
		held, g := c.heldBy, c.memberID
		c.heldBy = 0
		c.transmit(simCall{token: held, event: &Nudge{Token: held, GroupID: simGroup, MemberID: g}, client: c})
	}
	c.transmit(simCall{token: token, event: e, client: c, serial: serial})
	c.later(timeout, func() {
		switch serial {
		case c.waiting:
			c.waiting = 0
			onTimeout()
		case c.beating:
			c.beating, c.heldBy = 0, 0
		}
	})
	return serial
}

func (c *simClient) transmit(call simCall) {
	if c.w.attack && c.rand.Chance(10) {
		return // lost
	}
	c.w.After(c.rand.Between(0, 2*time.Millisecond), func() { c.w.server.arrive(call) })
}

func (c *simClient) join() {
	c.owned = nil
	token := c.w.token()
	metadata := "t"
	if c.rand.Chance(50) {
		metadata = "t2" // its subscription changed
	}
	c.waiting = c.send(&Join{Token: token, FreshID: fmt.Sprint(token), JoinRequest: JoinRequest{
		GroupID: simGroup, MemberID: c.memberID, InstanceID: c.instance, ClientID: c.name, ClientHost: "/10.0.0.1", SessionTimeout: c.session,
		RebalanceTimeout: 10 * time.Second, ProtocolType: "consumer", Protocols: []Protocol{{"range", []byte(metadata)}, {"sticky", nil}},
		RequiresKnownMemberID: true, SupportsSkippingAssignment: true}}, token, 20*time.Second, c.join)
}

func (c *simClient) sync(members []JoinMember) {
	token := c.w.token()
	e := &Sync{Token: token, SyncRequest: SyncRequest{GroupID: simGroup, MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation}}
	for i, m := range members {
		var mine []string
		for p := i; p < simPartitions; p += len(members) {
			mine = append(mine, fmt.Sprint(p))
		}
		e.Assignments = append(e.Assignments, Assignment{m.MemberID, []byte(strings.Join(mine, ","))})
	}
	c.waiting = c.send(e, token, 20*time.Second, c.join)
}

func (c *simClient) heartbeat() {
	life, generation := c.life, c.generation
	c.later(c.rand.Between(900*time.Millisecond, 1100*time.Millisecond), func() {
		if c.generation == generation && c.life == life {
			c.heartbeat()
		}
	})
	if c.beating != 0 {
		return
	}
	token := c.w.token()
	c.beating = c.send(&Heartbeat{Token: token, HeartbeatRequest: HeartbeatRequest{GroupID: simGroup, MemberID: c.memberID, InstanceID: c.instance,
		Generation: c.generation, Aside: c.rand.Chance(500)}}, token, 6*time.Second, func() {})
	c.heldBy = token
}

// commit writes a value that nobody has written before, so that whoever reads it can be held to its order.
func (c *simClient) commit() {
	if len(c.owned) == 0 || c.waiting != 0 {
		return
	}
	token := c.w.token()
	e := &Commit{Token: token, CommitRequest: CommitRequest{GroupID: simGroup, MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation,
		Retention: -1, ReportsUnknownGroup: true, Topics: []CommitTopic{{Name: "t"}}}}
	for _, p := range c.owned {
		var n int32
		fmt.Sscan(p, &n)
		e.Topics[0].Partitions = append(e.Topics[0].Partitions, CommitPartition{Partition: n, Offset: record.Offset(token), CommitTime: NoInstant, LeaderEpoch: -1})
	}
	c.waiting = c.send(e, token, 6*time.Second, func() {})
}

func (c *simClient) fetch() {
	token := c.w.token()
	c.send(&Fetch{Token: token, FetchRequest: FetchRequest{GroupID: simGroup, All: true, RequireStable: c.rand.Chance(200)}}, token, 6*time.Second, func() {})
}

func (c *simClient) work() {
	life, generation := c.life, c.generation
	c.later(c.rand.Between(50*time.Millisecond, 800*time.Millisecond), func() {
		if c.generation != generation || c.life != life {
			return
		}
		if c.rand.Chance(300) {
			c.fetch()
		} else {
			c.commit()
		}
		c.work()
	})
}

// receive takes an answer. One that is not awaited any more is dropped.
func (c *simClient) receive(serial int, body Body) {
	if c.asleep {
		return
	}
	switch r := body.(type) {
	case *JoinReply:
		if serial == c.waiting {
			c.waiting = 0
			c.joined(r)
		}
	case *SyncReply:
		if serial == c.waiting {
			c.waiting = 0
			c.synced(r)
		}
	case *CommitReply:
		if serial == c.waiting {
			c.waiting = 0
			c.obey(r.Err)
		}
	case *HeartbeatReply:
		if serial == c.beating {
			c.beating, c.heldBy = 0, 0
			if r.Err != nil && c.waiting == 0 {
				c.obey(r.Err)
			}
		}
	}
}

func (c *simClient) joined(r *JoinReply) {
	if r.Err == nil {
		c.memberID, c.generation = r.MemberID, r.Generation
		if r.SkipAssignment {
			r.Members = nil
		}
		c.sync(r.Members)
		return
	}
	if r.Err.Code == protocol.MemberIDRequired {
		c.memberID = r.MemberID
		c.join()
		return
	}
	c.obey(r.Err)
}

func (c *simClient) synced(r *SyncReply) {
	if r.Err != nil {
		c.obey(r.Err)
		return
	}
	c.owned = slices.DeleteFunc(strings.Split(string(r.Assignment), ","), func(s string) bool { return s == "" })
	c.heartbeat()
	c.work()
}

// obey does what a consumer does about an error.
func (c *simClient) obey(err *protocol.Error) {
	if err == nil {
		return
	}
	switch err.Code {
	case protocol.UnknownMemberID:
		c.memberID = ""
		c.generation = -1
	case protocol.FencedInstanceID:
		c.life++ // it gives up; somebody else has its name
		if !c.twin {
			c.w.After(c.rand.Between(time.Second, 5*time.Second), c.start)
		}
		return
	case protocol.IllegalGeneration:
		c.generation = -1
	case protocol.RebalanceInProgress:
		if c.rand.Chance(300) && c.waiting == 0 && len(c.owned) > 0 {
			c.commit() // the last before the partitions are given up
			c.waiting = 0
		}
	}
	c.generation, c.waiting = -1, 1<<60
	c.later(c.rand.Between(0, 100*time.Millisecond), c.join)
}

// misbehave is what happens to clients under attack.
func (c *simClient) misbehave() {
	switch c.rand.IntN(6) {
	case 0: // dies and comes back
		c.life++
		c.w.After(c.rand.Between(0, 10*time.Second), c.start)
	case 1: // leaves
		if c.memberID != "" {
			token := c.w.token()
			c.transmit(simCall{token: token, client: c, event: &Leave{Token: token, LeaveRequest: LeaveRequest{GroupID: simGroup,
				Members: []LeavingMember{{MemberID: c.memberID, InstanceID: c.instance}}}}})
		}
		c.life++
		c.w.After(c.rand.Between(0, 5*time.Second), c.start)
	case 2: // stands still, and goes on as if nothing had been
		c.stall(c.rand.Between(time.Second, 15*time.Second))
	case 3: // a second process with its name (static members fence each other)
		if c.instance != "" {
			twin := *c
			twin.twin = true
			twin.rand, twin.name = c.rand.Fork(fmt.Sprint("twin", c.w.Now())), c.name+"'"
			twin.start()
			c.w.After(c.rand.Between(time.Second, 5*time.Second), func() { twin.life++ })
		}
	}
}

func (c *simClient) stall(d time.Duration) {
	c.asleep = true
	life := c.life
	c.w.After(d, func() {
		if c.life != life {
			return
		}
		c.asleep = false
		c.waiting, c.beating = 0, 0
		if c.generation >= 0 && len(c.owned) > 0 {
			c.heartbeat()
			c.commit() // of a generation that may be long gone
			c.work()
			return
		}
		c.join()
	})
}
