package check

import "unicode/utf16"

// javaHash is Java's String.hashCode: over the UTF-16 units, modulo 2^32.
func javaHash(s string) int32 {
	var h int32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(unit)
	}
	return h
}

// partitionOf is the partition of __consumer_offsets that a group belongs to. The least int has no positive
// counterpart; it counts as 0.
func partitionOf(group string, partitions int32) int32 {
	h := javaHash(group)
	if h == -1<<31 {
		return 0
	}
	return max(h, -h) % partitions
}

// leastHash puts seven letters behind a name so that the hash of it is the least int. Seven letters from '0' to 'N' are
// the digits of a number to the base of 31, and 31^7 is more than 2^32.
func leastHash(name string) string {
	const digits = 7
	var zeros [digits]byte
	for i := range zeros {
		zeros[i] = '0'
	}
	rest := uint32(1<<31) - uint32(javaHash(name+string(zeros[:])))
	for i := digits - 1; i >= 0; i-- {
		zeros[i] = '0' + byte(rest%31)
		rest /= 31
	}
	return name + string(zeros[:])
}
