package quorum

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

func openStorage(t *testing.T, fs disk.FS) (*storage, func()) {
	t.Helper()
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: 1, ClusterID: "c", Manual: true, DirectoryID: protocol.UUID{1}})
	if err != nil {
		t.Fatal(err)
	}
	log, err := openEntryLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	log.apart = true
	return &storage{log: log}, func() {
		if err := log.close(); err != nil {
			t.Fatal(err)
		}
		if err := dir.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func entriesOf(first, count, term uint64) []*raftpb.Entry {
	var entries []*raftpb.Entry
	for i := range count {
		entries = append(entries, &raftpb.Entry{
			Index: new(first + i), Term: new(term), Type: raftpb.EntryNormal.Enum(), Data: fmt.Appendf(nil, "%d in %d", first+i, term),
		})
	}
	return entries
}

func show(s *storage) string {
	out := fmt.Sprint("snapshot ", s.index, " in ", s.term, ":")
	for _, e := range s.entries {
		out += fmt.Sprintf(" %d/%d=%s", e.GetIndex(), e.GetTerm(), e.GetData())
	}
	return out
}

// TestStorageAgainstModel: a log that is appended to, cut by other leaders in the middle of what was written together,
// and compacted, is in memory and after a restart what a list would be.
func TestStorageAgainstModel(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 5))
		fs := disk.NewSimulated(disk.SimulatedOptions{Seed: seed})
		s, end := openStorage(t, fs)
		var model []*raftpb.Entry // from index 1 on
		term, index, indexTerm := uint64(1), uint64(0), uint64(0)
		for range 40 {
			switch n := random.IntN(10); {
			case n < 5:
				more := entriesOf(uint64(len(model))+1, 1+uint64(random.IntN(6)), term)
				model = append(model, more...)
				if err := s.append(more, 1); err != nil {
					t.Fatal(err)
				}
			case n < 7 && uint64(len(model)) > index: // another leader has other entries
				term++
				from := index + 1 + uint64(random.IntN(len(model)-int(index)))
				more := entriesOf(from, 1+uint64(random.IntN(3)), term)
				model = append(model[:from-1:from-1], more...)
				if err := s.append(more, 1); err != nil {
					t.Fatal(err)
				}
			case n < 8 && uint64(len(model)) > index:
				index += 1 + uint64(random.IntN(len(model)-int(index)))
				indexTerm = model[index-1].GetTerm()
				if err := s.compact(index, members{{ID: 1, Voter: true}}, 1); err != nil {
					t.Fatal(err)
				}
			default:
				end()
				s, end = openStorage(t, fs)
				s.index, s.term = index, indexTerm // as the snapshot says
				if err := s.load(false); err != nil {
					t.Fatal(err)
				}
			}
			want := &storage{index: index, term: indexTerm, entries: model[index:]}
			if show(s) != show(want) {
				t.Fatalf("seed %d:\n%s\nwant\n%s", seed, show(s), show(want))
			}
		}
		checkRaftView(t, s)
		end()
	}
}

// checkRaftView asks what raft asks.
func checkRaftView(t *testing.T, s *storage) {
	t.Helper()
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	if _, err := s.Entries(first-1, last+1, 1); first > 1 && err != raft.ErrCompacted {
		t.Errorf("before the first: %v", err)
	}
	if _, err := s.Entries(first, last+2, 1); err != raft.ErrUnavailable {
		t.Errorf("behind the last: %v", err)
	}
	if _, err := s.Term(last + 1); err != raft.ErrUnavailable {
		t.Errorf("term behind the last: %v", err)
	}
	if term, err := s.Term(first - 1); err != nil || term != s.term {
		t.Errorf("term of the snapshot: %d, %v", term, err)
	}
	if last < first {
		return
	}
	one, err := s.Entries(first, last+1, 0)
	if err != nil || len(one) != 1 {
		t.Errorf("%d entries in no room: %v", len(one), err)
	}
	all, err := s.Entries(first, last+1, 1<<20)
	if err != nil || uint64(len(all)) != last-first+1 {
		t.Errorf("%d entries of %d: %v", len(all), last-first+1, err)
	}
}

// lost is a transport that reaches nobody.
type lost struct{}

func (lost) Send(Member, [][]byte) {}

// TestStorageRefuses: what cannot be a log is refused with the folder's name.
func TestStorageRefuses(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	s, end := openStorage(t, fs)
	if err := s.append(entriesOf(1, 5, 1), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.append(entriesOf(6, 5, 3), 1); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*storage){
		"snapshot of a later epoch": func(s *storage) { s.index, s.term = 2, 2 },
		"snapshot behind the log":   func(s *storage) { s.index, s.term = 11, 3 },
	} {
		other := &storage{log: s.log}
		change(other)
		if err := other.load(false); err == nil {
			t.Errorf("%s: loaded %s", name, show(other))
		}
	}
	if err := s.compact(4, nil, 1); err != nil {
		t.Fatal(err)
	}
	if err := (&storage{log: s.log}).load(false); err == nil {
		t.Error("a log without its snapshot was loaded")
	}
	end()
}

// TestRefusedFolders: a folder of another node, of another cluster, or without its vote.
func TestRefusedFolders(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, nil)
	if err := l.create("a"); err != nil {
		t.Fatal(err)
	}
	l.close(t)
	for name, change := range map[string]func(*Config){
		"another node":    func(c *Config) { c.NodeID = 2 },
		"another cluster": func(c *Config) { c.ClusterID = "other" },
		"several voters": func(c *Config) {
			c.Voters, c.Transport = []Member{{ID: 1, Address: "a:1"}, {ID: 2, Address: "b:1"}}, lost{}
		},
		"no node":    func(c *Config) { c.NodeID = -1 },
		"no cluster": func(c *Config) { c.ClusterID = "" },
	} {
		if again, err := openLife(replica(t, fs), 2, change); err == nil {
			t.Errorf("%s: opened", name)
			again.close(t)
		}
	}
	lost := replica(t, fs)
	if err := lost.Remove(logFolder + "/" + stateFileName); err != nil {
		t.Fatal(err)
	}
	if _, err := openLife(lost, 2, nil); err == nil {
		t.Error("opened without its vote")
	}
}
