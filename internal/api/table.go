package api

import "github.com/skein-io/skein/internal/protocol"

// Resource is what a right is about.
type Resource string

// The kinds of resource that Kafka's ACLs know.
const (
	ResourceNone    Resource = ""
	ResourceCluster Resource = "cluster"
	ResourceTopic   Resource = "topic"
	ResourceGroup   Resource = "group"
)

// Operation is what a right allows.
type Operation string

// The operations that Kafka's ACLs know.
const (
	OperationNone            Operation = ""
	OperationRead            Operation = "read"
	OperationWrite           Operation = "write"
	OperationCreate          Operation = "create"
	OperationDelete          Operation = "delete"
	OperationAlter           Operation = "alter"
	OperationDescribe        Operation = "describe"
	OperationDescribeConfigs Operation = "describe-configs"
	OperationAlterConfigs    Operation = "alter-configs"
	OperationIdempotentWrite Operation = "idempotent-write"
	OperationClusterAction   Operation = "cluster-action"
)

// Right is an operation on a resource. A request that names several resources needs it on each.
type Right struct {
	Resource  Resource
	Operation Operation
}

// Open is the right of what everybody may ask before and after login.
var Open = Right{}

// Row is one API.
type Row struct {
	Key      protocol.Key
	Min, Max int16 // advertised
	Lowest   int16 // answered; Min unless a lower version is advertised for a client's sake
	Stage    Stage
	// Rights is what the caller needs, the first for the request as a whole, further ones for parts of it. A test
	// fails on a row without one.
	Rights []Right
	// NodesOnly requests are those of one node to another; nobody else is answered, or told of them.
	NodesOnly bool
	Start     func(*Node, *Call)
}

// Table lists every API that this node answers, in the order of their keys.
func Table() []Row {
	return []Row{
		row(protocol.KeyProduce, Overlaps, (*Node).produce, Right{ResourceTopic, OperationWrite}),
		row(protocol.KeyFetch, Barrier, (*Node).fetch, Right{ResourceTopic, OperationRead}, Right{ResourceCluster, OperationClusterAction}),
		row(protocol.KeyListOffsets, Barrier, (*Node).listOffsets, Right{ResourceTopic, OperationDescribe}),
		row(protocol.KeyMetadata, Barrier, (*Node).metadata, Right{ResourceTopic, OperationDescribe}, Right{ResourceTopic, OperationCreate}),
		row(protocol.KeyOffsetCommit, Overlaps, (*Node).offsetCommit, Right{ResourceGroup, OperationRead}, Right{ResourceTopic, OperationRead}),
		row(protocol.KeyOffsetFetch, Barrier, (*Node).offsetFetch, Right{ResourceGroup, OperationDescribe}, Right{ResourceTopic, OperationDescribe}),
		row(protocol.KeyFindCoordinator, Barrier, (*Node).findCoordinator, Right{ResourceGroup, OperationDescribe}),
		row(protocol.KeyJoinGroup, Barrier, (*Node).joinGroup, Right{ResourceGroup, OperationRead}),
		row(protocol.KeyHeartbeat, Overlaps, (*Node).heartbeat, Right{ResourceGroup, OperationRead}),
		row(protocol.KeyLeaveGroup, Barrier, (*Node).leaveGroup, Right{ResourceGroup, OperationRead}),
		row(protocol.KeySyncGroup, Barrier, (*Node).syncGroup, Right{ResourceGroup, OperationRead}),
		row(protocol.KeyDescribeGroups, Barrier, (*Node).describeGroups, Right{ResourceGroup, OperationDescribe}),
		row(protocol.KeyListGroups, Barrier, (*Node).listGroups, Right{ResourceCluster, OperationDescribe}, Right{ResourceGroup, OperationDescribe}),
		row(protocol.KeyApiVersions, Barrier, (*Node).apiVersions, Open),
		row(protocol.KeyCreateTopics, Barrier, (*Node).createTopics, Right{ResourceCluster, OperationCreate}, Right{ResourceTopic, OperationCreate}),
		row(protocol.KeyDeleteTopics, Barrier, (*Node).deleteTopics, Right{ResourceTopic, OperationDelete}),
		row(protocol.KeyDeleteRecords, Barrier, (*Node).deleteRecords, Right{ResourceTopic, OperationDelete}),
		row(protocol.KeyInitProducerID, Barrier, (*Node).initProducerID, Right{ResourceCluster, OperationIdempotentWrite}),
		row(protocol.KeyOffsetForLeaderEpoch, Barrier, (*Node).offsetForLeaderEpoch, Right{ResourceTopic, OperationDescribe}),
		row(protocol.KeyDescribeConfigs, Barrier, (*Node).describeConfigs, Right{ResourceCluster, OperationDescribeConfigs}, Right{ResourceTopic, OperationDescribeConfigs}),
		row(protocol.KeyAlterConfigs, Barrier, (*Node).alterConfigs, Right{ResourceCluster, OperationAlterConfigs}, Right{ResourceTopic, OperationAlterConfigs}),
		row(protocol.KeyDescribeLogDirs, Barrier, (*Node).describeLogDirs, Right{ResourceCluster, OperationDescribe}),
		row(protocol.KeyCreatePartitions, Barrier, (*Node).createPartitions, Right{ResourceTopic, OperationAlter}),
		row(protocol.KeyDeleteGroups, Barrier, (*Node).deleteGroups, Right{ResourceGroup, OperationDelete}),
		row(protocol.KeyElectLeaders, Barrier, (*Node).electLeaders, Right{ResourceCluster, OperationAlter}),
		row(protocol.KeyIncrementalAlterConfigs, Barrier, (*Node).incrementalAlterConfigs, Right{ResourceCluster, OperationAlterConfigs}, Right{ResourceTopic, OperationAlterConfigs}),
		row(protocol.KeyAlterPartitionReassignments, Barrier, (*Node).alterPartitionReassignments, Right{ResourceCluster, OperationAlter}),
		row(protocol.KeyListPartitionReassignments, Barrier, (*Node).listPartitionReassignments, Right{ResourceCluster, OperationDescribe}),
		row(protocol.KeyOffsetDelete, Barrier, (*Node).offsetDelete, Right{ResourceGroup, OperationDelete}, Right{ResourceTopic, OperationRead}),
		row(protocol.KeyDescribeQuorum, Barrier, (*Node).describeQuorum, Right{ResourceCluster, OperationDescribe}),
		between(protocol.KeyAlterPartition, (*Node).alterPartition),
		row(protocol.KeyDescribeCluster, Barrier, (*Node).describeCluster, Right{ResourceCluster, OperationDescribe}),
		row(protocol.KeyDescribeProducers, Barrier, (*Node).describeProducers, Right{ResourceTopic, OperationRead}),
		between(protocol.KeyBrokerRegistration, (*Node).brokerRegistration),
		between(protocol.KeyBrokerHeartbeat, (*Node).brokerHeartbeat),
		row(protocol.KeyUnregisterBroker, Barrier, (*Node).unregisterBroker, Right{ResourceCluster, OperationAlter}),
		between(protocol.KeyAllocateProducerIDs, (*Node).allocateProducerIDs),
		between(protocol.KeyAssignReplicasToDirs, (*Node).assignReplicas),
		row(protocol.KeyListConfigResources, Barrier, (*Node).listConfigResources, Right{ResourceCluster, OperationDescribeConfigs}),
		row(protocol.KeyDescribeTopicPartitions, Barrier, (*Node).describeTopicPartitions, Right{ResourceTopic, OperationDescribe}),
		row(protocol.KeyAddRaftVoter, Barrier, (*Node).addRaftVoter, Right{ResourceCluster, OperationAlter}),
		row(protocol.KeyRemoveRaftVoter, Barrier, (*Node).removeRaftVoter, Right{ResourceCluster, OperationAlter}),
		row(protocol.KeyDescribeClientErrors, Barrier, (*Node).describeClientErrors, Right{ResourceCluster, OperationDescribe}),
		row(protocol.KeyDescribeFlightRecorder, Barrier, (*Node).describeFlightRecorder, Right{ResourceCluster, OperationDescribe}, Right{ResourceGroup, OperationDescribe}),
		row(protocol.KeyDescribeGroupDiary, Barrier, (*Node).describeGroupDiary, Right{ResourceGroup, OperationDescribe}),
		row(protocol.KeyDescribeGroupLag, Barrier, (*Node).describeGroupLag, Right{ResourceGroup, OperationDescribe}, Right{ResourceTopic, OperationDescribe}),
		between(protocol.KeyQuorumMessages, (*Node).quorumMessages),
		between(protocol.KeyReplicaDurableEnds, (*Node).replicaDurableEnds),
		row(protocol.KeyDescribeReplicas, Barrier, (*Node).describeReplicas, Right{ResourceCluster, OperationDescribe}, Right{ResourceTopic, OperationDescribe}),
		row(protocol.KeyDescribeNode, Barrier, (*Node).describeNode, Right{ResourceCluster, OperationDescribe}),
		between(protocol.KeyJoinQuorum, (*Node).joinQuorum),
	}
}

// row makes a row with the versions that the codec advertises.
func row(key protocol.Key, stage Stage, start func(*Node, *Call), rights ...Right) Row {
	lowest, highest := protocol.Versions(key)
	decodable, _ := protocol.Decodable(key)
	return Row{Key: key, Min: lowest, Max: highest, Lowest: max(lowest, decodable), Stage: stage, Rights: rights, Start: start}
}

// between makes a row for what only nodes send each other. A heartbeat does not wait for what was asked before it.
func between(key protocol.Key, start func(*Node, *Call)) Row {
	r := row(key, Overlaps, start, Right{ResourceCluster, OperationClusterAction})
	r.NodesOnly = true
	return r
}
