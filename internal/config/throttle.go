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
		p, b, _ := strings.Cut(element, ":")
		if element == "*" || number(p) == partition && number(b) == broker {
			return true
		}
	}
	return false
}

func number(text string) int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return -1
	}
	return int32(n)
}

// isThrottledReplica understands partition:broker, both numbers.
func isThrottledReplica(element string) bool {
	partition, broker, ok := strings.Cut(element, ":")
	_, errPartition := strconv.ParseUint(partition, 10, 31)
	_, errBroker := strconv.ParseUint(broker, 10, 31)
	return ok && errPartition == nil && errBroker == nil
}
