package quorum

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// wires connect nodes that run with their goroutines. A message takes a millisecond.
type wires struct {
	mu    sync.Mutex
	nodes map[metadata.NodeID]*Node
	wait  sync.WaitGroup
}

type wire struct {
	from metadata.NodeID
	w    *wires
}

func (x wire) Send(to Member, messages [][]byte) {
	x.w.wait.Go(func() {
		time.Sleep(time.Millisecond)
		x.w.mu.Lock()
		node := x.w.nodes[to.ID]
		x.w.mu.Unlock()
		if node != nil {
			_ = node.Receive(x.from, messages) // refused after Close
		}
	})
}

func (w *wires) open(t *testing.T, fs disk.FS, id metadata.NodeID, voters []Member) *Node {
	t.Helper()
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: int32(id), ClusterID: "cluster"})
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig(uint64(id))
	config.Dir, config.FS, config.NodeID, config.Random, config.Register = dir, fs, id, nil, nil
	config.Voters, config.Transport = voters, wire{id, w}
	node, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.nodes[id] = node
	w.mu.Unlock()
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return node
}

func (w *wires) leader(t *testing.T) *Node {
	t.Helper()
	for range 200 {
		time.Sleep(10 * time.Millisecond)
		w.mu.Lock()
		for id, n := range w.nodes {
			if leader, _, ok := n.Leader(); ok && leader == id {
				w.mu.Unlock()
				return n
			}
		}
		w.mu.Unlock()
	}
	t.Fatal("nobody leads")
	return nil
}

// TestThreeRunning: three nodes with their goroutines take requests from many callers; the leader is closed in between, and
// another leads at once.
func TestThreeRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{nodes: map[metadata.NodeID]*Node{}}
		voters := []Member{{ID: 1, Address: "a:1"}, {ID: 2, Address: "b:1"}, {ID: 3, Address: "c:1"}}
		for id := metadata.NodeID(1); id <= 3; id++ {
			w.open(t, disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(id)}), id, voters)
		}
		leader := w.leader(t)
		r := registration(1)
		r.BrokerID = 50
		broker, err := leader.RegisterBroker(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		beat := protocol.NewBrokerHeartbeatRequest()
		beat.BrokerID, beat.BrokerEpoch, beat.CurrentMetadataOffset = 50, broker.BrokerEpoch, 1<<40
		if _, err := leader.BrokerHeartbeat(t.Context(), beat); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for g := range 8 {
			wait.Go(func() {
				for i := range 10 {
					r, err := leader.CreateTopics(t.Context(), createRequest(fmt.Sprint("t", g, "-", i), 1))
					if err != nil || r.Topics[0].ErrorCode != protocol.None {
						t.Errorf("%v %+v", err, r)
					}
				}
			})
		}
		wait.Wait()
		since := time.Now()
		if err := leader.Close(); err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		delete(w.nodes, leader.config.NodeID)
		w.mu.Unlock()
		next := w.leader(t)
		if took := time.Since(since); took > 100*time.Millisecond {
			t.Errorf("another leader %v after Close", took)
		}
		if n := next.Image().TopicCount(); n != 80 {
			t.Errorf("%d topics, want 80", n)
		}
		var failed error
		for _, n := range w.nodes {
			failed = errors.Join(failed, n.Close())
		}
		if failed != nil {
			t.Error(failed)
		}
		w.wait.Wait()
	})
}
