package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is what a process has in memory, in bytes.
type Memory struct {
	RSS       int64
	Anonymous int64 // heap and stacks: not a file's pages
}

// ReadMemory reads /proc/PID/smaps_rollup.
func ReadMemory(pid int) (Memory, error) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return Memory{}, err
	}
	return parseMemory(string(rollup))
}

func parseMemory(rollup string) (Memory, error) {
	rss, err := kilobytes(rollup, "Rss:")
	if err != nil {
		return Memory{}, err
	}
	anonymous, err := kilobytes(rollup, "Anonymous:")
	return Memory{rss, anonymous}, err
}

// kilobytes finds a line such as "Rss:    1234 kB" and gives its bytes.
func kilobytes(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("no line %q", name)
}

// ReadPeak is the most that a process has had in memory so far, in bytes, from
// /proc/PID/status.
func ReadPeak(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return kilobytes(string(status), "VmHWM:")
}
