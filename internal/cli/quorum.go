package cli

import "github.com/spf13/cobra"

func newQuorum() *cobra.Command {
	return family("quorum", "Move the cluster's metadata from ZooKeeper to a quorum of the nodes' own", newQuorumMigrate())
}
