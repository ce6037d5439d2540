package migration

import (
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/sim"
)

// exported is what a migration has written, with one voter of three brokers.
func exported(t *testing.T) *quorum.Seed {
	t.Helper()
	b := newBed(t, 3)
	b.stop()
	o := b.options()
	o.Voters = voters(1)
	if _, err := Run(o); err != nil {
		t.Fatal(err)
	}
	return b.file(b.files)
}

// dataDirectory is a disk with a data directory of a node on ZooKeeper.
func dataDirectory(t *testing.T, id int32, cluster string, own protocol.UUID) *disk.Simulated {
	t.Helper()
	fs := disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(id)})
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: id, ClusterID: cluster, DirectoryID: own, Manual: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := commitlog.ReplaceFile(fs, ".", zookeeper.DirectoryFile, []byte("zookeeper.connect=here:2181\n")); err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	return fs
}

// lives opens a quorum of one on a disk, and gives its image.
func lives(t *testing.T, fs disk.FS) (*metadata.Image, error) {
	t.Helper()
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: 1, ClusterID: clusterID, Manual: true})
	if err != nil {
		return nil, err
	}
	n, err := quorum.Open(quorum.Config{Dir: dir, FS: fs, NodeID: 1, ClusterID: clusterID, Manual: true, Controller: controller.Config{}})
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	image := n.Image()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return image, dir.Close()
}

func onZooKeeper(fs disk.FS) bool {
	_, err := fs.Stat(zookeeper.DirectoryFile)
	return err == nil
}

// TestImportCutOff cuts an import off before each operation of the disk, by a kill and by a loss of power: until it has ended the
// directory says that its metadata is in ZooKeeper, or all is there; it can be done again, and the quorum has what the file has.
func TestImportCutOff(t *testing.T) {
	seed := exported(t)
	for _, power := range []bool{false, true} {
		for k, cut := 1, true; cut; k++ {
			fs := dataDirectory(t, 1, clusterID, directory(1))
			var next *disk.Simulated
			left := k
			fs.SetHook(func(c disk.Call) error {
				if !c.Op.Changes() {
					return nil
				}
				if left--; left == 0 {
					if next = fs.CrashClone(sim.NewRand(uint64(k))); !power {
						next = fs.Kill()
					}
					return disk.ErrCrashed
				}
				return nil
			})
			done, err := Import(fs, seed, false)
			fs.SetHook(nil)
			if cut = next != nil; !cut {
				if err != nil || !done.Voter || done.Already || done.Node != 1 {
					t.Fatalf("%+v, %v", done, err)
				}
				next = fs.CrashClone(nil)
			}
			if !onZooKeeper(next) {
				if g, err := seed.Growth(next, 1); g != quorum.Planted || err != nil {
					t.Fatalf("operation %d: it is not on ZooKeeper any more, and has %v, %v", k, g, err)
				}
			}
			if done, err := Import(next, seed, false); err != nil || done.Already && cut && onZooKeeper(next) {
				t.Fatalf("operation %d: again: %+v, %v", k, done, err)
			}
			if onZooKeeper(next) {
				t.Fatalf("operation %d: it is on ZooKeeper still", k)
			}
			next = next.CrashClone(nil) // all is durable
			if done, err := Import(next, seed, true); err != nil || !done.Already {
				t.Fatalf("operation %d: a third time: %+v, %v", k, done, err)
			}
			image, err := lives(t, next)
			if err != nil || image.Epoch <= seed.Epoch || image.Offset <= seed.Image.Offset || image.BrokerCount() != 3 {
				t.Fatalf("operation %d: %v", k, err)
			}
			if done, err := Import(next, seed, false); err != nil || !done.Already {
				t.Fatalf("operation %d: after the start: %+v, %v", k, done, err)
			}
			if again, err := lives(t, next); err != nil || again.Epoch <= image.Epoch {
				t.Fatalf("operation %d: the second start: %v", k, err)
			}
		}
	}
}

// TestImportOfOthers: a node that does not vote gets no log, but what makes it join. One whose start the machine forgot (its mark is back, its log was in use) keeps
// its log.
func TestImportOfOthers(t *testing.T) {
	seed := exported(t)
	fs := dataDirectory(t, 2, clusterID, directory(2))
	for i := range 2 {
		done, err := Import(fs, seed, false)
		if err != nil || done.Voter || done.Already != (i > 0) || done.Node != 2 || onZooKeeper(fs) {
			t.Fatalf("%+v, %v", done, err)
		}
		if g, err := seed.Growth(fs, 2); g != quorum.Planted || err != nil {
			t.Fatalf("it has %v, %v", g, err)
		}
	}
	fs = dataDirectory(t, 1, clusterID, directory(1))
	if _, err := Import(fs, seed, false); err != nil {
		t.Fatal(err)
	}
	first, err := lives(t, fs)
	if err != nil {
		t.Fatal(err)
	}
	if err := commitlog.ReplaceFile(fs, ".", zookeeper.DirectoryFile, nil); err != nil {
		t.Fatal(err)
	}
	if done, err := Import(fs, seed, false); err != nil || done.Already || onZooKeeper(fs) {
		t.Fatalf("%+v, %v", done, err)
	}
	if second, err := lives(t, fs); err != nil || second.Offset <= first.Offset {
		t.Fatalf("its log began anew: %v", err)
	}
}

// TestImportRefused: a directory that is not the one is refused with what is wrong, and not changed; nor is any by a dry run.
func TestImportRefused(t *testing.T) {
	seed := exported(t)
	for want, make := range map[string]func() *disk.Simulated{
		"it is no node's data directory":      func() *disk.Simulated { return disk.NewSimulated(disk.SimulatedOptions{}) },
		`belongs to cluster "another"`:        func() *disk.Simulated { return dataDirectory(t, 1, "another", directory(1)) },
		"was a broker with the log directory": func() *disk.Simulated { return dataDirectory(t, 1, clusterID, directory(9)) },
		"has neither a metadata log nor metadata": func() *disk.Simulated {
			fs := dataDirectory(t, 1, clusterID, directory(1))
			if err := fs.Remove(zookeeper.DirectoryFile); err != nil {
				t.Fatal(err)
			}
			return fs
		},
		"a metadata log of another quorum": func() *disk.Simulated {
			fs := dataDirectory(t, 1, clusterID, directory(1))
			if _, err := lives(t, fs); err != nil {
				t.Fatal(err)
			}
			return fs
		},
		"metadata log of another quorum (__cluster_metadata-0)": func() *disk.Simulated { // a voter's, copied to a node that does not vote
			fs := dataDirectory(t, 2, clusterID, directory(2))
			if err := seed.Plant(fs, 1); err != nil {
				t.Fatal(err)
			}
			return fs
		},
		"in use by another process": func() *disk.Simulated {
			fs := dataDirectory(t, 1, clusterID, directory(1))
			if _, err := commitlog.LockDir(fs.Attach()); err != nil {
				t.Fatal(err)
			}
			return fs
		},
	} {
		fs := make()
		before := onZooKeeper(fs)
		for _, dry := range []bool{true, false} {
			if done, err := Import(fs, seed, dry); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v, %v; want %q", done, err, want)
			}
		}
		if onZooKeeper(fs) != before {
			t.Errorf("%q: it is another", want)
		}
	}
	fs := dataDirectory(t, 1, clusterID, directory(1))
	if done, err := Import(fs, seed, true); err != nil || !done.Voter || done.Already || !onZooKeeper(fs) {
		t.Errorf("a dry run: %+v, %v", done, err)
	}
	if g, err := seed.Growth(fs, 1); g != quorum.Bare || err != nil {
		t.Errorf("after a dry run it has %v, %v", g, err)
	}
}
