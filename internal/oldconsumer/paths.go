package oldconsumer

import "strconv"

// The roots of what consumers and brokers keep, below the chroot.
const (
	ConsumersPath    = "/consumers"
	BrokerIDsPath    = "/brokers/ids"
	BrokerTopicsPath = "/brokers/topics"
)

// IDsPath is where the members of a group are.
func IDsPath(group string) string { return ConsumersPath + "/" + group + "/ids" }

// OwnersPath is where the owners of a group's topics are.
func OwnersPath(group string) string { return ConsumersPath + "/" + group + "/owners" }

// OwnerPath is where the owner of a partition is.
func OwnerPath(group, topic string, partition int32) string {
	return OwnersPath(group) + "/" + topic + "/" + strconv.Itoa(int(partition))
}

// OffsetsPath is where a group's offsets are.
func OffsetsPath(group string) string { return ConsumersPath + "/" + group + "/offsets" }

// OffsetPath is where a group's offset of a partition is.
func OffsetPath(group, topic string, partition int32) string {
	return OffsetsPath(group) + "/" + topic + "/" + strconv.Itoa(int(partition))
}
