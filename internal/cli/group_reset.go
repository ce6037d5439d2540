package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/internal/protocol"
)

type resetOptions struct {
	connection
	output
	topics    []string
	allTopics bool
	dryRun    bool
	execute   bool
	export    bool

	toEarliest, toLatest, toCurrent bool
	toOffset, shiftBy               int64
	byDuration                      string
	toDatetime                      string
	fromFile                        string
}

func newGroupReset() *cobra.Command {
	var o resetOptions
	c := &cobra.Command{
		Use:   "reset GROUP...",
		Short: "Set the committed offsets of groups without members",
		Long: "Set the committed offsets of groups without members. It shows for each partition how many records would be read again or\n" +
			"skipped, and changes nothing without --execute. An offset that is not in the log becomes the nearest that is. Offsets are counted:\n" +
			"where compaction has taken records out there are fewer.\n\n" +
			"--export prints the new offsets as CSV, --from-file reads them: topic,partition,offset for one group, and\n" +
			"group,topic,partition,offset for several, as kafka-consumer-groups does. Kafka's forms of a time (2026-11-20T08:00:00.000, in UTC)\n" +
			"and of a duration (P1DT2H) are understood too.",
		Example: "  skein group reset billing --topic orders --to-earliest\n" +
			"  skein group reset billing --topic orders:0,1 --shift-by -100 --execute\n" +
			"  skein group reset billing --all-topics --to-datetime 2026-11-20T08:00:00Z --execute\n" +
			"  skein group reset billing --all-topics --to-current --export > offsets.csv\n" +
			"  skein group reset billing --from-file offsets.csv --execute",
		Args: atLeastOne("GROUP"),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	c.ValidArgsFunction = o.groupNames(0)
	o.connection.flags(c)
	o.output.flag(c)
	f := c.Flags()
	f.StringArrayVar(&o.topics, "topic", nil, "reset `TOPIC` or TOPIC:PARTITION,...; may be repeated")
	f.BoolVar(&o.allTopics, "all-topics", false, "reset every topic that the group has committed offsets of")
	f.BoolVar(&o.dryRun, "dry-run", false, "only show what would happen, which is the default")
	f.BoolVar(&o.execute, "execute", false, "do it; without, it is only shown")
	f.BoolVar(&o.export, "export", false, "print the new offsets as CSV")
	f.BoolVar(&o.toEarliest, "to-earliest", false, "read everything again")
	f.BoolVar(&o.toLatest, "to-latest", false, "skip to the end")
	f.BoolVar(&o.toCurrent, "to-current", false, "keep the committed offsets, and go to the end where none is")
	f.Int64Var(&o.toOffset, "to-offset", 0, "go on at offset `N`")
	f.Int64Var(&o.shiftBy, "shift-by", 0, "go `N` records forward, or back where N is less than 0")
	f.StringVar(&o.byDuration, "by-duration", "", "go to the first record of this long `AGO` (90m)")
	f.StringVar(&o.toDatetime, "to-datetime", "", "go to the first record of this `TIME` (RFC 3339)")
	f.StringVar(&o.fromFile, "from-file", "", "go to the offsets that stand in `FILE`; - is stdin")
	completeFlag(c, "topic", o.topicNames(0))
	return c
}

// resetTargets are the flags of which one must be given.
var resetTargets = []string{"to-earliest", "to-latest", "to-current", "to-offset", "shift-by", "by-duration", "to-datetime", "from-file"}

// check says what is wrong with the flags together, and which target was given.
func (o *resetOptions) check(c *cobra.Command) (target string, err error) {
	if err := o.output.check(c); err != nil {
		return "", err
	}
	var given []string
	for _, name := range resetTargets {
		if c.Flags().Changed(name) {
			given = append(given, name)
		}
	}
	switch fromFile := len(given) == 1 && given[0] == "from-file"; {
	case len(given) != 1:
		return "", misused(c, "give one of --%s", strings.Join(resetTargets, ", --"))
	case fromFile && (o.allTopics || len(o.topics) > 0):
		return "", misused(c, "the partitions stand in the file: --from-file goes without --topic and --all-topics")
	case !fromFile && o.allTopics == (len(o.topics) > 0):
		return "", misused(c, "give --topic or --all-topics")
	case o.dryRun && o.execute:
		return "", misused(c, "--dry-run shows, --execute does: give one of them")
	case o.export && o.format != "text":
		return "", misused(c, "--export prints CSV: it goes without --output")
	}
	return given[0], nil
}

func (o *resetOptions) run(c *cobra.Command, groups []string) error {
	target, err := o.check(c)
	if err != nil {
		return err
	}
	want := resetWant{topics: map[string][]int32{}, all: o.allTopics}
	if target == "from-file" {
		want.rows, err = readResetFile(c, o.fromFile, groups)
	} else if want.place, err = o.target(c, target, time.Now()); err == nil {
		want.topics, err = chosenTopics(c, o.topics)
	}
	if err != nil {
		return err
	}
	plans := []resetPlan{}
	var refused error // of --execute, which is told beforehand
	err = o.admin(c, func(ctx context.Context, admin *kadm.Client) error {
		if refused, err = mayReset(ctx, admin, groups, want.all); err != nil {
			return err
		}
		if o.execute && refused != nil {
			return refused
		}
		for _, group := range groups {
			offsets, err := want.plan(ctx, admin, group)
			if err != nil {
				return err
			}
			plans = append(plans, newResetPlan(group, offsets))
		}
		if !o.execute {
			return nil
		}
		for i := range plans {
			if err := commitPlan(ctx, admin, plans[i].Group, plans[i].Offsets); err != nil {
				return err
			}
			plans[i].Executed = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	if o.export {
		err = writeResetFile(c.OutOrStdout(), plans)
	} else {
		err = o.output.print(c, plans, func(p *page) { printPlans(p, plans) })
	}
	switch {
	case err != nil || o.execute:
	case refused != nil:
		fmt.Fprintf(c.ErrOrStderr(), "nothing is changed, and --execute would be refused: %v\n", refused)
	default:
		fmt.Fprintln(c.ErrOrStderr(), "nothing is changed yet: --execute does it")
	}
	return err
}

// mayReset says which groups have members, whose own commits would undo a reset. A group that is not there yet can be given
// offsets, unless those that it has are needed.
func mayReset(ctx context.Context, admin *kadm.Client, names []string, needed bool) (refused, err error) {
	var active []error
	for _, name := range names {
		groups, err := findGroups(ctx, admin, name)
		if err != nil {
			if code, ok := codeOf(err); ok && code == protocol.GroupIDNotFound && !needed {
				continue
			}
			return nil, err
		}
		g := groups[name]
		if len(g.Members) == 0 {
			continue
		}
		active = append(active, activeGroup(g, "reset"))
	}
	return errors.Join(active...), nil
}

// activeGroup says that a group has members, whose commits would undo what.
func activeGroup(g kadm.DescribedGroup, what string) error {
	var members []string
	for _, m := range g.Members {
		members = append(members, fmt.Sprintf("%s at %s", printable(m.ClientID), strings.TrimPrefix(m.ClientHost, "/")))
	}
	return fmt.Errorf("group %s is %s and has %s (%s), whose commits would undo the %s; stop them first",
		g.Group, g.State, plural(len(members), "member"), strings.Join(members, ", "), what)
}

func commitPlan(ctx context.Context, admin *kadm.Client, group string, plan []resetOffset) error {
	var offsets kadm.Offsets
	for _, r := range plan {
		offsets.Add(kadm.Offset{Topic: r.Topic, Partition: r.Partition, At: r.New, LeaderEpoch: -1})
	}
	responses, err := admin.CommitOffsets(ctx, group, offsets)
	if err != nil {
		return answered("offsets of group "+group, err, "")
	}
	var failed []error
	for _, r := range plan {
		o, ok := responses.Lookup(r.Topic, r.Partition)
		if !ok || o.Err == nil {
			continue
		}
		if code, _ := codeOf(o.Err); code == protocol.UnknownMemberID {
			return fmt.Errorf("group %s was not changed: a member joined it meanwhile; stop it first", group)
		}
		failed = append(failed, answered(fmt.Sprintf("offset of group %s in %s-%d", group, r.Topic, r.Partition), o.Err, ""))
	}
	return errors.Join(failed...)
}
