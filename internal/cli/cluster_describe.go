package cli

import (
	"time"

	"github.com/spf13/cobra"
)

// describedCluster is what cluster describe shows. What is not known is null.
type describedCluster struct {
	ClusterID  string             `json:"clusterId"`
	At         time.Time          `json:"at"`
	Controller clusterController  `json:"controller"`
	Nodes      []clusterNode      `json:"nodes"`
	Quorum     []quorumMember     `json:"quorum"`
	Summary    clusterSummary     `json:"summary"`
	Partitions []clusterPartition `json:"partitions"` // the worst first

	replicas bool // they were asked for
}

type clusterController struct {
	ID      *int32 `json:"id"`
	Epoch   *int32 `json:"epoch"`
	Problem string `json:"problem,omitempty"` // why it is not known
}

type clusterNode struct {
	ID      int32      `json:"id"`
	Address string     `json:"address"`
	Rack    *string    `json:"rack"`
	State   string     `json:"state"`
	Since   *time.Time `json:"since"`
	Epoch   *int64     `json:"brokerEpoch"`
	Problem string     `json:"problem,omitempty"` // why it does not tell anything itself
}

// quorumMember is one member of the metadata quorum, as its leader sees it.
type quorumMember struct {
	ID         int32  `json:"id"`
	Role       string `json:"role"` // leader, voter or observer
	LogEnd     *int64 `json:"logEndOffset"`
	Lag        *int64 `json:"lag"`        // in entries of the metadata log
	SilentMs   *int64 `json:"silentMs"`   // since the leader heard of it last
	CaughtUpMs *int64 `json:"caughtUpMs"` // since it held all that the leader held
}

type clusterSummary struct {
	Nodes           int `json:"nodes"`
	NodesUnfenced   int `json:"nodesUnfenced"`
	NodesSilent     int `json:"nodesSilent"` // that do not answer this program
	Topics          int `json:"topics"`
	Partitions      int `json:"partitions"`
	Offline         int `json:"offline"`
	UnderMinISR     int `json:"underMinIsr"`
	UnderReplicated int `json:"underReplicated"` // those under the minimum and without a leader too
}

type clusterPartition struct {
	Topic        string           `json:"topic"`
	Partition    int32            `json:"partition"`
	Health       partitionHealth  `json:"health"`
	Leader       *int32           `json:"leader"` // null without
	LeaderEpoch  int32            `json:"leaderEpoch"`
	Replicas     []int32          `json:"replicas"`
	ISR          []int32          `json:"isr"`
	MinISR       *int32           `json:"minInsyncReplicas"` // asked only where somebody is missing
	ELR          []int32          `json:"elr"`
	LastKnownELR []int32          `json:"lastKnownElr"`
	Details      []clusterReplica `json:"details,omitempty"` // with --replicas

	topicID [16]byte
}

// partitionHealth says how well a partition is; the worst is the least.
type partitionHealth int

const (
	partitionOffline partitionHealth = iota
	partitionUnderMinISR
	partitionUnderReplicated
	partitionInSync
)

var healthNames = [...]string{"offline", "under min ISR", "under-replicated", "in sync"}

func (h partitionHealth) String() string { return healthNames[h] }

// MarshalText implements encoding.TextMarshaler.
func (h partitionHealth) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// clusterReplica is one replica: its ends as its own node tells them, and why it is in the ISR or out of it, as its leader does.
type clusterReplica struct {
	Node          int32      `json:"node"`
	LogStart      *int64     `json:"logStartOffset"`
	LogEnd        *int64     `json:"logEndOffset"`
	DurableEnd    *int64     `json:"durableEndOffset"`
	HighWatermark *int64     `json:"highWatermark"`
	InSync        bool       `json:"inSync"`
	Standing      string     `json:"standing"`
	Since         *time.Time `json:"since"`
	Lag           *int64     `json:"lag"` // records that the leader has and this replica does not hold durably
	Why           string     `json:"why"`
}

func newClusterDescribe() *cobra.Command {
	var (
		n        connection
		o        output
		replicas bool
	)
	c := &cobra.Command{
		Use:   "describe",
		Short: "Show nodes, controller, quorum, and each partition's leader and in-sync replicas; what is wrong comes first",
		Long: "Show the nodes, the controller, the metadata quorum, and each partition's leader, in-sync replicas (ISR) and eligible leader\n" +
			"replicas (ELR, KIP-966). Partitions without a leader come first, then those under min.insync.replicas, then those with a replica\n" +
			"out of sync. With --replicas every node is asked how far its replicas are: log end, durable end (what is on its disk) and high\n" +
			"watermark; and the leaders, why each replica is in the ISR or out of it. A node that does not answer is named. Times are UTC.",
		Example: "  skein cluster describe\n  skein cluster describe --replicas\n  skein cluster describe -o json",
		Args:    exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			found, err := describeCluster(c, &n, replicas)
			if err != nil {
				return err
			}
			return o.print(c, found, found.print)
		},
	}
	n.flags(c)
	o.flag(c)
	c.Flags().BoolVar(&replicas, "replicas", false, "show how far each replica is, and why it is in the ISR or out of it")
	return c
}
