package metadata

import (
	"errors"
	"fmt"
	"strings"
)

// TopicNameMax is the greatest length of a topic's name, in bytes. With "-" and the partition it still fits a file
// name of 255 bytes.
const TopicNameMax = 249

// Kafka's own topics.
const (
	// ConsumerOffsetsTopic keeps the group coordinator's state.
	ConsumerOffsetsTopic = "__consumer_offsets"
	// TransactionStateTopic keeps the transaction coordinator's state.
	TransactionStateTopic = "__transaction_state"
	// ShareGroupStateTopic keeps the share coordinator's state.
	ShareGroupStateTopic = "__share_group_state"
	// ClusterMetadataTopic is the metadata log. It is no topic of the image and nobody may create it.
	ClusterMetadataTopic = "__cluster_metadata"
)

// InternalTopic says whether a topic is one that only the brokers write.
func InternalTopic(name string) bool {
	return name == ConsumerOffsetsTopic || name == TransactionStateTopic || name == ShareGroupStateTopic
}

// CheckTopicName returns nil for a name that a topic may have, [a-zA-Z0-9._-]{1,249} but not "." or "..", or the
// reason why it may not have it. The name in the reason is quoted and cut, for it may hold anything.
func CheckTopicName(name string) error {
	switch {
	case name == "":
		return errors.New("topic name is invalid: the empty string is not allowed")
	case name == "." || name == "..":
		return fmt.Errorf("topic name is invalid: '%s' is not allowed", name)
	case len(name) > TopicNameMax:
		return fmt.Errorf("topic name is invalid: %d bytes are more than the %d that are allowed", len(name), TopicNameMax)
	}
	for i := range len(name) {
		if !topicNameByte(name[i]) {
			return fmt.Errorf("topic name is invalid: %q contains one or more characters other than "+
				"ASCII alphanumerics, '.', '_' and '-'", name)
		}
	}
	return nil
}

func topicNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// CollisionKey is equal for two topic names that differ only in having '.' where the other has '_'. Metrics cannot
// tell such topics apart, so Kafka and skein refuse the second.
func CollisionKey(name string) string { return strings.ReplaceAll(name, ".", "_") }
