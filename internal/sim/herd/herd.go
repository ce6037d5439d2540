// Package herd lets old consumers loose on a tree in memory, in virtual time: the same members as on a real ZooKeeper
// (oldconsumer.Member), with requests, answers and notifications as late as somebody says. What happened is told as it happens.
package herd

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/oldconsumer"
	"github.com/skein-io/skein/internal/oldconsumer/memtree"
	"github.com/skein-io/skein/internal/sim"
)

// The one group and topic of a herd.
const (
	Group = "readers"
	Topic = "orders"
)

// Options are what a herd starts from.
type Options struct {
	Partitions     int
	PerSecond      int64 // records, of each partition
	Settings       oldconsumer.Settings
	SessionTimeout time.Duration
	// RequestDelay and NotifyDelay are how long a request of a member takes with its answer, half of it before it is done, and how
	// late a notification comes.
	RequestDelay, NotifyDelay func(member string) time.Duration
	// Tell is told everything, in order.
	Tell func(Happening)
}

// Happening is something that a member did, or that was done to it.
type Happening struct {
	At     time.Duration
	Member string
	Kind   Kind
	// Request and Answer are set for Asked and Answered, Path for Notified, Note for Noted.
	Request oldconsumer.Request
	Answer  oldconsumer.Answer
	Path    string
	Note    oldconsumer.Note
}

// Kind is which fields a Happening has.
type Kind uint8

const (
	Asked Kind = iota
	Answered
	Notified
	Noted
	// SessionEnded: ZooKeeper has ended the session. The member may not know.
	SessionEnded
)

// Herd is members on a tree. It belongs to one goroutine.
type Herd struct {
	Tree    *memtree.Tree
	world   *sim.World
	o       Options
	members map[string]*process
	session memtree.Session
	bySess  map[memtree.Session]*process
}

// process is a member with its way to the tree.
type process struct {
	herd    *Herd
	member  *oldconsumer.Member
	session memtree.Session // 0 while it has none
	cut     bool
	dead    bool
	missed  []string // notifications that wait for Heal
	lives   int      // sessions and cuts so far: what is under way from before is lost
	waiting *oldconsumer.Request
	wakes   map[oldconsumer.Timer]*sim.Timer
	fx      oldconsumer.Effects
}

// New makes a tree with one broker and the topic, and nobody on it.
func New(world *sim.World, o Options) *Herd {
	h := &Herd{Tree: memtree.New(), world: world, o: o, members: map[string]*process{}, bySess: map[memtree.Session]*process{}}
	h.Tree.Put(oldconsumer.BrokerIDsPath+"/1", nil)
	h.Tree.Put(oldconsumer.BrokerTopicsPath+"/"+Topic, oldconsumer.FormatTopic(o.Partitions, 1))
	h.Tree.Put(oldconsumer.IDsPath(Group), nil)
	h.Tree.Put(oldconsumer.OwnersPath(Group)+"/"+Topic, nil)
	for p := range o.Partitions {
		h.Tree.Put(oldconsumer.OffsetPath(Group, Topic, int32(p)), []byte("0"))
	}
	return h
}

// Now is the virtual time.
func (h *Herd) Now() time.Duration { return h.world.Now().Sub(0) }

// Join starts a member.
func (h *Herd) Join(name string) {
	p := &process{herd: h, member: oldconsumer.NewMember(Group, Topic, name, h.o.Settings, oldconsumer.Log{PerSecond: h.o.PerSecond}),
		wakes: map[oldconsumer.Timer]*sim.Timer{}}
	h.members[name] = p
	p.connect()
}

// Leave ends a member in good order, all at once.
func (h *Herd) Leave(name string) {
	p := h.members[name]
	p.fx.Reset()
	for _, r := range p.member.Leave(h.Now(), &p.fx) {
		p.tell(Happening{Kind: Asked, Request: r})
		_, fired := h.Tree.Do(p.session, r)
		h.notify(fired)
	}
	p.notes()
	p.end()
	h.notify(h.Tree.End(p.session))
}

// Kill ends a member without a word: its session ends when its timeout is over.
func (h *Herd) Kill(name string) {
	p := h.members[name]
	for _, partition := range p.member.Reading() {
		p.tell(Happening{Kind: Noted, Note: oldconsumer.Note{Kind: oldconsumer.Stopped, Partition: partition}})
	}
	p.end()
	p.expireLater()
}

// Cut lets a member and ZooKeeper hear nothing of each other, until Heal. What it reads, it goes on reading.
func (h *Herd) Cut(name string) {
	p := h.members[name]
	p.cut = true
	p.lives++
	p.expireLater()
}

// Heal ends Cut. The member learns whether its session is over.
func (h *Herd) Heal(name string) {
	p := h.members[name]
	p.cut = false
	p.lives++
	if p.session == 0 {
		p.waiting, p.missed = nil, nil
		p.step(oldconsumer.SessionExpired{})
		p.connect()
		return
	}
	if p.waiting != nil {
		p.send(*p.waiting)
	}
	missed := p.missed
	p.missed = nil
	for _, path := range missed {
		p.notified(path)
	}
}

// Note wants everybody to note what was read so far.
func (h *Herd) Note() {
	for _, name := range sortedNames(h.members) {
		h.members[name].step(oldconsumer.Asked{})
	}
}

// Reading is the partitions that a member reads, whether it may or not.
func (h *Herd) Reading(name string) []int32 {
	if p := h.members[name]; !p.dead {
		return p.member.Reading()
	}
	return nil
}

// State is where everybody stands, for those who look for a mistake.
func (h *Herd) State() string {
	said := ""
	for _, name := range sortedNames(h.members) {
		said += fmt.Sprintf("%v dead=%v reads %v\n", h.members[name].member, h.members[name].dead, h.Reading(name))
	}
	return said
}

func (p *process) connect() {
	p.herd.session++
	p.session = p.herd.session
	p.herd.bySess[p.session] = p
	p.step(oldconsumer.SessionBegun{})
}

func (p *process) end() {
	p.dead = true
	p.lives++
	for _, t := range p.wakes {
		t.Stop()
	}
}

// expireLater ends the session when its timeout is over, if nothing is heard of the member before.
func (p *process) expireLater() {
	session, lives := p.session, p.lives
	p.herd.world.After(p.herd.o.SessionTimeout, func() {
		if p.lives != lives {
			return
		}
		p.session = 0
		p.tell(Happening{Kind: SessionEnded})
		p.herd.notify(p.herd.Tree.End(session))
	})
}

// step gives the member an event and does what comes of it.
func (p *process) step(event oldconsumer.Event) {
	if p.dead {
		return
	}
	p.fx.Reset()
	p.member.Step(p.herd.Now(), event, &p.fx)
	p.notes()
	for _, w := range p.fx.Wakes {
		if t := p.wakes[w.Timer]; t != nil {
			t.Stop()
		}
		timer := w.Timer
		p.wakes[timer] = p.herd.world.At(sim.Instant(w.At), func() { p.step(oldconsumer.Woken{Timer: timer}) })
	}
	if p.fx.Request != nil {
		p.send(*p.fx.Request)
	}
}

func (p *process) notes() {
	for _, n := range p.fx.Notes {
		p.tell(Happening{Kind: Noted, Note: n})
	}
}

// send lets a request be done after half of its time, and answered after the other half. What is sent while the member is cut off waits.
func (p *process) send(r oldconsumer.Request) {
	p.waiting = &r
	if p.cut {
		return
	}
	p.tell(Happening{Kind: Asked, Request: r})
	lives, half := p.lives, p.herd.o.RequestDelay(p.member.Name())/2
	p.herd.world.After(half, func() {
		if p.lives != lives {
			return
		}
		answer, fired := p.herd.Tree.Do(p.session, r)
		p.herd.notify(fired)
		p.herd.world.After(half, func() {
			if p.lives != lives {
				return
			}
			p.waiting = nil
			p.tell(Happening{Kind: Answered, Request: r, Answer: answer})
			p.step(oldconsumer.Answered{Answer: answer})
		})
	})
}

// notify tells members of watches that fired, each in its time.
func (h *Herd) notify(fired []memtree.Fired) {
	for _, f := range fired {
		p := h.bySess[f.Session]
		h.world.After(h.o.NotifyDelay(p.member.Name()), func() {
			switch {
			case p.dead || p.session != f.Session:
			case p.cut:
				p.missed = append(p.missed, f.Path)
			default:
				p.notified(f.Path)
			}
		})
	}
}

func (p *process) notified(path string) {
	p.tell(Happening{Kind: Notified, Path: path})
	p.step(oldconsumer.Notified{Path: path})
}

func (p *process) tell(what Happening) {
	what.At, what.Member = p.herd.Now(), p.member.Name()
	if p.herd.o.Tell != nil {
		p.herd.o.Tell(what)
	}
}
