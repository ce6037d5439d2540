package oldconsumer

import (
	"slices"
	"strconv"
)

// Assign deals out the partitions of a topic as each member does it for itself: streams in the order of their names, partitions in
// order, in runs whose lengths differ by one at most. It gives the partitions of one member, each with the stream that reads it.
// Members that see the same ids and partitions come to the same result; nothing but that keeps them apart.
func Assign(ids []ID, topic string, partitions []int32, member string) []Owner {
	var streams []string
	for _, id := range ids {
		for i := range id.Streams[topic] {
			streams = append(streams, StreamOf(id.Name, i))
		}
	}
	slices.Sort(streams)
	if len(streams) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(partitions))
	each, more := len(sorted)/len(streams), len(sorted)%len(streams)
	var mine []Owner
	next := 0
	for i, stream := range streams {
		n := each
		if i < more {
			n++
		}
		for _, p := range sorted[next : next+n] {
			if MemberOf(stream) == member {
				mine = append(mine, Owner{topic, p, stream})
			}
		}
		next += n
	}
	return mine
}

// StreamOf names a stream of a member, from 0 on.
func StreamOf(member string, stream int) string { return member + "-" + strconv.Itoa(stream) }
