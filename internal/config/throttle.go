package config

import (
	"errors"
	"strconv"
	"strings"
)

var (
	errThrottle = errors.New("must be * or a list of partition:broker")
	errNoRemote = errors.New("skein has no remote storage: a log stays on the broker's disk")
)

// ThrottlesLeader says whether a broker's throttle as a leader applies to a partition of the topic.
func (t *Topic) ThrottlesLeader(partition, broker int32) bool {
	return throttles(t.LeaderThrottled, partition, broker)
}

// ThrottlesFollower says whether a broker's throttle as a follower applies to a partition of the topic.
func (t *Topic) ThrottlesFollower(partition, broker int32) bool {
	return throttles(t.FollowerThrottled, partition, broker)
}

// throttles looks for a replica in a list whose bounds were checked.
func throttles(list []string, partition, broker int32) bool {
	for _, element := range list {
		if element == "*" {
			return true
		}
		if p, b, ok := throttledReplica(element); ok && p == partition && b == broker {
			return true
		}
	}
	return false
}

// throttledReplica understands partition:broker, both numbers.
func throttledReplica(element string) (partition, broker int32, ok bool) {
	p, b, ok := strings.Cut(element, ":")
	index, badIndex := strconv.ParseUint(p, 10, 31)
	node, badNode := strconv.ParseUint(b, 10, 31)
	return int32(index), int32(node), ok && badIndex == nil && badNode == nil
}
