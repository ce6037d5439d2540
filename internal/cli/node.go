package cli

import "github.com/spf13/cobra"

func newNode() *cobra.Command {
	return family("node", "Look into one node", newNodeAnatomy())
}
