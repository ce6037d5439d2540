package consumer

import (
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/link"
)

// simBug is a mistake that is planted into a consumer, its way to the cluster or its program, to see that a check finds
// it.
type simBug struct {
	nullKeys       bool // keys are not in the records
	latest         bool // a partition without a committed offset begins at the end
	anyOrder       bool // a program that wants partitions in order asks for the order of keys
	commitsNothing bool // Commit says that it was carried out
	commitsAhead   bool // one more than is processed is committed
	commitsFirst   bool // the program commits what Poll returned, and works on it then
	commitsBack    bool // the first commit of a partition is sent again now and then
	allToAll       bool // the leader gives all to everybody
	goesBack       bool // the position is set back now and then
	keeps          bool // a partition is there again after it was given up
	forgets        bool // a partition is paused, and nobody resumes it
	interrupts     bool // callbacks run at any time
	silent         bool // nobody is told that a partition is given up
}

// commit is what is sent instead of these offsets. w.mu is not held.
func (b *simBug) commit(p *process, items []link.CommitItem) []link.CommitItem {
	if !b.commitsAhead && !b.commitsBack {
		return items
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	changed := append([]link.CommitItem(nil), items...)
	for i := range changed {
		first, known := p.firsts[changed[i].Name]
		switch {
		case b.commitsAhead:
			changed[i].At.Offset++
		case !known:
			p.firsts[changed[i].Name] = changed[i]
		case p.link.draw("an old commit").Chance(200):
			changed[i] = first
		}
	}
	return changed
}

// begin is called when a program that polls begins.
func (b *simBug) begin(p *process) {
	if !b.interrupts {
		return
	}
	go func() {
		for p.ctx.Err() == nil {
			p.sleep(50 * time.Millisecond)
			p.c.work(p.ctx)
		}
	}()
}

// polled is called when Poll has returned.
func (b *simBug) polled(p *process) {
	c := p.c
	if b.commitsFirst {
		_ = c.CommitAsync(nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, part := range c.table.All() {
		switch {
		case b.goesBack && part.Position.Offset > 2 && p.rand.Chance(50):
			back := part.Position
			back.Offset -= 2
			c.table.Seek(part.Name, back)
		case b.forgets && part.Position.Offset > 20:
			c.table.Pause(part.Name, true)
		}
	}
}

// given is called at the end of Revoked.
func (b *simBug) given(p *process, partitions []TopicPartition) {
	if !b.keeps || p.c == nil {
		return
	}
	time.AfterFunc(time.Millisecond, func() {
		p.c.mu.Lock()
		defer p.c.mu.Unlock()
		p.c.table.Add(partitions...)
		p.c.leaders()
		p.c.advance(time.Now())
	})
}

// options are set last.
func (b *simBug) options(p *process) (options []Option) {
	if b.latest {
		options = append(options, ResetTo(Latest))
	}
	if b.silent {
		options = append(options, Listen(Listener{Assigned: p.assigned, Revoked: p.unheard, Lost: p.unheard}))
	}
	if b.allToAll {
		options = append(options, Assignors(allToAll{assign.Range()}))
	}
	return options
}

// allToAll gives every partition to every member.
type allToAll struct{ assign.Assignor }

func (a allToAll) Assign(g assign.Group) (assign.Plan, error) {
	plan, err := a.Assignor.Assign(g)
	var all []TopicPartition
	for _, partitions := range plan {
		all = append(all, partitions...)
	}
	for _, m := range g.Members {
		plan[m.ID] = all
	}
	return plan, err
}

// TestSimPlantedMistakes: each is found within a few seeds, for the reason that is given.
func TestSimPlantedMistakes(t *testing.T) {
	oneProcessor(t)
	for _, c := range []struct {
		name string
		bug  simBug
		says string
	}{
		{"a partition begins at its end", simBug{latest: true}, "is the first, and"},
		{"the position goes back", simBug{goesBack: true}, "comes after"},
		{"a partition is handled in the order of keys", simBug{anyOrder: true}, "is handled beside map"},
		{"keys are null", simBug{nullKeys: true}, "which has the same key"},
		{"the leader gives all to everybody", simBug{allToAll: true}, "is delivered to"},
		{"a commit is ahead", simBug{commitsAhead: true}, "is committed, and"},
		{"a program commits first", simBug{commitsFirst: true}, "is committed, and"},
		{"a commit is sent again later", simBug{commitsBack: true}, "is committed after"},
		{"a commit is not sent", simBug{commitsNothing: true}, "and 0 is committed"},
		{"a partition comes back", simBug{keeps: true}, "and the partition is not held"},
		{"nobody is told", simBug{silent: true}, "which it was not told to give up"},
		{"callbacks run at any time", simBug{interrupts: true}, "runs outside of Poll"},
		{"a partition is not read on", simBug{forgets: true}, "it hangs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(40) {
				for _, found := range runSim(t, seed, c.bug).found {
					if strings.Contains(found, c.says) {
						t.Logf("seed %d: %s", seed, found)
						return
					}
				}
			}
			t.Fatal("not found in 40 seeds")
		})
	}
}
