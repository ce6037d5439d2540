package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/perceptor/pipeline"
)

func newSyncCheck() *cobra.Command {
	var (
		only partsFlag
		o    output
	)
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with the servers and tables that a pipeline's file names, and what to change",
		Long: "Connect to everything that a pipeline's file names, and look: the database's settings, rights and tables, and whether they have\n" +
			"keys; topics; HBase's tables and families; MySQL's tables, rights and columns, and whether the source's values fit into them.\n" +
			"For each it is said what to change. Nothing is changed. The exit code is 1 if a check fails.",
		Example: "  skein sync check shop.yaml\n  skein sync check shop.yaml -o json",
		Args:    exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			loaded, err := loadPipeline(c, args[0])
			if err != nil {
				return err
			}
			parts, err := only.parts(c, loaded)
			if err != nil {
				return err
			}
			found := pipeline.Check(c.Context(), loaded, parts)
			if err := o.print(c, found, func(p *page) {
				for _, f := range found {
					p.line("%-4s  %s: %s: %s", f.Verdict, f.Part, printable(f.What), printable(f.Detail))
				}
			}); err != nil {
				return err
			}
			failed := 0
			for _, f := range found {
				if f.Verdict == pipeline.Wrong {
					failed++
				}
			}
			if failed > 0 {
				return fmt.Errorf("%s of %s failed", plural(failed, "check"), args[0])
			}
			return nil
		},
		ValidArgsFunction: pipelineFiles,
	}
	only.flag(c, "look at this")
	o.flag(c)
	return c
}
