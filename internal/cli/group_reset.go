package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

type resetOptions struct {
	connection
	output
	topics    []string
	allTopics bool
	execute   bool

	toEarliest, toLatest bool
	toOffset, shiftBy    int64
	byDuration           string
	toDatetime           string
}

// resetOffset is one partition of group reset.
type resetOffset struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed *int64 `json:"committedOffset"` // null where none was
	New       int64  `json:"newOffset"`
	LogStart  int64  `json:"logStartOffset"`
	LogEnd    int64  `json:"logEndOffset"`
	// Change is New less Committed, or less LogStart where nothing was committed: less than 0 is read again, more is skipped.
	Change  int64  `json:"change"`
	Bounded bool   `json:"bounded"` // what was asked for is not in the log, and the nearest end was taken
	Effect  string `json:"effect"`
}

// resetPlan is what group reset prints.
type resetPlan struct {
	Group    string        `json:"group"`
	Executed bool          `json:"executed"`
	Offsets  []resetOffset `json:"offsets"`
}

func newGroupReset() *cobra.Command {
	var o resetOptions
	c := &cobra.Command{
		Use:   "reset GROUP",
		Short: "Set the committed offsets of a group without members",
		Long: "Set the committed offsets of a group without members. It shows for each partition how many records would be read again or\n" +
			"skipped, and changes nothing without --execute. An offset that is not in the log becomes the nearest that is.",
		Example: "  skein group reset billing --topic orders --to-earliest\n" +
			"  skein group reset billing --topic orders:0,1 --shift-by -100 --execute\n" +
			"  skein group reset billing --all-topics --to-datetime 2026-11-20T08:00:00Z --execute",
		Args: exactly("GROUP"),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args[0]) },
	}
	c.ValidArgsFunction = o.groupNames(1)
	o.connection.flags(c)
	o.output.flag(c)
	f := c.Flags()
	f.StringArrayVar(&o.topics, "topic", nil, "reset `TOPIC` or TOPIC:PARTITION,...; may be repeated")
	f.BoolVar(&o.allTopics, "all-topics", false, "reset every topic that the group has committed offsets of")
	f.BoolVar(&o.execute, "execute", false, "do it; without, it is only shown")
	f.BoolVar(&o.toEarliest, "to-earliest", false, "read everything again")
	f.BoolVar(&o.toLatest, "to-latest", false, "skip to the end")
	f.Int64Var(&o.toOffset, "to-offset", 0, "go on at offset `N`")
	f.Int64Var(&o.shiftBy, "shift-by", 0, "go `N` records forward, or back where N is less than 0")
	f.StringVar(&o.byDuration, "by-duration", "", "go to the first record of this long `AGO` (90m)")
	f.StringVar(&o.toDatetime, "to-datetime", "", "go to the first record of this `TIME` (RFC 3339)")
	completeFlag(c, "topic", o.topicNames(0))
	return c
}

// resetTargets are the flags of which one must be given.
var resetTargets = []string{"to-earliest", "to-latest", "to-offset", "shift-by", "by-duration", "to-datetime"}

func (o *resetOptions) run(c *cobra.Command, group string) error {
	if err := o.output.check(c); err != nil {
		return err
	}
	var given []string
	for _, name := range resetTargets {
		if c.Flags().Changed(name) {
			given = append(given, name)
		}
	}
	switch {
	case len(given) != 1:
		return misused(c, "give one of --%s", strings.Join(resetTargets, ", --"))
	case o.allTopics == (len(o.topics) > 0):
		return misused(c, "give --topic or --all-topics")
	}
	place, err := o.target(c, given[0], time.Now())
	if err != nil {
		return err
	}
	chosen, err := chosenTopics(c, o.topics)
	if err != nil {
		return err
	}
	plan := resetPlan{Group: group, Executed: o.execute, Offsets: []resetOffset{}}
	err = o.admin(c, func(ctx context.Context, admin *kadm.Client) error {
		if plan.Offsets, err = o.plan(ctx, admin, group, chosen, place); err != nil || !o.execute {
			return err
		}
		return commitPlan(ctx, admin, group, plan.Offsets)
	})
	if err != nil {
		return err
	}
	if err := o.output.print(c, plan, plan.print); err != nil {
		return err
	}
	if !o.execute {
		fmt.Fprintln(c.ErrOrStderr(), "nothing is changed yet: --execute does it")
	}
	return nil
}

// target is the place that the flag asks for.
func (o *resetOptions) target(c *cobra.Command, flag string, now time.Time) (startPlace, error) {
	switch flag {
	case "to-earliest":
		return startPlace{kind: fromEarliest}, nil
	case "to-offset":
		if o.toOffset < 0 {
			return startPlace{}, misused(c, "--to-offset %d: it is at least 0", o.toOffset)
		}
		return startPlace{fromOffset, o.toOffset}, nil
	case "shift-by":
		return startPlace{fromCommitted, o.shiftBy}, nil
	case "by-duration":
		d, err := time.ParseDuration(o.byDuration)
		if err != nil || d < 0 {
			return startPlace{}, misused(c, "--by-duration %q: it is a duration like 90m", o.byDuration)
		}
		return startPlace{fromTime, now.Add(-d).UnixMilli()}, nil
	case "to-datetime":
		at, err := time.Parse(time.RFC3339Nano, o.toDatetime)
		if err != nil {
			return startPlace{}, misused(c, "--to-datetime %q: it is a time like 2026-11-20T12:00:00Z", o.toDatetime)
		}
		return startPlace{fromTime, at.UnixMilli()}, nil
	}
	return startPlace{kind: fromLatest}, nil
}

// chosenTopics reads TOPIC and TOPIC:PARTITION,... A topic without partitions has all of them.
func chosenTopics(c *cobra.Command, texts []string) (map[string][]int32, error) {
	chosen := map[string][]int32{}
	for _, text := range texts {
		topic, list, some := strings.Cut(text, ":")
		if _, twice := chosen[topic]; twice || topic == "" {
			return nil, misused(c, "--topic %q: it is TOPIC or TOPIC:PARTITION,..., each topic once", text)
		}
		chosen[topic] = nil
		if !some {
			continue
		}
		for _, field := range strings.Split(list, ",") {
			n, err := strconv.ParseInt(field, 10, 32)
			if err != nil || n < 0 {
				return nil, misused(c, "--topic %q: %q is no partition", text, field)
			}
			chosen[topic] = append(chosen[topic], int32(n))
		}
		slices.Sort(chosen[topic])
	}
	return chosen, nil
}

// plan finds the new offset of each partition.
func (o *resetOptions) plan(ctx context.Context, admin *kadm.Client, group string, chosen map[string][]int32, place startPlace) ([]resetOffset, error) {
	if err := mayReset(ctx, admin, group, o.execute, o.allTopics); err != nil {
		return nil, err
	}
	committed, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, answered("committed offsets of group "+group, err, "")
	}
	if o.allTopics {
		for topic, partitions := range committed {
			chosen[topic] = sortedKeys(partitions)
		}
	}
	plan := []resetOffset{}
	for _, topic := range sortedKeys(chosen) {
		found, err := boundsOf(ctx, admin, topic, chosen[topic])
		if err != nil {
			return nil, err
		}
		wanted := map[int32]int64{}
		if place.kind != fromOffset && place.kind != fromCommitted {
			if wanted, err = startsOf(ctx, admin, topic, place, found); err != nil {
				return nil, err
			}
		}
		for _, p := range sortedKeys(found) {
			r := resetOffset{Topic: topic, Partition: p, New: wanted[p], LogStart: found[p].start, LogEnd: found[p].end}
			if was, ok := committed.Lookup(topic, p); ok && was.Err == nil && was.At >= 0 {
				r.Committed = &was.At
			}
			switch {
			case place.kind == fromOffset:
				r.New = place.at
			case place.kind == fromCommitted:
				r.New = r.from() + place.at
			}
			r.settle()
			plan = append(plan, r)
		}
	}
	return plan, nil
}

// mayReset says whether the group has no members, whose own commits would undo a reset. Before it is executed that does
// not matter, and neither does a group that is not there yet.
func mayReset(ctx context.Context, admin *kadm.Client, group string, execute, needed bool) error {
	groups, err := findGroups(ctx, admin, group)
	if err != nil {
		if code, ok := codeOf(err); ok && code.String() == "GROUP_ID_NOT_FOUND" && !needed {
			return nil
		}
		return err
	}
	g := groups[group]
	if !execute || len(g.Members) == 0 {
		return nil
	}
	var members []string
	for _, m := range g.Members {
		members = append(members, fmt.Sprintf("%s at %s", printable(m.ClientID), strings.TrimPrefix(m.ClientHost, "/")))
	}
	return fmt.Errorf("group %s has %s (%s), whose commits would undo the reset; stop them first", group, plural(len(members), "member"), strings.Join(members, ", "))
}

// from is where the group would go on without a reset.
func (r *resetOffset) from() int64 {
	if r.Committed != nil {
		return *r.Committed
	}
	return r.LogStart
}

// settle keeps the new offset within the log and says what it does.
func (r *resetOffset) settle() {
	bounded := min(max(r.New, r.LogStart), r.LogEnd)
	r.Bounded, r.New = bounded != r.New, bounded
	r.Change = r.New - r.from()
	switch {
	case r.Committed == nil && r.Change == 0:
		r.Effect = "begins here, at the earliest record"
	case r.Change < 0:
		r.Effect = "reads " + number(-r.Change) + " again"
	case r.Change > 0:
		r.Effect = "skips " + number(r.Change)
	default:
		r.Effect = "no change"
	}
	if r.Bounded {
		r.Effect += ", bounded by the log"
	}
}

func (plan resetPlan) print(p *page) {
	var rows [][]string
	for _, r := range plan.Offsets {
		rows = append(rows, []string{r.Topic, number(r.Partition), maybe(r.Committed), number(r.New), number(r.LogStart), number(r.LogEnd), r.Effect})
	}
	p.table([]string{"TOPIC", "PARTITION", "COMMITTED", "NEW", "START", "END", "EFFECT"}, rows)
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
	for _, r := range plan {
		if o, ok := responses.Lookup(r.Topic, r.Partition); ok && o.Err != nil {
			return answered(fmt.Sprintf("offset of group %s in %s-%d", group, r.Topic, r.Partition), o.Err, "")
		}
	}
	return nil
}
