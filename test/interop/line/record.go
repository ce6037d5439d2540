package line

import (
	"fmt"
	"strconv"
	"strings"
)

// Key is the key of record i: records with the same key are i apart by keys.
// Every client program builds keys, values and headers by these rules.
func Key(tag string, i, keys int) string { return fmt.Sprintf("%s-%d", tag, i%keys) }

// Value is the value of record i, filled up to size bytes with one letter.
func Value(tag string, i, size int) string {
	head := tag + ":" + strconv.Itoa(i) + ":"
	return head + strings.Repeat(string(rune('a'+i%26)), max(0, size-len(head)))
}

// Headers are the headers of record i. A client program that cannot give each
// record its own (kcat) sends the first one only.
func Headers(tag string, i int) [][2]string {
	return [][2]string{{"tag", tag}, {"seq", strconv.Itoa(i)}}
}

// Number reads i back out of a value that Value made for the tag.
func Number(tag, value string) (int, bool) {
	rest, ok := strings.CutPrefix(value, tag+":")
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, ":")
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil
}
