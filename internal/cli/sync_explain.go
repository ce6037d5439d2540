package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/explain"
	"github.com/skein-io/skein/perceptor/pipeline"
)

type syncExplainOptions struct {
	output
	sink string
	keep int
	all  bool
}

func newSyncExplain() *cobra.Command {
	var o syncExplainOptions
	c := &cobra.Command{
		Use:   "explain FILE TABLE KEY",
		Short: "Tell the whole story of one row: its changes in the topic, what the rule says of each, and what the sink has",
		Long: "Tell of one row every change that the topic has, in order: where it lies, what it is, its version and GTID, what a sink does with it\n" +
			"that has had all those before it, and whether the sink's group has passed it; then what the sink has of the row now and what the\n" +
			"source has, and in a sentence what follows.\n" +
			"KEY is the value of the key; of a key of several columns all values with commas between them, or NAME=VALUE of each.",
		Example: "  skein sync explain shop.yaml shop.stock 42\n  skein sync explain shop.yaml shop.prices item=42,country=de --sink warehouse",
		Args:    exactly("FILE", "TABLE", "KEY"),
		RunE:    func(c *cobra.Command, args []string) error { return o.run(c, args[0], args[1], args[2]) },

		ValidArgsFunction: pipelineFiles,
	}
	o.flag(c)
	f := c.Flags()
	f.StringVar(&o.sink, "sink", "", "tell of this `SINK`, if there are several")
	f.IntVar(&o.keep, "keep", 20, "tell the first `N` changes and the last N, and count those between")
	f.BoolVar(&o.all, "all-partitions", false, "read all partitions, as after partitions were added to the topic")
	return c
}

func (o *syncExplainOptions) run(c *cobra.Command, file, table, key string) error {
	if err := o.check(c); err != nil {
		return err
	}
	if o.keep < 1 {
		return misused(c, "--keep %d: it must be more than 0", o.keep)
	}
	loaded, s, k, err := openComparison(c.Context(), c, file, table, o.sink)
	if err != nil {
		return err
	}
	defer k.Close()
	row, err := explain.ParseKey(k.Source.Table(), key)
	if err != nil {
		return misused(c, "%w", err)
	}
	read, err := pipeline.ReadOptions(loaded)
	if err != nil {
		return err
	}
	transport, err := pipeline.Transport(loaded)
	if err != nil {
		return err
	}
	stories := []*explain.Story{}
	for _, topic := range k.Topics {
		story, err := explain.Run(c.Context(), explain.Config{
			Brokers: loaded.Brokers.Addresses, Transport: transport, Topic: topic, Group: s.Group, Read: read, Table: k.Source.Table(), Key: row, Sink: k.Sink,
			Source: func(ctx context.Context) (change.Row, error) { now, _, err := k.Source.Row(ctx, row); return now, err },
			Keep:   o.keep, All: o.all,
		})
		if err != nil {
			return err
		}
		stories = append(stories, story)
	}
	return o.print(c, stories, func(p *page) {
		for _, story := range stories {
			printStory(p, story)
		}
	})
}

// printStory tells a story as text.
func printStory(p *page, s *explain.Story) {
	p.line("%s %s in topic %s: %s in %s read from %s", printable(s.Table), printable(s.Key), printable(s.Topic), plural(s.Changes, "record"), plural(s.Read, "record"), partitionsText(s.Partitions))
	if s.Changes > 0 {
		rows := stepRows(s.First)
		if s.Between > 0 {
			rows = append(rows, []string{"...", number(s.Between) + " more", "", "", "", "", "", "", ""})
		}
		p.table([]string{"PARTITION", "OFFSET", "TIME", "OP", "VERSION", "GTID", "RULE", "PASSED", "NOTE"}, append(rows, stepRows(s.Last)...))
	}
	if s.Sink != nil {
		printSinkRow(p, s)
	}
	p.line("%s", printable(s.Verdict))
}

func partitionsText(partitions []int32) string {
	if len(partitions) == 1 {
		return "partition " + number(partitions[0])
	}
	return "partitions " + numbers(partitions)
}

func stepRows(steps []explain.Step) (rows [][]string) {
	for i := range steps {
		s := &steps[i]
		version := s.VersionText
		if s.ExecuteTime != nil {
			version += " (" + s.ExecuteTime.Format("2006-01-02 15:04:05.000") + ")"
		}
		passed := ""
		if s.Passed != nil {
			passed = map[bool]string{true: "yes", false: "no"}[*s.Passed]
		}
		rows = append(rows, []string{number(s.Partition), number(s.Offset), s.Time.Format(time.RFC3339), s.Op, version, s.GTID, s.Rule, passed, s.Note})
	}
	return rows
}

func printSinkRow(p *page, s *explain.Story) {
	row := s.Sink
	state := "has the row"
	switch {
	case row.Deleted:
		state = "has the row as deleted"
	case !row.Exists:
		state = "does not have the row"
	}
	text := fmt.Sprintf("the sink %s", state)
	if row.VersionText != "" {
		text += ", " + row.VersionText
	}
	if row.Of != "" {
		text += ", which is the change at " + row.Of
	}
	p.line("%s", text)
	if s.SourceExists != nil && !*s.SourceExists {
		p.line("the source does not have the row")
	}
	var rows [][]string
	for _, c := range row.Columns {
		same := "differs"
		if c.Same {
			same = "same"
		}
		rows = append(rows, []string{c.Name, textOf(c.Source), textOf(c.Sink), same})
	}
	if len(rows) > 0 && s.SourceExists != nil && *s.SourceExists {
		p.table([]string{"COLUMN", "SOURCE", "SINK", ""}, rows)
	}
}
