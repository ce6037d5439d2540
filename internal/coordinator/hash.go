package coordinator

import "unicode/utf8"

// javaHash is String.hashCode of Java: over UTF-16 units. Bytes that are no UTF-8 count as U+FFFD, as Java decodes them.
func javaHash(s string) int32 {
	var h int32
	for _, r := range s {
		if r > 0xffff && r <= utf8.MaxRune {
			r -= 0x10000
			h = 31*h + (0xd800 + r>>10)
			h = 31*h + (0xdc00 + r&0x3ff)
			continue
		}
		h = 31*h + r
	}
	return h
}

// partitionFor is F1. Java's smallest integer has no absolute value: it counts as 0.
func partitionFor(groupID string, partitions int32) int32 {
	h := javaHash(groupID)
	if h < 0 {
		h = -h
	}
	if h < 0 {
		h = 0
	}
	return h % partitions
}
