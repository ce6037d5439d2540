package migration

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/record"
)

// triesMax is how often a question is asked whose answers are lost.
const triesMax = 10

// tree asks the ensemble about the cluster's znodes.
type tree struct {
	do func(*member.Request) *member.Answer
}

// ask asks until there is an answer. It is for requests that may be carried out twice.
func (t tree) ask(r member.Request) (a *member.Answer, err error) {
	for range triesMax {
		if a = t.do(&r); a.Code != member.Lost {
			break
		}
	}
	if a.Code == member.OK || a.Code == member.NoNode {
		return a, nil
	}
	return a, refused(r.Path, a)
}

func refused(path string, a *member.Answer) error {
	switch a.Code {
	case member.NoAuth:
		return fmt.Errorf("znode %s: ZooKeeper's access control (ACL) refuses it to this command, which does not log in: allow world:anyone cdrwa below the chroot", path)
	case member.Lost:
		return fmt.Errorf("ZooKeeper has not answered about znode %s: %s; run the command again", path, a.Text)
	}
	return fmt.Errorf("znode %s: %s", path, a.Text)
}

// find reads a znode that has to be there.
func (t tree) find(path string) (*member.Answer, error) {
	a, err := t.ask(member.Request{Kind: member.Get, Path: path})
	if err == nil && a.Code == member.NoNode {
		err = fmt.Errorf("znode %s is missing: somebody has removed a part of the cluster's state", path)
	}
	return a, err
}

// head is the head with its znode's version.
func (t tree) head() (member.Head, int32, error) {
	a, err := t.find(member.HeadPath)
	if err != nil {
		return member.Head{}, 0, err
	}
	h, err := member.ParseAnyHead(a.Data)
	return h, a.Version, err
}

// cluster is the id of skein's cluster in the chroot, migrated or not. It has asked the ensemble's leader before.
func (t tree) cluster() (string, error) {
	if _, err := t.ask(member.Request{Kind: member.Sync, Path: ""}); err != nil {
		return "", err
	}
	id, found, err := zookeeper.Look(t.do)
	if _, migrated := errors.AsType[*member.MigratedError](err); migrated {
		err = nil
	}
	if err == nil && !found {
		err = errors.New("there is no cluster's metadata in this chroot: is it that of the nodes' zookeeper.connect?")
	}
	return id, err
}

// AliveError says which brokers have a session.
type AliveError struct{ Brokers []string }

// Error names them, and says what to do.
func (e *AliveError) Error() string {
	return fmt.Sprintf("brokers are alive in ZooKeeper: %s; stop all nodes. The session of one that died ends after its zookeeper.session.timeout.ms", strings.Join(e.Brokers, ", "))
}

// alive is an AliveError if a broker has a session.
func (t tree) alive() error {
	a, err := t.ask(member.Request{Kind: member.Children, Path: member.BrokersPath})
	if err != nil {
		return err
	}
	var all []string
	for _, id := range member.BrokerIDs(a.Children) {
		path := member.BrokerPath(id)
		found, err := t.ask(member.Request{Kind: member.Get, Path: path})
		if err != nil {
			return err
		}
		if found.Code == member.NoNode {
			continue // its session has ended
		}
		text, b := fmt.Sprintf("%d", id), member.Broker{}
		if json.Unmarshal(found.Data, &b) == nil && b.Host != "" {
			text = fmt.Sprintf("%d at %s:%d", id, b.Host, b.Port)
		}
		all = append(all, text)
	}
	if len(all) > 0 {
		return &AliveError{all}
	}
	return nil
}

// reign is the time in which this command is the controller: nobody else's writes are taken.
type reign struct {
	epoch   record.LeaderEpoch
	version int32 // of /controller_epoch
}

// guard is the operation that refuses a write when another has become the controller.
func (r reign) guard() member.Op {
	return member.Op{Kind: member.Check, Path: member.EpochPath, Version: r.version}
}

// take makes this command the controller, in the next epoch, in the place of whoever is: where no broker is registered, that is a dead
// node or a migration before this one. It may take an epoch more than it knows of when an answer is lost.
func (t tree) take(now time.Time) (reign, error) {
	for range triesMax {
		found, err := t.find(member.EpochPath)
		if err != nil {
			return reign{}, err
		}
		last, err := member.ParseEpoch(found.Data)
		if err != nil {
			return reign{}, err
		}
		before, err := t.ask(member.Request{Kind: member.Get, Path: member.ControllerPath})
		if err != nil {
			return reign{}, err
		}
		var ops []member.Op
		if before.Code == member.OK {
			ops = append(ops, member.Op{Kind: member.Delete, Path: member.ControllerPath, Version: before.Version})
		}
		ops = append(ops, member.Op{Kind: member.Create, Path: member.ControllerPath, Data: member.ControllerNode(now), Ephemeral: true},
			member.Op{Kind: member.SetData, Path: member.EpochPath, Data: member.EpochNode(last + 1), Version: found.Version})
		switch a := t.do(&member.Request{Kind: member.Multi, Ops: ops}); a.Code {
		case member.OK:
			return reign{last + 1, a.Versions[len(a.Versions)-1]}, nil
		case member.Lost, member.BadVersion, member.NodeExists, member.NoNode:
		default:
			return reign{}, refused(member.ControllerPath, a)
		}
	}
	return reign{}, fmt.Errorf("znode %s changes all the time, or ZooKeeper's connections end all the time; run the command again", member.EpochPath)
}

// mark ends the log in the znodes for good, if it is as it was read.
func (t tree) mark(r reign, head member.Head, version int32, m member.Migrated) error {
	ops := []member.Op{r.guard(), {Kind: member.SetData, Path: member.HeadPath, Data: member.MigratedHead(head, m), Version: version}}
	for range triesMax {
		a := t.do(&member.Request{Kind: member.Multi, Ops: ops})
		switch a.Code {
		case member.OK:
			return nil
		case member.Lost, member.BadVersion, member.NoNode:
		default:
			return refused(member.HeadPath, a)
		}
		now, _, err := t.head() // the answer before may have been lost
		switch {
		case err != nil:
			return err
		case now.Migrated != nil && now.Migrated.Epoch == r.epoch:
			return nil
		case a.Code != member.Lost:
			return errors.New("somebody else has become the controller meanwhile: a node that was started, or another migration. This one has changed nothing; stop all nodes, and run it again")
		}
	}
	return fmt.Errorf("ZooKeeper has not answered whether znode %s was marked; run the command again", member.HeadPath)
}

// image reads the log to where the head says that it ends. Nobody writes meanwhile, or it is for a look only.
func (t tree) image(clusterID string, head member.Head) (*metadata.Image, error) {
	builder := metadata.NewBuilder(metadata.NewImage(clusterID))
	next, last := record.Offset(0), record.LeaderEpoch(0)
	if s := head.Snapshot; s != nil {
		for part := range s.Parts {
			if err := t.apply(builder, member.SnapshotPart(*s, part), member.PartRecords); err != nil {
				return nil, err
			}
		}
		builder.At(s.Offset, s.Epoch)
		next, last = s.Offset+1, s.Epoch
	}
	for ; next <= head.Offset; next++ {
		epoch := record.LeaderEpoch(0)
		whole := func(b []byte) (records []byte, err error) {
			pieces := 0
			if epoch, pieces, records, err = member.DecodeEntry(b); err != nil {
				return nil, err
			}
			records = append([]byte(nil), records...)
			for piece := 1; piece < pieces; piece++ {
				a, err := t.find(member.PiecePath(next, epoch, piece))
				if err != nil {
					return nil, err
				}
				more, err := member.PartRecords(a.Data)
				if err != nil {
					return nil, fmt.Errorf("piece %d: %w", piece, err)
				}
				records = append(records, more...)
			}
			return records, nil
		}
		if err := t.apply(builder, member.EntryPath(next), whole); err != nil {
			return nil, err
		}
		if epoch < last {
			return nil, fmt.Errorf("znode %s is of epoch %d, and the entry before of epoch %d", member.EntryPath(next), epoch, last)
		}
		builder.At(next, epoch)
		last = epoch
	}
	image, _ := builder.Done()
	if image.Offset != head.Offset || image.Epoch != head.Epoch {
		return nil, fmt.Errorf("the metadata log ends with offset %d of epoch %d, and znode %s says offset %d of epoch %d", image.Offset, image.Epoch, member.HeadPath, head.Offset, head.Epoch)
	}
	return image, nil
}

// apply applies the records that a znode holds, or begins.
func (t tree) apply(builder *metadata.Builder, path string, records func([]byte) ([]byte, error)) error {
	a, err := t.find(path)
	if err != nil {
		return err
	}
	b, err := records(a.Data)
	if err != nil {
		return fmt.Errorf("znode %s is damaged: %w", path, err)
	}
	all, err := metadata.DecodeRecords(b)
	for _, r := range all {
		if err == nil {
			err = builder.Apply(r)
		}
	}
	if err != nil {
		return fmt.Errorf("znode %s cannot be applied: %w", path, err)
	}
	return nil
}
