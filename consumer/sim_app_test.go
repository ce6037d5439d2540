package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/internal/sim"
)

// simMode is how the program of a slot consumes.
type simMode int8

const (
	pollAuto     simMode = iota // Poll; auto commit
	pollSync                    // Poll; Commit after each
	pollAsync                   // Poll; CommitAsync after each, Commit before the end
	pollExplicit                // Poll; Commit of offsets in the midst of what it returned
	runPartition                // Run
	runKey                      // Run with PerKey
	simModes
)

var simModeNames = [...]string{"Poll, auto commit", "Poll, Commit", "Poll, CommitAsync", "Poll, Commit of offsets", "Run", "Run per key"}

func (m simMode) String() string { return simModeNames[m] }

func (m simMode) runs() bool { return m == runPartition || m == runKey }

// slot is a place for a program; its processes come and go. A static slot keeps its instance id. Guarded by simWorld.mu.
type slot struct {
	name      string
	instance  string
	mode      simMode
	assignors []assign.Assignor
	lives     int
	process   *process // that is alive
	processes []*process
}

// process is a program that consumes, from its start to its end.
type process struct {
	w    *simWorld
	slot *slot
	name string
	link *simLink

	// Of the one goroutine of a program that polls, and of callbacks.
	rand    *sim.Rand
	pattern bool             // it subscribes with one
	partly  bool             // it does not subscribe to all
	paused  []TopicPartition // by the application

	cancel context.CancelFunc // of ctx
	ctx    context.Context    // ends when the process shall end
	gone   chan struct{}      // closed when it is killed
	ended  chan struct{}      // closed when nothing of it is left

	// Guarded by simWorld.mu.
	c      *Consumer // of a program that polls
	dead   bool      // it was killed: what it does counts no more
	inCall bool      // the application is in Poll or Close
	left   int       // records of the last Poll that are not processed
	holds  map[TopicPartition]*hold
	firsts map[TopicPartition]link.CommitItem // for simBug
}

// start begins a process in a slot. w.mu is held.
func (w *simWorld) start(s *slot) {
	if w.closing || s.process != nil {
		return
	}
	s.lives++
	p := &process{w: w, slot: s, name: fmt.Sprintf("%s.%d", s.name, s.lives), gone: make(chan struct{}), ended: make(chan struct{}), holds: map[TopicPartition]*hold{}, firsts: map[TopicPartition]link.CommitItem{}}
	p.rand = w.rand.Fork(p.name)
	p.link = newSimLink(w, p)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	s.process = p
	s.processes = append(s.processes, p)
	w.notef("%s starts: %v, instance %q, %s first", p.name, s.mode, s.instance, s.assignors[0].Name())
	go p.main()
}

// startAgain starts a slot after a while, or when what is still there has ended. w.mu is held.
func (w *simWorld) startAgain(s *slot, d time.Duration) {
	w.after(d, func() { w.start(s) })
}

// kill ends the process without a word: nothing that it sends arrives any more.
func (s *slot) kill() {
	p := s.process
	if p == nil {
		return
	}
	p.w.notef("%s dies", p.name)
	p.dead = true
	s.process = nil
	close(p.gone)
	p.cancel()
}

// stop has the process end in good order.
func (s *slot) stop() {
	if s.process != nil {
		s.process.w.notef("%s shall end", s.process.name)
		s.process.cancel()
	}
}

func (p *process) main() {
	defer close(p.ended)
	var err error
	if p.slot.mode.runs() {
		err = p.run()
	} else {
		err = p.poll()
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if p.dead {
		return
	}
	p.w.ended(p, err)
	p.slot.process = nil
	p.w.startAgain(p.slot, time.Second)
}

func (p *process) options(chance *sim.Rand) []Option {
	options := []Option{
		Brokers("sim:9092"), Group("g"), ClientID(p.name), Assignors(p.slot.assignors...), ResetTo(Earliest), PollRecordsMax(1 + chance.IntN(20)),
		SessionTimeout(simSession), HeartbeatInterval(simHeartbeat), PollIntervalMax(simPollInterval), AutoCommit(time.Second),
		FetchWaitMax(500 * time.Millisecond), MetadataAgeMax(3 * time.Second), Timeouts(simRequest, 2*simRequest),
		Listen(Listener{Assigned: p.assigned, Revoked: p.revoked, Lost: p.lost}), p.transport,
	}
	if p.slot.instance != "" {
		options = append(options, InstanceID(p.slot.instance))
	}
	if p.slot.mode != pollAuto {
		options = append(options, NoAutoCommit())
	}
	if chance.Chance(300) {
		options = append(options, FetchBytes(1, 600, 200))
	}
	return append(options, p.w.bug.options(p)...)
}

// transport puts the simulated cluster in the place of the connections.
func (p *process) transport(c *config) {
	c.connect = func(*config) (brokers, error) { return p.link, nil }
	c.jitter = p.w.rand.Fork(p.name + " jitter").Float64
}

// sleep is work of the application; it ends early when the process is killed.
func (p *process) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.gone:
	}
}

// work is how long the application takes for a record. Once in a while that is longer than it may.
func (p *process) work(chance *sim.Rand) time.Duration {
	attack := false
	p.w.locked(func() { attack = p.w.attack })
	if attack {
		switch n := chance.IntN(1000); {
		case n < 12:
			return chance.Between(100*time.Millisecond, simPollInterval-time.Second)
		case n < 16:
			p.w.locked(func() { p.w.reach("an application was slow") })
			return chance.Between(simPollInterval, 2*simPollInterval)
		}
	}
	return chance.Between(0, time.Millisecond)
}

func (p *process) attacked() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.w.attack
}

func (p *process) isDead() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.dead
}

func (p *process) notef(format string, args ...any) {
	p.w.locked(func() { p.w.notef(p.name+": "+format, args...) })
}

func (p *process) call(in bool) {
	p.w.locked(func() { p.inCall = in })
}

func (p *process) assigned(ctx context.Context, c *Consumer, partitions []TopicPartition) {
	p.w.assigned(p, partitions)
	p.dawdle()
}

func (p *process) revoked(ctx context.Context, c *Consumer, partitions []TopicPartition) {
	p.w.called(p, "Revoked")
	switch p.slot.mode {
	case pollSync, pollAsync, pollExplicit:
		if p.rand.Chance(800) {
			if err := c.Commit(ctx); err != nil {
				p.notef("Commit in Revoked failed: %v", err)
			}
		}
	}
	p.dawdle()
	p.w.released(p, "revoked", partitions)
	p.w.bug.given(p, partitions)
}

func (p *process) unheard(context.Context, *Consumer, []TopicPartition) {}

func (p *process) lost(_ context.Context, _ *Consumer, partitions []TopicPartition) {
	p.w.released(p, "lost", partitions)
	p.dawdle()
}

// dawdle is a callback that takes a while.
func (p *process) dawdle() {
	if p.attacked() && p.rand.Chance(50) {
		p.sleep(p.rand.Between(0, 3*time.Second))
	}
}
