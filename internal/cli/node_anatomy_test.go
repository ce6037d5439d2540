package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// anatomy looks into a node again and again until what it shows is so. Nodes hear of a topic one after the other.
func (c *realCluster) anatomy(t *testing.T, so func(a *nodeAnatomy) bool, args ...string) (a *nodeAnatomy, text string) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		a = &nodeAnatomy{}
		text = c.skein(t, append([]string{"node", "anatomy", "--once", "--every", "100ms", "-o", "json"}, args...)...)
		if err := json.Unmarshal([]byte(text), a); err != nil {
			t.Fatal(err)
		}
		if so(a) || time.Now().After(deadline) {
			return a, text
		}
	}
}

// until is a buffer that calls enough once it has a text so often.
type until struct {
	bytes.Buffer
	text   string
	times  int
	enough func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Buffer.Write(b)
	if strings.Count(u.String(), u.text) >= u.times {
		u.enough()
	}
	return n, err
}

// TestNodeAnatomy looks into a node of a cluster, by its id and by its address.
func TestNodeAnatomy(t *testing.T) {
	c := startCluster(t, 3)
	c.skein(t, "topic", "create", "orders", "--partitions", "6")
	c.skein(t, "produce", "orders")
	a, text := c.anatomy(t, func(a *nodeAnatomy) bool {
		return a.Partitions.Led == 2 && a.Partitions.Followed == 4 && len(a.Fetchers) == 2
	}, "2")
	if a.Node != 2 || a.State != "unfenced" || a.BrokerEpoch == nil || a.Address != c.boots[1] || a.Partitions.Led != 2 || a.Partitions.Followed != 4 || a.Partitions.Idle != 0 ||
		len(a.Fetchers) != 2 {
		t.Errorf("node 2: %s", text)
	}
	if a.Controller.Leader == nil || a.Controller.Committed == nil || a.Traffic.RequestsPerSecond == nil || *a.Traffic.RequestsPerSecond <= 0 || a.Connections.Listeners["PLAINTEXT"] < 3 {
		t.Errorf("node 2: %s", text)
	}
	if lease := a.Controller.LeaseMs; lease == nil || *lease <= 0 || *lease > 2000 {
		t.Errorf("node 2, with a session of 3 s, counts on a controller for %v ms: %s", orDash(maybe(lease)), text)
	}
	waits := func(a *nodeAnatomy) bool { // the followers' fetches, but for the moment between one and the next
		for _, r := range a.Requests {
			if r.API == "Fetch" && r.Waiting > 0 && a.Waiting.Followers > 0 {
				return true
			}
		}
		return false
	}
	if a, text := c.anatomy(t, waits, "2"); !waits(a) {
		t.Errorf("no follower's fetch waits: %s", text)
	}
	c.boots = c.boots[2:]
	c.anatomy(t, func(a *nodeAnatomy) bool { return len(a.Fetchers) == 2 })
	if text := c.skein(t, "node", "anatomy", "--once", "--every", "100ms"); !strings.HasPrefix(text, "node 3 ("+c.boots[0]+") at ") || !strings.Contains(text, "from node 1") {
		t.Errorf("node 3:\n%s", text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	pictures := &until{text: "node 3 (", times: 2, enough: cancel}
	var out, errs bytes.Buffer
	code := run(ctx, []string{"node", "anatomy", "--every", "100ms", "--bootstrap-server", c.boots[0]}, strings.NewReader(""), pictures, &errs)
	if n := strings.Count(pictures.String(), pictures.text); code != exitOK || n < pictures.times {
		t.Errorf("exit code %d, %d pictures, %s", code, n, errs.String())
	}
	for _, wrong := range [][]string{{"x"}, {"-1"}, {"--every", "1ms"}, {"1", "2"}} {
		if code := run(context.Background(), append([]string{"node", "anatomy"}, wrong...), strings.NewReader(""), &out, &errs); code != exitUsage {
			t.Errorf("%v: exit code %d", wrong, code)
		}
	}
	errs.Reset()
	if code := run(context.Background(), []string{"node", "anatomy", "9", "--bootstrap-server", c.boots[0]}, strings.NewReader(""), &out, &errs); code != exitFailed ||
		!strings.Contains(errs.String(), "no broker has the id 9") {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

// TestNodeAnatomyPage: what two looks make, and what an ill node shows.
func TestNodeAnatomyPage(t *testing.T) {
	reason := "the log directory of node 1 is offline: input/output error"
	busy := "the coordinator's loops do not answer"
	before := &protocol.DescribeNodeResponse{NodeID: 1, MonotonicUs: 1_000_000, RequestsTotal: 100, RequestBytes: 1000, ResponseBytes: 5000, SyncRounds: 10, SyncBusyUs: 5000, SyncFiles: 10}
	r := &protocol.DescribeNodeResponse{NodeID: 1, NowMs: 1_700_000_000_000, MonotonicUs: 3_000_000, Goroutines: 84, MemoryBytes: 45_100_000,
		Listeners:           []protocol.DescribeNodeResponseListener{{Name: "CONTROLLER", Connections: 2}, {Name: "PLAINTEXT", Connections: 12}},
		ConnectionsAccepted: 40, ConnectionsRefused: 1, ConnectionsFailed: 2, RequestsTotal: 2508, RequestBytes: 24_601_000, ResponseBytes: 49_205_000,
		BytesInFlight: 1_200_000, BytesInFlightMax: 134_217_728, ConnectionsPaused: 1,
		Requests:       []protocol.DescribeNodeResponseApiRequests{{ApiKey: 0, Waiting: 3, OldestUs: 1_200_000}, {ApiKey: 11, Queued: 1, Waiting: 2, Ended: 4, OldestUs: 70_000}},
		WaitsCommitted: 3, WaitsDurable: 1, WaitsRecords: 1, WaitsLogEnd: 2, SyncRounds: 20, SyncBusyUs: 25_000, SyncFiles: 50, SyncLastUs: 3400, SyncRunningUs: 12_000_000,
		DirtyLogs: 1, LogDirError: &reason, PartitionsLed: 18, PartitionsFollowed: 35, PartitionsIdle: 1, PartitionsUnderReplicated: 4, PartitionsUnderMinIsr: 2,
		Fetchers: []protocol.DescribeNodeResponseFetcher{{LeaderID: 2, Partitions: 18, InFlight: true, Lag: 12_345, LagMax: 12_000},
			{LeaderID: 3, Partitions: 17, PartitionsPaused: 17}, {LeaderID: 4, Partitions: 1, Failures: 1}},
		CoordinatorActive: 17, CoordinatorLoading: 1, CoordinatorQueue: 5, Groups: []protocol.DescribeNodeResponseGroupState{{State: "Empty", Groups: 1}, {State: "Stable", Groups: 3}},
		ControllerID: 3, ControllerEpoch: 7, MetadataCommitted: 120, MetadataLogEnd: 121, ControllerQueue: 1, QuorumQueue: 2, LeaseMs: 1740, BrokerState: "unfenced", BrokerEpoch: 3}
	show := func(before, r *protocol.DescribeNodeResponse) string {
		var out bytes.Buffer
		newNodeAnatomyDocument("a:1", before, r).print(&page{w: &out})
		return out.String()
	}
	want := `node 1 (a:1) at 2023-11-14T22:13:20Z: unfenced (broker epoch 3), 84 goroutines, 45.1 MB

connections  CONTROLLER 2, PLAINTEXT 12; since the start 40 accepted, 1 refused, 2 failed; 1 have no room and are not read from
traffic      1,204 requests/s, 12.3 MB/s in, 24.6 MB/s out; requests hold 1.2 MB of 134.2 MB
waiting      3 for a high watermark, 1 for this disk (acks=1); fetches in 1 partition by consumers, in 2 partitions by followers

REQUESTS   QUEUED  WAITING  ENDED  OLDEST
Produce    0       3        0      1.2 s
JoinGroup  1       2        4      70 ms

syncer       5 rounds/s, 2 ms each, 4 files in each, the last 3.4 ms; one runs for 12,000 ms; 1 log dirty
             the log directory is offline: the log directory of node 1 is offline: input/output error
partitions   18 led (4 under-replicated, 2 under min ISR), 35 followed, 1 idle

FETCHERS     PARTITIONS  PAUSED  LAG     LARGEST  STATE
from node 2  18          0       12,345  12,000   a fetch is on its way
from node 3  17          17      0       0        all are paused: refused, or being cut
from node 4  1           0       0       0        waits for a pause to end, 1 failure in a row

coordinator  17 partitions active, 1 loading, 5 events queued; groups 1 Empty, 3 Stable
controller   node 3, epoch 7; metadata log committed to 120, here to 121; 1 request and 2 messages of the quorum queued
lease        1,740 ms, if the controller is not heard again
`
	if got := show(before, r); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	r.Requests, r.Fetchers, r.GroupsUnknown, r.ControllerID, r.BrokerState, r.SyncLastUs, r.SyncRunningUs = nil, nil, &busy, -1, "", -1, -1
	r.LeaseMs = 0
	before.RequestsTotal = 1 << 40 // it has begun anew
	got := show(before, r)
	for _, line := range []string{": not registered, ", "traffic      - requests/s, -/s in, -/s out; ", "requests     none is under way\n",
		"syncer       - rounds/s, - ms each, - files in each, the last - ms; ", "queued; groups not known: " + busy, "controller   no controller is known; ", "lease        over: "} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is not in\n%s", line, got)
		}
	}
}
