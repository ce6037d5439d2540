package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/migration"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

type migrateOptions struct {
	zookeeper string
	voters    []string
	out       string
	from      string
	dataDir   string
	dry       bool
	timeout   time.Duration
}

func newQuorumMigrate() *cobra.Command {
	var o migrateOptions
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Move a cluster's metadata from ZooKeeper to a quorum of the nodes' own",
		Long: "Move a cluster's metadata from ZooKeeper (zookeeper.connect) to a quorum of the nodes' own (controller.quorum.voters). All nodes are\n" +
			"stopped meanwhile. What topics hold, groups and their offsets, producers and configurations stay as they are.\n\n" +
			"Once, with --zookeeper: become the controller, so that nobody else can write; read the metadata log; write it to FILE; mark the\n" +
			"cluster in ZooKeeper as migrated, after which no node starts on it any more. From that mark on there is no way back.\n" +
			"Then on each node, with --import: take FILE into its data directory. After that start the nodes, without zookeeper.connect.\n\n" +
			"Cut off anywhere, the same command can be run again. Before the mark the cluster can be started on ZooKeeper as before.",
		Example: "  skein quorum migrate --zookeeper zk1:2181,zk2:2181/skein --voters 1@host1:9093,2@host2:9093,3@host3:9093 --out FILE --dry-run\n" +
			"  skein quorum migrate --zookeeper zk1:2181,zk2:2181/skein --voters 1@host1:9093,2@host2:9093,3@host3:9093 --out FILE\n" +
			"  skein quorum migrate --import FILE --data-dir /var/lib/skein",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.from != "" && (o.zookeeper != "" || o.out != "" || len(o.voters) > 0):
				return misused(c, "--import goes with --data-dir and --dry-run alone: the file has the voters")
			case o.from != "" && o.dataDir == "":
				return misused(c, "--data-dir is missing: it is the node's log.dirs")
			case o.from != "":
				return o.take(c)
			case o.zookeeper == "":
				return misused(c, "--zookeeper is missing: it is HOST:PORT,.../CHROOT, the nodes' zookeeper.connect; or --import FILE")
			case o.dataDir != "":
				return misused(c, "--data-dir goes with --import")
			}
			return o.migrate(c)
		},
	}
	f := c.Flags()
	f.StringVar(&o.zookeeper, "zookeeper", "", "migrate the cluster at `HOST:PORT,.../CHROOT`, the nodes' zookeeper.connect")
	f.StringSliceVar(&o.voters, "voters", nil, "let these brokers vote: `ID@HOST:PORT,...`, each with the address of its controller listener")
	f.StringVar(&o.out, "out", "", "write the metadata to `FILE`")
	f.StringVar(&o.from, "import", "", "take `FILE` into a node's data directory")
	f.StringVar(&o.dataDir, "data-dir", "", "import into `DIR`, the log.dirs of a node that is stopped")
	f.BoolVar(&o.dry, "dry-run", false, "say what would be done, and change nothing")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "give up when ZooKeeper does not answer for this `TIME`")
	return c
}

// migrate turns the cluster in ZooKeeper into a file.
func (o *migrateOptions) migrate(c *cobra.Command) error {
	address, err := config.ParseEnsemble(o.zookeeper)
	if err != nil {
		return misused(c, "--zookeeper %w", err)
	}
	voters, err := config.ParseVoters(o.voters)
	switch {
	case err != nil:
		return misused(c, "--voters %w", err)
	case len(voters) == 0:
		return misused(c, "--voters is missing: it is ID@HOST:PORT,..., what controller.quorum.voters is to be")
	case o.out == "":
		return misused(c, "--out is missing: it is the file that the nodes are to import")
	case o.timeout <= 0:
		return misused(c, "--timeout %v: it must be more than 0", o.timeout)
	}
	m := migration.Options{Now: time.Now, Out: filepath.Base(o.out), Step: func(what string) { fmt.Fprintln(c.ErrOrStderr(), what) }}
	for i, v := range voters {
		if slices.ContainsFunc(voters[:i], func(one config.Voter) bool { return one.ID == v.ID }) {
			return misused(c, "--voters names node %d twice", v.ID)
		}
		if host, port, err := net.SplitHostPort(v.Address); err != nil || host == "" || port == "" || port == "0" {
			return misused(c, "--voters %d@%s: the others must reach the node there: it is HOST:PORT", v.ID, v.Address)
		}
		m.Voters = append(m.Voters, quorum.Member{ID: metadata.NodeID(v.ID), Address: v.Address})
	}
	files, err := openFolder(filepath.Dir(o.out))
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer files.Close()
	m.Files = files
	session, err := zookeeper.Connect(c.Context(), zookeeper.Options{Address: address, SessionTimeout: migrateSession, ConnectTimeout: o.timeout})
	if err != nil {
		return err
	}
	defer session.Close()
	defer context.AfterFunc(c.Context(), session.Close)()
	m.Do = func(r *member.Request) *member.Answer {
		defer time.AfterFunc(o.timeout, session.Close).Stop() // a request that is under way is lost then, as is each after it
		return session.Do(r)
	}
	work := migration.Run
	if o.dry {
		work = migration.Preview
	}
	report, err := work(m)
	if err != nil {
		return fmt.Errorf("zookeeper.connect=%s: %w", address, err)
	}
	p := &page{w: c.OutOrStdout()}
	o.tell(p, report)
	return p.err
}

// migrateSession is the timeout of the command's session, which nobody has to wait for: the epoch fences.
const migrateSession = 10 * time.Second

// openFolder opens a folder that is there.
func openFolder(path string) (*disk.Real, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder", path)
	}
	return disk.OpenReal(path)
}

func (o *migrateOptions) tell(p *page, r *migration.Report) {
	image := r.Seed.Image
	p.line("cluster %s: %d brokers, %d topics with %d partitions; its metadata log ends with offset %d of epoch %d", printable(image.ClusterID()),
		image.BrokerCount(), image.TopicCount(), image.PartitionCount(), image.Offset, image.Epoch)
	var ids, others []int32
	var voters, servers []string
	for _, v := range r.Seed.Voters {
		ids = append(ids, int32(v.ID))
		voters = append(voters, fmt.Sprintf("%d@%s", v.ID, v.Address))
		servers = append(servers, v.Address)
	}
	for _, id := range r.Others {
		others = append(others, int32(id))
	}
	slices.Sort(ids)
	for _, line := range bearing(ids) {
		p.line("%s", line)
	}
	if len(others) > 0 {
		p.line("brokers that do not vote: %s", numbers(others))
	}
	switch {
	case o.dry && r.Again:
		p.line("The cluster was migrated already, in epoch %d. The same file would be written once more: %s, %d bytes.", r.Seed.Epoch, o.out, r.Bytes)
		return
	case o.dry:
		p.line("Nothing is changed yet. Without --dry-run %s is written, %d bytes, and the cluster in ZooKeeper is marked as migrated, in epoch %d or later.", o.out, r.Bytes, r.Seed.Epoch)
		return
	case r.Again:
		p.line("The cluster was migrated already, in epoch %d. %s is what the nodes import.", r.Seed.Epoch, o.out)
	default:
		p.line("The cluster is migrated, in epoch %d: no node starts on ZooKeeper any more. %s is what the nodes import.", r.Seed.Epoch, o.out)
	}
	p.line("Next, for each node: skein quorum migrate --import %s --data-dir DIR", filepath.Base(o.out))
	p.line("Then start the nodes without zookeeper.connect, those that vote with controller.quorum.voters=%s", strings.Join(voters, ","))
	if len(others) > 0 {
		p.line("and the others with controller.quorum.bootstrap.servers=%s", strings.Join(servers, ","))
	}
}

// take takes the file into a data directory.
func (o *migrateOptions) take(c *cobra.Command) error {
	b, err := os.ReadFile(o.from)
	if err != nil {
		return fmt.Errorf("--import: %w", err)
	}
	seed, err := quorum.DecodeSeed(b)
	if err != nil {
		return fmt.Errorf("--import: %s: %w", o.from, err)
	}
	files, err := openFolder(o.dataDir)
	if err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	done, err := migration.Import(files, seed, o.dry)
	if err = errors.Join(err, files.Close()); err != nil {
		return fmt.Errorf("data directory %s: %w", o.dataDir, err)
	}
	p := &page{w: c.OutOrStdout()}
	what, start := "votes", "controller.quorum.voters"
	if !done.Voter {
		what, start = "does not vote", "controller.quorum.bootstrap.servers"
	}
	switch image := seed.Image; {
	case done.Already:
		p.line("node %d, which %s, has the metadata of cluster %s already: nothing is left to do", done.Node, what, printable(image.ClusterID()))
	case o.dry:
		p.line("node %d, which %s, would get the metadata of cluster %s, to offset %d; nothing is changed yet", done.Node, what, printable(image.ClusterID()), image.Offset)
	default:
		p.line("node %d, which %s, has the metadata of cluster %s, to offset %d; start it without zookeeper.connect, with %s", done.Node, what, printable(image.ClusterID()), image.Offset, start)
	}
	return p.err
}
