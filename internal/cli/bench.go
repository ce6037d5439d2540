package cli

import "github.com/spf13/cobra"

func newBench() *cobra.Command {
	return family("bench", "Measure", newBenchHerd())
}
