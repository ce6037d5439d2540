package consumer

import (
	"time"

	"github.com/skein-io/skein/internal/sim"
)

// produce appends records now and then, for as long as there is trouble.
func (w *simWorld) produce(chance *sim.Rand) {
	if !w.attack {
		return
	}
	w.logs[w.names[chance.IntN(len(w.names))]].produce(chance)
	w.after(chance.Between(0, 200*time.Millisecond), func() { w.produce(chance) })
}

// trouble does something bad now and then.
func (w *simWorld) trouble(chance *sim.Rand) {
	w.after(chance.Between(0, 3*time.Second), func() {
		if w.attack {
			w.misbehave(chance)
			w.trouble(chance)
		}
	})
}

func (w *simWorld) misbehave(chance *sim.Rand) {
	s := w.slots[chance.IntN(len(w.slots))]
	l := w.logs[w.names[chance.IntN(len(w.names))]]
	node := int32(chance.IntN(simNodes))
	known := w.topics()
	switch chance.IntN(12) {
	case 0, 1:
		w.reach("a process died")
		s.kill()
		w.startAgain(s, chance.Between(0, 6*time.Second))
	case 2, 3:
		w.reach("a process ended")
		s.stop()
		w.startAgain(s, chance.Between(0, 6*time.Second))
	case 4:
		w.reach("the coordinator moved")
		w.moveCoordinator(chance)
	case 5:
		w.reach("a node was cut off")
		w.cutOff(node, chance.Between(0, 4*time.Second))
	case 6: // and others take over what it has
		w.reach("a node failed")
		w.cutOff(node, chance.Between(time.Second, 6*time.Second))
		if w.coordinator.Node() == int(node) {
			w.moveCoordinator(chance)
		}
		for _, name := range w.names {
			if w.logs[name].leader == node {
				w.logs[name].elect(chance)
			}
		}
		w.before = known
	case 7, 8:
		w.reach("a leader moved")
		l.elect(chance)
		w.before = known
	case 9, 10:
		if p := s.process; p != nil { // its session may end while it works on
			w.reach("a process was cut off")
			d := chance.Between(0, 6*time.Second)
			w.notef("%s is cut off for %v", p.name, d)
			p.link.cut = true
			w.after(d, func() { p.link.cut = false })
		}
	case 11:
		w.reach("a topic grew")
		if len(w.names) < 12 {
			w.notef("topic %s grows", l.name.Topic)
			w.addPartition(l.name.Topic, chance)
			w.before = known
		}
	}
}

func (w *simWorld) moveCoordinator(chance *sim.Rand) {
	to := (w.coordinator.Node() + 1 + chance.IntN(simNodes-1)) % simNodes
	w.notef("the coordinator moves to node %d", to)
	w.coordinator.Move(to, chance.Between(0, time.Second))
}

func (w *simWorld) cutOff(node int32, d time.Duration) {
	w.notef("node %d is cut off for %v", node, d)
	w.cut[node] = true
	w.after(d, func() { w.cut[node] = false })
}

// heal ends the trouble.
func (w *simWorld) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notef("all is well")
	w.attack = false
	w.cut = [simNodes]bool{}
	for _, s := range w.slots {
		if s.process != nil {
			s.process.link.cut = false
		}
	}
	w.before = w.topics()
	for _, name := range w.names {
		w.logs[name].catchUp(100 * time.Millisecond)
	}
	for _, s := range w.slots {
		w.startAgain(s, 0)
	}
}
