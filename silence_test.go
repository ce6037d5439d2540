package skein_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/server/memnet"
)

// TestNodeWithoutDiskFallsSilent: a node that has lost its log directory leads nothing soon after, although the program
// that it is in does not close it.
func TestNodeWithoutDiskFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &memnet.Network{}
		dial := func(ctx context.Context, address string) (net.Conn, error) {
			return network.DialContext(ctx, "tcp", address)
		}
		nodes, disks := make([]*skein.Node, 3), make([]*disk.Simulated, 3)
		var opening sync.WaitGroup
		for i := range nodes {
			disks[i] = disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(i)})
			listener, err := network.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", i+1))
			if err != nil {
				t.Fatal(err)
			}
			opening.Go(func() {
				nodes[i], err = skein.Open(skein.Config{DataDir: "data", Listener: listener, FS: disks[i], Dial: dial, Properties: map[string]string{
					"node.id": fmt.Sprint(i + 1), "default.replication.factor": "3",
					"controller.quorum.voters": "1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3"}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		opening.Wait()
		if t.Failed() {
			return
		}
		defer func() {
			for _, n := range nodes {
				_ = n.Close()
			}
		}()
		c, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"), kgo.Dialer(network.DialContext), kgo.DefaultProduceTopic("t"), kgo.MetadataMinAge(50*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if created, err := kadm.NewClient(c).CreateTopic(context.Background(), 1, 3, nil, "t"); err != nil || created.Err != nil {
			t.Fatal(err, created.Err)
		}
		if _, _, err := c.ProducerID(context.Background()); err != nil { // with the first record it could stop the bubble's time, see package skeintest
			t.Fatal(err)
		}
		if err := c.ProduceSync(context.Background(), kgo.StringRecord("before")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		var listed kadm.TopicDetails
		for begun := time.Now(); len(listed["t"].Partitions) == 0; time.Sleep(50 * time.Millisecond) { // not every node has heard of the topic yet
			if listed, err = kadm.NewClient(c).ListTopics(context.Background(), "t"); time.Since(begun) > time.Minute {
				t.Fatal(listed, err)
			}
		}
		leader := listed["t"].Partitions[0].Leader
		disks[leader-1].Inject(disk.Fault{Op: disk.OpSync, Err: syscall.EIO})
		begun := time.Now()
		done := make(chan error, 1)
		c.Produce(context.Background(), kgo.StringRecord("after"), func(_ *kgo.Record, err error) { done <- err })
		for now := leader; now == leader; time.Sleep(50 * time.Millisecond) {
			if listed, err = kadm.NewClient(c).ListTopics(context.Background(), "t"); err == nil && listed["t"].Err == nil {
				now = listed["t"].Partitions[0].Leader
			}
			if time.Since(begun) > 15*time.Second { // if it was the controller too, its session has to end before another is elected
				t.Fatalf("node %d leads still", leader)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if nodes[leader-1].Err() == nil {
			t.Error("the leader has its disk still")
		}
	})
}
