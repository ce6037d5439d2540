package group

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// TestDiariesAreBounded: whatever groups do, whatever is refused and however often the coordinator crashes, the diaries of
// a shard stay within their bound, and a shard that loads the log, or what compaction leaves of it, has the same to the
// byte and would cut the same group next.
func TestDiariesAreBounded(t *testing.T) {
	for seed := range uint64(8) {
		if wrong := runDiaries(t, seed, func(*rig) {}); wrong != "" {
			t.Errorf("seed %d: %s", seed, wrong)
		}
	}
}

// TestPlantedDiaryBugs: what would make a difference after a load is seen.
func TestPlantedDiaryBugs(t *testing.T) {
	for name, bug := range map[string]func(*rig){
		"tombstones are lost": func(r *rig) {
			r.log = slices.DeleteFunc(r.log, func(rec Record) bool { return rec.Kind == DiaryRemoved })
		},
		"nothing is cut": func(r *rig) {
			for key := range r.timers {
				if key.Kind == DiaryTimer {
					delete(r.timers, key)
				}
			}
		},
		"the order is that of the names": func(r *rig) {
			var all []*diary
			for d := r.shard.diaries.first; d != nil; d = d.room.next {
				all = append(all, d)
			}
			slices.SortFunc(all, func(a, b *diary) int { return len(b.room.group.id) - len(a.room.group.id) })
			for _, d := range all {
				r.shard.diaries.unlink(d)
				r.shard.diaries.link(d)
			}
		},
		"refused records take room": func(r *rig) { r.shard.diaries.bytes++ },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(8) {
				if wrong := runDiaries(t, seed, bug); wrong != "" {
					t.Log(wrong)
					return
				}
			}
			t.Fatal("not found in 8 seeds")
		})
	}
}

// runDiaries lets some groups rebalance again and again. bug is called after each of that.
func runDiaries(t *testing.T, seed uint64, bug func(*rig)) (wrong string) {
	const groups, most = 40, 16 << 10
	chance := rand.New(rand.NewPCG(seed, 1))
	cfg := DefaultConfig()
	cfg.InitialDelay, cfg.JoinSettle, cfg.CleanupInterval, cfg.HoldHeartbeats, cfg.DiaryBytesMax = 0, 0, 0, false, most
	r := newRig(t, cfg)
	var joined *JoinReply
	r.onReply = func(reply Reply) {
		if j, ok := reply.Body.(*JoinReply); ok {
			joined = j
		}
	}
	cut := 0
	for i := range 1500 {
		// Some groups are busy, most are not, and their names are of all lengths.
		n := min(chance.IntN(groups), chance.IntN(groups))
		id := fmt.Sprintf("g%0*d", 1+n%7, n)
		joined = nil
		g := r.shard.groups[id]
		e := &Join{Token: Token(2*i + 1), FreshID: fmt.Sprint(i), JoinRequest: JoinRequest{GroupID: id, ClientID: "c", SessionTimeout: 30 * time.Minute,
			RebalanceTimeout: time.Minute, ProtocolType: "consumer", Protocols: []Protocol{{"range", nil}}}}
		if g != nil && g.members.first != nil {
			e.MemberID = g.members.first.id
		}
		r.step(e)
		r.settle()
		if joined == nil || joined.Err != nil {
			return fmt.Sprintf("join %d of %s: %+v", i, id, joined)
		}
		r.step(&Sync{Token: Token(2*i + 2), SyncRequest: SyncRequest{GroupID: id, MemberID: joined.MemberID, Generation: joined.Generation,
			Assignments: []Assignment{{joined.MemberID, consumerAssignment("t+0")}}}})
		if chance.IntN(20) == 0 {
			r.refuse(protocol.NotEnoughReplicas)
		}
		bug(r)
		r.advance(time.Second, func(k TimerKey) {
			if k.Kind == DiaryTimer {
				cut++
			}
		})
		r.settle()
		if got := r.shard.diaries.bytes; got > most {
			return fmt.Sprintf("after %d the diaries take %d bytes", i, got)
		}
		switch {
		case chance.IntN(100) == 0:
			if wrong = compareDiaries(r.shard, r.log, cfg); wrong == "" {
				wrong = compareDiaries(r.shard, compactedLog(r.log), cfg)
			}
			if wrong != "" {
				return fmt.Sprintf("after %d: %s", i, wrong)
			}
		case chance.IntN(200) == 0:
			r.log = compactedLog(r.log)
			r.load()
		}
	}
	if cut < 100 {
		return fmt.Sprintf("only %d groups were cut: the run shows nothing", cut)
	}
	return ""
}

// compactedLog is what compaction leaves of a log, tombstones included.
func compactedLog(log []Record) []Record {
	last := map[string]int{}
	key := func(r *Record) string {
		if r.Diary != nil {
			return fmt.Sprintf("%s slot %d", r.Group, r.Diary.Slot)
		}
		return r.Group
	}
	for i := range log {
		last[key(&log[i])] = i
	}
	var kept []Record
	for i := range log {
		if last[key(&log[i])] == i {
			kept = append(kept, log[i])
		}
	}
	return kept
}

// compareDiaries compares a shard, of which nothing is under way, with one that loads a log.
func compareDiaries(live *Shard, log []Record, cfg Config) string {
	loaded := New(cfg)
	for i := range log {
		rec := log[i]
		rec.Seq = 0
		loaded.Replay(&rec)
	}
	var fx Effects
	loaded.Step(live.now, &Loaded{}, &fx)
	x, y := live.diaries.first, loaded.diaries.first
	for total := 0; ; x, y = x.room.next, y.room.next {
		if x == nil || y == nil {
			if x != y || total != live.diaries.bytes || total != loaded.diaries.bytes {
				return fmt.Sprintf("the entries take %d bytes; counted live %d, loaded %d; one has more: %v", total, live.diaries.bytes, loaded.diaries.bytes, x != y)
			}
			return ""
		}
		if a, b := x.room.group.id, y.room.group.id; a != b || !slices.EqualFunc(x.kept, y.kept, bytes.Equal) || x.last != y.last {
			return fmt.Sprintf("live %s with %d entries up to %d, loaded %s with %d up to %d", a, len(x.kept), x.last, b, len(y.kept), y.last)
		}
		for _, b := range x.kept {
			total += len(b)
		}
		if x.room.asked != 0 || x.room.trimming {
			return fmt.Sprintf("something is under way in %s: %+v", x.room.group.id, x.room)
		}
	}
}
