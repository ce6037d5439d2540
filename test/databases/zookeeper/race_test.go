package zookeeper

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// TestElectionRace: of five nodes that begin at the same moment exactly one becomes the controller, in epoch 1, and all find it.
// When it ends, exactly one of the others follows it, in epoch 2.
func TestElectionRace(t *testing.T) {
	for range times(t, 5) {
		at := single(t)
		observer := connect(t, at)
		if _, err := zookeeper.Prepare(observer.Do, "tests"); err != nil {
			t.Fatal(err)
		}
		var led [3]atomic.Int32 // by epoch: how many nodes took themselves for the controller
		nodes := make([]*node, 5)
		var work sync.WaitGroup
		begin := make(chan struct{})
		for i := range nodes {
			work.Go(func() {
				var self atomic.Pointer[zookeeper.Node]
				var last atomic.Int32 // the epoch that was counted
				id := metadata.NodeID(i)
				count := func() {
					if n := self.Load(); n != nil {
						if leader, epoch, ok := n.Leader(); ok && leader == id && last.Swap(int32(epoch)) != int32(epoch) {
							led[epoch].Add(1)
						}
					}
				}
				s := func(c *zookeeper.Config) { c.OnLeader = count; <-begin }
				nodes[i] = open(t, at, id, s)
				self.Store(nodes[i].Node)
				count() // it may have been first
			})
		}
		close(begin)
		work.Wait()
		for epoch := 1; epoch <= 2; epoch++ {
			var leader metadata.NodeID
			await(t, "all nodes to know the controller", func() bool {
				leader = metadata.NoNode
				for _, n := range nodes {
					if n == nil {
						continue
					}
					l, e, ok := n.Leader()
					if !ok || int(e) != epoch || leader != metadata.NoNode && l != leader {
						return false
					}
					leader = l
				}
				return true
			})
			if id, e := controllerOf(t, observer); id != int32(leader) || int(e) != epoch || led[epoch].Load() != 1 {
				t.Fatalf("node %d leads in epoch %d; ZooKeeper says node %d in epoch %d; %d nodes took themselves for the controller", leader, epoch, id, e, led[epoch].Load())
			}
			_ = nodes[leader].Close()
			nodes[leader] = nil
		}
		for _, n := range nodes {
			if n != nil {
				_ = n.Close()
			}
		}
		if ids := observer.Do(&member.Request{Kind: member.Children, Path: member.BrokersPath}); len(ids.Children) != 0 {
			t.Errorf("after the end of all nodes %v are registered", ids.Children)
		}
		observer.Close()
	}
}
