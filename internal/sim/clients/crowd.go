package clients

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// Counts are how many clients there are of each kind.
type Counts struct {
	Idempotent    int  // producers with sequence numbers, up to World.Window batches under way
	Plain         int  // producers without, acks 1 or all
	Readers       int  // consumers with partitions of their own choice
	Members       int  // of the consumer group
	Committers    int  // that commit offsets without being members
	DeleteRecords bool // the administrator deletes records too
	Operator      bool // there is one
}

// Crowd is the clients of a run.
type Crowd struct {
	world      *World
	producers  []*Producer
	readers    []*Reader
	members    []*Member
	committers []*Committer
	admin      *Admin
	operator   *Operator // nil without
}

// NewCrowd makes clients that do nothing yet.
func NewCrowd(w *World, n Counts) *Crowd {
	c := &Crowd{world: w}
	place := w.Rand("places")
	for i := range n.Idempotent {
		c.producers = append(c.producers, newProducer(w, fmt.Sprint("idempotent", i), int32(place.IntN(w.Partitions)), true))
	}
	for i := range n.Plain {
		c.producers = append(c.producers, newProducer(w, fmt.Sprint("plain", i), int32(place.IntN(w.Partitions)), false))
	}
	for i := range n.Readers {
		c.readers = append(c.readers, newReader(w, fmt.Sprint("reader", i)))
	}
	for i := range n.Members {
		instance := ""
		if place.Chance(400) {
			instance = fmt.Sprint("instance", i-place.IntN(2)) // two may claim one
		}
		c.members = append(c.members, newMember(w, fmt.Sprint("member", i), instance))
	}
	for i := range n.Committers {
		c.committers = append(c.committers, newCommitter(w, fmt.Sprint("committer", i)))
	}
	c.admin = newAdmin(w, n.DeleteRecords)
	if n.Operator {
		c.operator = newOperator(w)
	}
	return c
}

// Start has the topic created, lets everybody work, and calls then.
func (c *Crowd) Start(then func()) {
	c.admin.start(func() {
		for _, p := range c.producers {
			p.start()
		}
		for _, r := range c.readers {
			r.start()
		}
		for _, m := range c.members {
			m.start()
		}
		for _, k := range c.committers {
			k.loop()
		}
		if c.operator != nil {
			c.operator.start()
		}
		then()
	})
}

// Clients lists what all of them have in common.
func (c *Crowd) Clients() []*Client {
	all := []*Client{c.admin.Client}
	if c.operator != nil {
		all = append(all, c.operator.Client)
	}
	for _, p := range c.producers {
		all = append(all, p.Client)
	}
	for _, r := range c.readers {
		all = append(all, r.Client)
	}
	for _, m := range c.members {
		all = append(all, m.Client)
	}
	for _, k := range c.committers {
		all = append(all, k.Client)
	}
	return all
}

// Misbehave lets a member or a reader do what clients do. choose gives a number below n.
func (c *Crowd) Misbehave(choose func(n int) int) {
	n := len(c.members) + len(c.readers)
	if n == 0 {
		return
	}
	if i := choose(n); i < len(c.members) {
		c.members[i].misbehave()
	} else {
		c.readers[i-len(c.members)].crash()
	}
}

// progress is how far everybody is.
type progress struct {
	acked   []int
	commits []int64
	admin   int
}

func (c *Crowd) progress() progress {
	p := progress{admin: c.admin.done}
	for _, x := range c.producers {
		p.acked = append(p.acked, x.acked)
	}
	for _, x := range c.committers {
		p.commits = append(p.commits, x.committed)
	}
	return p
}

// beyond says that everybody has got on since.
func (p progress) beyond(before progress) bool {
	for i := range p.acked {
		if p.acked[i] == before.acked[i] {
			return false
		}
	}
	for i := range p.commits {
		if p.commits[i] == before.commits[i] {
			return false
		}
	}
	return p.admin != before.admin
}

// DemandProgress lets the world run without faults. After settle everybody must get on within heal, the group must be
// stable, and what producers have under way be acknowledged when they begin nothing new. settle ends early when everybody
// has got on, the group is stable, and atRest says that nothing else is to be waited for; without atRest it does not.
func (c *Crowd) DemandProgress(settle, heal time.Duration, atRest func() bool) {
	w := c.world
	limit, begin := w.Now().Add(settle), c.progress()
	if atRest == nil {
		w.Run(limit)
	}
	rests := func() bool { return c.progress().beyond(begin) && c.unstable() == nil && atRest() }
	for w.Now() < limit {
		if rests() {
			c.demandQuiet()
			return
		}
		w.Run(w.Now().Add(100 * time.Millisecond))
	}
	c.demandMore(heal)
	if f := c.unstable(); f != nil {
		w.Wrong(f.class, f.about, "%s", f.message)
	}
	c.demandQuiet()
}

// demandMore: within a while everybody gets on.
func (c *Crowd) demandMore(heal time.Duration) {
	w, before := c.world, c.progress()
	w.Run(w.Now().Add(heal))
	after := c.progress()
	for i, p := range c.producers {
		if after.acked[i] == before.acked[i] {
			w.Wrong("liveness", p.Name, "nothing was acknowledged; %d batches wait, %d are under way", len(p.batches), p.underway)
		}
	}
	for i, k := range c.committers {
		if after.commits[i] == before.commits[i] {
			w.Wrong("liveness", k.Name, "nothing was committed")
		}
	}
	if after.admin == before.admin {
		w.Wrong("liveness", c.admin.Name, "no topic was created and no records deleted")
	}
}

// demandQuiet: when producers begin nothing new, what they have under way is acknowledged.
func (c *Crowd) demandQuiet() {
	w := c.world
	w.Quiet = true
	w.Run(w.Now().Add(3 * time.Second))
	for _, p := range c.producers {
		if len(p.batches) > 0 {
			w.Wrong("liveness", p.Name, "%d batches are not acknowledged although nothing else is to be done", len(p.batches))
		}
	}
}

// instability is why a group is not stable.
type instability struct{ class, about, message string }

// unstable is nil if the group is stable: one generation, every partition owned once. Members that claim one instance id fence
// each other for ever; then only two owners would be wrong, which the history shows.
func (c *Crowd) unstable() *instability {
	w := c.world
	instances := map[string]bool{}
	for _, m := range c.members {
		if m.instance != "" && instances[m.instance] {
			return nil
		}
		instances[m.instance] = true
	}
	owners := map[int32]string{}
	for _, m := range c.members {
		if !m.stable || m.generation != c.members[0].generation {
			return &instability{"liveness", m.process(), fmt.Sprintf("not stable in generation %d, which %s is in: generation %d, stable %v, joining %v",
				c.members[0].generation, c.members[0].Name, m.generation, m.stable, m.joining)}
		}
		for _, index := range m.owned {
			if other, taken := owners[index]; taken {
				return &instability{"owners", w.Group, fmt.Sprintf("partition %d belongs to %s and %s", index, other, m.Name)}
			}
			owners[index] = m.Name
		}
	}
	if len(c.members) > 0 && len(owners) != w.Partitions {
		return &instability{"owners", w.Group, fmt.Sprintf("of %d partitions these have an owner: %v", w.Partitions, owners)}
	}
	return nil
}

// ReadAll has a new reader read every partition from its start to the given ends, within a limit.
func (c *Crowd) ReadAll(ends map[check.Partition]record.Offset, limit time.Duration) {
	w := c.world
	last := newReader(w, "last")
	last.until = ends
	read := false
	last.done = func() { read = true }
	last.start()
	if _, err := w.RunUntil(w.Now().Add(limit), func() bool { return read }); err != nil || !read {
		w.Wrong("liveness", "last", "the last reader stands at %v and should reach %v: %v", last.cursor.at(), ends, err)
	}
}
