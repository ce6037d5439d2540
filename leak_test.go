package skein_test

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

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
			if now := files(t); now > filesBefore+2 {
				t.Errorf("%d files are open, %d were before", now, filesBefore)
			}
			if now := runtime.NumGoroutine(); now > before+2 {
				t.Errorf("%d goroutines run, %d did before", now, before)
			}
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
	if now := files(t); now > filesBefore+2 {
		t.Errorf("%d files are open, %d were before", now, filesBefore)
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		t.Errorf("%d goroutines run, %d did before", now, before)
	}
}
