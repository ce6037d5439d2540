package cli

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// A cluster of Apache Kafka keeps no diary, and the command says so.
func TestGroupWhyAgainstKafka(t *testing.T) {
	address := fakeBroker(t, func(key protocol.Key, version int16, id int32) []byte {
		return framed(id, offers(version, protocol.ApiVersionsResponseApiVersion{ApiKey: 3, MaxVersion: 13}, protocol.ApiVersionsResponseApiVersion{ApiKey: 10, MaxVersion: 6}))
	})
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"group", "why", "g", "--bootstrap-server", address}, strings.NewReader(""), &out, &errs)
	want := "does not know the request DescribeGroupDiary; is it skein, and as new as this program (" + Version() + ")? only skein keeps a diary of its groups"
	if code != 1 || out.Len() > 0 || !strings.Contains(errs.String(), want) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out.String(), errs.String())
	}
}

// A coordinator that loads is asked again; one that never ends loading is reported.
func TestGroupWhyAsksAgain(t *testing.T) {
	t.Parallel() // it waits
	var asked atomic.Int32
	ready := int32(3)
	var address string
	address = fakeBroker(t, func(key protocol.Key, version int16, id int32) []byte {
		switch key {
		case protocol.KeyApiVersions:
			return framed(id, offers(version, protocol.ApiVersionsResponseApiVersion{ApiKey: 10, MaxVersion: 6}, protocol.ApiVersionsResponseApiVersion{ApiKey: int16(protocol.KeyDescribeGroupDiary)}))
		case protocol.KeyFindCoordinator:
			host, port, _ := net.SplitHostPort(address)
			n, _ := strconv.Atoi(port)
			r := protocol.NewFindCoordinatorResponse()
			r.Coordinators = []protocol.FindCoordinatorResponseCoordinator{{Key: "g", NodeID: 7, Host: host, Port: int32(n)}}
			return framed(id, append([]byte{0}, protocol.AppendMessage(nil, r, version)...))
		default:
			r := protocol.NewDescribeGroupDiaryResponse()
			if r.State = "Stable"; asked.Add(1) < ready {
				r.ErrorCode = protocol.CoordinatorLoadInProgress
			}
			return framed(id, append([]byte{0}, protocol.AppendMessage(nil, r, version)...))
		}
	})
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"group", "why", "g", "--bootstrap-server", address}, strings.NewReader(""), &out, &errs); code != 0 ||
		asked.Load() != 3 || !strings.HasPrefix(out.String(), "group g: Stable") {
		t.Errorf("exit code %d after %d questions, %q %q", code, asked.Load(), out.String(), errs.String())
	}
	ready = 1 << 30
	if code := run(context.Background(), []string{"group", "why", "g", "--bootstrap-server", address, "--timeout", "15s"}, strings.NewReader(""), &out, &errs); code != 1 ||
		!strings.Contains(errs.String(), "group g: COORDINATOR_LOAD_IN_PROGRESS; the coordinator has just started; try again in a moment") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

// TestDiarySentences: what is told of an entry.
func TestDiarySentences(t *testing.T) {
	const start = 1_700_000_000_000
	happening := func(kind group.Happening, member string) *protocol.GroupDiaryValueHappening {
		return &protocol.GroupDiaryValueHappening{TimestampMs: start, Kind: int8(kind), MemberID: member, ClientID: "a", ClientHost: "/10.0.0.1", Times: 1}
	}
	left := happening(group.Left, "X")
	left.Reason = "consumer\nunsubscribed"
	for _, c := range []struct {
		want  string
		entry protocol.GroupDiaryValue
	}{
		{`generation 8: rebalance took 1.2 s because member X (client a, 10.0.0.1) left: 'consumer\nunsubscribed'; waited 1.1 s for member Y (client b, 10.0.0.2) to rejoin; 3 of 12 partitions moved (Y +3, X -3); 2 members`,
			protocol.GroupDiaryValue{Generation: 8, Members: 2, StartedMs: start, FormedMs: start + 1100, EndedMs: start + 1200, JoinPhases: 1, Cause: left,
				Waits:              []protocol.GroupDiaryValueWait{{MemberID: "Y", ClientID: "b", ClientHost: "/10.0.0.2", Came: true, WaitMs: 1100}},
				PartitionsAssigned: 12, PartitionsMoved: 3, Moves: []protocol.GroupDiaryValueMove{{MemberID: "Y", Gained: 3}, {MemberID: "X", Lost: 3}}}},
		{`generation 1: rebalance took 4 s because member X (client a, 10.0.0.1) joined; waited 3 s for more members (group.initial.rebalance.delay.ms); 6 partitions had no owner before; 1 member`,
			protocol.GroupDiaryValue{Generation: 1, Members: 1, StartedMs: start, FormedMs: start + 4000, EndedMs: start + 4000, JoinPhases: 1, Initial: true, LastJoiner: "X",
				LastJoinMs: start + 1000, Cause: happening(group.Joined, "X"), PartitionsAssigned: 6, PartitionsNew: 6}},
		{`generation 9: rebalance took 2m5s in 3 rounds because members did not send SyncGroup in time; waited 2m5s for member Y, whose JoinGroup did not come; waited 200 ms for member Z to assign the partitions; 0 of 2 partitions moved; 2 members`,
			protocol.GroupDiaryValue{Generation: 9, Members: 2, StartedMs: start, FormedMs: start, EndedMs: start + 125_000, JoinPhases: 3,
				Cause: &protocol.GroupDiaryValueHappening{Kind: int8(group.Silent), Times: 1},
				Waits: []protocol.GroupDiaryValueWait{{MemberID: "Y", WaitMs: 125_000}, {MemberID: "Z", Sync: true, Came: true, WaitMs: 200}}, PartitionsAssigned: 2}},
		{`generation 2: the group is empty after 5 ms because member X (client a, 10.0.0.1) expired; 1 partition lost the owner`,
			protocol.GroupDiaryValue{Generation: 2, StartedMs: start, FormedMs: -1, EndedMs: start + 5, JoinPhases: 1, Cause: happening(group.Expired, "X"), PartitionsFreed: 1}},
		{`generation 4: no rebalance; 1 member`,
			protocol.GroupDiaryValue{Generation: 4, Members: 1, StartedMs: -1, FormedMs: -1, EndedMs: start, PartitionsAssigned: -1}},
		{`after generation 4: rebalance since 2023-11-14T22:13:20.000Z because something happened to member X (client a, 10.0.0.1) that this program does not know (kind 99)`,
			protocol.GroupDiaryValue{Generation: 4, Members: 1, StartedMs: start, FormedMs: -1, EndedMs: -1, JoinPhases: 1, Cause: happening(99, "X"), PartitionsAssigned: -1}},
	} {
		if got := tellDiary(protocol.AppendRecord(nil, &c.entry, 0)); got != c.want {
			t.Errorf("told  %s\nwant  %s", got, c.want)
		}
	}
	old := happening(group.OldGeneration, "X")
	old.Generation, old.Detail, old.Times = 4, "commit, heartbeat", 17
	h := newDiaryHappening(old)
	if got, want := h.phrase(), "member X (client a, 10.0.0.1) still used generation 4, which is over: commit, heartbeat (17 times)"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if got := tellDiary([]byte{0, 9, 0}); got != "an entry that this program cannot read" {
		t.Errorf("told %q of a newer version", got)
	}
	seen := map[string]group.Happening{}
	for kind := group.Joined; kind <= group.OldGeneration; kind++ {
		h := newDiaryHappening(happening(kind, "X"))
		text := h.phrase()
		if other, again := seen[text]; again || h.Kind == "" || strings.Contains(text, "does not know") {
			t.Errorf("kind %d is told as %q, as kind %d is", kind, text, other)
		}
		seen[text] = kind
	}
	if group.Happening(group.OldGeneration+1).String() != "" {
		t.Error("there are more kinds than this test tells")
	}
}

// TestGroupWhyPage: what is there now, what is not written yet, and entries that cannot be read.
func TestGroupWhyPage(t *testing.T) {
	response := &protocol.DescribeGroupDiaryResponse{NowMs: 1_700_000_002_000, State: "PreparingRebalance", Generation: 3, Members: 2,
		Entries: [][]byte{{0, 9, 0}}, Since: protocol.AppendRecord(nil, &protocol.GroupDiaryValue{Generation: 3, StartedMs: -1, EndedMs: -1, HappeningsOmitted: 2,
			Happenings: []protocol.GroupDiaryValueHappening{{TimestampMs: 1_700_000_000_000, Kind: int8(group.Fenced), MemberID: "m", Detail: "commit with group.instance.id i", Times: 4}},
			ExpiredOffsets: []protocol.GroupDiaryValueExpiredOffset{{TimestampMs: 1_700_000_001_000, Topic: "orders", Partitions: 12, RetentionMs: 604_800_000},
				{TimestampMs: 1_700_000_001_000, Topic: "old", Partitions: 1, RetentionMs: 90_000, Asked: true}}, ExpiredOffsetsOmitted: 3}, 0),
		WaitedFor: []protocol.DescribeGroupDiaryResponseWaited{{MemberID: "m", InstanceID: "i", ClientID: "c", ClientHost: "/h", SinceMs: 1_700_000_000_000}}, WaitedForOmitted: 3,
		LastSyncer: "n", LastSyncMs: 1_700_000_000_000}
	d := newGroupWhyDocument("g\x1b", describedBroker{ID: 1}, response)
	var out bytes.Buffer
	d.print(&page{w: &out})
	want := `group g\x1b: PreparingRebalance, generation 3, 2 members, coordinator 1
now waiting for the JoinGroup of member m (client c, group.instance.id i, h), for 2 s already
and for 3 members more
the last to fetch its assignment was member n at 2023-11-14T22:13:20.000Z

not written yet  since generation 3: no rebalance
  2023-11-14T22:13:20.000Z  member m was fenced: commit with group.instance.id i (4 times)
  and 2 more
  2023-11-14T22:13:21.000Z  the committed offsets of 12 partitions of orders expired after 7d0h (offsets.retention.minutes)
  2023-11-14T22:13:21.000Z  the committed offsets of 1 partition of old expired after 1m30s (the commit asked for that)
  and the committed offsets of 3 partitions more expired

1 of the entries are from another version of skein and cannot be read
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	if d.WaitedFor[0].WaitMs != 2000 || d.Since.Happenings[0].At != time.UnixMilli(1_700_000_000_000).UTC() || d.Unreadable != 1 {
		t.Errorf("%+v", d)
	}
}
