package dedupe

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// history is one partition whose records are applied by members that come, are thought dead, and go on all the same.
type history struct {
	r     *rand.Rand
	s     *SQL
	db    *sql.DB
	log   []int32 // the epoch of the record at each offset
	epoch int32

	generation int32
	members    []*member

	effects []effect // committed, in order
	highest int32    // generation that has committed
	found   string
	count   map[string]int
}

// effect is a record's data.
type effect struct {
	offset int64
	epoch  int32
}

type member struct {
	generation int32
	position   int64
	tx         *sql.Tx
	effects    []effect // written in tx
	at         int64    // the position if tx is rolled back
	shown      bool     // tx has claimed or asked
}

func (h *history) token(m *member, offset int64) Token {
	return Token{Group: "g", Topic: "t", Generation: m.generation, Offset: offset, LeaderEpoch: h.log[offset]}
}

func (h *history) run() {
	for range 20 {
		h.log = append(h.log, 0)
	}
	for step := 0; step < 600 && h.found == ""; step++ {
		if step%200 == 199 {
			h.cut()
		}
		if len(h.members) == 0 || h.r.IntN(40) == 0 {
			h.join()
		}
		h.step(h.members[h.r.IntN(len(h.members))])
	}
}

// join begins a generation. The member reads from an offset that was committed to the group, which is at or in front of what is applied.
func (h *history) join() {
	h.generation++
	applied := int64(0)
	for applied < int64(len(h.log)) && slices.Contains(h.effects, effect{applied, h.log[applied]}) {
		applied++
	}
	behind := max(0, applied-h.r.Int64N(6))
	h.members = append(h.members, &member{generation: h.generation, position: behind, at: behind})
	if len(h.members) > 3 {
		h.end(h.members[0], false)
		h.members = h.members[1:]
	}
}

// cut lets the log go on otherwise from an offset on, in a new epoch.
func (h *history) cut() {
	for _, m := range h.members {
		h.end(m, false)
	}
	h.epoch++
	from := len(h.log)/2 + h.r.IntN(len(h.log)/2)
	for i := from; i < len(h.log); i++ {
		h.log[i] = h.epoch
	}
	for _, m := range h.members {
		m.position = min(m.position, int64(from))
		m.at = m.position
	}
}

func (h *history) step(m *member) {
	if m.tx == nil {
		tx, err := h.db.Begin()
		if err != nil {
			panic(err)
		}
		m.tx, m.at = tx, m.position
	}
	switch n := h.r.IntN(10); {
	case n == 0:
		h.end(m, false)
	case n < 4:
		h.end(m, true)
	case n == 4 && !m.shown:
		h.claim(m)
	default:
		h.apply(m)
	}
}

func (h *history) claim(m *member) {
	mark, err := h.s.Claim(context.Background(), m.tx, h.token(m, 0))
	if err != nil {
		h.refused(m, err)
		return
	}
	m.shown = true
	m.position = mark.Next()
	for m.position > 0 && (m.position > int64(len(h.log)) || mark.LeaderEpoch < h.log[m.position-1]) {
		m.position-- // the log was cut
	}
	h.count["claim"]++
}

func (h *history) apply(m *member) {
	if m.position == int64(len(h.log)) {
		h.log = append(h.log, h.epoch)
	}
	token := h.token(m, m.position)
	v, err := h.s.Apply(context.Background(), m.tx, token)
	if err != nil {
		h.refused(m, err)
		return
	}
	h.count[v.String()]++
	m.position++
	m.shown = true
	if v == New {
		m.effects = append(m.effects, effect{token.Offset, token.LeaderEpoch})
	}
}

func (h *history) refused(m *member, err error) {
	switch {
	case errors.Is(err, ErrFenced):
		h.count["fenced"]++
	case errors.Is(err, errBusy):
		h.count["busy"]++
	default:
		h.found = err.Error()
	}
	h.end(m, false)
}

// end commits or gives up, and looks at what was committed.
func (h *history) end(m *member, commit bool) {
	if m.tx == nil {
		return
	}
	tx, effects, shown := m.tx, m.effects, m.shown
	m.tx, m.effects, m.shown = nil, nil, false
	if !commit {
		_ = tx.Rollback()
		m.position = m.at
		return
	}
	if err := tx.Commit(); err != nil {
		panic(err)
	}
	m.at = m.position
	if len(effects) > 0 && m.generation < h.highest {
		h.found = fmt.Sprintf("generation %d wrote %v after generation %d", m.generation, effects, h.highest)
	}
	if shown {
		h.highest = max(h.highest, m.generation)
	}
	for _, e := range effects {
		h.check(e)
		h.effects = append(h.effects, e)
	}
}

// check: each record once, and none before the one in front of it.
func (h *history) check(e effect) {
	inFront := e.offset == 0
	for _, o := range h.effects {
		if o == e {
			h.found = fmt.Sprintf("record %+v was applied twice", e)
		}
		if o.offset == e.offset-1 && o.epoch == h.log[o.offset] {
			inFront = true
		}
	}
	if !inFront {
		h.found = fmt.Sprintf("record %+v was applied, and the one in front of it was not", e)
	}
}

func runHistory(t *testing.T, seed uint64, bug fakeBug) *history {
	f, s, db := newFake(t, dialects[seed%3])
	f.bug = bug
	h := &history{r: rand.New(rand.NewPCG(seed, 1)), s: s, db: db, count: map[string]int{}}
	h.run()
	for _, m := range h.members {
		h.end(m, false)
	}
	return h
}

// TestHistories: each record is applied once and in order, and no generation writes after a newer one has committed.
func TestHistories(t *testing.T) {
	const seeds = 150
	count := map[string]int{}
	for seed := range uint64(seeds) {
		h := runHistory(t, seed, fakeBug{})
		if h.found != "" {
			t.Fatalf("seed %d: %s", seed, h.found)
		}
		for what, n := range h.count {
			count[what] += n
		}
	}
	for _, what := range []string{"new", "already applied", "fenced", "busy", "claim"} {
		if count[what] < seeds {
			t.Errorf("%q happened %d times in %d seeds: the histories are too tame", what, count[what], seeds)
		}
	}
}

// TestPlantedBugs: a mistake in a statement is found.
func TestPlantedBugs(t *testing.T) {
	for name, bug := range map[string]fakeBug{
		"apply does not look at the generation":   {anyGeneration: true},
		"apply does not look at the offset":       {anyOffset: true},
		"apply does not look at the leader epoch": {anyEpoch: true},
		"claim does not raise the generation":     {noRaise: true},
		"rows are not held":                       {noLock: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(150) {
				if h := runHistory(t, seed, bug); h.found != "" {
					t.Logf("seed %d: %s", seed, h.found)
					return
				}
			}
			t.Error("not found")
		})
	}
}
