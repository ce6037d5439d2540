package skeintest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/skein-io/skein/skeintest"
)

// offsetAt asks one node, whoever coordinates the group, for the offset of t-0.
func offsetAt(c *kgo.Client, node int) (offset int64, err error) {
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = "g"
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = "g"
	in := kmsg.NewOffsetFetchRequestGroupTopic()
	in.Topic, in.Partitions = "t", []int32{0}
	group.Topics = append(group.Topics, in)
	fetch.Groups = append(fetch.Groups, group)
	response, err := c.Broker(node).Request(context.Background(), fetch)
	if err != nil {
		return -1, err
	}
	r := response.(*kmsg.OffsetFetchResponse)
	if err := kerr.ErrorForCode(r.Groups[0].ErrorCode); err != nil {
		return -1, err
	}
	return r.Groups[0].Topics[0].Partitions[0].Offset, nil
}

// TestCoordinatorCutOff: a coordinator that its cluster has lost, and clients reach, stops to answer before another takes its
// place, and so never with what is outdated. So does one that was stopped and goes on.
func TestCoordinatorCutOff(t *testing.T) {
	for name, harm := range map[string]struct{ do, undo func(*skeintest.Node) }{
		"cut off": {(*skeintest.Node).Isolate, (*skeintest.Node).HealLinks},
		"paused":  {(*skeintest.Node).Pause, (*skeintest.Node).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
				c := clusterClient(t, node)
				defer c.Close()
				createReplicated(t, c, "t", 1, 3)
				commit := func(at int64) error {
					var offsets kadm.Offsets
					offsets.Add(kadm.Offset{Topic: "t", Partition: 0, At: at, LeaderEpoch: -1})
					return kadm.NewClient(c).CommitAllOffsets(context.Background(), "g", offsets)
				}
				await := func(at int64) {
					t.Helper()
					err := commit(at)
					for begun := time.Now(); err != nil; time.Sleep(10 * time.Millisecond) {
						if time.Since(begun) > time.Minute {
							t.Fatal(err)
						}
						err = commit(at)
					}
				}
				await(1)
				found := kadm.NewClient(c).FindGroupCoordinators(context.Background(), "g")["g"]
				if found.Err != nil {
					t.Fatal(found.Err)
				}
				old := node.Node(int(found.NodeID))
				versions := kversion.Stable()
				versions.SetMaxKeyVersion(kmsg.OffsetFetch.Int16(), 8) // by the topic's name
				asker := clusterClient(t, node, kgo.MaxVersions(versions))
				defer asker.Close()
				if at, err := offsetAt(asker, int(found.NodeID)); err != nil || at != 1 {
					t.Fatal(at, err)
				}
				harm.do(old)
				begun := time.Now()
				acknowledged := make(chan time.Duration, 1)
				go func() {
					await(2)
					acknowledged <- time.Since(begun)
				}()
				if name == "paused" {
					time.Sleep(10 * time.Second)
					harm.undo(old)
				}
				var last time.Duration // when the old coordinator answered with the first offset
				for time.Since(begun) < 20*time.Second {
					if at, err := offsetAt(asker, int(found.NodeID)); err == nil && at == 1 {
						last = time.Since(begun)
					}
					time.Sleep(10 * time.Millisecond)
				}
				took := <-acknowledged
				t.Logf("the next coordinator acknowledged after %v; the old one answered for %v", took, last)
				if last > took {
					t.Errorf("offset 2 was acknowledged after %v, and the old coordinator answered with offset 1 after %v", took, last)
				}
				if name == "cut off" && last < time.Second {
					t.Errorf("the coordinator answered only until %v: that is no lease", last)
				}
				if name == "cut off" {
					harm.undo(old)
				}
				await(3)
			})
		})
	}
}
