package modern

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/internal/sim"
)

const simPollInterval = 10 * time.Second

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

	arrives sim.Instant // when the last request comes to the coordinator; the next does not overtake it
	beats   int
	life    int // the coordinator's count of the answer that is stepped
}

// simTask is something that the listener is told in Poll.
type simTask struct {
	ticket uint64 // of a Revoke, or 0
	names  []membership.TopicPartition
}

// start begins a process in a slot.
func (w *simWorld) start(s *slot) {
	s.lives++
	p := &process{w: w, slot: s, name: fmt.Sprintf("%s.%d", s.name, s.lives), node: -1}
	p.rand = w.Rand(p.name)
	jitter := w.Rand(p.name + " jitter")
	p.m = New(Config{
		MemberID: p.name, Static: s.instance != "", PollIntervalMax: simPollInterval,
		RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second, Jitter: jitter.Float64,
	})
	s.process = p
	w.processes = append(w.processes, p)
	w.Notef("%s starts", p.name)
	p.step(membership.Subscribed{Topics: s.topics})
	p.w.After(p.rand.Between(0, time.Second), p.poll)
	p.refresh()
}

// step gives the machine an event and carries out what follows.
func (p *process) step(e membership.Event) {
	if p.dead {
		return
	}
	var out membership.Effects
	p.w.see.before(p, e)
	if e = p.w.bug.event(p, e); e == nil {
		return
	}
	p.m.Step(p.w.Wall(), e, &out)
	p.w.Notef("%s %s: %v", p.name, describeEvent(e), describeEffects(out))
	out = p.w.bug.effects(p, out)
	p.w.see.after(p, out)
	for _, effect := range out {
		p.carryOut(effect)
	}
	p.wake(e)
}

// wake sets the timer for the next tick, and sees whether the machine asks for the same again and again.
func (p *process) wake(e membership.Event) {
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
	if _, ticked := e.(membership.Tick); ticked && wait <= 0 {
		p.spins++
		if p.spins > 1 {
			p.w.see.wrong("%s is busy: Next is %v after two ticks: it %s", p.name, wait, p.m.Explain(p.w.Wall()))
			return
		}
	} else if ticked {
		p.spins = 0
	}
	p.tick = p.w.After(wait, func() { p.step(membership.Tick{}) })
}

func (p *process) carryOut(effect membership.Effect) {
	switch e := effect.(type) {
	case membership.FindCoordinator:
		p.find(e)
	case membership.ConsumerHeartbeat:
		p.beats++
		p.heartbeat(e)
	case membership.NameTopics:
		p.w.see.reach("a topic had no name")
		p.later(p.rand.Between(0, 500*time.Millisecond), p.learn)
	case membership.Revoke:
		p.tasks = append(p.tasks, simTask{ticket: e.Ticket, names: e.Partitions})
		p.work()
	case membership.Lose:
		p.tasks = slices.DeleteFunc(p.tasks, func(t simTask) bool { return t.ticket != 0 })
	case membership.Fail: // such as a static member whose place is not free yet: the application starts anew
		p.failed = true
		p.w.see.reach("a member was refused")
		p.later(time.Second, func() { p.close(false) })
		p.w.After(2*time.Second, func() {
			if p.slot.process == p {
				p.w.start(p.slot)
			}
		})
	case membership.Ended:
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
	p.step(membership.PollBegan{})
	p.work()
	if p.w.attack && p.rand.Chance(5) {
		p.w.see.reach("an application polled and was stuck")
		p.later(p.rand.Between(0, 200*time.Millisecond), func() { p.step(membership.PollOverdue{}) })
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
	p.step(membership.PollEnded{})
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
	if p.w.attack && p.rand.Chance(100) {
		d = p.rand.Between(time.Second, 12*time.Second)
	}
	p.later(d, func() {
		p.busy = false
		if len(p.tasks) > 0 && p.tasks[0].ticket == task.ticket {
			p.tasks = p.tasks[1:]
		}
		p.w.see.released(p, task)
		p.step(membership.Released{Ticket: task.ticket})
		p.work()
	})
}

// refresh is the driver's look at the topics, by itself and when the machine asks for it.
func (p *process) refresh() {
	p.learn()
	p.later(p.rand.Between(2*time.Second, 20*time.Second), p.refresh)
}

// learn tells the names of the topics. A node may not have heard of the newest yet.
func (p *process) learn() {
	names := map[membership.TopicID]string{}
	for name, t := range p.w.topics {
		names[t.id] = name
	}
	if p.w.attack && p.rand.Chance(300) {
		names = maps.Clone(p.w.oldNames)
	}
	p.step(membership.TopicsNamed{Names: names})
}

// close closes the consumer. The application calls it when it does nothing else.
func (p *process) close(leave bool) {
	if p.dead || p.closing {
		return
	}
	p.closing, p.closedAt = true, p.w.Now()
	p.step(membership.Closed{Leave: leave})
	p.work()
}

// call sends a request to the coordinator that the driver knows. What the network does to it is by the seed: the request or
// the answer is lost, or comes late, even after it was given up, or twice. Requests of a member do not overtake each other.
func (p *process) call(timeout time.Duration, arrive func(node int), lost func()) {
	if p.node < 0 {
		p.later(time.Millisecond, lost)
		return
	}
	node := p.node
	p.later(timeout, lost)
	if p.w.attack && p.rand.Chance(15) {
		return
	}
	p.arrives = max(p.arrives, p.w.Now().Add(p.delay()))
	p.w.At(p.arrives, func() {
		if !p.w.coordinator.cut[node] {
			arrive(node)
		}
	})
}

// back delivers an answer, if it is not lost.
func (p *process) back(node int, deliver func()) {
	if p.w.coordinator.cut[node] || p.w.attack && p.rand.Chance(25) {
		p.w.see.reach("an answer was lost")
		return
	}
	p.later(p.delay(), deliver)
	if p.w.attack && p.rand.Chance(15) {
		p.later(p.rand.Between(0, 10*time.Second), deliver)
	}
}

func (p *process) delay() time.Duration {
	if p.w.attack && p.rand.Chance(10) {
		return p.rand.Between(0, 12*time.Second)
	}
	return p.rand.Between(0, 3*time.Millisecond)
}

func (p *process) find(e membership.FindCoordinator) {
	p.node = -1
	if p.w.attack && p.rand.Chance(50) {
		f := membership.Failure{Code: membership.CoordinatorNotAvailable}
		if p.rand.Chance(500) {
			f = lostFailure()
		}
		p.later(p.rand.Between(0, 3*time.Second), func() { p.step(membership.CoordinatorMissing{Attempt: e.Attempt, Failure: f}) })
		return
	}
	p.later(p.rand.Between(0, 5*time.Millisecond), func() {
		p.node = p.w.coordinator.node
		p.step(membership.CoordinatorFound{Attempt: e.Attempt, ConsumerProtocol: true})
	})
}

func lostFailure() membership.Failure { return membership.Failure{Lost: true, Text: "no answer"} }

func (p *process) heartbeat(e membership.ConsumerHeartbeat) {
	done := false
	p.call(min(simRequest, e.Wait), func(node int) {
		a := p.w.coordinator.beat(node, p, e)
		a.Attempt = e.Attempt
		p.w.Notef("coordinator to %s: %s", p.name, describeEvent(a.ConsumerBeaten))
		p.back(node, func() {
			done = true
			if p.m.open.attempt == e.Attempt {
				p.life = a.life
			}
			p.step(a.ConsumerBeaten)
		})
	}, func() {
		if !done {
			done = true
			p.step(membership.ConsumerBeaten{Attempt: e.Attempt, Failure: lostFailure()})
		}
	})
}

// commit is one of the other requests: what it is told of the coordinator and of the member, the machine is told. It has
// another connection, so it may overtake a heartbeat.
func (p *process) commit() {
	epoch, node := p.m.Generation(), p.node
	if epoch < 0 || node < 0 {
		return
	}
	p.w.After(p.delay(), func() {
		if p.w.coordinator.cut[node] {
			return
		}
		code := p.w.coordinator.commit(node, p.m.MemberID(), epoch)
		p.back(node, func() {
			switch code {
			case membership.NotCoordinator:
				if p.node == node { // not a node that the driver has given up since
					p.node = -1
					p.step(membership.CoordinatorLost{Why: "a commit was told so"})
				}
			case membership.UnknownMemberID, membership.StaleMemberEpoch:
				p.w.see.reach("a commit was stale")
				p.step(membership.GenerationLost{Generation: epoch, Code: code})
			}
		})
	})
}
