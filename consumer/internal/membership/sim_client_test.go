package membership

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

// What the members are told. The session is the shortest that the coordinator takes.
const (
	simSession      = 6 * time.Second
	simHeartbeat    = time.Second
	simPollInterval = 10 * time.Second
	simRequest      = 5 * time.Second // request.timeout.ms
	simJoinRequest  = simPollInterval + 5*time.Second
)

// slot is a place for a member; processes come and go in it. A static slot keeps its instance id.
type slot struct {
	name     string
	instance string
	topics   []string
	process  *process
	lives    int
}

// process is a program with one consumer: the machine, its driver, and the application that polls.
type process struct {
	w    *simWorld
	slot *slot
	name string
	rand *sim.Rand
	m    *Machine

	dead   bool // killed, or over
	over   bool // Ended came
	failed bool
	tick   *sim.Timer
	spins  int // ticks in a row whose Next had passed
	node   int // the coordinator that the driver knows, or -1

	tasks    []simTask
	inPoll   bool
	busy     bool // a task is carried out
	closing  bool
	closedAt sim.Instant
	snapshot map[string]int32 // what the last assignment was computed from

	beat  Heartbeat // the last that was sent
	last  Sync      // the last that was sent
	joins int
}

// simTask is something that the listener is told in Poll.
type simTask struct {
	ticket     uint64 // of a Revoke, or 0
	partitions []TopicPartition
}

// start begins a process in a slot.
func (w *simWorld) start(s *slot) {
	s.lives++
	p := &process{w: w, slot: s, name: fmt.Sprintf("%s.%d", s.name, s.lives), node: -1}
	p.rand = w.Rand(p.name)
	jitter := w.Rand(p.name + " jitter")
	p.m = New(Config{
		Static: s.instance != "", Cooperative: w.cooperative, SessionTimeout: simSession, HeartbeatInterval: simHeartbeat,
		PollIntervalMax: simPollInterval, RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second, Jitter: jitter.Float64,
	})
	s.process = p
	w.processes = append(w.processes, p)
	w.Notef("%s starts", p.name)
	p.step(Subscribed{Topics: s.topics})
	p.w.After(p.rand.Between(0, time.Second), p.poll)
	p.refresh()
}

// step gives the machine an event and carries out what follows.
func (p *process) step(e Event) {
	if p.dead {
		return
	}
	var out Effects
	p.w.see.before(p, e)
	if e = p.w.bug.event(p, e); e == nil {
		return
	}
	p.m.Step(p.w.Wall(), e, &out)
	p.w.Notef("%s %s%v: %v", p.name, describeEvent(e), p.m.State(), describeEffects(out, p.w.Wall()))
	out = p.w.bug.effects(p, out)
	p.w.see.after(p, e, out)
	for _, effect := range out {
		p.carryOut(effect)
	}
	p.wake(e)
}

// wake sets the timer for the next tick, and sees whether the machine asks for the same again and again.
func (p *process) wake(e Event) {
	if p.tick != nil {
		p.tick.Stop()
		p.tick = nil
	}
	if p.dead {
		return
	}
	next := p.w.bug.next(p, p.m.Next())
	if next.IsZero() {
		p.spins = 0
		return
	}
	wait := next.Sub(p.w.Wall())
	if _, ticked := e.(Tick); ticked && wait <= 0 {
		p.spins++
		if p.spins > 1 {
			p.w.see.wrong("%s is busy: Next is %v after two ticks (%v)", p.name, wait, p.m.State())
			return
		}
	} else if ticked {
		p.spins = 0
	}
	p.tick = p.w.After(wait, func() { p.step(Tick{}) })
}

func (p *process) carryOut(effect Effect) {
	switch e := effect.(type) {
	case FindCoordinator:
		p.find(e)
	case Join:
		p.joins++
		p.join(e)
	case Assign:
		p.assign(e)
	case Sync:
		p.last = e
		p.sync(e)
	case Heartbeat:
		p.beat = e
		p.heartbeat(e)
	case Leave:
		p.call(&group.Leave{LeaveRequest: group.LeaveRequest{GroupID: simGroup, Members: []group.LeavingMember{{
			MemberID: e.MemberID, InstanceID: p.slot.instance, Reason: e.Reason}}}}, simRequest,
			func(group.Body) Event { return Left{Attempt: e.Attempt} }, func() Event { return Left{Attempt: e.Attempt} })
	case Revoke:
		p.tasks = append(p.tasks, simTask{ticket: e.Ticket, partitions: e.Partitions})
		p.work()
	case Lose:
		p.tasks = slices.DeleteFunc(p.tasks, func(t simTask) bool { return t.ticket != 0 })
	case Fail:
		// Such as a static member whose new id was not in the log yet when the coordinator moved: it is fenced by its
		// own old id. The application starts anew.
		p.failed = true
		p.w.see.reach("a member was refused")
		p.later(time.Second, func() { p.close(false) })
		p.w.After(2*time.Second, func() {
			if p.slot.process == p {
				p.w.start(p.slot)
			}
		})
	case Ended:
		if p.closing {
			p.over = true
			p.die()
		}
	}
}

// die ends the process: nothing of it happens any more.
func (p *process) die() {
	p.dead = true
	p.w.see.gone(p)
	if p.tick != nil {
		p.tick.Stop()
	}
}

// later does something unless the process is gone by then.
func (p *process) later(d time.Duration, f func()) {
	p.w.After(d, func() {
		if !p.dead {
			f()
		}
	})
}

// poll is the application: it polls, works, and polls again.
func (p *process) poll() {
	if p.dead || p.closing {
		return
	}
	p.inPoll = true
	p.step(PollBegan{})
	p.work()
	if p.w.attack && p.rand.Chance(5) {
		p.w.see.reach("an application polled and was stuck")
		p.later(p.rand.Between(0, 200*time.Millisecond), func() { p.step(PollOverdue{}) })
	}
	p.later(p.rand.Between(0, 200*time.Millisecond), p.endPoll)
}

func (p *process) endPoll() {
	if p.busy || len(p.tasks) > 0 { // the listener runs in Poll
		p.later(20*time.Millisecond, p.endPoll)
		return
	}
	if p.closing {
		return
	}
	p.inPoll = false
	p.step(PollEnded{})
	d := p.rand.Between(0, time.Second)
	if p.w.attack {
		switch n := p.rand.IntN(100); {
		case n < 4:
			d = p.rand.Between(time.Second, simPollInterval-time.Second)
		case n < 6:
			d = p.rand.Between(simPollInterval, 3*simPollInterval)
		}
	}
	p.later(d, p.poll)
}

// work carries out the next task, if the application is there to do it.
func (p *process) work() {
	if p.busy || len(p.tasks) == 0 || !p.inPoll && !p.closing {
		return
	}
	task := p.tasks[0]
	p.busy = true
	if p.rand.Chance(500) {
		p.commit()
	}
	d := p.rand.Between(0, 100*time.Millisecond)
	if p.w.attack && p.rand.Chance(50) {
		d = p.rand.Between(time.Second, 8*time.Second)
	}
	p.later(d, func() {
		p.busy = false
		if len(p.tasks) > 0 && p.tasks[0].ticket == task.ticket {
			p.tasks = p.tasks[1:]
		}
		p.w.see.released(p, task)
		p.step(Released{Ticket: task.ticket})
		p.work()
	})
}

// refresh is the driver's look at the topics.
func (p *process) refresh() {
	p.later(p.rand.Between(time.Second, 3*time.Second), func() {
		if p.m.Leader() && p.snapshot != nil && fmt.Sprint(p.snapshot) != fmt.Sprint(p.w.partitions) {
			p.snapshot = nil
			p.step(MetadataChanged{What: "a topic has more partitions"})
		}
		p.refresh()
	})
}

// close closes the consumer. The application calls it when it does nothing else.
func (p *process) close(leave bool) {
	if p.dead || p.closing {
		return
	}
	p.closing, p.closedAt = true, p.w.Now()
	p.step(Closed{Leave: leave})
	p.work()
}

// call sends a request to the coordinator that the driver knows, and steps the answer. What the network does to it is
// by the seed: the request or the answer is lost, or comes late, even after it was given up, or twice.
func (p *process) call(e group.Event, timeout time.Duration, answered func(group.Body) Event, lost func() Event) {
	if p.node < 0 {
		p.later(time.Millisecond, func() { p.step(lost()) })
		return
	}
	p.w.tokens++
	token, node, done := p.w.tokens, p.node, false
	setToken(e, token)
	p.later(timeout, func() {
		if !done {
			done = true
			p.step(lost())
		}
	})
	if p.w.attack && p.rand.Chance(15) {
		return
	}
	joins := p.joins
	p.w.After(p.delay(), func() {
		if _, join := e.(*group.Join); join && joins != p.joins {
			return // the connection was closed when it was given up, so it does not come after the next one
		}
		p.w.coordinator.arrive(node, e, token, func(body group.Body) {
			p.w.see.answer(p, body)
			if p.w.coordinator.cut[node] || p.w.attack && p.rand.Chance(15) {
				return
			}
			deliver := func() {
				done = true
				p.step(answered(body))
			}
			p.later(p.delay(), deliver)
			if p.w.attack && p.rand.Chance(15) {
				p.later(p.rand.Between(0, 10*time.Second), deliver)
			}
		})
	})
}

func (p *process) delay() time.Duration {
	if p.w.attack && p.rand.Chance(10) {
		return p.rand.Between(0, 12*time.Second)
	}
	return p.rand.Between(0, 3*time.Millisecond)
}

func setToken(e group.Event, token group.Token) {
	switch e := e.(type) {
	case *group.Join:
		e.Token, e.FreshID = token, fmt.Sprint(token)
	case *group.Sync:
		e.Token = token
	case *group.Heartbeat:
		e.Token = token
	case *group.Leave:
		e.Token = token
	case *group.Commit:
		e.Token = token
	}
}

// failure is what the driver makes of an error.
func failure(err *protocol.Error) Failure {
	if err == nil {
		return Failure{}
	}
	return Failure{Code: Code(err.Code), Text: err.Reason}
}

func lostFailure() Failure { return Failure{Lost: true, Text: "no answer"} }

func (p *process) find(e FindCoordinator) {
	p.node = -1
	c := p.w.coordinator
	if p.w.attack && p.rand.Chance(50) {
		f := Failure{Code: CoordinatorNotAvailable}
		if p.rand.Chance(500) {
			f = lostFailure()
		}
		p.later(p.rand.Between(0, 3*time.Second), func() { p.step(CoordinatorMissing{Attempt: e.Attempt, Failure: f}) })
		return
	}
	p.later(p.rand.Between(0, 5*time.Millisecond), func() {
		p.node = c.Node()
		p.step(CoordinatorFound{Attempt: e.Attempt})
	})
}

func (p *process) join(e Join) {
	request := group.JoinRequest{
		GroupID: simGroup, MemberID: e.MemberID, InstanceID: p.slot.instance, ClientID: p.slot.name, ClientHost: "/10.0.0.1",
		SessionTimeout: simSession, RebalanceTimeout: simPollInterval, ProtocolType: "consumer", Reason: e.Reason,
		RequiresKnownMemberID: true, SupportsSkippingAssignment: true,
	}
	for _, a := range p.w.assignors {
		owned := e.Owned
		if !a.Cooperative() {
			owned = e.Had
		}
		request.Protocols = append(request.Protocols, group.Protocol{Name: a.Name(), Metadata: assign.EncodeSubscription(assign.Member{
			Topics: e.Topics, Owned: e.Owned, Generation: e.HadGeneration, UserData: a.UserData(e.Topics, owned, e.HadGeneration),
		})})
	}
	p.call(&group.Join{JoinRequest: request}, simJoinRequest, func(body group.Body) Event {
		r := body.(*group.JoinReply)
		answer := Joined{
			Attempt: e.Attempt, Failure: failure(r.Err), Generation: r.Generation, MemberID: r.MemberID, LeaderID: r.Leader,
			Protocol: r.Protocol, SkipAssignment: r.SkipAssignment,
		}
		for _, m := range r.Members {
			member, err := assign.DecodeSubscription(m.Metadata)
			if err != nil {
				panic(err)
			}
			member.ID, member.InstanceID = m.MemberID, m.InstanceID
			answer.Members = append(answer.Members, member)
		}
		return answer
	}, func() Event { return Joined{Attempt: e.Attempt, Failure: lostFailure()} })
}

// assign asks for the topics' partitions, which takes a moment, and computes the plan.
func (p *process) assign(e Assign) {
	d := p.rand.Between(0, 10*time.Millisecond)
	if p.w.attack && p.rand.Chance(50) {
		d = p.rand.Between(0, 8*time.Second)
	}
	p.later(d, func() {
		g := assign.Group{Members: e.Members, Partitions: p.w.counts()}
		if p.m.State() == Assigning && p.m.attempt == e.Attempt {
			p.snapshot = g.Partitions // one that nobody waits for any more says nothing of the plan
		}
		for _, a := range p.w.assignors {
			if a.Name() == e.Protocol {
				plan, err := a.Assign(g)
				if err != nil {
					panic(err)
				}
				p.step(Assigned{Attempt: e.Attempt, Plan: plan, Withheld: withheld(g, plan)})
				return
			}
		}
		panic("no assignor " + e.Protocol)
	})
}

// withheld counts the partitions that somebody subscribes to and nobody is given.
func withheld(g assign.Group, plan assign.Plan) int {
	wanted := map[string]bool{}
	n := 0
	for _, m := range g.Members {
		for _, topic := range m.Topics {
			if !wanted[topic] {
				wanted[topic] = true
				n += int(g.Partitions[topic])
			}
		}
		n -= len(plan[m.ID])
	}
	return n
}

func (p *process) sync(e Sync) {
	request := group.SyncRequest{GroupID: simGroup, MemberID: e.MemberID, InstanceID: p.slot.instance, Generation: e.Generation}
	kind := "consumer"
	request.ProtocolType, request.Protocol = &kind, &e.Protocol
	for _, id := range sortedKeys(e.Plan) {
		request.Assignments = append(request.Assignments, group.Assignment{MemberID: id, Data: assign.EncodeAssignment(e.Plan[id])})
	}
	p.call(&group.Sync{SyncRequest: request}, simJoinRequest, func(body group.Body) Event {
		r := body.(*group.SyncReply)
		answer := Synced{Attempt: e.Attempt, Failure: failure(r.Err)}
		if r.Err == nil {
			var err error
			if answer.Partitions, err = assign.DecodeAssignment(r.Assignment); err != nil {
				panic(err)
			}
		}
		return answer
	}, func() Event { return Synced{Attempt: e.Attempt, Failure: lostFailure()} })
}

func (p *process) heartbeat(e Heartbeat) {
	p.call(&group.Heartbeat{HeartbeatRequest: group.HeartbeatRequest{
		GroupID: simGroup, MemberID: e.MemberID, InstanceID: p.slot.instance, Generation: e.Generation, Aside: true,
	}}, simRequest, func(body group.Body) Event {
		return Beaten{Attempt: e.Attempt, Failure: failure(body.(*group.HeartbeatReply).Err)}
	}, func() Event { return Beaten{Attempt: e.Attempt, Failure: lostFailure()} })
}

// commit is one of the other requests: what it is told of the coordinator and of the generation, the machine is told.
func (p *process) commit() {
	generation := p.m.Generation()
	if generation < 0 {
		return
	}
	e := &group.Commit{CommitRequest: group.CommitRequest{
		GroupID: simGroup, MemberID: p.m.MemberID(), InstanceID: p.slot.instance, Generation: generation, Retention: -1, ReportsUnknownGroup: true,
		Topics: []group.CommitTopic{{Name: "t0", Partitions: []group.CommitPartition{{LeaderEpoch: -1, CommitTime: group.NoInstant}}}},
	}}
	node := p.node
	lost := func(why string) Event {
		if p.node != node { // of a node that the driver has given up since
			return Tick{}
		}
		p.node = -1
		return CoordinatorLost{Why: why}
	}
	p.call(e, simRequest, func(body group.Body) Event {
		err := body.(*group.CommitReply).Err
		switch f := failure(err); {
		case err == nil:
		case f.Code == NotCoordinator || f.Code == CoordinatorNotAvailable:
			return lost(f.Text)
		case f.Code == IllegalGeneration || f.Code == UnknownMemberID || f.Code == RebalanceInProgress || f.Code == FencedInstanceID:
			return GenerationLost{Generation: generation, Code: f.Code}
		}
		return Tick{}
	}, func() Event { return lost("a commit was not answered") })
}
