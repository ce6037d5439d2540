package cli

import "github.com/spf13/cobra"

func newCluster() *cobra.Command {
	return family("cluster", "Change which nodes elect the controller of a cluster", newClusterAddVoter(), newClusterRemoveVoter())
}
