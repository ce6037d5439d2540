package check

import "strings"

// OutcomeOf is what an error of a produce or commit request means, by Kafka's name of the error; "" is success. It is
// about one request: a client that retries by itself and gives up with a definite error may have had an unknown outcome
// before, and that is Info.
//
// NOT_LEADER_OR_FOLLOWER is not definite: a leader answers with it too when it loses the lead while a batch that it has
// appended waits for the other replicas. Whoever leads next may have that batch.
func OutcomeOf(name string) Outcome {
	switch name {
	case "", "NONE":
		return OK
	case "MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "NOT_ENOUGH_REPLICAS", "CORRUPT_MESSAGE",
		"UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID", "UNSUPPORTED_FOR_MESSAGE_FORMAT", "UNSUPPORTED_VERSION",
		"UNSUPPORTED_COMPRESSION_TYPE", "OUT_OF_ORDER_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID", "POLICY_VIOLATION",
		"FENCED_LEADER_EPOCH", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID", "REBALANCE_IN_PROGRESS",
		"NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "OFFSET_METADATA_TOO_LARGE", "GROUP_ID_NOT_FOUND":
		return Fail
	}
	if strings.HasSuffix(name, "_AUTHORIZATION_FAILED") || strings.HasPrefix(name, "INVALID_") {
		return Fail
	}
	return Info
}
