package group

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// boundedBy fails when f allocates more than 256 times the input and a MiB.
func boundedBy(t *testing.T, input int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(256*input+1<<20) {
		t.Fatalf("%d bytes allocated for %d bytes of input", used, input)
	}
}

// FuzzSubscription: what a member says it subscribes to is a client's bytes. Reading it is bounded, and where kmsg can
// read it too, both have read the same.
func FuzzSubscription(f *testing.F) {
	f.Add(subscription("t", "another"))
	f.Add(subscription())
	f.Add(subscription("t")[:7])
	f.Add([]byte{0, 1, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{0, 1, 0, 0, 0, 1, 0x80, 0, 't'})
	f.Add([]byte{0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		topics := map[string]struct{}{}
		var ok bool
		boundedBy(t, len(b), func() { ok = subscribedTopics(b, topics) })
		size := 0
		for topic := range topics {
			if size += 2 + len(topic); !bytes.Contains(b, []byte(topic)) {
				t.Fatalf("topic %q is not in %x", topic, b)
			}
		}
		if size > len(b) {
			t.Fatalf("%d bytes of topics from %d bytes", size, len(b))
		}
		var theirs kmsg.ConsumerMemberMetadata
		if theirs.ReadFrom(b) != nil || theirs.Version < 0 || theirs.Topics == nil {
			return
		}
		want := map[string]struct{}{}
		for _, topic := range theirs.Topics {
			want[topic] = struct{}{}
		}
		if !ok || len(want) != len(topics) {
			t.Fatalf("%v %v, kmsg reads %v from %x", ok, topics, want, b)
		}
		for topic := range want {
			if _, known := topics[topic]; !known {
				t.Fatalf("%v, kmsg reads %v from %x", topics, want, b)
			}
		}
	})
}

// FuzzAssignment: what a leader assigns is a client's bytes. Comparing two generations of it is bounded, its sums agree
// with each other and with what kmsg reads.
func FuzzAssignment(f *testing.F) {
	one, two := consumerAssignment("t+0+1"), consumerAssignment("t+1+2")
	f.Add(one, two, one)
	f.Add(one, []byte{}, consumerAssignment("u+0"))
	f.Add(one[:14], two, two)
	f.Add([]byte{0, 1, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0}, one, one)
	f.Add([]byte{0, 1, 0, 0, 0, 1, 0, 1, 't', 0x7f, 0xff, 0xff, 0xff}, one, two)
	f.Add([]byte{0, 1, 0, 0, 0, 1, 0x80, 0, 't', 0, 0, 0, 0}, one, two)
	f.Fuzz(func(t *testing.T, was, a, b []byte) {
		before := &GroupValue{ProtocolType: "consumer", Members: []MemberValue{{MemberID: "a", Assignment: was}}}
		after := &GroupValue{ProtocolType: "consumer", Members: []MemberValue{{MemberID: "a", Assignment: a}, {MemberID: "b", Assignment: b}}}
		e := protocol.NewGroupDiaryValue()
		boundedBy(t, len(was)+len(a)+len(b), func() { countMoves(e, before, after) })
		want, readable := partitionsIn(a, b)
		if _, fine := partitionsIn(was); readable && fine && e.PartitionsAssigned != want && want < movedPartitionsMax/4 && len(was) < movedPartitionsMax {
			t.Fatalf("%d assigned, kmsg reads %d", e.PartitionsAssigned, want)
		}
		if e.PartitionsAssigned < 0 {
			if e.Moves != nil || e.PartitionsMoved != -1 || e.PartitionsNew != -1 || e.PartitionsFreed != -1 {
				t.Fatalf("half of what cannot be read: %+v", e)
			}
			return
		}
		gained, given := int32(0), int32(0)
		for _, m := range e.Moves {
			gained, given = gained+m.Gained, given+m.Lost
		}
		if gained != e.PartitionsMoved+e.PartitionsNew || given != e.PartitionsMoved+e.PartitionsFreed || gained > e.PartitionsAssigned {
			t.Fatalf("gained %d, given up %d: %+v", gained, given, e)
		}
		if !slices.IsSortedFunc(e.Moves, func(x, y protocol.GroupDiaryValueMove) int { return int(y.Gained + y.Lost - x.Gained - x.Lost) }) {
			t.Fatalf("not the longest first: %+v", e.Moves)
		}
	})
}

// partitionsIn counts partitions as kmsg reads them; nothing at all is an assignment of nothing.
func partitionsIn(assignments ...[]byte) (n int32, ok bool) {
	for _, b := range assignments {
		if len(b) == 0 {
			continue
		}
		var a kmsg.ConsumerMemberAssignment
		if a.ReadFrom(b) != nil || a.Version < 0 || a.Topics == nil {
			return 0, false
		}
		for _, topic := range a.Topics {
			if topic.Partitions == nil {
				return 0, false
			}
			n += int32(len(topic.Partitions))
		}
	}
	return n, true
}
