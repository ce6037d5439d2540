package quorum

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/datadriven"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
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

// deafTransport sends nothing.
type deafTransport struct{}

func (deafTransport) Send(Member, [][]byte) {}

// appends lets the log have an entry, as from a leader: the first start is over then.
func (l *life) appends(t *testing.T) {
	t.Helper()
	if err := l.node.storage.log.append([]*raftpb.Entry{{Term: new(uint64(0)), Index: new(uint64(1))}}, 0); err != nil {
		t.Fatal(err)
	}
}

// TestFailedSyncOfAVote: a sync of term and vote fails, and the process is started again on the same machine, where the file reads
// as if it had been written. What the voter relies on then must be there after a loss of power.
func TestFailedSyncOfAVote(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{Seed: 1})
	three := func(c *Config) {
		c.Voters, c.Transport, c.Address = nil, deafTransport{}, "node1:1"
		for id := range metadata.NodeID(3) {
			c.Voters = append(c.Voters, Member{ID: id + 1, Address: fmt.Sprintf("node%d:1", id+1), Voter: true})
		}
	}
	mustOpen(t, fs, 1, three).appends(t)
	fs = fs.Kill()
	state, err := openStateFile(fs, logFolder)
	if err != nil {
		t.Fatal(err)
	}
	voted := state.state
	voted.term, voted.vote = voted.term+7, raftID(1)
	fs.FailAt(disk.OpSync, 1, syscall.EIO)
	if err := state.write(voted); !errors.Is(err, syscall.EIO) {
		t.Fatalf("the sync does not fail: %v", err)
	}
	fs = fs.Kill()
	mustOpen(t, fs, 2, three)
	after, err := openStateFile(fs.Crash(), logFolder)
	if err != nil {
		t.Fatal(err)
	}
	if after.state.term < voted.term {
		t.Errorf("the process relied on term %d, and after a loss of power its term is %d", voted.term, after.state.term)
	}
}
