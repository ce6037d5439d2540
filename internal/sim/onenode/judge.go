package onenode

import (
	"fmt"
	"time"
)

// progress is how far everybody is.
type progress struct {
	acked   []int
	commits []int64
	admin   int
}

func (w *world) progress() progress {
	p := progress{admin: w.admin.done}
	for _, x := range w.producers {
		p.acked = append(p.acked, x.acked)
	}
	for _, x := range w.committers {
		p.commits = append(p.commits, x.serial)
	}
	return p
}

// demandProgress lets the world run without faults. After a while everybody must get on.
func (w *world) demandProgress() {
	w.run(w.Now().Add(w.options.Settle))
	before := w.progress()
	w.run(w.Now().Add(w.options.Heal))
	after := w.progress()
	if w.node.life == nil {
		w.wrong("liveness", brokerName, "the broker does not run %v after the faults", w.options.Settle+w.options.Heal)
		return
	}
	for i, p := range w.producers {
		if after.acked[i] == before.acked[i] {
			w.wrong("liveness", p.name, "nothing was acknowledged; %d batches wait, %d are under way", len(p.batches), p.underway)
		}
	}
	for i, c := range w.committers {
		if after.commits[i] == before.commits[i] {
			w.wrong("liveness", c.name, "nothing was committed")
		}
	}
	if after.admin == before.admin {
		w.wrong("liveness", w.admin.name, "no topic was created and no records deleted")
	}
	w.demandStableGroup()
	w.quiet = true
	w.run(w.Now().Add(3 * time.Second))
	for _, p := range w.producers {
		if len(p.batches) > 0 {
			w.wrong("liveness", p.name, "%d batches are not acknowledged although nothing else is to be done", len(p.batches))
		}
	}
}

// demandStableGroup: one generation, every partition owned once. Members that claim one instance id fence each other for
// ever; then only two owners would be wrong, which the history shows.
func (w *world) demandStableGroup() {
	instances := map[string]bool{}
	for _, m := range w.members {
		if m.instance != "" && instances[m.instance] {
			return
		}
		instances[m.instance] = true
	}
	owners := map[int32]string{}
	for _, m := range w.members {
		if !m.stable || m.generation != w.members[0].generation {
			w.wrong("liveness", m.process(), "not stable in generation %d, which %s is in: generation %d, stable %v, joining %v",
				w.members[0].generation, w.members[0].name, m.generation, m.stable, m.joining)
			return
		}
		for _, index := range m.owned {
			if other, taken := owners[index]; taken {
				w.wrong("owners", groupName, "partition %d belongs to %s and %s", index, other, m.name)
			}
			owners[index] = m.name
		}
	}
	if len(owners) != w.options.Partitions {
		w.wrong("owners", groupName, "of %d partitions these have an owner: %v", w.options.Partitions, owners)
	}
}

// giveProducerID notes who was given a producer id: nobody else may get it.
func (w *world) giveProducerID(to string, id int64) { w.give("producer-id", fmt.Sprint(id), to) }

// giveMemberID notes who was given a member id.
func (w *world) giveMemberID(to, instance, id string) {
	if id != "" && instance == "" {
		w.give("member-id", id, to)
	}
}

func (w *world) give(kind, id, to string) {
	if w.given == nil {
		w.given = map[string]string{}
	}
	if other, taken := w.given[kind+id]; taken && other != to {
		w.wrong(kind, id, "it was given to %s and to %s", other, to)
	}
	w.given[kind+id] = to
}
