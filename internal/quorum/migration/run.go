package migration

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// Options are what a migration is told.
type Options struct {
	// Do carries out a request, as zookeeper.Session.Do does.
	Do func(*member.Request) *member.Answer
	// Voters are those of the new quorum, with the addresses of their controller listeners.
	Voters []quorum.Member
	// Files is the folder that the file is written into, Out its name there.
	Files disk.FS
	Out   string
	Now   func() time.Time
	// Step is told of each step before it is done; nil is not.
	Step func(string)
}

// Report is what is migrated, or would be.
type Report struct {
	Seed   *quorum.Seed
	Others []metadata.NodeID // registered brokers that do not vote
	Bytes  int               // of the file
	Again  bool              // the znodes were marked before
}

type mover struct {
	Options
	tree
}

func (o Options) mover() *mover {
	if o.Step == nil {
		o.Step = func(string) {}
	}
	return &mover{o, tree{o.Do}}
}

// start reads whose log it is and up to where it goes. Where the znodes are not marked it refuses what has to be refused before anything is
// changed: brokers that are alive, and a file that is in the way.
func (m *mover) start() (id string, head member.Head, err error) {
	if id, err = m.cluster(); err != nil {
		return id, head, err
	}
	if head, _, err = m.head(); err != nil || head.Migrated != nil {
		return id, head, err
	}
	if err = m.alive(); err == nil {
		_, err = m.written(nil, false)
	}
	return id, head, err
}

// Preview says what Run would do, and what would keep it from that. It changes nothing.
func Preview(o Options) (*Report, error) {
	m := o.mover()
	id, head, err := m.start()
	if err != nil {
		return nil, err
	}
	if head.Migrated != nil {
		report, file, err := m.again(id, head)
		if err == nil {
			_, err = m.written(file, true)
		}
		return report, err
	}
	found, err := m.find(member.EpochPath)
	if err != nil {
		return nil, err
	}
	epoch, err := member.ParseEpoch(found.Data)
	if err != nil {
		return nil, err
	}
	report, _, err := m.seed(id, head, reign{epoch: epoch + 1})
	return report, err
}

// Run migrates: it ends the log in the znodes, and writes the file that the nodes are to import. It can be cut off anywhere, and run
// again. Where the znodes are marked already it writes the same file once more.
func Run(o Options) (*Report, error) {
	m := o.mover()
	id, head, err := m.start()
	if err != nil {
		return nil, err
	}
	if head.Migrated != nil {
		return m.finish(id, head)
	}
	m.Step("becoming the controller in ZooKeeper")
	r, err := m.take(m.Now())
	if err != nil {
		return nil, err
	}
	if err := m.alive(); err != nil {
		return nil, err
	}
	head, version, err := m.head() // after the write: nobody can change it any more
	if err != nil {
		return nil, err
	}
	if head.Migrated != nil {
		return m.finish(id, head)
	}
	m.Step("reading the metadata log")
	report, file, err := m.seed(id, head, r)
	if err != nil {
		return nil, err
	}
	body, seal := file[:len(file)-quorum.SealBytes], file[len(file)-quorum.SealBytes:]
	m.Step("writing the file, without its seal")
	if err := m.write(body, report.Seed); err != nil {
		return nil, err
	}
	if err := m.alive(); err != nil {
		return nil, err
	}
	m.Step("marking the cluster in ZooKeeper as migrated: from here on there is no way back")
	if err := m.mark(r, head, version, m.migrated(report.Seed)); err != nil {
		return nil, err
	}
	m.Step("sealing the file")
	return report, m.seal(len(body), seal)
}

// seed makes what the quorum begins with.
func (m *mover) seed(clusterID string, head member.Head, r reign) (*Report, []byte, error) {
	if head.Offset < 0 {
		return nil, nil, errors.New("the cluster has no metadata yet: there is nothing to migrate. Start the nodes with empty data directories and controller.quorum.voters")
	}
	image, err := m.image(clusterID, head)
	if err != nil {
		return nil, nil, err
	}
	report := &Report{Seed: &quorum.Seed{Epoch: r.epoch, Image: image}}
	if report.Seed.Voters, err = votersOf(image, m.Voters); err != nil {
		return nil, nil, err
	}
	for b := range image.Brokers() {
		if !slices.ContainsFunc(m.Voters, func(v quorum.Member) bool { return v.ID == b.ID }) {
			report.Others = append(report.Others, b.ID)
		}
	}
	body, seal, err := report.Seed.Encode()
	report.Bytes = len(body) + len(seal)
	return report, append(body, seal...), err
}

// votersOf are the voters with the directories in which the cluster knows them.
func votersOf(image *metadata.Image, asked []quorum.Member) ([]quorum.Member, error) {
	var all []quorum.Member
	for _, v := range asked {
		b := image.Broker(v.ID)
		if b == nil {
			var known []metadata.NodeID
			for one := range image.Brokers() {
				known = append(known, one.ID)
			}
			return nil, fmt.Errorf("voter %d is no broker of this cluster, whose brokers are %v: a voter has to have a data directory of it", v.ID, known)
		}
		if len(b.LogDirs) != 1 || b.LogDirs[0].IsZero() {
			return nil, fmt.Errorf("voter %d has registered without the id of its log directory: it cannot vote", v.ID)
		}
		all = append(all, quorum.Member{ID: v.ID, Address: v.Address, Directory: b.LogDirs[0], Voter: true})
	}
	return all, nil
}

func (m *mover) migrated(s *quorum.Seed) member.Migrated {
	mark := member.Migrated{Epoch: s.Epoch, Timestamp: member.Timestamp(m.Now())}
	for _, v := range s.Voters {
		mark.Voters = append(mark.Voters, member.Voter{ID: v.ID, Address: v.Address, Directory: v.Directory.String()})
	}
	return mark
}

// again makes the seed of a log that was migrated: it is all there still, and nobody has changed it.
func (m *mover) again(clusterID string, head member.Head) (*Report, []byte, error) {
	mark := head.Migrated
	var voters []quorum.Member
	for _, v := range mark.Voters {
		voters = append(voters, quorum.Member{ID: v.ID, Address: v.Address})
	}
	byID := func(a, b quorum.Member) int { return int(a.ID) - int(b.ID) }
	asked := slices.SortedFunc(slices.Values(m.Voters), byID)
	if !slices.EqualFunc(asked, slices.SortedFunc(slices.Values(voters), byID), func(a, b quorum.Member) bool { return a.ID == b.ID && a.Address == b.Address }) {
		return nil, nil, fmt.Errorf("the cluster was migrated already, in epoch %d, to the voters %s: they cannot be others now. Change them in the new quorum (skein cluster add-voter, remove-voter)", mark.Epoch, mark.Names())
	}
	m.Voters = voters
	report, file, err := m.seed(clusterID, head, reign{epoch: mark.Epoch})
	if err != nil {
		return nil, nil, err
	}
	for i, v := range report.Seed.Voters {
		if id, err := protocol.ParseUUID(mark.Voters[i].Directory); err != nil || id != v.Directory {
			return nil, nil, fmt.Errorf("znode %s names directory %q of voter %d, and the log %s", member.HeadPath, mark.Voters[i].Directory, v.ID, v.Directory)
		}
	}
	report.Again = true
	return report, file, nil
}

// finish writes the file where the znodes are marked.
func (m *mover) finish(clusterID string, head member.Head) (*Report, error) {
	m.Step("the cluster is marked as migrated already: reading the metadata log again")
	report, file, err := m.again(clusterID, head)
	if err != nil {
		return nil, err
	}
	there, err := m.written(file, true)
	if err != nil {
		return nil, err
	}
	if there {
		return report, m.Files.SyncDir(".") // its name may not have been durable when a run before was cut off
	}
	body := file[:len(file)-quorum.SealBytes]
	m.Step("writing the file")
	if err := m.write(body, report.Seed); err != nil {
		return nil, err
	}
	return report, m.seal(len(body), file[len(body):])
}
