package quorum

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// openRunning opens a node with its goroutines. Call it inside a synctest bubble.
func openRunning(t *testing.T, fs disk.FS, change func(*Config)) (*Node, func()) {
	t.Helper()
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: 1, ClusterID: "cluster"})
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig(1)
	config.Dir, config.FS, config.Random = dir, fs, nil
	if change != nil {
		change(&config)
	}
	node, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return node, func() {
		if err := errors.Join(node.Close(), dir.Close()); err != nil && node.Err() == nil {
			t.Error(err)
		}
	}
}

// TestManyCallers: requests from many goroutines, with snapshots in between, are each answered, and all are there after
// a restart.
func TestManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		node, end := openRunning(t, fs, func(c *Config) { c.SnapshotBytes = 2000 })
		var order sync.Mutex
		last := map[string]int{}
		node.Subscribe(func(_, _ *metadata.Image, delta *metadata.Delta) {
			order.Lock()
			defer order.Unlock()
			for _, c := range delta.Topics {
				last[c.Topic().Name]++
			}
		})
		var wait sync.WaitGroup
		for g := range 8 {
			wait.Go(func() {
				for i := range 20 {
					name := fmt.Sprintf("t%d-%d", g, i)
					r, err := node.CreateTopics(t.Context(), createRequest(name, 1))
					if err != nil || r.Topics[0].ErrorCode != protocol.None {
						t.Errorf("%s: %v %+v", name, err, r)
					}
					order.Lock()
					if last[name] != 1 || node.Image().Topic(name) == nil {
						t.Errorf("%s was confirmed before it was seen", name)
					}
					order.Unlock()
				}
			})
		}
		wait.Wait()
		end()
		node, end = openRunning(t, fs, nil)
		if n := node.Image().TopicCount(); n != 160 {
			t.Errorf("%d topics after a restart, want 160", n)
		}
		end()
	})
}

// TestIdle: a node that has nothing to do does nothing, for hours.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		node, end := openRunning(t, fs, nil)
		defer end()
		if _, err := node.CreateTopics(t.Context(), createRequest("a", 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // the durable mark is synced once
		events, calls := len(node.Recording()), fs.Calls()
		time.Sleep(10 * time.Hour)
		if len(node.Recording()) != events || fs.Calls() != calls {
			t.Error("an idle node is busy")
		}
	})
}

// TestFailedSyncStopsTheNode: who waits gets the reason, who comes later too, and the owner is told once.
func TestFailedSyncStopsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		var told []error
		node, end := openRunning(t, fs, func(c *Config) { c.OnStopped = func(err error) { told = append(told, err) } })
		defer end()
		fs.FailAt(disk.OpSync, 1, syscall.EIO)
		for range 2 {
			_, err := node.CreateTopics(t.Context(), createRequest("a", 1))
			if protocol.CodeOf(err) != protocol.KafkaStorageError || !errors.Is(err, syscall.EIO) {
				t.Errorf("answered %v", err)
			}
		}
		<-node.Done()
		synctest.Wait()
		if len(told) != 1 || node.Err() == nil {
			t.Errorf("told %v, Err %v", told, node.Err())
		}
		if _, _, ok := node.Leader(); ok {
			t.Error("a stopped node leads")
		}
		if node.Image().Topic("a") != nil {
			t.Error("the image has what is not durable")
		}
	})
}

// TestCloseAnswersEverybody: nobody waits for ever, and what was confirmed is there.
func TestCloseAnswersEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		node, end := openRunning(t, fs, nil)
		var mu sync.Mutex
		answered, confirmed := 0, 0
		for i := range 300 {
			node.Submit(createRequest(fmt.Sprint("t", i), 1), 6, func(_ protocol.Message, err error) {
				mu.Lock()
				defer mu.Unlock()
				answered++
				if err == nil {
					confirmed++
				} else if protocol.CodeOf(err) != protocol.NotController {
					t.Errorf("answered %v", err)
				}
			})
		}
		end()
		if answered != 300 {
			t.Errorf("%d answers, want 300", answered)
		}
		_, err := node.CreateTopics(t.Context(), createRequest("late", 1))
		if protocol.CodeOf(err) != protocol.NotController {
			t.Errorf("after Close: %v", err)
		}
		node, end = openRunning(t, fs, nil)
		defer end()
		if n := node.Image().TopicCount(); n < confirmed {
			t.Errorf("%d topics, %d were confirmed", n, confirmed)
		}
	})
}

// TestContextEnds: the caller stops waiting; the request goes on.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		node, end := openRunning(t, fs, nil)
		defer end()
		var slow atomic.Bool
		slow.Store(true)
		fs.SetHook(func(c disk.Call) error {
			// Only a log's sync: others happen under a lock, and a bubble does not move while somebody waits for one.
			if slow.Load() && c.Op == disk.OpSync && strings.HasSuffix(c.Name, ".log") {
				time.Sleep(time.Minute)
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := node.CreateTopics(ctx, createRequest("a", 1))
		if protocol.CodeOf(err) != protocol.RequestTimedOut {
			t.Fatalf("answered %v", err)
		}
		time.Sleep(10 * time.Minute)
		if node.Image().Topic("a") == nil {
			t.Error("the request was given up")
		}
		slow.Store(false)
	})
}

// TestSessions: a second broker that falls silent is fenced when its session ends.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, end := openRunning(t, disk.NewSimulated(disk.SimulatedOptions{}), nil)
		defer end()
		r := registration(7)
		r.BrokerID = 2
		registered, err := node.RegisterBroker(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		beat := protocol.NewBrokerHeartbeatRequest()
		beat.BrokerID, beat.BrokerEpoch, beat.CurrentMetadataOffset = 2, registered.BrokerEpoch, int64(node.Image().Offset)
		for range 5 {
			time.Sleep(5 * time.Second)
			if _, err := node.BrokerHeartbeat(t.Context(), beat); err != nil {
				t.Fatal(err)
			}
			if node.Image().Broker(2).Fenced {
				t.Fatal("fenced while it beats")
			}
		}
		time.Sleep(9*time.Second + time.Millisecond)
		synctest.Wait()
		if !node.Image().Broker(2).Fenced {
			t.Error("not fenced after its session")
		}
	})
}
