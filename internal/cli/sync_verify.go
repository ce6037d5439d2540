package cli

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/verify"
)

type syncVerifyOptions struct {
	output
	sinks  []string
	repair bool
	wait   time.Duration
	keep   int
}

// verified is what was found of a table in a sink.
type verified struct {
	Sink string `json:"sink"`
	*verify.Report
	TookMs int64 `json:"tookMs"`
}

func newSyncVerify() *cobra.Command {
	var o syncVerifyOptions
	c := &cobra.Command{
		Use:   "verify FILE TABLE...",
		Short: "Compare a source's table with what sinks have of it, and repair it",
		Long: "Compare what a pipeline's source has in a table with what its sinks have, while changes flow. Servers of MySQL add up ranges of\n" +
			"keys themselves; of HBase all rows are read. A row that differs is looked at again until the sink has everything that the source\n" +
			"had then, or until --wait is over: rows that may still be on their way are told apart, and are no difference.\n" +
			"With --repair the source's row is written where the sink's differs, through the sink's own guard: a change that is newer stays.\n" +
			"The exit code is 1 if anything differs and was not repaired.",
		Example:           "  skein sync verify shop.yaml shop.stock\n  skein sync verify shop.yaml shop.stock shop.orders --sink warehouse --repair",
		Args:              fileAndTables,
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c, args[0], args[1:]) },
		ValidArgsFunction: pipelineFiles,
	}
	o.flag(c)
	f := c.Flags()
	f.StringArrayVar(&o.sinks, "sink", nil, "compare with this `SINK` alone; may be repeated")
	f.BoolVar(&o.repair, "repair", false, "write what differs")
	f.DurationVar(&o.wait, "wait", 30*time.Second, "look again at rows that differ for this `TIME`")
	f.IntVar(&o.keep, "keep", 100, "name the first `N` rows that differ")
	return c
}

func (o *syncVerifyOptions) run(c *cobra.Command, file string, tables []string) error {
	if err := o.check(c); err != nil {
		return err
	}
	if o.wait <= 0 || o.keep < 1 {
		return misused(c, "--wait %v, --keep %d: they must be more than 0", o.wait, o.keep)
	}
	loaded, err := loadPipeline(c, file)
	if err != nil {
		return err
	}
	sinks, err := sinksOf(c, loaded, o.sinks)
	if err != nil {
		return err
	}
	reports, open := []verified{}, int64(0)
	for _, table := range tables {
		for _, s := range sinks {
			report, err := o.one(c, loaded, s, table)
			if err != nil {
				return err
			}
			reports = append(reports, verified{Sink: s.Name, Report: report, TookMs: report.Took.Milliseconds()})
			open += report.Open()
		}
	}
	if err := o.print(c, reports, func(p *page) {
		for i := range reports {
			printVerified(p, &reports[i], o.repair)
		}
	}); err != nil {
		return err
	}
	if open > 0 {
		return errReported
	}
	return nil
}

// one compares a table with a sink.
func (o *syncVerifyOptions) one(c *cobra.Command, loaded *pipeline.Config, s *spec.Sink, table string) (*verify.Report, error) {
	k, err := pipeline.Compare(c.Context(), loaded, s, table)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	var doing atomic.Pointer[string]
	end := drawProgress(c.ErrOrStderr(), func() string {
		if text := doing.Load(); text != nil {
			return table + ", " + s.Name + ": " + *text
		}
		return table + ", " + s.Name
	})
	defer end()
	return verify.Run(c.Context(), verify.Config{Source: k.Source, Sink: k.Sink, Progress: k.Progress(), Wait: o.wait, Keep: o.keep, Repair: o.repair,
		Watch: func(what string, rows int64) {
			text := what + ": " + plural(rows, "row")
			doing.Store(&text)
		}})
}

// sinksOf finds sinks by name; none is all.
func sinksOf(c *cobra.Command, loaded *pipeline.Config, names []string) ([]*spec.Sink, error) {
	var found []*spec.Sink
	for _, name := range names {
		at := -1
		for i := range loaded.Sinks {
			if loaded.Sinks[i].Name == name {
				at = i
			}
		}
		if at < 0 {
			return nil, misused(c, "--sink %q: %s has no such sink", name, loaded.File)
		}
		found = append(found, &loaded.Sinks[at])
	}
	if len(names) == 0 {
		for i := range loaded.Sinks {
			found = append(found, &loaded.Sinks[i])
		}
	}
	if len(found) == 0 {
		return nil, misused(c, "%s has no sink", loaded.File)
	}
	return found, nil
}

// printVerified tells of one comparison.
func printVerified(p *page, v *verified, repair bool) {
	p.line("%s in %s: %s of the source and %s of the sink compared by %s (%d, of which %d differed at first), %s, in %s",
		printable(v.Table), printable(v.Sink), plural(v.Rows, "row"), number(v.Report.Sink), v.Method, v.Parts, v.PartsDiffer, plural(v.Looked, "row")+" looked at", spent(v.Took))
	if v.Differing() > 0 {
		p.line("%d missing, %d extra, %d with other columns, %d with a version that is none", v.Missing, v.Extra, v.Different, v.BadVersion)
		printDifferences(p, v.Differences, repair)
		if more := v.Differing() - int64(len(v.Differences)); more > 0 {
			p.line("... and %s more", number(more))
		}
	}
	if v.InFlight > 0 {
		p.line("%s in flight: their changes may still be on their way; compare again, or wait longer with --wait", plural(v.InFlight, "row"))
	}
	switch {
	case v.Differing() == 0:
		p.line("no difference")
	case v.Open() == 0:
		p.line("%d repaired, %d kept because a newer change had come", v.Repaired, v.Kept)
	case repair:
		p.line("%d repaired, %d kept because a newer change had come, %d still differ", v.Repaired, v.Kept, v.Open())
	default:
		p.line("%s; --repair writes what the source has", differs(v.Differing()))
	}
}

func differs(n int64) string {
	if n == 1 {
		return "1 row differs"
	}
	return number(n) + " rows differ"
}

func printDifferences(p *page, all []verify.Difference, repair bool) {
	header := []string{"KEY", "KIND", "COLUMN", "SOURCE", "SINK", "VERSION OF THE SINK"}
	if repair {
		header = append(header, "REPAIR")
	}
	var rows [][]string
	for i := range all {
		d := &all[i]
		version := d.VersionText
		if d.Reason != "" {
			version = d.Reason
		}
		kind := string(d.Kind)
		if d.Deleted {
			kind += " (deleted)"
		}
		lines := [][]string{{d.Key, kind, "", "", "", version}}
		for n, column := range d.Columns {
			if n > 0 {
				lines = append(lines, []string{"", "", "", "", "", ""})
			}
			lines[n][2], lines[n][3], lines[n][4] = column.Name, textOf(column.Source), textOf(column.Sink)
		}
		if repair {
			for n := range lines {
				lines[n] = append(lines[n], "")
			}
			lines[0][6] = d.Repair
		}
		rows = append(rows, lines...)
	}
	p.table(header, rows)
}

// textOf is a value in a table: in quotes, so that blanks are seen, or NULL.
func textOf(value *string) string {
	if value == nil {
		return "NULL"
	}
	return `"` + *value + `"`
}

// openComparison is for commands that ask about one row or table of one sink.
func openComparison(ctx context.Context, c *cobra.Command, file, table, sink string) (*pipeline.Config, *spec.Sink, *pipeline.Comparison, error) {
	loaded, err := loadPipeline(c, file)
	if err != nil {
		return nil, nil, nil, err
	}
	var names []string
	if sink != "" {
		names = []string{sink}
	}
	sinks, err := sinksOf(c, loaded, names)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(sinks) > 1 {
		return nil, nil, nil, misused(c, "%s has several sinks: say which with --sink", loaded.File)
	}
	k, err := pipeline.Compare(ctx, loaded, sinks[0], table)
	return loaded, sinks[0], k, err
}
