package modern

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// witness holds what must be true of all members together. It believes only what is sent, what is answered, and what the
// application is told.
type witness struct {
	w       *simWorld
	found   []string
	reached map[string]int

	holds   map[*process]map[partition]hold // from Grant to Released, Lose or death
	epochs  map[*process]int32              // of the last answer that was taken
	over    map[*process]bool               // the member was told that this epoch is over
	unheard map[*process]bool               // the last heartbeat has no good answer
	latest  map[partition]tenure            // who had it last
}

// tenure is the last epoch in which a member had a partition: that of the tokens of its last records.
type tenure struct {
	who   string
	epoch int32
}

type hold struct {
	name membership.TopicPartition
	life int // of the member, by the coordinator's count
}

func newWitness(w *simWorld) *witness {
	return &witness{w: w, reached: map[string]int{}, holds: map[*process]map[partition]hold{}, epochs: map[*process]int32{},
		over: map[*process]bool{}, unheard: map[*process]bool{}, latest: map[partition]tenure{}}
}

func (v *witness) reach(what string) { v.reached[what]++ }

func (v *witness) wrong(format string, args ...any) {
	if len(v.found) < 5 {
		text := fmt.Sprintf("%v: ", v.w.Now()) + fmt.Sprintf(format, args...)
		v.w.Notef("WRONG %s", text)
		v.found = append(v.found, text)
	}
}

// before sees an answer that the member waits for.
func (v *witness) before(p *process, e membership.Event) {
	answer, ok := e.(membership.ConsumerBeaten)
	if !ok || answer.Attempt != p.m.open.attempt || p.m.open.kind != heartbeat {
		return
	}
	switch {
	case answer.Failure.OK():
		v.epochs[p], v.over[p], v.unheard[p] = answer.Epoch, false, false
	case answer.Failure.Code == membership.UnknownMemberID, answer.Failure.Code == membership.FencedMemberEpoch:
		v.reach("a member was fenced")
		v.over[p] = true
		fallthrough
	default:
		v.unheard[p] = true
	}
}

// after sees what the machine wants.
func (v *witness) after(p *process, out membership.Effects) {
	defer v.tokens(p)
	for _, effect := range out {
		switch e := effect.(type) {
		case membership.Grant:
			v.grant(p, e)
		case membership.Lose:
			v.reach("partitions were lost")
			for key, h := range v.holds[p] {
				if slices.Contains(e.Partitions, h.name) {
					delete(v.holds[p], key)
				}
			}
		case membership.ConsumerHeartbeat:
			v.sent(p, e)
		}
	}
}

// tokens notes in which epochs a member's records are.
func (v *witness) tokens(p *process) {
	for _, h := range p.m.owned {
		if p.m.epoch >= v.latest[h.key()].epoch {
			v.latest[h.key()] = tenure{p.place(), p.m.epoch}
		}
	}
}

// place is whose member a process is: a static member's next process has the place of the last, and its epoch.
func (p *process) place() string {
	if p.slot.instance != "" {
		return p.slot.instance
	}
	return p.name
}

// sent: a heartbeat is of the epoch that the coordinator has given, and says everything after a failure.
func (v *witness) sent(p *process, e membership.ConsumerHeartbeat) {
	switch {
	case e.Epoch < joining:
		return
	case e.Epoch > joining && (v.over[p] || e.Epoch != v.epochs[p]):
		v.wrong("%s sends a heartbeat of epoch %d, which is over", p.name, e.Epoch)
	case (v.unheard[p] || e.Epoch == joining) && (!e.Full || e.Owned == nil || e.Topics == nil && len(p.m.topics) > 0):
		v.wrong("%s does not say everything, though the last heartbeat was not answered well", p.name)
	case e.Epoch == joining && len(v.holds[p]) > 0:
		v.wrong("%s joins and holds %d partitions", p.name, len(v.holds[p]))
	}
	if e.Owned == nil {
		return
	}
	for key, h := range v.holds[p] {
		if !slices.Contains(e.Owned, key) {
			v.wrong("%s says that it does not hold %v, and does", p.name, h.name)
		}
	}
}

// claimed: what a member says that it does not hold, it does not hold when the coordinator hears of it.
func (v *witness) claimed(p *process, m *enrolled, e membership.ConsumerHeartbeat) {
	if e.Owned == nil {
		return
	}
	for key, h := range v.holds[p] {
		if h.life == m.life && !slices.Contains(e.Owned, key) && !p.dead {
			v.wrong("%s holds %v when the coordinator hears that it does not", p.name, h.name)
		}
	}
}

// grant: what a member gets it was assigned, and nobody else has it who is in the group by the coordinator. It gets it in a
// later epoch than anybody had it, so that a store that keeps the highest epoch refuses who had it before.
func (v *witness) grant(p *process, e membership.Grant) {
	if e.Generation != v.epochs[p] {
		v.wrong("%s has a Grant of epoch %d in epoch %d", p.name, e.Generation, v.epochs[p])
	}
	if v.holds[p] == nil {
		v.holds[p] = map[partition]hold{}
	}
	for _, h := range p.m.owned {
		if !slices.Contains(e.Added, h.TopicPartition) {
			continue
		}
		key := h.key()
		if last := v.latest[key]; last.who != "" && last.who != p.place() && e.Generation <= last.epoch {
			v.wrong("%s gets %v in epoch %d, and %s had it in %d", p.name, h.TopicPartition, e.Generation, last.who, last.epoch)
		}
		for _, other := range v.w.processes {
			if held, holds := v.holds[other][key]; holds && other != p {
				m := v.w.coordinator.members[other.m.MemberID()]
				if m != nil && m.life == held.life {
					v.wrong("%v is granted to %s, and %s holds it, which is in the group", held.name, p.name, other.name)
				} else {
					v.reach("a partition was taken from a member that is not in the group")
				}
			}
		}
		v.holds[p][key] = hold{name: h.TopicPartition, life: p.life}
	}
}

// released: the application has given up what a Revoke named.
func (v *witness) released(p *process, t simTask) {
	if p.m.ticket != t.ticket {
		return
	}
	for key, h := range v.holds[p] {
		if slices.Contains(t.names, h.name) {
			delete(v.holds[p], key)
			v.reach("a partition was given up")
		}
	}
}

// gone: the process holds nothing any more.
func (v *witness) gone(p *process) {
	if p.over && len(v.holds[p]) > 0 {
		v.wrong("%s has ended and holds %d partitions", p.name, len(v.holds[p]))
	}
	delete(v.holds, p)
}

// settled looks at the end: every partition that somebody subscribes to has one owner, and nothing goes on but a heartbeat
// each interval.
func (v *witness) settled(beatsBefore map[*process]int) {
	owners := map[partition][]string{}
	wanted := map[string]bool{}
	for _, p := range v.w.processes {
		if p.dead {
			continue
		}
		if p.m.Rebalancing() || p.m.Generation() < 0 {
			v.wrong("%s is not settled at the end: it %s", p.name, p.m.Explain(v.w.Wall()))
		}
		for _, topic := range p.slot.topics {
			wanted[topic] = true
		}
		for _, h := range p.m.owned {
			owners[h.key()] = append(owners[h.key()], p.name)
			if _, ok := v.holds[p][h.key()]; !ok {
				v.wrong("%s owns %v, which was not granted", p.name, h.TopicPartition)
			}
		}
		if n := len(v.holds[p]); n != len(p.m.owned) {
			v.wrong("%s holds %d partitions, and owns %d", p.name, n, len(p.m.owned))
		}
		if n := p.beats - beatsBefore[p]; n > int(simQuiet/simInterval)+1 {
			v.wrong("%s has sent %d heartbeats in the last %v", p.name, n, simQuiet)
		}
	}
	var bad []string
	for name, t := range v.w.topics {
		for n := range t.partitions {
			if got := owners[partition{ID: t.id, Partition: n}]; wanted[name] && len(got) != 1 {
				bad = append(bad, fmt.Sprintf("%s-%d %v", name, n, got))
			}
		}
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		v.wrong("owners at the end: %s", strings.Join(bad, ", "))
	}
}

// closed: what was closed has ended in time.
func (v *witness) closed() {
	for _, p := range v.w.processes {
		if p.closing && !p.dead && v.w.Now().Sub(p.closedAt) > 40*time.Second {
			v.wrong("%s was closed %v ago and has not ended: it %s", p.name, v.w.Now().Sub(p.closedAt), p.m.Explain(v.w.Wall()))
		}
	}
}
