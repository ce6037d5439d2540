package group

import (
	"fmt"
	"testing"
	"time"
)

// habit is what a client does about its interval while a heartbeat of it is not answered.
type habit int

const (
	sendsOn    habit = iota // sends the next one all the same: Java, kafka-python
	skips                   // skips the one that is due: librdkafka
	counts                  // counts from the answer: franz-go, and those that wait in their poll loop
	ticksAlong              // sends a tick late, and the one after it in time: kafka-go
)

// rhythm is a client that does nothing but send heartbeats, and commits if it is told to.
type rhythm struct {
	name          string
	habit         habit
	every         time.Duration
	aside, behind bool
	session       time.Duration
	extra         func(i int) time.Duration // by which the i-th interval is longer or, below 0, shorter
	commits       time.Duration             // between two on the heartbeat's connection; 0 is none
}

// heard is what became of a client in the second half of a run.
type heard struct {
	hold    time.Duration // the longest
	covered int           // percent of the time in which a heartbeat was held
	skipped int
	slowest time.Duration // the longest gap between two heartbeats
}

// holdBug changes a member's beat, as if the code had it wrong, before and after a heartbeat is stepped.
type holdBug struct{ before, after func(*beat) }

// runRhythm lets a client live for four minutes in a group of its own.
func runRhythm(t *testing.T, c rhythm, bug holdBug) heard {
	cfg := DefaultConfig()
	cfg.InitialDelay, cfg.JoinSettle, cfg.CleanupInterval = 0, 0, 0
	r := newRig(t, cfg)
	var joined *JoinReply
	answered := map[Token]Instant{}
	r.onReply = func(reply Reply) {
		switch b := reply.Body.(type) {
		case *JoinReply:
			joined = b
		case *HeartbeatReply:
			if b.Err != nil {
				t.Fatalf("%s: %v", c.name, b.Err)
			}
			answered[reply.Token] = r.now
		}
	}
	r.step(&Join{Token: 1, FreshID: "1", JoinRequest: JoinRequest{GroupID: "g", ClientID: "a", SessionTimeout: c.session, RebalanceTimeout: time.Minute,
		ProtocolType: "consumer", Protocols: []Protocol{{"range", nil}}}})
	r.settle()
	r.step(&Sync{Token: 2, SyncRequest: SyncRequest{GroupID: "g", MemberID: joined.MemberID, Generation: 1}})
	r.settle()

	var out heard
	begin := r.now
	half, end := begin.Add(2*time.Minute), begin.Add(4*time.Minute)
	token, last := Token(2), Token(0) // the last that was sent
	sent, due, committing := begin, begin, begin.Add(c.commits)
	n, waits := 0, false
	interval := func() time.Duration {
		n++
		if c.extra != nil {
			return c.every + c.extra(n)
		}
		return c.every
	}
	under := func() bool { _, done := answered[last]; return last != 0 && !done }
	nudge := func() {
		if under() {
			r.step(&Nudge{Token: last, GroupID: "g", MemberID: joined.MemberID})
		}
	}
	count := func(until Instant) {
		if last == 0 || sent < half {
			return
		}
		held := until.Sub(sent)
		out.hold = max(out.hold, held)
		out.covered += int(held.Milliseconds())
	}
	send := func() {
		nudge() // on the same connection
		if last != 0 {
			count(answered[last])
			if sent >= half {
				out.slowest = max(out.slowest, r.now.Sub(sent))
			}
		}
		m := r.shard.groups["g"].members.get(joined.MemberID)
		if bug.before != nil {
			bug.before(&m.beat)
		}
		token++
		last, sent = token, r.now
		r.step(&Heartbeat{Token: token, HeartbeatRequest: HeartbeatRequest{GroupID: "g", MemberID: joined.MemberID, Generation: 1, Aside: c.aside, Behind: c.behind}})
		if bug.after != nil {
			bug.after(&m.beat)
		}
		r.settle()
	}
	for r.now < end {
		switch {
		case c.commits > 0 && r.now >= committing:
			nudge()
			committing = r.now.Add(c.commits)
		case r.now < due:
		case !under() || c.habit == sendsOn:
			send()
			switch c.habit {
			case ticksAlong:
				due = due.Add(interval()) // a tick that was late is not made up for
				for due.Add(c.every) <= r.now {
					due = due.Add(c.every)
				}
			default:
				due = r.now.Add(interval())
			}
			if waits = c.habit == counts && under(); waits {
				due = end // as long as there is no answer
			}
		case c.habit == skips:
			due = r.now.Add(interval())
			if r.now >= half {
				out.skipped++
			}
		}
		if waits && !under() {
			due, waits = answered[last].Add(interval()), false
		}
		next := end
		if _, at, ok := r.nextTimer(); ok {
			next = min(next, at)
		}
		if due > r.now {
			next = min(next, due)
		}
		if c.commits > 0 {
			next = min(next, committing)
		}
		if r.now < due || under() && (c.habit == ticksAlong || c.habit == counts) {
			r.advance(max(next.Sub(r.now), 0), nil)
		}
	}
	out.covered = out.covered * 100 / int((2 * time.Minute).Milliseconds())
	return out
}

// jitter is between -by and by, and looks random.
func jitter(by time.Duration) func(int) time.Duration {
	return func(i int) time.Duration { return by * time.Duration(i*7919%201-100) / 100 }
}

// only is an interval that is another one at some places.
func only(d time.Duration, places ...int) func(int) time.Duration {
	return func(i int) time.Duration {
		for _, p := range places {
			if i == p {
				return d
			}
		}
		return 0
	}
}

const s45 = 45 * time.Second

// rhythms is the table of docs/operations.md: what the hold becomes.
var rhythms = []struct {
	rhythm
	hold    time.Duration // the longest
	covered int           // at least, percent
	skipped int           // at most
	slowest time.Duration // at most
}{
	{rhythm{name: "Java, 3 s", habit: sendsOn, every: 3 * time.Second, aside: true, session: s45}, 2850 * time.Millisecond, 90, 0, 3 * time.Second},
	{rhythm{name: "librdkafka, 3 s", habit: skips, every: 3 * time.Second, aside: true, session: s45}, 2850 * time.Millisecond, 90, 0, 3 * time.Second},
	{rhythm{name: "sarama, 3 s", habit: counts, every: 3 * time.Second, behind: true, session: s45}, 0, 0, 0, 3 * time.Second},
	{rhythm{name: "franz-go, 3 s", habit: counts, every: 3 * time.Second, aside: true, session: s45}, 3 * time.Second, 45, 0, 6 * time.Second},
	{rhythm{name: "kafka-python, 3 s", habit: sendsOn, every: 3 * time.Second, aside: true, session: 10 * time.Second, extra: jitter(50 * time.Millisecond)}, 2850 * time.Millisecond, 88, 0, 3050 * time.Millisecond},
	{rhythm{name: "kafka-go, 3 s", habit: ticksAlong, every: 3 * time.Second, session: 30 * time.Second}, 2850 * time.Millisecond, 90, 0, 3 * time.Second},
	{rhythm{name: "kafkajs, 3 s", habit: counts, every: 3 * time.Second, session: 30 * time.Second}, 0, 0, 0, 3 * time.Second},
	{rhythm{name: "kafkajs, 3 s, jitter of 10 %", habit: counts, every: 3 * time.Second, session: 30 * time.Second, extra: jitter(300 * time.Millisecond)}, 0, 0, 0, 3300 * time.Millisecond},
	{rhythm{name: "custom, 200 ms", habit: sendsOn, every: 200 * time.Millisecond, session: 10 * time.Second}, 0, 0, 0, 200 * time.Millisecond},
	{rhythm{name: "custom that goes on, 200 ms", habit: sendsOn, every: 200 * time.Millisecond, aside: true, session: 10 * time.Second}, 180 * time.Millisecond, 88, 0, 200 * time.Millisecond},
	{rhythm{name: "custom that goes on, 50 ms", habit: sendsOn, every: 50 * time.Millisecond, aside: true, session: 10 * time.Second}, 0, 0, 0, 50 * time.Millisecond},
	{rhythm{name: "Java, 3 s, jitter of 10 %", habit: sendsOn, every: 3 * time.Second, aside: true, session: s45, extra: jitter(300 * time.Millisecond)}, 2900 * time.Millisecond, 84, 0, 3300 * time.Millisecond},
	{rhythm{name: "an unknown one, jitter of 10 %", habit: sendsOn, every: 3 * time.Second, session: s45, extra: jitter(300 * time.Millisecond)}, 2900 * time.Millisecond, 84, 0, 3300 * time.Millisecond},
	{rhythm{name: "librdkafka, 3 s, up to 300 ms late", habit: skips, every: 3150 * time.Millisecond, aside: true, session: s45, extra: jitter(150 * time.Millisecond)}, 3 * time.Second, 85, 2, 6400 * time.Millisecond},
	{rhythm{name: "one early gap, the first", habit: sendsOn, every: 3 * time.Second, aside: true, session: s45, extra: only(-1500*time.Millisecond, 1)}, 2850 * time.Millisecond, 90, 0, 3 * time.Second},
	{rhythm{name: "one early gap, later", habit: skips, every: 3 * time.Second, aside: true, session: s45, extra: only(-2*time.Second, 45)}, 2850 * time.Millisecond, 88, 1, 4 * time.Second},
	{rhythm{name: "two early gaps", habit: sendsOn, every: 3 * time.Second, aside: true, session: s45, extra: only(-1500*time.Millisecond, 45, 46)}, 2850 * time.Millisecond, 70, 0, 3 * time.Second},
	{rhythm{name: "one late gap, the first", habit: skips, every: 2990 * time.Millisecond, aside: true, session: s45, extra: only(3100*time.Millisecond, 1)}, 2850 * time.Millisecond, 90, 0, 2990 * time.Millisecond},
	{rhythm{name: "paused for 20 s", habit: sendsOn, every: 3 * time.Second, aside: true, session: s45, extra: only(17*time.Second, 45)}, 2850 * time.Millisecond, 75, 0, 20 * time.Second},
	{rhythm{name: "an unknown one, paused at its trial", habit: sendsOn, every: 3 * time.Second, session: s45, extra: only(17*time.Second, 2)}, 2850 * time.Millisecond, 90, 0, 3 * time.Second},
	{rhythm{name: "Java, 3 s, commits each 5 s", habit: sendsOn, every: 3 * time.Second, aside: true, session: s45, commits: 5 * time.Second}, 2850 * time.Millisecond, 70, 0, 3 * time.Second},
	{rhythm{name: "franz-go, 3 s, commits each 7 s", habit: counts, every: 3 * time.Second, aside: true, session: s45, commits: 7 * time.Second}, 3 * time.Second, 40, 0, 6 * time.Second},
	{rhythm{name: "franz-go, 1 s, commits each 5 s", habit: counts, every: time.Second, aside: true, session: s45, commits: 5 * time.Second}, 3 * time.Second, 60, 0, 4 * time.Second},
	{rhythm{name: "a session of 6 s", habit: sendsOn, every: 2500 * time.Millisecond, aside: true, session: 6 * time.Second}, 2 * time.Second, 75, 0, 2500 * time.Millisecond},
	{rhythm{name: "an interval of 10 s", habit: sendsOn, every: 10 * time.Second, aside: true, session: s45}, 3 * time.Second, 26, 0, 10 * time.Second},
}

// wrongHold says what of a client's holds is not as the table wants it.
func wrongHold(t *testing.T, i int, bug holdBug) string {
	c := &rhythms[i]
	got := runRhythm(t, c.rhythm, bug)
	limit := min(DefaultConfig().HoldMax, c.session/3)
	switch {
	case got.hold > c.hold || got.hold < c.hold*9/10:
		return fmt.Sprintf("%s: held for %v, want %v (%+v)", c.name, got.hold, c.hold, got)
	case got.hold > limit:
		return fmt.Sprintf("%s: held for %v, at most %v is allowed", c.name, got.hold, limit)
	case got.covered < c.covered:
		return fmt.Sprintf("%s: a heartbeat was held %d %% of the time, want %d (%+v)", c.name, got.covered, c.covered, got)
	case got.skipped > c.skipped:
		return fmt.Sprintf("%s: %d heartbeats were skipped", c.name, got.skipped)
	case got.slowest > c.slowest:
		return fmt.Sprintf("%s: a heartbeat came after %v, its own is %v", c.name, got.slowest, c.slowest)
	}
	return ""
}

// TestHoldRhythms: what the hold becomes for each client's rhythm, and what that does to the client.
func TestHoldRhythms(t *testing.T) {
	for i := range rhythms {
		if wrong := wrongHold(t, i, holdBug{}); wrong != "" {
			t.Error(wrong)
		}
	}
}

// TestPlantedHoldBugs: each way to get the interval wrong is seen in the table.
func TestPlantedHoldBugs(t *testing.T) {
	for name, bug := range map[string]func() holdBug{
		"the interval only shrinks": func() holdBug {
			shortest := time.Hour
			return holdBug{after: func(b *beat) {
				for _, gap := range b.gaps {
					shortest = min(shortest, gap)
				}
				for i := range b.gaps {
					b.gaps[i] = shortest
				}
			}}
		},
		"a skipped heartbeat counts as an interval": func() holdBug {
			return holdBug{before: func(b *beat) { b.cut = b.held > 0 }}
		},
		"one late heartbeat is enough": func() holdBug {
			return holdBug{before: func(b *beat) {
				if b.late == 1 {
					b.late, b.held = beatLateMax, 0
				}
			}}
		},
		"what waits is never found out": func() holdBug {
			return holdBug{after: func(b *beat) { b.late = 0 }}
		},
		"a gap that was cut counts": func() holdBug {
			return holdBug{before: func(b *beat) {
				if b.cut {
					b.cut, b.held = false, 0
				}
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range rhythms {
				if wrong := wrongHold(t, i, bug()); wrong != "" {
					t.Log(wrong)
					return
				}
			}
			t.Fatal("the table shows nothing of it")
		})
	}
}
