package quorum

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// someImage is what a log makes that has some topics.
func someImage(t testing.TB, topics int) *metadata.Image {
	t.Helper()
	l := mustOpen(t, disk.NewSimulated(disk.SimulatedOptions{}), 1, nil)
	defer l.close(t)
	for i := range topics {
		if err := l.create(fmt.Sprint("of-before-", i)); err != nil {
			t.Fatal(err)
		}
	}
	return l.node.Image()
}

func someSeed(t testing.TB, topics int, voters ...metadata.NodeID) *Seed {
	t.Helper()
	s := &Seed{Image: someImage(t, topics)}
	s.Epoch = s.Image.Epoch + 3
	for _, id := range voters {
		s.Voters = append(s.Voters, Member{ID: id, Address: fmt.Sprintf("node-%d:9093", id), Directory: protocol.UUID{byte(id)}, Voter: true})
	}
	return s
}

// TestSeedFile: a Seed is read as it was written; without its seal it is told; one byte that is another, or one that is missing, is
// noticed.
func TestSeedFile(t *testing.T) {
	for _, voters := range [][]metadata.NodeID{{1}, {1, 2, 5}} {
		s := someSeed(t, 2, voters...)
		body, seal, err := s.Encode()
		if err != nil || len(seal) != SealBytes {
			t.Fatal(len(seal), err)
		}
		file := slices.Concat(body, seal)
		got, err := DecodeSeed(file)
		if err != nil || got.Epoch != s.Epoch || !slices.Equal(got.Voters, s.Voters) || dump(got.Image) != dump(s.Image) ||
			got.Image.Offset != s.Image.Offset || got.Image.Epoch != s.Image.Epoch || got.Image.ClusterID() != s.Image.ClusterID() {
			t.Fatalf("it is read as %+v, %v", got, err)
		}
		for n := range file {
			_, err := DecodeSeed(file[:n])
			if n >= len(body) != errors.Is(err, ErrUnsealed) || err == nil {
				t.Fatalf("of %d bytes (%d without the seal) the first %d are read: %v", len(file), len(body), n, err)
			}
			damaged := bytes.Clone(file)
			damaged[n] ^= 4
			if _, err := DecodeSeed(damaged); err == nil || errors.Is(err, ErrUnsealed) {
				t.Fatalf("byte %d is another: %v", n, err)
			}
		}
	}
}

// TestSeedsThatCannotBe are refused before anything is written.
func TestSeedsThatCannotBe(t *testing.T) {
	for want, spoil := range map[string]func(*Seed){
		"there is no voter":          func(s *Seed) { s.Voters = nil },
		"each voter has an id":       func(s *Seed) { s.Voters[1].ID = 1 },
		"an address has":             func(s *Seed) { s.Voters[0].Address = "" },
		"log directory is not known": func(s *Seed) { s.Voters[0].Directory = protocol.UUID{} },
		"that cannot be":             func(s *Seed) { s.Epoch = s.Image.Epoch },
		"ends with offset -1":        func(s *Seed) { s.Image = metadata.NewImage("cluster") },
		"the members do not fit quorum-state": func(s *Seed) {
			for id := range metadata.NodeID(200) {
				s.Voters = append(s.Voters, Member{ID: id + 10, Address: "somewhere.example.org:9093", Directory: protocol.UUID{1}, Voter: true})
			}
		},
	} {
		s := someSeed(t, 1, 1, 2)
		spoil(s)
		if _, _, err := s.Encode(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// claimed is a disk with a data directory in which nothing has happened.
func claimed(t testing.TB, fs *disk.Simulated, id metadata.NodeID, directory protocol.UUID) {
	t.Helper()
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: int32(id), ClusterID: "cluster", Manual: true, DirectoryID: directory})
	if err == nil {
		err = dir.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlantCutOff cuts Plant off before each operation of the disk, by a kill and by a loss of power, and plants again: the node has
// what the seed had, in a later epoch. What is found there meanwhile is told rightly.
func TestPlantCutOff(t *testing.T) {
	s := someSeed(t, 3, 1)
	for _, power := range []bool{false, true} {
		ended := true
		for k := 1; ended; k++ {
			fs := disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(k)})
			claimed(t, fs, 1, protocol.UUID{1})
			var next *disk.Simulated
			left := k
			fs.SetHook(func(call disk.Call) error {
				if !call.Op.Changes() {
					return nil
				}
				if left--; left == 0 {
					if next = fs.CrashClone(nil); !power {
						next = fs.Kill()
					}
					return disk.ErrCrashed
				}
				return nil
			})
			err := s.Plant(fs, 1)
			fs.SetHook(nil)
			if ended = next != nil; !ended {
				if err != nil {
					t.Fatal(err)
				}
				next = fs.CrashClone(nil) // all is durable
				if g, err := s.Growth(next, 1); g != Planted || err != nil {
					t.Fatalf("after a loss of power it is %v, %v", g, err)
				}
			}
			if g, err := s.Growth(next, 1); g > Planted || err != nil {
				t.Fatalf("operation %d: %v, %v", k, g, err)
			}
			if err := s.Plant(next, 1); err != nil {
				t.Fatalf("operation %d: %v", k, err)
			}
			l := mustOpen(t, next, 2, nil)
			image := l.node.Image()
			for i := range 3 {
				name := fmt.Sprint("of-before-", i)
				if before := s.Image.Topic(name); image.Topic(name) == nil || image.Topic(name).ID != before.ID {
					t.Fatalf("operation %d: topic %s is another", k, name)
				}
			}
			if image.Offset <= s.Image.Offset || image.Epoch <= s.Epoch || image.NextProducerID() != s.Image.NextProducerID() {
				t.Fatalf("operation %d: offset %d, epoch %d after offset %d, epoch %d", k, image.Offset, image.Epoch, s.Image.Offset, s.Epoch)
			}
			if err := l.create("after"); err != nil {
				t.Fatal(err)
			}
			l.close(t)
			if g, err := s.Growth(next, 1); g != Grown || err != nil {
				t.Fatalf("a log that was in use is %v, %v", g, err)
			}
			mustOpen(t, next, 3, nil).close(t)
		}
	}
}

// TestSeedGrowth: another's log is not taken for the seed's.
func TestSeedGrowth(t *testing.T) {
	s := someSeed(t, 1, 1)
	other := disk.NewSimulated(disk.SimulatedOptions{})
	if g, err := s.Growth(other, 1); g != Bare || err != nil {
		t.Errorf("an empty disk is %v, %v", g, err)
	}
	mustOpen(t, other, 1, nil).close(t)
	if g, err := s.Growth(other, 1); g != Foreign || err != nil {
		t.Errorf("a log that began by itself is %v, %v", g, err)
	}
	later := *s
	later.Epoch += 10
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	if err := s.Plant(fs, 1); err != nil {
		t.Fatal(err)
	}
	if g, err := later.Growth(fs, 1); g != Foreign || err != nil {
		t.Errorf("an earlier seed is %v, %v", g, err)
	}
	if g, err := s.Growth(fs, 2); g != Foreign || err != nil {
		t.Errorf("a voter's log is %v to another node, %v", g, err)
	}
}

// TestSeedOfOneWhoJoins: a node that does not vote gets no log, and begins no quorum, though its configuration says that it votes.
func TestSeedOfOneWhoJoins(t *testing.T) {
	s := someSeed(t, 1, 2)
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	claimed(t, fs, 1, protocol.UUID{1})
	if err := s.Plant(fs, 1); err != nil {
		t.Fatal(err)
	}
	if g, err := s.Growth(fs, 1); g != Planted || err != nil {
		t.Errorf("it is %v, %v", g, err)
	}
	l := mustOpen(t, fs, 2, func(c *Config) { c.Register = nil })
	for range 100 {
		l.now = l.now.Add(tickEvery)
		if err := l.node.Work(l.now); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, ok := l.node.Leader(); ok || len(l.node.Members()) > 0 || l.node.Image().Offset >= 0 {
		t.Errorf("it leads, or has members %v, at offset %d", l.node.Members(), l.node.Image().Offset)
	}
	l.close(t)
	if g, err := s.Growth(fs, 1); g != Grown || err != nil {
		t.Errorf("after its start it is %v, %v", g, err)
	}
}

// TestStormAfterSeed plays the storms of the simulation on a quorum that began with a seed, beside voters that began with nothing:
// what the seed had is there at the end, and no epoch is one of before.
func TestStormAfterSeed(t *testing.T) {
	var led []record.LeaderEpoch
	for seed := range uint64(6) {
		s := newStorm(seed, faults{})
		planted := &Seed{Image: someImage(t, 5)}
		planted.Epoch = planted.Image.Epoch + record.LeaderEpoch(seed)*10 + 1
		for _, n := range s.nodes {
			if n.voters != nil {
				m := s.member(n.id)
				m.Directory = n.directory()
				planted.Voters = append(planted.Voters, m)
			}
		}
		rand := sim.NewRand(seed)
		for _, n := range s.nodes {
			if n.voters == nil {
				continue
			}
			claimed(t, n.fs, n.id, n.directory())
			if err := planted.Plant(n.fs, n.id); err != nil {
				t.Fatal(err)
			}
			if rand.Chance(500) {
				n.fs = n.fs.Crash()
			}
		}
		if err := s.run(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
			continue
		}
		for term := range s.judge.leaders {
			if record.LeaderEpoch(term) <= planted.Epoch {
				t.Errorf("seed %d: somebody leads in epoch %d, and the seed's is %d", seed, term, planted.Epoch)
			}
			led = append(led, record.LeaderEpoch(term))
		}
		for _, n := range s.nodes {
			if n.node == nil || n.node.Image().Offset <= planted.Image.Offset {
				continue
			}
			for before := range planted.Image.Topics() {
				if now := n.node.Image().Topic(before.Name); now == nil || now.ID != before.ID {
					t.Errorf("seed %d: node %d has lost topic %s", seed, n.id, before.Name)
				}
			}
		}
	}
	if len(led) < 6 {
		t.Errorf("%d leaders in 6 storms", len(led))
	}
}

// FuzzSeed: whatever the bytes are, they are read or refused; what is read is written as it was.
func FuzzSeed(f *testing.F) {
	s := someSeed(f, 1, 1, 2)
	body, seal, err := s.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slices.Concat(body, seal))
	f.Add(body)
	f.Add([]byte(seedMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSeed(b)
		if err != nil {
			return
		}
		body, seal, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeSeed(slices.Concat(body, seal))
		if err != nil || dump(again.Image) != dump(s.Image) {
			t.Fatalf("%v", err)
		}
	})
}
