package parallel

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/sim"
)

var seeds = flag.Int("seeds", 150, "how many seeds TestSimulation runs")

// world is a scheduler between a log that is polled, workers that fail and take their time, and rebalances.
type world struct {
	r     *sim.Rand
	s     *Scheduler[int, int64]
	m     *model
	bug   bug
	now   time.Time
	calm  bool // nothing fails any more, and everything is held
	count map[string]int

	logs      [][]*fact
	position  []int // by partition, the index of what is polled next
	committed []int64
	processed []map[int64]bool

	flights []flying
	poll    time.Time
	churn   time.Time
}

type flying struct {
	item Item[int, int64]
	end  time.Time
}

func newWorld(seed uint64, b bug) *world {
	r := sim.NewRand(seed)
	cfg := Config{
		Order: PerKey, Workers: 1 + r.IntN(8), PollMax: 1 + r.IntN(12), PollIntervalMax: time.Second,
	}
	cfg.PartitionMax = cfg.PollMax + r.IntN(30)
	cfg.AheadMax = cfg.PartitionMax + r.IntN(40)
	cfg.TotalMax = cfg.PartitionMax + r.IntN(60)
	if r.Chance(200) {
		cfg.Order = PerPartition
	}
	if r.Chance(500) {
		few := 1 + r.Uint64N(4)
		cfg.Hash = func(key []byte) uint64 { return uint64(len(key)) % few } // collisions
	}
	n := 1 + r.IntN(5)
	w := &world{
		r: r, m: newModel(cfg, n), bug: b, now: time.Unix(1_000_000, 0), count: map[string]int{},
		position: make([]int, n), committed: make([]int64, n),
	}
	w.s = New[int, int64](w.bug.config(cfg))
	for range n {
		w.logs = append(w.logs, makeLog(r.Fork(fmt.Sprint("log", len(w.logs)))))
		w.processed = append(w.processed, map[int64]bool{})
	}
	w.poll, w.churn = w.now, w.now
	return w
}

// makeLog has gaps as compaction leaves them, epochs that grow, keys of which some are hot, null or empty.
func makeLog(r *sim.Rand) []*fact {
	var log []*fact
	offset, epoch := int64(r.IntN(50)), int32(r.IntN(3))
	keys := 1 + r.IntN(20)
	for range 20 + r.IntN(100) {
		f := &fact{offset: offset, epoch: epoch}
		switch {
		case r.Chance(150):
		case r.Chance(50):
			f.key = []byte{}
		case r.Chance(300):
			f.key = []byte("hot")
		default:
			f.key = fmt.Appendf(nil, "k%d", r.IntN(keys))
		}
		log = append(log, f)
		offset++
		if r.Chance(200) {
			offset += r.Int64N(5)
		}
		if r.Chance(30) {
			epoch++
		}
	}
	return log
}

// run goes on until every record was processed, first with faults.
func (w *world) run() {
	for step := 0; ; step++ {
		if step > 20_000 {
			w.m.fail("progress: not all is processed after %d steps", step)
		}
		if len(w.m.found) > 0 {
			return
		}
		w.calm = step > 400
		if w.calm && w.finished() {
			w.m.checkEmpty(w.s)
			return
		}
		w.advance()
		w.start()
	}
}

func (w *world) finished() bool {
	for p, log := range w.logs {
		h := w.m.held[p]
		if h == nil || h.draining || w.position[p] < len(log) || h.left() > 0 || len(w.processed[p]) < len(log) {
			return false
		}
	}
	return len(w.flights) == 0
}

// advance goes to the next moment at which something happens, and lets it happen.
func (w *world) advance() {
	at := w.poll
	if w.churn.Before(at) {
		at = w.churn
	}
	first := -1
	for i, f := range w.flights {
		if !f.end.After(at) {
			at, first = f.end, i
		}
	}
	if wake, ok := w.s.Wake(); ok && wake.Before(at) {
		at, first = wake, -1
	}
	if at.After(w.now) {
		w.now = at
	}
	switch {
	case first >= 0:
		w.done(first)
	case !w.poll.After(w.now):
		w.pollOnce()
		w.poll = w.now.Add(w.r.Between(0, 8*time.Millisecond))
	case !w.churn.After(w.now):
		w.rebalance()
		w.churn = w.now.Add(w.r.Between(0, 20*time.Millisecond))
	}
	w.check()
}

func (w *world) check() {
	w.m.checkFrontiers(w.s)
	w.m.checkBounds(w.s)
	w.m.checkDrained(w.s)
	w.m.checkOldest(w.s, w.now)
}

// start gives the workers what may run.
func (w *world) start() {
	for {
		it, ok := w.s.Next(w.now)
		if !ok {
			w.m.checkIdle(w.s, w.now)
			return
		}
		w.bug.hide(w, &it)
		w.m.checkStart(w.now, it)
		w.m.started(w.now, it)
		w.m.checkFair(w.now, it.Partition)
		w.m.checkBounds(w.s)
		took := w.r.Between(0, 10*time.Millisecond)
		if w.r.Chance(5) && !w.calm {
			took = w.r.Between(0, 2*time.Second)
			w.count["slow"]++
		}
		w.flights = append(w.flights, flying{item: it, end: w.now.Add(took)})
		w.bug.started(w, it)
		if len(w.m.found) > 0 {
			return
		}
	}
}

func (w *world) done(i int) {
	it := w.flights[i].item
	w.flights = append(w.flights[:i], w.flights[i+1:]...)
	result := Result{Outcome: OK}
	if !w.calm {
		switch {
		case w.r.Chance(100):
			result = Result{Outcome: Retry, Delay: w.r.Between(-time.Millisecond, 60*time.Millisecond)}
		case w.r.Chance(50):
			result = Result{Outcome: GiveUp}
		}
	}
	a := w.m.open[it.Ticket]
	w.bug.ending(w, it, &result)
	counted := w.s.Done(w.now, it.Ticket, result)
	w.m.checkDone(it.Ticket, counted)
	if a != nil && a.of.dropped {
		w.count["late"]++
	} else if a != nil && result.Outcome != Retry {
		w.processed[it.Partition][it.Offset] = true
	}
	w.count[[]string{"ok", "retry", "give up"}[result.Outcome]]++
	w.m.ended(w.now, it.Ticket, result)
	w.bug.ended(w, it, result)
}

// pollOnce adds what one poll brings of the partitions that are not full, and commits now and then.
func (w *world) pollOnce() {
	room := w.m.cfg.PollMax
	for _, p := range w.r.Perm(len(w.logs)) {
		h := w.m.held[p]
		if h == nil || h.draining || room == 0 {
			continue
		}
		if w.s.Full(p) {
			w.count["full"]++
			continue
		}
		for n := w.r.IntN(room + 1); n > 0 && w.position[p] < len(w.logs[p]); n-- {
			w.add(h, w.logs[p][w.position[p]])
			room--
		}
		w.reach(h)
	}
	if w.r.Chance(300) {
		w.commit()
	}
}

func (w *world) add(h *holding, r *fact) {
	w.position[h.partition]++
	h.records = append(h.records, &fact{offset: r.offset, epoch: r.epoch, key: r.key})
	if err := w.s.Add(h.partition, r.offset, r.epoch, w.bug.key(w, r), r.offset*10); err != nil {
		w.m.fail("bound: record %d of partition %d was refused, and the partition is not full: %v", r.offset, h.partition, err)
	}
}

// reach says at times that the log was read beyond the last record.
func (w *world) reach(h *holding) {
	i, log := w.position[h.partition], w.logs[h.partition]
	if i == 0 || !w.r.Chance(300) {
		return
	}
	to := Place{Offset: max(h.start, log[i-1].offset+1+w.r.Int64N(3)), LeaderEpoch: log[i-1].epoch}
	if i < len(log) {
		to.Offset = min(to.Offset, log[i].offset)
	}
	w.s.Reached(h.partition, to)
	if to.Offset > log[i-1].offset && to.Offset > h.reached.Offset {
		h.reached = to
		h.forget()
	}
}

func (w *world) commit() {
	for p, at := range w.s.Frontiers() {
		w.commitAt(p, at)
	}
}

func (w *world) commitAt(p int, at Place) {
	if at.Offset < w.committed[p] {
		w.m.fail("frontier: the commit of partition %d went back from %d to %d", p, w.committed[p], at.Offset)
	}
	w.committed[p] = at.Offset
	for _, r := range w.logs[p] {
		if r.offset < at.Offset && !w.processed[p][r.offset] {
			w.m.fail("frontier: partition %d was committed at %d, and record %d was never processed", p, at.Offset, r.offset)
		}
	}
}

// rebalance takes a partition away or gives one.
func (w *world) rebalance() {
	p := w.r.IntN(len(w.logs))
	h := w.m.held[p]
	switch {
	case h == nil:
		w.assign(p)
	case h.draining && w.s.Drained(p):
		w.count["drained"]++
		if at, ok := w.s.Frontier(p); ok {
			w.commitAt(p, at)
		}
		w.drop(h)
	case w.calm:
	case h.draining && w.r.Chance(50):
		w.drop(h) // the bound on draining is over
	case !h.draining && w.r.Chance(250):
		w.bug.drain(w, p)
		h.draining = true
		for _, r := range h.records {
			r.lost = r.lost || !r.running && !r.done
		}
	case !h.draining && w.r.Chance(50):
		w.drop(h) // lost: nothing can be committed any more
	case !h.draining && w.r.Chance(50):
		h.dropped = true
		w.assign(p) // again, at once
	}
}

func (w *world) drop(h *holding) {
	w.s.Drop(h.partition)
	h.dropped = true
	delete(w.m.held, h.partition)
	w.count["dropped"]++
}

func (w *world) assign(p int) {
	w.s.Assign(p)
	w.m.held[p] = &holding{partition: p, start: w.committed[p]}
	w.position[p] = 0
	for w.position[p] < len(w.logs[p]) && w.logs[p][w.position[p]].offset < w.committed[p] {
		w.position[p]++
	}
}

func runSim(seed uint64, b bug) *world {
	w := newWorld(seed, b)
	w.run()
	return w
}

// TestSimulation runs seeded histories and looks at every step whether a promise is broken.
func TestSimulation(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(*seeds) {
		w := runSim(seed, bug{})
		if len(w.m.found) > 0 {
			t.Fatalf("seed %d: %s", seed, w.m.found[0])
		}
		for what, n := range w.count {
			count[what] += n
		}
	}
	for _, what := range []string{"ok", "retry", "give up", "slow", "full", "late", "drained", "dropped"} {
		if count[what] < *seeds/2 {
			t.Errorf("%q happened %d times in %d seeds: the histories are too tame", what, count[what], *seeds)
		}
	}
}

// TestSimulationReplays: a seed makes the same history again, and the hash has no part in it.
func TestSimulationReplays(t *testing.T) {
	for seed := range uint64(20) {
		a := runSim(seed, bug{})
		b := newWorld(seed, bug{})
		b.s.cfg.Hash = func([]byte) uint64 { return 7 }
		b.run()
		if a.now != b.now || a.m.turns != b.m.turns || fmt.Sprint(a.committed, a.count) != fmt.Sprint(b.committed, b.count) {
			t.Errorf("seed %d went two ways", seed)
		}
	}
}
