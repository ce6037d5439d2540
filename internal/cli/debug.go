package cli

import "github.com/spf13/cobra"

func newDebug() *cobra.Command {
	return family("debug", "Record what the group coordinator decides on, and replay it", newDebugRecord(), newReplay())
}
