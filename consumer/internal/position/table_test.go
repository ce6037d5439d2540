package position

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/internal/decode"
	"github.com/skein-io/skein/internal/record"
)

var (
	start = time.Unix(1_700_000_000, 0)
	tp    = TopicPartition{Topic: "t", Partition: 0}
	other = TopicPartition{Topic: "t", Partition: 1}
)

// table has two partitions that node 1 leads in epoch 3, at offset 10.
func table(t *testing.T) *Table {
	t.Helper()
	table := New(Config{Default: Reset{Kind: ToEarliest}, Grouped: true, QueuedMax: 100, RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second})
	table.Add(tp, other)
	table.Leads(tp, 1, 3)
	table.Leads(other, 1, 3)
	asks := table.AskCommitted(start)
	if len(asks) != 2 || len(table.AskCommitted(start)) != 0 {
		t.Fatal("each partition's committed offset is asked for once")
	}
	for _, a := range asks {
		table.FoundCommitted(a.Part.Name, a.Stamp, Place{Offset: 10, LeaderEpoch: 3})
	}
	return table
}

func idle(int32) bool { return false }

// fetch carries out the plan for node 1: each partition that is wanted gets n records of one byte.
func fetch(t *testing.T, table *Table, n int) Plan {
	t.Helper()
	plans := table.Plan(start, idle)
	if len(plans) != 1 {
		t.Fatalf("%d plans", len(plans))
	}
	plans[0].Sent()
	for _, w := range plans[0].Wants {
		table.Arrived(w.Part.Name, w.Stamp, Ends{HighWatermark: 1000, LastStableOffset: 1000, LogStart: 0}, fetched(t, w.From, n))
	}
	return plans[0]
}

func fetched(t *testing.T, from Place, n int) *Fetched {
	t.Helper()
	b := record.NewBuilder()
	b.SetBaseOffset(record.Offset(from.Offset))
	b.SetLeaderEpoch(3)
	for range n {
		if err := b.Add(0, nil, []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	data, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return &Fetched{
		Cursor: decode.New(data, from.Offset, nil, decode.Config{}), Bytes: len(data),
		End: Place{Offset: from.Offset + int64(n), LeaderEpoch: 3},
	}
}

// take delivers up to n records of what is in front, and returns partition:first-last.
func take(t *testing.T, table *Table, n int) string {
	t.Helper()
	f := table.Front()
	if f == nil {
		return "nothing"
	}
	first, last, done := int64(-1), int64(-1), false
	for range n {
		r := f.Cursor.Next()
		if r == nil {
			done = true
			break
		}
		if first < 0 {
			first = int64(r.Offset)
		}
		last = int64(r.Offset)
	}
	if !table.Delivered(f, Place{Offset: f.Cursor.Position(), LeaderEpoch: 3}, done) {
		return "void"
	}
	return fmt.Sprintf("%d:%d-%d", f.Part.Name.Partition, first, last)
}

func TestPartitionsTakeTurns(t *testing.T) {
	table := table(t)
	fetch(t, table, 3)
	var got []string
	for range 5 {
		got = append(got, take(t, table, 2))
	}
	// A partition is drained before the other's turn; the end of one takes a look that finds nothing.
	want := "[0:10-11 0:12-12 1:10-11 1:12-12 nothing]"
	if fmt.Sprint(got) != want {
		t.Fatalf("%v, not %s", got, want)
	}
	if p := table.Get(tp); p.Position.Offset != 13 || p.Processed.Offset != 10 {
		t.Fatalf("%+v", p)
	}
	if c := table.Committable(); len(c) != 0 {
		t.Fatalf("what was only delivered can be committed: %v", c)
	}
	table.Processed()
	if c := table.Committable(other); len(c) != 1 || c[0].Offset != 13 || c[0].Name != other {
		t.Fatal(c)
	}
	table.WasCommitted(table.Committable()...)
	if c := table.Committable(); len(c) != 0 {
		t.Fatal(c)
	}
}

// What was fetched under other circumstances never reaches the application.
func TestOldAnswersAreVoid(t *testing.T) {
	for name, change := range map[string]func(*Table){
		"seek":                 func(t *Table) { t.Seek(tp, Place{Offset: 500, LeaderEpoch: -1}) },
		"seek to the end":      func(t *Table) { t.SeekTo(tp, Reset{Kind: ToLatest}) },
		"released":             func(t *Table) { t.Release(tp) },
		"removed":              func(t *Table) { t.Remove(tp) },
		"removed and back":     func(t *Table) { t.Remove(tp); t.Add(tp) },
		"another leader epoch": func(t *Table) { t.Leads(tp, 2, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			table := table(t)
			plan := table.Plan(start, idle)[0]
			plan.Sent()
			change(table)
			if table.Arrived(tp, plan.Wants[0].Stamp, Ends{}, fetched(t, plan.Wants[0].From, 3)) {
				t.Fatal("an answer to a question of before counts")
			}
			if got := take(t, table, 1); got != "nothing" {
				t.Fatal(got)
			}
		})
	}
	t.Run("while it is read", func(t *testing.T) {
		table := table(t)
		fetch(t, table, 3)
		f := table.Front()
		f.Cursor.Next()
		table.Release(f.Part.Name)
		if table.Delivered(f, Place{Offset: 11}, false) {
			t.Fatal("a record of a partition that has to be given up is delivered")
		}
		if p := table.Get(tp); p.Position.Offset != 10 {
			t.Fatal(p.Position)
		}
	})
}

// Two answers of a partition wait at most, and a node whose other partitions are full is not asked to hold its answer.
func TestFetchAhead(t *testing.T) {
	table := table(t)
	fetch(t, table, 1)
	if plan := fetch(t, table, 200); plan.Partial || plan.Wants[0].From.Offset != 11 {
		t.Fatalf("%+v", plan)
	}
	if plans := table.Plan(start, idle); len(plans) != 0 {
		t.Fatalf("%+v is fetched though enough waits", plans)
	}
	table.Seek(other, Place{Offset: 0, LeaderEpoch: -1})
	plans := table.Plan(start, idle)
	if len(plans) != 1 || !plans[0].Partial || len(plans[0].Wants) != 1 || plans[0].Wants[0].Part.Name != other {
		t.Fatalf("%+v", plans)
	}
	if plans := table.Plan(start, func(int32) bool { return true }); len(plans) != 0 {
		t.Fatal("a node that is busy is asked")
	}
}

func TestPauseKeepsWhatWasFetched(t *testing.T) {
	table := table(t)
	fetch(t, table, 2)
	table.Pause(tp, true)
	if got := take(t, table, 9); got != "1:10-11" {
		t.Fatal(got)
	}
	if got := take(t, table, 9); got != "nothing" {
		t.Fatal(got)
	}
	table.Pause(tp, false)
	if got := take(t, table, 9); got != "0:10-11" {
		t.Fatal(got)
	}
}

// A new leader is asked whether its log has what was read (KIP-320).
func TestValidation(t *testing.T) {
	for _, c := range []struct {
		name       string
		epoch      int32
		end        int64
		position   int64
		moved      bool
		stage      Stage
		wantsFront string
	}{
		{"the log has it all", 3, 12, 10, false, Ready, "0:10-11"},
		{"only what was fetched ahead is gone", 3, 11, 10, false, Ready, "nothing"},
		{"what was read is gone", 2, 7, 7, true, Ready, "nothing"},
		{"the epoch is unknown", -1, -1, 10, false, NeedsReset, "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := table(t)
			table.Remove(other)
			fetch(t, table, 2)
			table.Leads(tp, 2, 5)
			asks := table.AskValidation(start)
			if len(asks) != 1 || asks[0].Part.Ahead() != (Place{Offset: 12, LeaderEpoch: 3}) {
				t.Fatalf("%+v", asks)
			}
			moved := table.Validated(start, tp, asks[0].Stamp, c.epoch, c.end)
			p := table.Get(tp)
			if (moved != nil) != c.moved || p.Position.Offset != c.position || p.Stage != c.stage {
				t.Fatalf("moved %+v, %+v", moved, p)
			}
			if got := take(t, table, 9); got != c.wantsFront {
				t.Fatal(got)
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	table := New(Config{Default: Reset{Kind: ToLatest}, Grouped: true, RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second})
	table.Add(tp)
	table.Leads(tp, 1, 3)
	ask := table.AskCommitted(start)[0]
	table.FoundCommitted(tp, ask.Stamp, Nowhere)
	ask = table.AskReset(start)[0]
	if ask.Part.Reset.Kind != ToLatest {
		t.Fatalf("%+v", ask.Part.Reset)
	}
	table.Failed(start, tp, ask.Stamp, "no answer")
	if len(table.AskReset(start)) != 0 || table.Next(start) != start.Add(100*time.Millisecond) {
		t.Fatal("a failure is followed by a pause")
	}
	ask = table.AskReset(start.Add(100 * time.Millisecond))[0]
	if moved := table.FoundReset(tp, ask.Stamp, Place{Offset: 77, LeaderEpoch: 3}); moved == nil || moved.From != Unknown || moved.To != 77 {
		t.Fatalf("%+v", moved)
	}
	if c := table.Committable(); len(c) != 1 || c[0].Offset != 77 {
		t.Fatalf("a position that the policy set is committed, so that it does not move when nothing comes: %v", c)
	}
	plan := table.Plan(start.Add(time.Second), idle)[0]
	plan.Sent()
	table.OutOfRange(start, tp, plan.Wants[0].Stamp, "gone")
	if p := table.Get(tp); p.Stage != NeedsReset || p.Why != "gone" {
		t.Fatalf("%+v", p)
	}
	table.SeekTo(tp, Reset{Kind: ToEarliest})
	ask = table.AskReset(start.Add(time.Second))[0]
	if moved := table.FoundReset(tp, ask.Stamp, Place{Offset: 5}); moved != nil {
		t.Fatalf("what the application asked for is no news: %+v", moved)
	}
}

func TestReadFromAReplica(t *testing.T) {
	table := table(t)
	plan := table.Plan(start, idle)[0]
	plan.Sent()
	table.Prefer(tp, plan.Wants[0].Stamp, 7, start.Add(time.Minute))
	if plans := table.Plan(start, idle); len(plans) != 1 || plans[0].Node != 7 {
		t.Fatalf("%+v", plans)
	}
	if plans := table.Plan(start.Add(2*time.Minute), idle); plans[0].Node != 1 {
		t.Fatalf("%+v", plans)
	}
	table.Failed(start, tp, plan.Wants[0].Stamp, "no answer")
	if plans := table.Plan(start.Add(time.Second), idle); plans[0].Node != 1 {
		t.Fatalf("after a failure the leader is asked: %+v", plans)
	}
}

// A node that does not answer is what has to rest. Its partitions can be fetched from another at once: from the leader,
// if it was a replica, or from a new one.
func TestUnansweredFetch(t *testing.T) {
	table := table(t)
	plans := table.Plan(start, idle)
	plans[0].Sent()
	first, second := plans[0].Wants[0], plans[0].Wants[1]
	table.Prefer(first.Part.Name, first.Stamp, 2, start.Add(time.Minute))
	nodes := func(rests int32) (nodes []int32) {
		for _, plan := range table.Plan(start, func(node int32) bool { return node == rests }) {
			nodes = append(nodes, plan.Node)
		}
		return nodes
	}
	if got := nodes(0); !slices.Equal(got, []int32{2}) {
		t.Fatal(got)
	}
	table.Plan(start, idle)[0].Sent()
	table.Unanswered(first.Part.Name, first.Stamp) // by node 2
	if got := nodes(2); !slices.Equal(got, []int32{1}) {
		t.Fatal("the replica does not answer, and its leader is not asked:", got)
	}
	table.Unanswered(second.Part.Name, second.Stamp) // by node 1
	if got := nodes(1); len(got) != 0 {
		t.Fatal("a node that rests is asked:", got)
	}
	table.Leads(second.Part.Name, 3, 3)
	if got := nodes(1); !slices.Equal(got, []int32{3}) {
		t.Fatal("the new leader is not asked at once:", got)
	}
	table.Unanswered(second.Part.Name, second.Stamp-1)
	if at := table.Next(start); !at.IsZero() {
		t.Fatal("a partition rests until", at)
	}
}

// A leader epoch that nobody answers for is given up when an older one is told again; one that works is not.
func TestDoubtfulEpoch(t *testing.T) {
	table := table(t)
	stamp := table.Get(tp).Stamp
	table.Leads(tp, 1, 2)
	if p := table.Get(tp); p.LeaderEpoch != 3 {
		t.Fatalf("epoch %d", p.LeaderEpoch)
	}
	for range doubtedAfter {
		table.Leads(tp, 1, 2)
		if p := table.Get(tp); p.LeaderEpoch != 3 {
			t.Fatalf("epoch %d", p.LeaderEpoch)
		}
		table.Failed(start, tp, stamp, "UNKNOWN_LEADER_EPOCH")
	}
	table.Leads(tp, 1, 2)
	if p := table.Get(tp); p.LeaderEpoch != 2 || table.Next(start) != (time.Time{}) {
		t.Fatalf("epoch %d, and it waits until %v", p.LeaderEpoch, table.Next(start))
	}
}
