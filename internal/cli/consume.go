package cli

import (
	"bufio"
	"time"

	"github.com/spf13/cobra"
)

type consumeOptions struct {
	connection
	output
	group         string
	fromBeginning bool
	offset        string
	fromTime      string
	partitions    []int32
	max           int64
	exitAtEnd     bool
	idleTimeout   time.Duration
	quiet         bool
	print         recordPrinter
}

func newConsume() *cobra.Command {
	var o consumeOptions
	c := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Read records of a topic, alone or in a group",
		Long: "Read records of a topic and print each as a line. Without a group it reads all partitions from latest on, or from where\n" +
			"--from-beginning, --offset or --from-time say. In a group it shares the partitions with the other members, goes on from the\n" +
			"group's committed offsets, and commits what it has printed; the start counts only where nothing is committed.\n" +
			"Ctrl-C ends it: what was printed is committed, and the group is left.",
		Example: "  skein consume orders --from-beginning --exit-at-end --print-key\n" +
			"  skein consume orders --group billing -o json\n" +
			"  skein consume orders --offset -10 --partition 0 --exit-at-end",
		Args: exactly("TOPIC"),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args[0]) },
	}
	c.ValidArgsFunction = o.topicNames(1)
	o.connection.flags(c)
	o.output.flag(c)
	f := c.Flags()
	f.StringVarP(&o.group, "group", "g", "", "read as a member of `GROUP`")
	f.BoolVar(&o.fromBeginning, "from-beginning", false, "begin at the earliest record")
	f.StringVar(&o.offset, "offset", "", "begin at `OFFSET`: a number, one before the end (-10), earliest or latest")
	f.StringVar(&o.fromTime, "from-time", "", "begin at the first record of this `TIME`: RFC 3339, or how long ago (90m)")
	f.Int32SliceVar(&o.partitions, "partition", nil, "read only partition `N`; may be repeated")
	f.Int64VarP(&o.max, "max", "n", 0, "end after `N` records")
	f.BoolVarP(&o.exitAtEnd, "exit-at-end", "e", false, "end at what is the end now; begins at the earliest record if nothing else is said")
	f.DurationVar(&o.idleTimeout, "idle-timeout", 0, "end when no record came for this `TIME`")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no messages and no progress")
	f.BoolVar(&o.print.key, "print-key", false, "print the key in front of the value")
	f.BoolVar(&o.print.headers, "print-headers", false, "print the headers")
	f.BoolVar(&o.print.offset, "print-offset", false, "print the offset")
	f.BoolVar(&o.print.partition, "print-partition", false, "print the partition")
	f.BoolVar(&o.print.timestamp, "print-timestamp", false, "print the timestamp")
	f.StringVar(&o.print.separator, "separator", "\t", "print `TEXT` between these")
	f.StringVar(&o.print.null, "null", "null", "print `TEXT` for a key or value that is null")
	complete(c, "offset", "earliest", "latest")
	completeFlag(c, "group", o.groupNames(0))
	return c
}

func (o *consumeOptions) run(c *cobra.Command, topic string) error {
	if err := o.output.check(c); err != nil {
		return err
	}
	place, given, err := o.place(c, time.Now())
	if err != nil {
		return err
	}
	switch {
	case o.group != "" && (place.kind == fromOffset && given):
		return misused(c, "a group has its own offsets: skein group reset sets them; --offset earliest or latest says where to begin without any")
	case o.group != "" && len(o.partitions) > 0:
		return misused(c, "in a group the members share the partitions: give --group or --partition")
	case o.max < 0:
		return misused(c, "--max %d: it is at least 1", o.max)
	}
	o.print.json = o.output.format == "json"
	o.print.w = bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
	return o.consume(c, topic, place)
}
