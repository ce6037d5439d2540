package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/internal/oldconsumer"
	"github.com/skein-io/skein/internal/oldgroups"
)

type importOptions struct {
	connection
	output
	zookeeper string
	authFile  string
	groups    []string
	topics    []string
	force     bool
	execute   bool
	export    string
}

func newGroupImport() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import-zookeeper",
		Short: "Carry the offsets of Kafka's old consumers from ZooKeeper to the coordinator",
		Long: "Carry the offsets of Kafka's old consumers (offsets.storage=zookeeper) from ZooKeeper to the coordinator, so that a consumer of\n" +
			"today goes on in the same group exactly there. It reads /consumers/GROUP below the chroot, shows the members that live there and who\n" +
			"owns which partition, and for each partition what the coordinator has now, what would be committed, and how many records would be\n" +
			"read again or skipped by that. It changes nothing without --execute, and never anything in ZooKeeper.\n\n" +
			"A group whose old consumers live is refused, because they would go on committing in ZooKeeper: stop them first, or give --force. A\n" +
			"znode that cannot be understood or read is named, and then nothing is committed at all. An offset that is not in the log becomes\n" +
			"the nearest that is; partitions that the brokers do not have are left out, and told.",
		Example: "  skein group import-zookeeper --zookeeper zk1:2181,zk2:2181/kafka\n" +
			"  skein group import-zookeeper --zookeeper zk1:2181/kafka --group billing --execute\n" +
			"  skein group import-zookeeper --zookeeper zk1:2181/kafka --group billing --export offsets.csv\n" +
			"  skein group reset billing --from-file offsets.csv --execute",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	o.connection.flags(c)
	o.output.flag(c)
	f := c.Flags()
	f.StringVar(&o.zookeeper, "zookeeper", "", "read the groups at `HOST:PORT,.../CHROOT`, the brokers' zookeeper.connect")
	f.StringVar(&o.authFile, "zookeeper-auth-file", "", "be to ZooKeeper who stands in `FILE`: SCHEME:CREDENTIALS, such as digest:user:password")
	f.StringArrayVar(&o.groups, "group", nil, "import `GROUP` only; may be repeated")
	f.StringSliceVar(&o.topics, "topics", nil, "import the offsets in `TOPIC,...` only")
	f.BoolVar(&o.force, "force", false, "import groups whose old consumers live, too")
	f.BoolVar(&o.execute, "execute", false, "do it; without, it is only shown")
	f.StringVar(&o.export, "export", "", "write the offsets to `FILE`, which skein group reset --from-file takes")
	completeFlag(c, "topics", o.topicNames(0))
	return c
}

func (o *importOptions) check(c *cobra.Command) (address oldgroups.Address, auth *oldgroups.Auth, err error) {
	if err := o.output.check(c); err != nil {
		return address, nil, err
	}
	if _, err := o.addresses(c); err != nil {
		return address, nil, err
	}
	if o.zookeeper == "" {
		return address, nil, misused(c, "--zookeeper is missing: it is HOST:PORT,.../CHROOT")
	}
	if address, err = oldgroups.ParseAddress(o.zookeeper); err != nil {
		return address, nil, misused(c, "--zookeeper %w", err)
	}
	for _, group := range o.groups {
		if group == "" || strings.ContainsAny(group, "/\x00") {
			return address, nil, misused(c, "--group %q: no old consumer's group can have that name", group)
		}
	}
	if o.authFile == "" {
		return address, nil, nil
	}
	f, err := os.Open(o.authFile)
	if err != nil {
		return address, nil, fmt.Errorf("credentials: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err == nil {
		auth, err = oldgroups.ParseAuth(string(text))
	}
	if err != nil {
		return address, nil, fmt.Errorf("credentials: %s: %w", o.authFile, err)
	}
	return address, auth, nil
}

func (o *importOptions) run(c *cobra.Command) error {
	address, auth, err := o.check(c)
	if err != nil {
		return err
	}
	found, err := o.read(c.Context(), address, auth)
	if err != nil {
		return err
	}
	imports := importsOf(found)
	refused := mayImport(found, o.force)
	if refused != nil && (o.execute || o.export != "") {
		return refused
	}
	members, err := o.plan(c, imports)
	if err != nil {
		return err
	}
	if refused = errors.Join(refused, members); members != nil && o.execute {
		return refused
	}
	if o.export != "" {
		if err := exportImports(o.export, imports); err != nil {
			return err
		}
	}
	if o.execute {
		if err := o.commit(c, imports); err != nil {
			return err
		}
	}
	err = o.output.print(c, imports, func(p *page) { printImports(p, imports) })
	switch {
	case err != nil || o.execute:
	case refused != nil:
		fmt.Fprintf(c.ErrOrStderr(), "nothing is changed, and --execute would be refused: %v\n", refused)
	default:
		fmt.Fprintln(c.ErrOrStderr(), "nothing is changed yet: --execute does it")
	}
	return err
}

// read reads the groups from ZooKeeper.
func (o *importOptions) read(ctx context.Context, address oldgroups.Address, auth *oldgroups.Auth) ([]oldconsumer.Group, error) {
	tree, err := oldgroups.Open(ctx, address, auth, o.timeout)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	names := slices.Clone(o.groups)
	if len(names) == 0 {
		if names, err = oldgroups.Names(tree); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return oldgroups.Read(ctx, tree, slices.Compact(names), func(topic string) bool {
		return len(o.topics) == 0 || slices.Contains(o.topics, topic)
	})
}

// refusedMax is how many reasons a refusal gives; it counts the others.
const refusedMax = 10

// mayImport says what stands against it in ZooKeeper.
func mayImport(groups []oldconsumer.Group, force bool) error {
	var problems, alive []error
	for i := range groups {
		g := &groups[i]
		for _, p := range g.Problems {
			problems = append(problems, fmt.Errorf("%s: %s", printable(p.Path), p.Why))
		}
		if len(g.IDs) == 0 || force {
			continue
		}
		var ids []string
		for _, id := range g.IDs {
			ids = append(ids, printable(id.Name))
		}
		alive = append(alive, fmt.Errorf("group %s has %s alive in ZooKeeper (%s), which would go on committing there; stop them first, or give --force",
			printable(g.Name), plural(len(ids), "old consumer"), strings.Join(ids[:min(len(ids), refusedMax)], ", ")))
	}
	if len(problems) > 0 {
		problems = append(problems, errors.New("mend or delete the znodes above, or choose other groups with --group"))
	}
	return errors.Join(shortened(problems, 1), shortened(alive, 0))
}

// shortened joins errors, but not very many: the last ones are always there.
func shortened(all []error, last int) error {
	if n := len(all) - last; n > refusedMax {
		all = slices.Concat(all[:refusedMax], []error{fmt.Errorf("and %d more like that", n-refusedMax)}, all[n:])
	}
	return errors.Join(all...)
}

// plan asks the brokers, some groups at a time: each time has its own timeout. members says which groups have members there.
func (o *importOptions) plan(c *cobra.Command, imports []imported) (members, err error) {
	logs := logBounds{}
	if err := o.admin(c, func(ctx context.Context, admin *kadm.Client) error { return logs.ask(ctx, admin, imports) }); err != nil {
		return nil, err
	}
	var active []error
	for some := range slices.Chunk(imports, importedAtOnce) {
		err := o.admin(c, func(ctx context.Context, admin *kadm.Client) error {
			found, err := activeGroups(ctx, admin, namesOf(some))
			if err != nil {
				return err
			}
			active = append(active, found...)
			return planImports(ctx, admin, some, logs)
		})
		if err != nil {
			return nil, err
		}
	}
	return shortened(active, 0), nil
}

// commit commits what was planned and reads it back.
func (o *importOptions) commit(c *cobra.Command, imports []imported) error {
	for some := range slices.Chunk(imports, importedAtOnce) {
		err := o.admin(c, func(ctx context.Context, admin *kadm.Client) error {
			for i := range some {
				if len(some[i].Offsets) == 0 {
					continue
				}
				if err := commitPlan(ctx, admin, some[i].Group, some[i].resets()); err != nil {
					return err
				}
			}
			return verifyImports(ctx, admin, some)
		})
		if err != nil {
			done := 0
			for i := range imports {
				if imports[i].Executed {
					done++
				}
			}
			return fmt.Errorf("%w (%d of %s were imported and verified; it can be done again)", err, done, plural(len(imports), "group"))
		}
	}
	return nil
}
