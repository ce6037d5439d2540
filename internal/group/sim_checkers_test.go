package group

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// witness sees every event that the server steps and every answer that it gives, and holds what must be true of them.
// It keeps its own account and believes nothing that the shard says of itself.
type witness struct {
	w     *simWorld
	found []string // what was wrong

	stable    int32             // the highest generation that was answered with an assignment
	owners    map[string]string // "generation/partition" to who has it
	claims    map[Token]int32   // the stable generation when a commit, heartbeat or sync was stepped
	order     map[int64]int     // committed values by when they were stepped
	acked     map[int32]int     // partition to the order of the newest acked value
	reads     map[Token]map[int32]int
	names     map[string]string // instance to the member id that was told of it last
	seen      map[Token]map[string]string
	counter   int
	generated int // generations that became stable
	reached   map[string]int
	beaten    map[Token]sim.Instant
}

// reach counts a state that a run came to.
func (v *witness) reach(what string) { v.reached[what]++ }

func newWitness(w *simWorld) *witness {
	return &witness{w: w, owners: map[string]string{}, claims: map[Token]int32{}, order: map[int64]int{}, acked: map[int32]int{},
		reads: map[Token]map[int32]int{}, names: map[string]string{}, seen: map[Token]map[string]string{}, reached: map[string]int{}, beaten: map[Token]sim.Instant{}}
}

func (v *witness) wrong(format string, args ...any) {
	if len(v.found) < 5 {
		v.found = append(v.found, fmt.Sprintf("%v: ", v.w.Now())+fmt.Sprintf(format, args...))
	}
}

// crashed forgets names: what a restarted static member was told may not have been written yet.
func (v *witness) crashed() {
	clear(v.names)
}

func (v *witness) loaded(s *Shard) {
	g := s.groups[simGroup]
	if g == nil && v.stable > 0 {
		v.wrong("generation %d was answered and the group is not in the log", v.stable)
	}
	if g != nil && g.generation < v.stable {
		v.wrong("generation %d was answered and the log has %d", v.stable, g.generation)
	}
}

// event is called before the step.
func (v *witness) event(e Event, s *Shard) {
	switch e := e.(type) {
	case *Commit:
		v.claims[e.Token] = v.stable
		v.counter++
		for _, p := range e.Topics[0].Partitions {
			v.order[int64(p.Offset)] = v.counter
		}
		v.note(e.Token)
	case *Heartbeat:
		v.beaten[e.Token] = v.w.Now()
		v.claims[e.Token] = v.stable
		v.note(e.Token)
	case *Sync:
		v.claims[e.Token] = v.stable
		v.note(e.Token)
	case *Fetch:
		reads := make(map[int32]int, len(v.acked))
		for p, o := range v.acked {
			reads[p] = o
		}
		v.reads[e.Token] = reads
	}
}

// note remembers who has which instance id when a request is stepped.
func (v *witness) note(token Token) {
	names := make(map[string]string, len(v.names))
	for k, n := range v.names {
		names[k] = n
	}
	v.seen[token] = names
}

// reply is called for each answer that the server gives.
func (v *witness) reply(c simCall, body Body, s *Shard) {
	switch r := body.(type) {
	case *JoinReply:
		if r.Err == nil && c.client.instance != "" && c.event.(*Join).MemberID == "" && r.Generation == v.stable {
			v.reach("static member came back without a rebalance")
		}
		if r.Err != nil && r.Err.Code == protocol.FencedInstanceID {
			v.reach("parked join fenced")
		}
		if r.Err == nil && c.client.instance != "" {
			v.names[c.client.instance] = r.MemberID
		}
	case *SyncReply:
		if r.Err == nil {
			v.assigned(sentSync(c), string(r.Assignment))
		}
	case *HeartbeatReply:
		if e := sentHeartbeat(c); r.Err == nil && e.Generation < v.claims[c.token] {
			v.wrong("a heartbeat of generation %d is NONE after %d was stable", e.Generation, v.claims[c.token])
		} else if r.Err == nil {
			v.named(c, e.InstanceID, e.MemberID)
		} else if at, held := v.beaten[c.token]; held && v.w.Now().Sub(at) > 100*time.Millisecond && r.Err.Code == protocol.RebalanceInProgress {
			v.reach("a held heartbeat told of a rebalance")
		}
	case *CommitReply:
		if e := sentCommit(c); r.Err == nil {
			v.committed(c, e)
		}
	case *FetchReply:
		v.fetched(c.token, r, s)
	}
}

// What the client sent, whatever a planted bug made of it.
func sentSync(c simCall) *Sync           { return c.event.(*Sync) }
func sentHeartbeat(c simCall) *Heartbeat { return c.event.(*Heartbeat) }
func sentCommit(c simCall) *Commit       { return c.event.(*Commit) }

// named: a request of an instance id succeeded. It must not be of a member whose place was taken before.
func (v *witness) named(c simCall, instance, memberID string) {
	if instance == "" {
		return
	}
	if known, ok := v.seen[c.token][instance]; ok && known != memberID && v.names[instance] == known {
		v.wrong("%s as %s succeeded although %s was told that it has the place", instance, memberID, known)
	}
}

// assigned: one owner of a partition in a generation.
func (v *witness) assigned(e *Sync, assignment string) {
	if e.Generation < v.stable {
		v.wrong("a sync of generation %d is NONE after %d was stable", e.Generation, v.stable)
	}
	if e.Generation > v.stable {
		v.stable = e.Generation
		v.generated++
	}
	who := e.MemberID
	if e.InstanceID != "" {
		who = e.InstanceID
	}
	for _, p := range strings.Split(assignment, ",") {
		key := fmt.Sprintf("%d/%s", e.Generation, p)
		if owner, ok := v.owners[key]; ok && owner != who && p != "" {
			v.wrong("partition %s in generation %d is given to %s and to %s", p, e.Generation, owner, who)
		}
		v.owners[key] = who
	}
}

// committed: no commit of an older generation succeeds once a newer one was stable.
func (v *witness) committed(c simCall, e *Commit) {
	if e.Generation < v.claims[c.token] {
		v.wrong("a commit of generation %d succeeds after %d was stable", e.Generation, v.claims[c.token])
	}
	v.named(c, e.InstanceID, e.MemberID)
	for _, p := range e.Topics[0].Partitions {
		v.acked[p.Partition] = max(v.acked[p.Partition], v.order[int64(p.Offset)])
	}
}

// fetched: what was acked before the fetch was stepped, or something newer, and nothing that is not committed.
func (v *witness) fetched(token Token, r *FetchReply, s *Shard) {
	if r.Err != nil {
		return
	}
	got := map[int32]int{}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			if p.Offset < 0 {
				continue
			}
			order, known := v.order[int64(p.Offset)]
			if !known {
				v.wrong("partition %d has offset %d, which nobody committed", p.Partition, p.Offset)
			}
			got[p.Partition] = order
			if e := s.offsets.find(simGroup, "t", p.Partition); e == nil || e.committed.Offset < p.Offset {
				v.wrong("partition %d is read at %d, which is not under the high watermark", p.Partition, p.Offset)
			}
		}
	}
	for p, order := range v.reads[token] {
		if got[p] < order {
			v.wrong("partition %d: commit %d was acked, %d is read", p, order, got[p])
		}
	}
}

// whole compares a shard with one that is loaded from its log, when nothing is under way.
func (v *witness) whole(live *simServer) {
	other := New(live.cfg)
	for i := range live.log {
		r := live.log[i]
		r.Seq = 0
		other.Replay(&r)
	}
	var fx Effects
	other.Step(live.now, &Loaded{}, &fx)
	a, b := live.shard.groups[simGroup], other.groups[simGroup]
	if a == nil || b == nil {
		v.wrong("the group is missing: live %v, loaded %v", a != nil, b != nil)
		return
	}
	v.reach("live and loaded compared")
	if summary(a) != summary(b) {
		v.wrong("live and loaded differ:\n%s\n%s", summary(a), summary(b))
	}
	v.told(a, b)
	if x, y := live.shard.diaries.bytes, other.diaries.bytes; x != y || x > live.cfg.DiaryBytesMax {
		v.wrong("the diaries take %d bytes live and %d loaded, %d are allowed", x, y, live.cfg.DiaryBytesMax)
	}
	for p := range int32(simPartitions) {
		x, y := live.shard.offsets.find(simGroup, "t", p), other.offsets.find(simGroup, "t", p)
		if value(x) != value(y) {
			v.wrong("partition %d: live %d, loaded %d", p, value(x), value(y))
		}
	}
}

// told compares the diary of a stable group with that of the one that was loaded, byte for byte. Its newest entry is of
// the present generation, and the numbers have no gap.
func (v *witness) told(live, loaded *group) {
	x, y := live.diary.entries(), loaded.diary.entries()
	if len(x) == 0 || !reflect.DeepEqual(x, y) {
		v.wrong("the diary has %d entries live and %d loaded, or they differ", len(x), len(y))
		return
	}
	newest, err := ReadDiaryEntry(x[0])
	if err != nil || newest.Generation != live.generation {
		v.wrong("generation %d, and the diary's newest entry is %+v %v", live.generation, newest, err)
		return
	}
	for i := range x {
		if want := newest.Number - int64(i); diaryNumber(x[i]) != want {
			v.wrong("entry %d of the diary is missing", want)
			return
		}
	}
	if len(x) >= 5 {
		v.reach("diary of five entries")
	}
}

func value(e *offsetEntry) record.Offset {
	if e == nil || !e.committed.present {
		return -1
	}
	return e.committed.Offset
}

func summary(g *group) string {
	var lines []string
	for m := g.members.first; m != nil; m = m.next {
		lines = append(lines, fmt.Sprintf("%s/%s=%s %v %v %s", m.id, m.instance, m.assignment, m.sessionTimeout, m.rebalanceTimeout, m.metadata(g.protocol)))
	}
	slices.Sort(lines)
	return fmt.Sprintf("%v %d %s %s %s\n%s", g.state, g.generation, g.protocolType, g.protocol, g.leader, strings.Join(lines, "\n"))
}
