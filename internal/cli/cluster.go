package cli

import "github.com/spf13/cobra"

func newCluster() *cobra.Command {
	return family("cluster", "Look at the nodes of a cluster and the replicas that they hold, change who elects its controller",
		newClusterDescribe(), newClusterAddVoter(), newClusterRemoveVoter())
}
