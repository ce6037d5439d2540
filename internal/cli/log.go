package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/logdump"
	"github.com/skein-io/skein/internal/record"
)

func newLog() *cobra.Command {
	return family("log", "Look into the files of a data directory, without a broker", newLogDump(), newLogVerify())
}

type logOptions struct {
	output
	deep            bool
	consumerOffsets bool
	from, until     int64
}

// options are those of package logdump, with progress on a terminal.
func (o *logOptions) options(c *cobra.Command, name string) (options logdump.Options, end func()) {
	options = logdump.Options{Deep: o.deep, JSON: o.format == "json", ConsumerOffsets: o.consumerOffsets,
		From: record.Offset(o.from), Until: record.Offset(o.until)}
	if isTerminal(c.OutOrStdout()) || !isTerminal(c.ErrOrStderr()) {
		return options, func() {}
	}
	options.Progress = func(done, total int64) {
		fmt.Fprintf(c.ErrOrStderr(), "\r\x1b[K%s: %s of %s", name, size(done), size(total))
	}
	return options, func() { fmt.Fprint(c.ErrOrStderr(), "\r\x1b[K") }
}

func newLogDump() *cobra.Command {
	var o logOptions
	c := &cobra.Command{
		Use:   "dump FILE...",
		Short: "Print what segments, indexes, snapshots and checkpoints hold",
		Long: "Print what files of a data directory hold, each read and nothing written: .log, .index, .timeindex, .snapshot,\n" +
			"leader-epoch-checkpoint and the like, or the folder of a partition. A broker may be running on them.",
		Example: "  skein log dump skein-data/orders-0/00000000000000000000.log --records\n" +
			"  skein log dump skein-data/__consumer_offsets-12 --records -o json",
		Args: atLeastOne("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			if o.from < 0 || o.until < 0 {
				return misused(c, "--from-offset and --until-offset are at least 0")
			}
			var failed []error
			for _, name := range args {
				options, end := o.options(c, name)
				err := logdump.Dump(c.OutOrStdout(), name, options)
				end()
				failed = append(failed, err)
			}
			return errors.Join(failed...)
		},
	}
	o.flag(c)
	f := c.Flags()
	f.BoolVar(&o.deep, "records", false, "print the records of each batch too")
	f.BoolVar(&o.consumerOffsets, "consumer-offsets", false, "records are those of __consumer_offsets, whatever the folder is called")
	f.Int64Var(&o.from, "from-offset", 0, "leave out batches that end before `OFFSET`")
	f.Int64Var(&o.until, "until-offset", 0, "leave out batches that begin at `OFFSET` or behind it")
	return c
}

func newLogVerify() *cobra.Command {
	var o logOptions
	c := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Check segments and indexes, or a whole data directory",
		Long: "Check files, the folder of a partition, or a whole data directory: checksums, offsets, indexes, epochs. Nothing is written.\n" +
			"The exit code is 1 if something is damaged; a torn end, which a broker cuts when it starts, is told and is no damage.",
		Args: atLeastOne("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			var failed []error
			for _, name := range args {
				options, end := o.options(c, name)
				report, err := logdump.Verify(name, options)
				end()
				if err == nil || errors.Is(err, logdump.ErrDamaged) {
					if bad := report.Write(c.OutOrStdout(), options); bad != nil {
						return bad
					}
				}
				if err != nil {
					failed = append(failed, fmt.Errorf("%s: %w", name, err))
				}
			}
			return errors.Join(failed...)
		},
	}
	o.flag(c)
	c.Flags().BoolVar(&o.deep, "records", false, "decompress and check the records of each batch too")
	return c
}
