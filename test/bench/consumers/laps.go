package main

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// reader reads all partitions of a topic from the start, in the way that its library's users would, with its defaults,
// without a group, and tells the tally of what it has. It ends when the tally says that it is full.
type reader func(ctx context.Context, addr, topic string, partitions int, t *tally) error

var readers = map[string]reader{
	"skein": readSkein, "franz-go": readFranz, "sarama": readSarama, "kafka-go": readKafkaGo, "confluent-kafka-go": readConfluent,
}

// lapped is what is printed: of all laps but the first.
type lapped struct {
	Records    int64   `json:"records"`
	Seconds    float64 `json:"seconds"`
	ClientCPU  float64 `json:"client_cpu_s"`
	Allocs     float64 `json:"allocs"`      // objects of Go's heap; librdkafka's own are not among them
	AllocBytes float64 `json:"alloc_bytes"` // of Go's heap
}

func laps(ctx context.Context, args []string) (any, error) {
	read, known := readers[args[0]]
	if !known {
		return nil, fmt.Errorf("no client %q", args[0])
	}
	n, err := numbers(args[3:6]...)
	if err != nil {
		return nil, err
	}
	partitions, records, counted := n[0], n[1], n[2]
	var sum lapped
	for lap := range counted + 1 {
		t := &tally{want: int64(records), full: make(chan struct{})}
		if err := read(ctx, args[1], args[2], partitions, t); err != nil {
			return nil, fmt.Errorf("%s: %w", args[0], err)
		}
		if n := t.records.Load(); n != t.want {
			return nil, fmt.Errorf("%s: %d records of %d", args[0], n, t.want)
		}
		if lap > 0 { // the first puts the topic into the page cache, and warms pools up
			sum.add(t)
		}
	}
	return sum, nil
}

func (l *lapped) add(t *tally) {
	l.Records += t.want
	l.Seconds += t.last.at.Sub(t.first.at).Seconds()
	l.ClientCPU += t.last.cpu - t.first.cpu
	l.Allocs += float64(t.last.allocs - t.first.allocs)
	l.AllocBytes += float64(t.last.bytes - t.first.bytes)
}

// tally counts from the first record to the last, so that finding brokers and leaders is not part of it. Safe for
// concurrent use.
type tally struct {
	want        int64
	records     atomic.Int64
	used        atomic.Int64 // bytes of values, so that nothing is left unread
	first, last meter
	full        chan struct{} // closed with the last record
}

// add counts records, and reports whether more are wanted.
func (t *tally) add(records int) (more bool) {
	n := t.records.Add(int64(records))
	before := n - int64(records)
	if before == 0 && records > 0 {
		t.first = readMeter()
	}
	if before < t.want && n >= t.want {
		t.last = readMeter()
		close(t.full)
	}
	return n < t.want
}

// meter is what a process has used up.
type meter struct {
	at            time.Time
	cpu           float64 // seconds, user and system
	allocs, bytes uint64
}

func readMeter() meter {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for no process that exists
	seconds := func(v syscall.Timeval) float64 { return float64(v.Sec) + float64(v.Usec)/1e6 }
	return meter{at: time.Now(), cpu: seconds(u.Utime) + seconds(u.Stime), allocs: m.Mallocs, bytes: m.TotalAlloc}
}
