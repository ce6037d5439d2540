package membership

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/group"
)

// witness holds what must be true of all machines together. It believes only what is sent, what is answered, and what
// the application is told.
type witness struct {
	w       *simWorld
	found   []string
	reached map[string]int

	granted map[grant]string                     // who got a partition in a generation
	holds   map[*process]map[TopicPartition]hold // from Grant to Released or Lose
	took    map[int32]map[*process]bool          // who was told by the coordinator that it is in a generation
	stable  int32                                // the last generation whose assignment is in the coordinator's log
	dropped map[*process]map[membershipID]bool   // generations that a member was told are over
	synced  map[*process]Synced                  // the answer that is being stepped
	has     map[*process]int32                   // the generation of the last Grant
	told    map[*process]int32                   // the last generation of which a member was told that it ends
}

type grant struct {
	generation int32
	partition  TopicPartition
}

type hold struct {
	generation int32  // of the Grant
	ticket     uint64 // of the Revoke that has not been carried out
}

type membershipID struct {
	id         string
	generation int32
}

func newWitness(w *simWorld) *witness {
	return &witness{w: w, reached: map[string]int{}, granted: map[grant]string{}, holds: map[*process]map[TopicPartition]hold{},
		took: map[int32]map[*process]bool{}, dropped: map[*process]map[membershipID]bool{}, synced: map[*process]Synced{}, has: map[*process]int32{}, told: map[*process]int32{}}
}

func (v *witness) reach(what string) { v.reached[what]++ }

func (v *witness) wrong(format string, args ...any) {
	if len(v.found) < 5 {
		text := fmt.Sprintf("%v: ", v.w.Now()) + fmt.Sprintf(format, args...)
		v.w.Notef("WRONG %s", text)
		v.found = append(v.found, text)
	}
}

// answer is called when the coordinator answers, whether or not the answer arrives.
func (v *witness) answer(p *process, body group.Body) {
	if r, ok := body.(*group.JoinReply); ok && r.Err == nil {
		if v.took[r.Generation] == nil {
			v.took[r.Generation] = map[*process]bool{}
		}
		v.took[r.Generation][p] = true
	}
}

// moved: the next coordinator knows of no generation that is not in the log, and gives its number again.
func (v *witness) moved() {
	for generation := range v.took {
		if generation > v.stable {
			delete(v.took, generation)
		}
	}
}

// before sees an event, and what it ends.
func (v *witness) before(p *process, e Event) {
	delete(v.synced, p)
	over := func(f Failure, id string, generation int32) {
		if f.Code != UnknownMemberID && f.Code != IllegalGeneration {
			return
		}
		if v.dropped[p] == nil {
			v.dropped[p] = map[membershipID]bool{}
		}
		v.dropped[p][membershipID{id, generation}] = true
		v.reach("a generation was lost")
	}
	switch e := e.(type) {
	case Joined:
		if e.Failure.OK() { // a coordinator that moved may give a number again
			delete(v.dropped[p], membershipID{e.MemberID, e.Generation})
		}
	case Beaten:
		if e.Attempt == p.beat.Attempt && e.Attempt == p.m.beat { // it waits for this one
			over(e.Failure, p.beat.MemberID, p.beat.Generation)
			if e.Failure.Code == RebalanceInProgress {
				v.told[p] = p.beat.Generation
			}
		}
	case GenerationLost:
		if e.Code == RebalanceInProgress {
			v.told[p] = max(v.told[p], e.Generation)
		}
	case Synced:
		if e.Attempt == p.last.Attempt && p.m.State() == Syncing {
			over(e.Failure, p.last.MemberID, p.last.Generation)
			if e.Failure.OK() {
				v.synced[p] = e
			}
		}
	}
}

// after sees what the machine wants.
func (v *witness) after(p *process, e Event, out Effects) {
	for _, effect := range out {
		switch e := effect.(type) {
		case Grant:
			v.grant(p, e)
		case Revoke:
			for _, tp := range e.Partitions {
				if h, ok := v.holds[p][tp]; ok {
					h.ticket = e.Ticket
					v.holds[p][tp] = h
				}
			}
		case Lose:
			for _, tp := range e.Partitions {
				delete(v.holds[p], tp)
			}
			v.reach("partitions were lost")
		case Heartbeat:
			v.sent(p, "Heartbeat", e.MemberID, e.Generation)
		case Sync:
			v.sent(p, "SyncGroup", e.MemberID, e.Generation)
		case Join:
			if e.Generation >= 0 {
				v.sent(p, "JoinGroup", e.MemberID, e.Generation)
			}
			if e.Reason == rebalancing && v.told[p] < e.Generation {
				v.wrong("%s joins in generation %d because %d ended", p.name, e.Generation, v.told[p])
			}
			if !v.w.cooperative && len(v.holds[p]) > 0 {
				v.wrong("%s joins with %d partitions that it has not given up", p.name, len(v.holds[p]))
			}
		}
	}
	v.assigned(p)
}

// assigned: a member that is content has the assignment of its generation.
func (v *witness) assigned(p *process) {
	if m := p.m; m.State() == Stable && !m.Rebalancing() && m.end == goOn && m.Generation() >= 0 && v.has[p] != m.Generation() {
		v.wrong("%s is content in generation %d, and has the assignment of %d", p.name, m.Generation(), v.has[p])
	}
}

// sent: no request in a generation that the member knows to be over.
func (v *witness) sent(p *process, what, id string, generation int32) {
	if v.dropped[p][membershipID{id, generation}] {
		v.wrong("%s sends %s in generation %d, which it was told is over", p.name, what, generation)
	}
	if generation < 0 {
		v.wrong("%s sends %s without a generation", p.name, what)
	}
}

func (v *witness) grant(p *process, e Grant) {
	s, ok := v.synced[p]
	foreign := func(tp TopicPartition) bool { return !slices.Contains(p.m.joined, tp.Topic) } // it did not name it when it joined
	if !ok || !slices.Equal(slices.DeleteFunc(sorted(s.Partitions), foreign), e.All) || e.Generation != p.last.Generation {
		v.wrong("%s has a Grant of %v in generation %d, which SyncGroup did not answer", p.name, e.All, e.Generation)
	}
	v.has[p] = e.Generation
	who := p.name
	if p.slot.instance != "" {
		who = p.slot.instance // the next process of a static member has the same assignment
	}
	if v.holds[p] == nil {
		v.holds[p] = map[TopicPartition]hold{}
	}
	for _, tp := range e.All {
		key := grant{e.Generation, tp}
		if other, taken := v.granted[key]; taken && other != who {
			v.wrong("%v is granted to %s and to %s in generation %d", tp, other, who, e.Generation)
		}
		v.granted[key] = who
		if _, had := v.holds[p][tp]; !had {
			v.holds[p][tp] = hold{generation: e.Generation}
			v.alone(p, tp, e.Generation)
		}
	}
}

// alone: what a member gets in a generation, no other one that took part in it still holds from before.
func (v *witness) alone(p *process, tp TopicPartition, generation int32) {
	for _, other := range v.w.processes {
		h, holds := v.holds[other][tp]
		if other == p || !holds || h.generation >= generation {
			continue
		}
		if other.slot == p.slot && p.slot.instance != "" {
			v.reach("a process was started before the last one with its group.instance.id had ended")
			continue
		}
		if v.took[generation][other] {
			v.wrong("%v is granted to %s in generation %d, in which %s is, and holds it since %d", tp, p.name, generation, other.name, h.generation)
		} else {
			v.reach("a partition was taken from a member that is not in the group")
		}
	}
}

// released: the application has given up what a Revoke named.
func (v *witness) released(p *process, t simTask) {
	for _, tp := range t.partitions {
		if h, ok := v.holds[p][tp]; ok && h.ticket == t.ticket {
			delete(v.holds[p], tp)
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

// settled looks at the end: every partition that somebody subscribes to has one owner, and nothing goes on.
func (v *witness) settled(joinsBefore map[*process]int) {
	owners := map[TopicPartition][]string{}
	wanted := map[string]bool{}
	for _, p := range v.w.processes {
		if p.dead {
			continue
		}
		if p.m.State() != Stable || p.m.Rebalancing() {
			v.wrong("%s is %v at the end: %s", p.name, p.m.State(), p.m.Explain(v.w.Wall()))
		}
		for _, topic := range p.slot.topics {
			wanted[topic] = true
		}
		for _, tp := range p.m.Owned() {
			owners[tp] = append(owners[tp], p.name)
			if _, ok := v.holds[p][tp]; !ok {
				v.wrong("%s owns %v, which was not granted", p.name, tp)
			}
		}
		if n := len(v.holds[p]); n != len(p.m.Owned()) {
			v.wrong("%s holds %d partitions, and owns %d", p.name, n, len(p.m.Owned()))
		}
		if n := p.joins - joinsBefore[p]; n > 0 {
			v.wrong("%s has sent JoinGroup %d times in the last %v", p.name, n, simQuiet)
		}
	}
	var bad []string
	for topic, n := range v.w.partitions {
		for i := range n {
			if tp := (TopicPartition{Topic: topic, Partition: i}); wanted[topic] && len(owners[tp]) != 1 {
				bad = append(bad, fmt.Sprintf("%v %v", tp, owners[tp]))
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
		if p.closing && !p.dead && v.w.Now().Sub(p.closedAt) > 30*time.Second {
			v.wrong("%s was closed %v ago and has not ended: %v", p.name, v.w.Now().Sub(p.closedAt), p.m.State())
		}
	}
}
