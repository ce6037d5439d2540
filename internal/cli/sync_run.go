package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/pipeline"
)

// collect has the garbage of pipelines collected as they need it, unless the environment says otherwise.
func collect() {
	if os.Getenv("GOGC") == "" {
		pipeline.Collect()
	}
}

func newSyncRun() *cobra.Command {
	var (
		only       partsFlag
		verbose    bool
		resnapshot bool
	)
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a pipeline's parts until it is told to end",
		Long: "Run what a pipeline's file has, source, sinks or both, until SIGTERM; then what was read is written and acknowledged, and the\n" +
			"exit code is 0. Several processes may run the same sinks and share the work; one at a time runs the source.\n" +
			"A server that is away is tried again for ever. What needs somebody ends a part with an error that says what to do, and the exit code is 1.",
		Example: "  skein sync run shop.yaml\n  skein sync run shop.yaml --only source",
		Args:    exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			loaded, err := loadPipeline(c, args[0])
			if err != nil {
				return err
			}
			parts, err := only.parts(c, loaded)
			if err != nil {
				return err
			}
			collect()
			return pipeline.Run(c.Context(), loaded, pipeline.Options{Only: parts, Resnapshot: resnapshot, Log: syncLog(c.ErrOrStderr(), verbose)})
		},
		ValidArgsFunction: pipelineFiles,
	}
	only.flag(c, "run this")
	c.Flags().BoolVar(&verbose, "verbose", false, "log what happens to groups and partitions too")
	c.Flags().BoolVar(&resnapshot, "resnapshot", false, "let the source begin anew, in a new epoch, with snapshots of all tables; what was deleted meanwhile is not told")
	return c
}
