package oldconsumer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
)

// TestBenchHerd lets a small herd loose on a real ZooKeeper and on a node: everybody is told of a change, the herd comes
// to rest, all is counted and drawn, and nothing is left in ZooKeeper. How long it takes is not looked at.
func TestBenchHerd(t *testing.T) {
	addr := zooKeeper(t)
	dir := t.TempDir()
	svg, page := filepath.Join(dir, "herd.svg"), filepath.Join(dir, "page.md")
	if err := os.WriteFile(page, []byte("# Page\n<!-- herd -->\n<!-- /herd -->\nend\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const members = 6
	code, out, errs := skeinRun("bench", "herd", "--zookeeper", addr, "--members", "6", "--session", "4s", "--settle", "1m", "--svg", svg, "--page", page, "-o", "json")
	if code != 0 {
		t.Fatal(out, errs)
	}
	var results []struct {
		Side, Step                       string
		Members, Notifications, Requests int
		Stable                           bool
		NoOwnerNs, TwoOwnersNs           int64
		RecordsDoubled                   int64
		Collisions, FailedRebalances     int
	}
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		t.Fatal(err, out)
	}
	if len(results) != 6 {
		t.Fatalf("%d results: %s", len(results), out)
	}
	requests := map[string]int{}
	for _, r := range results {
		t.Logf("%+v", r) // who reads beside whom, and for how long, depends on the machine: internal/sim/herd.TestSplitBrain is about that
		requests[r.Side] += r.Requests
		switch {
		case r.Members != members || r.Requests == 0:
			t.Errorf("%+v", r)
		case r.Step == "one leaves" && r.Notifications < members-1: // everybody else is told
			t.Errorf("%+v", r)
		case r.FailedRebalances == 0 && !r.Stable:
			t.Errorf("nobody gave up, and it is not stable: %+v", r)
		}
	}
	if requests["zookeeper"] <= requests["coordinator"] {
		t.Errorf("requests: %v", requests)
	}
	picture, err := os.ReadFile(svg)
	if err != nil || strings.Count(string(picture), "<circle") != 6*7 {
		t.Errorf("%v\n%s", err, picture)
	}
	written, err := os.ReadFile(page)
	if err != nil || strings.Count(string(written), "\n| one ")+strings.Count(string(written), "\n| all ") != 6 || !strings.HasSuffix(string(written), "<!-- /herd -->\nend\n") {
		t.Errorf("%v\n%s", err, written)
	}
	conn, _, err := zk.Connect([]string{addr}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	names, _, err := conn.Children("/")
	if err != nil || strings.Contains(strings.Join(names, " "), "skein-herd") {
		t.Error(names, err)
	}
}
