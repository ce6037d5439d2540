package machine

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Description is the machine in one line: processors, memory, kernel, and the
// file system of dir.
func Description(dir string) string {
	return fmt.Sprintf("%d x %s, %s of memory, %s, %s", runtime.NumCPU(), processor(), memoryTotal(), kernel(), fileSystem(dir))
}

func processor() string {
	return firstValue("/proc/cpuinfo", "model name", "unknown processor")
}

func memoryTotal() string {
	fields := strings.Fields(firstValue("/proc/meminfo", "MemTotal", ""))
	if len(fields) == 0 {
		return "unknown amount"
	}
	kb, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return "unknown amount"
	}
	return fmt.Sprintf("%.1f GiB", kb/(1<<20))
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown kernel"
	}
	return "Linux " + strings.TrimSpace(string(release))
}

// fileSystem names the kind of the file system that holds dir.
func fileSystem(dir string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return "unknown file system"
	}
	switch s.Type {
	case 0xEF53:
		return "ext4"
	case 0x58465342:
		return "xfs"
	case 0x9123683E:
		return "btrfs"
	case 0x01021994:
		return "tmpfs"
	}
	return fmt.Sprintf("file system %#x", s.Type)
}

// firstValue finds the first "name : value" line of a file.
func firstValue(path, name, otherwise string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}
