package cli

import "github.com/spf13/cobra"

// newBench is not shown yet: its figures are for docs/why-a-coordinator.md.
func newBench() *cobra.Command {
	c := family("bench", "Measure", newBenchHerd())
	c.Hidden = true
	return c
}
