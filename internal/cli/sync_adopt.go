package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

type syncAdoptOptions struct {
	output
	sink          string
	execute       bool
	unit, zone    string
	epoch         int64
	offsetColumn  string
	ignoreOffsets bool
	unversioned   bool
	keepOld       bool
	from          string
	sample, list  int
}

// adopted is what was found of a table and done.
type adopted struct {
	Table    string `json:"table"`
	Sink     string `json:"sink"`
	Target   string `json:"target"` // HBase's table
	Executed bool   `json:"executed"`
	Epoch    uint32 `json:"epoch"`
	// Rows that were looked at; Adopted were rewritten, or would be.
	Rows        int64            `json:"rows"`
	Adopted     int64            `json:"adopted"`
	Ours        int64            `json:"ours"`
	Unversioned int64            `json:"unversioned"`
	Failed      int64            `json:"failed"`
	Changed     int64            `json:"changed"`
	Times       map[string]int64 `json:"times"`
	Offsets     map[string]int64 `json:"offsets"`
	Oldest      *time.Time       `json:"oldest,omitempty"`
	Newest      *time.Time       `json:"newest,omitempty"`
	Ahead       int64            `json:"ahead"`
	Examples    []adoptExample   `json:"examples"`
	Left        []leftRow        `json:"left"`
	// Next is where to go on after an error.
	Next   string `json:"next,omitempty"`
	TookMs int64  `json:"tookMs"`

	took time.Duration
	zero bool // rows without a time got one of 0
}

// adoptExample is a row as it was, and what was read of it.
type adoptExample struct {
	Key         string    `json:"key"`
	Form        string    `json:"form"`
	Was         string    `json:"was"`
	ExecuteTime time.Time `json:"executeTime"`
	OffsetWas   *string   `json:"offsetWas,omitempty"`
	Position    string    `json:"position"`
}

type leftRow struct {
	Key string `json:"key"`
	Why string `json:"why"`
}

var adoptUnits = map[string]hbase.Unit{"auto": hbase.UnitAuto, "seconds": hbase.UnitSeconds, "milliseconds": hbase.UnitMillis, "microseconds": hbase.UnitMicros}

func newSyncAdopt() *cobra.Command {
	var o syncAdoptOptions
	c := &cobra.Command{
		Use:   "adopt FILE TABLE",
		Short: "Take over a table of HBase whose execute times somebody else has written",
		Long: "Take over a table of HBase whose rows have an update_info:execute_time that somebody else has written, as text, long or int: each row\n" +
			"gets the columns that a sink compares, so that an older change does not win over what was there. Data and keys are not touched.\n" +
			"TABLE is the source's, DATABASE.TABLE. Which form a time has is told by each cell. It changes nothing without --execute, and then\n" +
			"tells of a sample of all regions which forms there are and what would be done.\n\n" +
			"Adopt, then start the sinks: a sink refuses the changes of rows that are not adopted yet. Whoever wrote the table must have stopped.\n" +
			"It may be interrupted and begun anew; rows that are adopted are passed over. Those who read execute_time find 8 bytes afterwards,\n" +
			"milliseconds, and there is no way back but --keep-old. The exit code is 1 if a row cannot be adopted; such rows stay as they are.",
		Example: "  skein sync adopt shop.yaml shop.orders\n  skein sync adopt shop.yaml shop.orders --zone +08:00 --execute\n" +
			"  skein sync adopt shop.yaml shop.orders --sink warehouse --unit seconds --offset-column info:pos --keep-old --execute",
		Args:              exactly("FILE", "TABLE"),
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c, args[0], args[1]) },
		ValidArgsFunction: pipelineFiles,
	}
	o.flag(c)
	f := c.Flags()
	f.StringVar(&o.sink, "sink", "", "adopt the table of this `SINK`; needed if several are of type hbase")
	f.BoolVar(&o.execute, "execute", false, "do it; without, it is only shown")
	f.StringVar(&o.unit, "unit", "auto", "what `UNIT` numbers count: seconds, milliseconds, microseconds, or auto, which finds it out of each in the years 1980 to 2099")
	f.StringVar(&o.zone, "zone", "UTC", "the time zone of times that are texts and name none: a `NAME` or +HH:MM")
	f.Int64Var(&o.epoch, "epoch", -1, "give rows the epoch `N`; without, that of the pipeline's changes, so that times are compared. In a lower one each change wins")
	f.StringVar(&o.offsetColumn, "offset-column", hbase.UpdateInfo+":"+hbase.BinlogOffset, "where binlog offsets are, `FAMILY:QUALIFIER`")
	f.BoolVar(&o.ignoreOffsets, "ignore-offsets", false, "take an offset that cannot be read for 0")
	f.BoolVar(&o.unversioned, "unversioned", false, "give rows without an execute time one of 0; without, they stay as they are")
	f.BoolVar(&o.keepOld, "keep-old", false, "copy what is rewritten to update_info:"+hbase.AdoptedTime+" and "+hbase.AdoptedOffset)
	f.StringVar(&o.from, "from", "", "go on at `KEY`, as an interrupted run told it")
	f.IntVar(&o.sample, "sample", 10_000, "look at about `N` rows if it is only shown")
	f.IntVar(&o.list, "list", 100, "name the first `N` rows that cannot be adopted")
	complete(c, "unit", "auto", "seconds", "milliseconds", "microseconds")
	return c
}

// options checks what was asked for.
func (o *syncAdoptOptions) options(c *cobra.Command) (a hbase.AdoptOptions, err error) {
	if err := o.check(c); err != nil {
		return a, err
	}
	unit, known := adoptUnits[o.unit]
	if !known {
		return a, misused(c, "--unit %q: it is auto, seconds, milliseconds or microseconds", o.unit)
	}
	zone, err := spec.ParseZone(o.zone)
	if err != nil {
		return a, misused(c, "--zone %q: %w", o.zone, err)
	}
	family, qualifier, ok := cutColumn(o.offsetColumn)
	if !ok {
		return a, misused(c, "--offset-column %q: it is FAMILY:QUALIFIER", o.offsetColumn)
	}
	from, err := parseHBaseKey(o.from)
	if err != nil {
		return a, misused(c, "--from %q: %w", o.from, err)
	}
	given := c.Flags().Changed("epoch")
	switch {
	case o.sample < 1 || o.list < 1:
		return a, misused(c, "--sample %d, --list %d: they must be more than 0", o.sample, o.list)
	case given && (o.epoch < 0 || o.epoch > 1<<32-1):
		return a, misused(c, "--epoch %d: it is from 0 to %d", o.epoch, int64(1<<32-1))
	case len(from) > 0 && !o.execute:
		return a, misused(c, "--from is for --execute: without, a sample of all regions is looked at")
	}
	return hbase.AdoptOptions{
		DryRun: !o.execute, Sample: o.sample, From: from, Epoch: uint32(max(o.epoch, 0)), Unit: unit, Location: zone, Offset: hbase.Column{Family: family, Qualifier: qualifier},
		IgnoreOffsets: o.ignoreOffsets, Unversioned: o.unversioned, Keep: o.keepOld, ExamplesMax: 3, LeftMax: o.list,
	}, nil
}

func (o *syncAdoptOptions) run(c *cobra.Command, file, table string) error {
	options, err := o.options(c)
	if err != nil {
		return err
	}
	loaded, err := loadPipeline(c, file)
	if err != nil {
		return err
	}
	s, err := o.sinkOf(c, loaded)
	if err != nil {
		return err
	}
	if !c.Flags().Changed("epoch") {
		if options.Epoch, err = pipeline.AdoptEpoch(c.Context(), loaded); err != nil {
			return fmt.Errorf("%w; --epoch N says it", err)
		}
	}
	var doing atomic.Int64
	options.Progress = func(a hbase.Adopted) { doing.Store(a.Rows) }
	end := drawProgress(c.ErrOrStderr(), func() string { return table + ", " + s.Name + ": " + plural(doing.Load(), "row") })
	began := time.Now()
	target, done, failed := pipeline.Adopt(c.Context(), loaded, s, table, options)
	end()
	if errors.Is(failed, context.Canceled) {
		failed = errors.New("interrupted")
	}
	if failed != nil && done.Rows == 0 {
		return failed
	}
	a := adoptedOf(&done)
	a.Table, a.Sink, a.Target, a.Executed, a.Epoch = table, s.Name, target, o.execute, options.Epoch
	a.took, a.zero = time.Since(began), o.unversioned
	a.TookMs = a.took.Milliseconds()
	if failed != nil {
		a.Next = hbaseKey(done.Next)
	}
	if err := o.print(c, a, func(p *page) { printAdopted(p, a) }); err != nil {
		return err
	}
	return o.end(c, a, failed)
}

// end says what is to be done next, and returns what the exit code is of.
func (o *syncAdoptOptions) end(c *cobra.Command, a *adopted, failed error) error {
	switch {
	case failed != nil && o.execute:
		again := "begin anew, which passes over what is adopted"
		if a.Next != "" {
			again += ", or go on with --from '" + a.Next + "'"
		}
		return fmt.Errorf("%w; what is adopted stays: %s", failed, again)
	case failed != nil:
		return failed
	case !o.execute:
		fmt.Fprintln(c.ErrOrStderr(), "nothing is changed yet: --execute does it")
	}
	if a.Failed > 0 {
		return errReported
	}
	return nil
}

// sinkOf is the sink that was named, or the one of type hbase.
func (o *syncAdoptOptions) sinkOf(c *cobra.Command, loaded *pipeline.Config) (*spec.Sink, error) {
	if o.sink != "" {
		found, err := sinksOf(c, loaded, []string{o.sink})
		if err != nil {
			return nil, err
		}
		if found[0].Type != spec.HBase {
			return nil, misused(c, "--sink %q: it is of type %s, and only tables of HBase are adopted", o.sink, found[0].Type)
		}
		return found[0], nil
	}
	var found *spec.Sink
	for i := range loaded.Sinks {
		if loaded.Sinks[i].Type != spec.HBase {
			continue
		}
		if found != nil {
			return nil, misused(c, "%s has several sinks of type hbase: say which with --sink", loaded.File)
		}
		found = &loaded.Sinks[i]
	}
	if found == nil {
		return nil, misused(c, "%s has no sink of type hbase", loaded.File)
	}
	return found, nil
}
