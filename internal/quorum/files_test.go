package quorum

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/internal/disk"
)

// TestFileOperations is the golden trace of what the metadata log does with its own files, and of when its entries are
// written and synced: a sync that moved is a difference to read. What commitlog does besides is not shown. `go test
// -rewrite` writes it anew.
func TestFileOperations(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	var l *life
	serial := uint64(0)
	datadriven.RunTest(t, "testdata/files", func(t *testing.T, d *datadriven.TestData) string {
		fs.ResetTrace()
		switch d.Cmd {
		case "open":
			serial++
			l = mustOpen(t, fs, serial, func(c *Config) { c.SnapshotBytes = 400 })
		case "create":
			for _, name := range strings.Fields(d.Input) {
				l.node.Submit(createRequest(name, 1), 6, nobody)
			}
			if err := l.node.Work(l.now); err != nil {
				return err.Error()
			}
		case "kill":
			fs = fs.Kill()
		case "close":
			l.close(t)
		default:
			t.Fatalf("%s: no such command as %s", d.Pos, d.Cmd)
		}
		var out strings.Builder
		own := false // the line before was of one of our files
		for _, line := range fs.Trace() {
			switch {
			case strings.Contains(line, stateFileName), strings.Contains(line, checkpointSuffix):
				own = true
			case own && line == "syncdir "+logFolder:
				own = false
			case strings.Contains(line, ".log") && (strings.HasPrefix(line, "write ") || strings.HasPrefix(line, "sync ")):
				own = false
			default:
				continue
			}
			fmt.Fprintln(&out, strings.ReplaceAll(line, logFolder+"/", ""))
		}
		if out.Len() == 0 {
			return "nothing\n"
		}
		return out.String()
	})
}
