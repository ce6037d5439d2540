package skein

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
)

// TestCrashLeavesARecording: what a coordinator did before a state that must not be is kept with the header that
// `skein group replay` wants, and with the settings it was decided by.
func TestCrashLeavesARecording(t *testing.T) {
	broker, err := config.Resolve([]config.Assignment{{Name: "node.id", Value: "7"}, {Name: "group.max.size", Value: "12"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files, err := disk.OpenReal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	p := &parts{broker: broker, logger: slog.New(slog.DiscardHandler)}
	const event = `{"at":7,"kind":"drained","event":{"GroupID":"g"}}` + "\n"
	p.keepRecording(files, 3, []byte(event))
	found, _ := filepath.Glob(filepath.Join(dir, "crash-group-3-*.jsonl"))
	if len(found) != 1 {
		t.Fatalf("found %v", found)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	var header api.RecordingHeader
	if err := json.Unmarshal([]byte(first), &header); err != nil || rest != event {
		t.Fatalf("%v: %s", err, text)
	}
	if header.Recording != api.RecordingKind || header.Version != api.RecordingVersion || header.Node != 7 || header.Partition != 3 || header.Settings["group.max.size"] != "12" {
		t.Errorf("the header is %s", first)
	}
}
