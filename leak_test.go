package skein_test

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/skein-io/skein"
)

// files counts the open files of this process.
func files(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	return len(entries)
}

// leavesNothing waits until no more is open and running than before. A goroutine that has said that it is done runs a moment longer.
func leavesNothing(t *testing.T, filesBefore, before int) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		open, running := files(t), runtime.NumGoroutine()
		if open <= filesBefore+2 && running <= before+2 {
			return
		}
		if time.Since(begun) > 2*time.Minute {
			t.Errorf("%d files are open, %d were before; %d goroutines run, %d did before", open, filesBefore, running, before)
			return
		}
	}
}

// TestOpenThatFailsLeavesNothing opens nodes that cannot start, for each reason that is found at another step.
func TestOpenThatFailsLeavesNothing(t *testing.T) {
	running, err := skein.Open(skein.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	foreign := t.TempDir()
	if err := os.WriteFile(foreign+"/meta.properties", []byte("version=1\ncluster.id=c\nnode.id=77\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]skein.Config{
		"port in use":         {DataDir: t.TempDir(), Listen: running.Bootstrap()},
		"directory in use":    {DataDir: running.DataDir(), Listen: "127.0.0.1:0"},
		"another node's data": {DataDir: foreign, Listen: "127.0.0.1:0"},
		"wrong property":      {DataDir: t.TempDir(), Listen: "127.0.0.1:0", Set: []string{"num.partitions=-5"}},
	} {
		t.Run(name, func(t *testing.T) {
			open := func() {
				if n, err := skein.Open(c); err == nil {
					n.Close()
					t.Fatal("it opened")
				}
			}
			open()
			defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close what was forgotten
			filesBefore, before := files(t), runtime.NumGoroutine()
			for range 20 {
				open()
			}
			leavesNothing(t, filesBefore, before)
		})
	}
}

// TestCloseLeavesNothing opens a node again and again on the same data, with clients that are still connected when it
// closes.
func TestCloseLeavesNothing(t *testing.T) {
	c := skein.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0"}
	round := func() {
		n, err := skein.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			conn, err := net.Dial("tcp", n.Bootstrap())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}
	}
	round()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	filesBefore, before := files(t), runtime.NumGoroutine()
	for range 10 {
		round()
	}
	leavesNothing(t, filesBefore, before)
}
