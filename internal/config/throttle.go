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

// isThrottledReplica understands partition:broker, both numbers.
func isThrottledReplica(element string) bool {
	partition, broker, ok := strings.Cut(element, ":")
	_, errPartition := strconv.ParseUint(partition, 10, 31)
	_, errBroker := strconv.ParseUint(broker, 10, 31)
	return ok && errPartition == nil && errBroker == nil
}
