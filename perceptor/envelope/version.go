package envelope

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// AppendVersion appends the text of HeaderVersion: epoch:time:file:offset:row, decimal, without leading zeros.
func AppendVersion(dst []byte, v change.Version) []byte {
	dst = strconv.AppendUint(dst, uint64(v.Epoch), 10)
	dst = strconv.AppendInt(append(dst, ':'), v.ExecuteTime, 10)
	dst = strconv.AppendUint(append(dst, ':'), uint64(v.Position.File), 10)
	dst = strconv.AppendUint(append(dst, ':'), v.Position.Offset, 10)
	return strconv.AppendUint(append(dst, ':'), uint64(v.Position.Row), 10)
}

// ParseVersion reads what AppendVersion has written.
func ParseVersion(text []byte) (v change.Version, err error) {
	var parts [5]uint64
	rest := string(text)
	for i, bits := range [5]int{32, 63, 32, 64, 32} {
		part, after, more := strings.Cut(rest, ":")
		n, err := strconv.ParseUint(part, 10, bits)
		if err != nil || more != (i < 4) || len(part) > 1 && part[0] == '0' {
			return v, fmt.Errorf("%.100q is no version: it is epoch:time:file:offset:row", text)
		}
		parts[i], rest = n, after
	}
	return change.Version{
		Epoch: uint32(parts[0]), ExecuteTime: int64(parts[1]),
		Position: change.Position{File: uint32(parts[2]), Offset: parts[3], Row: uint32(parts[4])},
	}, nil
}

// fileNumber is the number at the end of a binlog file's name.
func fileNumber(name string) (uint32, bool) {
	at := strings.LastIndexByte(name, '.') + 1
	n, err := strconv.ParseUint(name[at:], 10, 32)
	return uint32(n), err == nil && at > 0
}
