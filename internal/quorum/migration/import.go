package migration

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
)

// Imported is what was done to a data directory, or would be.
type Imported struct {
	Node    metadata.NodeID
	Voter   bool
	Already bool // it was imported before: nothing is left to do
}

// Import takes a Seed into a node's data directory, which no process uses. A voter gets the beginning of its metadata log; any other
// node what makes it join, and keeps it from beginning a quorum. With dry it only looks. It can be cut off anywhere, and done again.
//
// The file that says that the metadata is in ZooKeeper goes last. Until then the node starts in no way; without it nothing is imported,
// so what a voter has promised since cannot be replaced.
func Import(files disk.FS, seed *quorum.Seed, dry bool) (result *Imported, err error) {
	lock, err := commitlog.LockDir(files)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	owner, err := commitlog.ReadOwner(files)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("it is no node's data directory: it has no meta.properties. A node whose directory was lost joins the new quorum when most of the voters are there (controller.quorum.bootstrap.servers)")
	}
	if err != nil {
		return nil, err
	}
	if want := seed.Image.ClusterID(); owner.ClusterID != want {
		return nil, fmt.Errorf("the data directory belongs to cluster %q, and the file to cluster %q", owner.ClusterID, want)
	}
	result = &Imported{Node: metadata.NodeID(owner.NodeID)}
	i := slices.IndexFunc(seed.Voters, func(v quorum.Member) bool { return v.ID == result.Node })
	result.Voter = i >= 0
	if result.Voter && owner.Directory != seed.Voters[i].Directory {
		return nil, fmt.Errorf("node %d was a broker with the log directory %s, and this is %s: the file is only for the first", result.Node, seed.Voters[i].Directory, owner.Directory)
	}
	growth, err := seed.Growth(files, result.Node)
	if err != nil {
		return nil, err
	}
	marked, err := exists(files, zookeeper.DirectoryFile)
	if err != nil {
		return nil, err
	}
	plant, err := decide(result.Voter, marked, growth)
	if err != nil {
		return nil, err
	}
	result.Already = !marked
	if dry {
		return result, nil
	}
	if plant {
		if err := seed.Plant(files, result.Node); err != nil {
			return nil, err
		}
	}
	if marked {
		if err := files.Remove(zookeeper.DirectoryFile); err != nil {
			return nil, err
		}
	}
	return result, files.SyncDir(".") // also of what a life before has removed
}

func exists(files disk.FS, name string) (bool, error) {
	_, err := files.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// decide says whether the beginning of a metadata log is to be written, by whether the directory is marked as one whose metadata is in
// ZooKeeper, and by what there is of a metadata log. One that has been in use is never written again.
func decide(voter, marked bool, growth quorum.Growth) (plant bool, err error) {
	switch {
	case growth == quorum.Foreign:
		return false, errors.New("the data directory has a metadata log of another quorum (__cluster_metadata-0)")
	case growth == quorum.Grown:
		return false, nil
	case voter && !marked && growth != quorum.Planted:
		return false, fmt.Errorf("the data directory has neither a metadata log nor %s: it was never on ZooKeeper, or it has lost the log that it had, and what it voted for. "+
			"Remove the node from the quorum (skein cluster remove-voter), and let it join again", zookeeper.DirectoryFile)
	}
	return marked, nil
}
