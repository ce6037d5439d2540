package zookeeper

import (
	"errors"
	"fmt"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// Prepare sees to it that the chroot holds what a cluster of skein needs, and returns the cluster's id. Where there is nothing
// yet, all of it is made at once, with the given id. What is there already is looked at first: nothing is written beside
// something that cannot be read, or that is another program's. do carries out a request, as Session.Do does.
func Prepare(do func(*member.Request) *member.Answer, clusterID string) (string, error) {
	for range prepareTries {
		id, found, err := Look(do)
		if err != nil || found {
			return id, err
		}
		a := do(&member.Request{Kind: member.Multi, Ops: firstNodes(do, clusterID)})
		switch a.Code {
		case member.OK, member.NodeExists, member.Lost: // another node may have been faster: look whose id it is
		default:
			return "", refused("the znodes of a new cluster", a)
		}
	}
	return "", errors.New("the chroot of zookeeper.connect changes all the time, or ZooKeeper's connections end all the time; start again")
}

const prepareTries = 10

// Look says whether a cluster of skein is in the chroot, and its id; with a member.MigratedError, of one that was migrated. It writes
// nothing; see Prepare.
func Look(do func(*member.Request) *member.Answer) (id string, found bool, err error) {
	get := func(path string) (*member.Answer, error) {
		a := do(&member.Request{Kind: member.Get, Path: path})
		for range prepareTries {
			if a.Code != member.Lost {
				break
			}
			a = do(&member.Request{Kind: member.Get, Path: path})
		}
		if a.Code != member.OK && a.Code != member.NoNode {
			return a, refused("znode "+path, a)
		}
		return a, nil
	}
	root, err := get("")
	if err == nil && root.Code == member.NoNode {
		err = errors.New("the chroot of zookeeper.connect does not exist: create it (in zkCli: create /chroot), or leave it out")
	}
	if err != nil {
		return "", false, err
	}
	nodes := map[string]*member.Answer{}
	for _, path := range []string{member.HeadPath, member.ClusterIDPath, member.EpochPath} {
		if nodes[path], err = get(path); err != nil {
			return "", false, err
		}
	}
	has := func(path string) bool { return nodes[path].Code == member.OK }
	if has(member.ClusterIDPath) {
		if id, err = member.ParseClusterID(nodes[member.ClusterIDPath].Data); err != nil {
			return "", false, err
		}
	}
	if has(member.EpochPath) {
		if _, err := member.ParseEpoch(nodes[member.EpochPath].Data); err != nil {
			return "", false, err
		}
	}
	if has(member.HeadPath) {
		_, err := member.ParseHead(nodes[member.HeadPath].Data)
		migrated, isMigrated := errors.AsType[*member.MigratedError](err)
		if err != nil && !isMigrated {
			return "", false, err
		}
		if !has(member.ClusterIDPath) || !has(member.EpochPath) {
			return "", false, fmt.Errorf("the chroot of zookeeper.connect holds %s without %s or %s: somebody has removed a part of the cluster's state",
				member.HeadPath, member.ClusterIDPath, member.EpochPath)
		}
		if isMigrated {
			return id, true, migrated
		}
		return id, true, nil
	}
	if !has(member.ClusterIDPath) && !has(member.EpochPath) {
		return "", false, nil
	}
	if again, err := get(member.HeadPath); err != nil || again.Code == member.OK { // another node has made all of it meanwhile
		return "", false, err
	}
	return "", false, fmt.Errorf("the chroot of zookeeper.connect belongs to a cluster of Apache Kafka (it has %s or %s, and no %s): give skein a chroot of its own",
		member.ClusterIDPath, member.EpochPath, member.SkeinPath)
}

// firstNodes are the znodes of a new cluster that are not there, of those that may be: parents that others have made too.
func firstNodes(do func(*member.Request) *member.Answer, clusterID string) []member.Op {
	var ops []member.Op
	for _, path := range []string{"/brokers", member.BrokersPath, "/cluster"} {
		if a := do(&member.Request{Kind: member.Get, Path: path}); a.Code == member.NoNode {
			ops = append(ops, member.Op{Kind: member.Create, Path: path})
		}
	}
	return append(ops,
		member.Op{Kind: member.Create, Path: member.ClusterIDPath, Data: member.ClusterIDNode(clusterID)},
		member.Op{Kind: member.Create, Path: member.EpochPath, Data: []byte("0")},
		member.Op{Kind: member.Create, Path: member.SkeinPath},
		member.Op{Kind: member.Create, Path: member.LogPath},
		member.Op{Kind: member.Create, Path: member.SnapshotsPath},
		member.Op{Kind: member.Create, Path: member.HeadPath, Data: member.FirstHead()})
}

func refused(what string, a *member.Answer) error {
	if a.Code == member.NoAuth {
		return fmt.Errorf("%s: ZooKeeper's access control (ACL) refuses it to this node, which does not log in: allow world:anyone cdrwa below the chroot of zookeeper.connect", what)
	}
	return fmt.Errorf("%s: %s", what, a.Text)
}
