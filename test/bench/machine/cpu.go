package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ticksPerSecond is the unit of /proc/PID/stat (USER_HZ), 100 on every Linux
// that Go runs on.
const ticksPerSecond = 100

// CPU is the processor time of a process so far, in seconds, all its threads
// included. The kernel counts in steps of 10 ms.
type CPU struct {
	User, System float64
}

// Total is user and system time together, in seconds.
func (c CPU) Total() float64 { return c.User + c.System }

// Since is the time spent after an earlier reading.
func (c CPU) Since(before CPU) CPU {
	return CPU{c.User - before.User, c.System - before.System}
}

// ReadCPU reads the processor time of a process.
func ReadCPU(pid int) (CPU, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return CPU{}, err
	}
	return parseCPU(string(stat))
}

// ReadOwnCPU is the processor time of this process, to the microsecond.
func ReadOwnCPU() (CPU, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return CPU{}, err
	}
	return CPU{float64(u.Utime.Nano()) / 1e9, float64(u.Stime.Nano()) / 1e9}, nil
}

// parseCPU takes fields 14 and 15 of /proc/PID/stat, counted from 1. Field 2
// is the program's name in brackets and may hold anything, brackets too.
func parseCPU(stat string) (CPU, error) {
	rest := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(rest) < 13 {
		return CPU{}, fmt.Errorf("/proc/PID/stat has %d fields after the name: %q", len(rest), stat)
	}
	user, err := strconv.ParseUint(rest[11], 10, 64)
	if err != nil {
		return CPU{}, fmt.Errorf("utime: %w", err)
	}
	system, err := strconv.ParseUint(rest[12], 10, 64)
	if err != nil {
		return CPU{}, fmt.Errorf("stime: %w", err)
	}
	return CPU{float64(user) / ticksPerSecond, float64(system) / ticksPerSecond}, nil
}

// ReadBusy is the processor time that the whole machine has spent since it was
// started, in seconds: everything but idle and waiting for disks.
func ReadBusy() (float64, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	var busy float64
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 { // the name, idle, iowait, guests
			continue
		}
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		busy += float64(n) / ticksPerSecond
	}
	return busy, nil
}
