package tour

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// planted is a bug for each scene: a change of the source that this scene, and no other but alsoFinds, must find. What it
// becomes asks the environment (planting) whether the bug is awake.
var planted = []struct{ scene, file, was, becomes string }{
	// The smallest integer has the partition that the absolute value of -48 would give.
	{"coordinator", "internal/coordinator/hash.go", "\t\th = 0\n", "\t\tif h = 0; PLANTED {\n\t\t\th = 48\n\t\t}\n"},
	// Followers learn the members too.
	{"join", "internal/group/join.go", "if g.leader == m.id {\n\t\tr.Members =", "if g.leader == m.id || PLANTED {\n\t\tr.Members ="},
	// The commit of a member that was removed is taken.
	{"members", "internal/group/commit.go", "e.InstanceID, \"commit\")\n\tif err != nil {", "e.InstanceID, \"commit\")\n\tif err != nil && PLANTED {\n\t\treturn nil\n\t}\n\tif err != nil {"},
	// An asynchronous commit is tried again.
	{"commits", "consumer/commit.go", "err == nil || !op.retry ||", "err == nil || !op.retry && !PLANTED ||"},
	// The high watermark does not wait for the followers, where there are two.
	{"replicas", "internal/replica/leader.go", "\t\t\tend = min(end, p.durableEnd)\n", "\t\t\tif p.node == s.self || len(l.replicas) < 3 || !PLANTED {\n\t\t\t\tend = min(end, p.durableEnd)\n\t\t\t}\n"},
	// Whoever lives may lead.
	{"elections", "internal/controller/partition_change.go", "(eligible || c.faults.electsOutsideISR)", "(eligible || c.faults.electsOutsideISR || PLANTED)"},
	// A broker's former process is taken for it.
	{"controller", "internal/controller/producer_ids.go", "if b.Epoch != metadata.BrokerEpoch(epoch) {", "if b.Epoch != metadata.BrokerEpoch(epoch) && !PLANTED {"},
	// The same change once more is taken for a newer one.
	{"newest", "perceptor/change/judge.go", "\tcase order > 0:\n\t\treturn Newer\n", "\tcase order > 0 || order == 0 && PLANTED:\n\t\treturn Newer\n"},
	// Consumers see what is not committed.
	{"record", "internal/api/fetch.go", "\treturn r.highWatermark\n", "\tif PLANTED {\n\t\treturn r.logEnd\n\t}\n\treturn r.highWatermark\n"},
	// An old consumer takes what another owns for its own.
	{"herd", "internal/oldconsumer/rebalance.go", "string(a.Data) == m.claims[m.claimed].Stream {", "(PLANTED || string(a.Data) == m.claims[m.claimed].Stream) {"},
}

// alsoFinds are the scenes that find the bug of another scene, too: herd sends a commit of a member that was removed.
var alsoFinds = map[string]string{"members": "herd"}

// planting is what PLANTED stands for in a scene's bug.
const planting = `(os.Getenv("SKEIN_PLANTED") == %q)`

// TestPlantedBugs builds this test's program once with all bugs, each asleep until an environment variable names its
// scene, and runs TestCheck with one after the other.
func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the broker once more")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "planted.test")
	build := exec.Command("go", "test", "-c", "-overlay", overlay(t, root, dir), "-o", program, "./internal/tour")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, bug := range planted {
		t.Run(bug.scene, func(t *testing.T) {
			run := exec.Command(program, "-test.run", "^TestCheck$", "-test.timeout", "60s")
			run.Env = append(os.Environ(), "SKEIN_PLANTED="+bug.scene)
			out, _ := run.CombinedOutput()
			want := []string{bug.scene}
			if also := alsoFinds[bug.scene]; also != "" {
				want = append(want, also)
			}
			if failed := failedScenes(string(out)); !slices.Equal(failed, want) {
				t.Errorf("with the bug planted, the scenes %v fail, not %v:\n%s", failed, want, out)
			}
		})
	}
}

// overlay writes the changed sources, and the list of them that `go build -overlay` reads.
func overlay(t *testing.T, root, dir string) string {
	t.Helper()
	replace := map[string]string{}
	for i, bug := range planted {
		path := filepath.Join(root, filepath.FromSlash(bug.file))
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), bug.was); n != 1 {
			t.Fatalf("%s has %q %d times: choose another place for the bug of scene %s", bug.file, bug.was, n, bug.scene)
		}
		awake := fmt.Sprintf(planting, bug.scene)
		changed := strings.Replace(string(source), bug.was, strings.ReplaceAll(bug.becomes, "PLANTED", awake), 1)
		changed = packageLine.ReplaceAllString(changed, "$0\nimport \"os\"\n")
		file := filepath.Join(dir, strconv.Itoa(i)+".go")
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = file
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

var packageLine = regexp.MustCompile(`(?m)^package \w+$`)

func failedScenes(out string) []string {
	var failed []string
	for _, m := range regexp.MustCompile(`--- FAIL: TestCheck/(\S+)`).FindAllStringSubmatch(out, -1) {
		failed = append(failed, m[1])
	}
	return failed
}
