package consumer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

// Nodes die one after the other while two members read: leaders, the coordinator, whatever they are. Every record is
// delivered, each partition in order, and only what was not committed is read twice.
func TestNodesDie(t *testing.T) {
	for name, a := range map[string]assign.Assignor{"range": assign.Range(), "cooperative-sticky": assign.CooperativeSticky()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 3, func(b *bed) {
				b.topic("orders", 6)
				members := make([]*consumer.Consumer, 2)
				for i := range members {
					members[i] = b.consumer(consumer.Group("g"), consumer.Assignors(a), consumer.AutoCommit(time.Second), consumer.RetryBackoff(100*time.Millisecond, time.Second))
					b.must(members[i].Subscribe("orders"))
				}
				seen := map[string]int{}
				round := func() {
					for _, c := range members {
						records := b.poll(c, 50*time.Millisecond)
						b.ordered(records)
						for _, r := range records {
							seen[string(r.Value)]++
						}
					}
				}
				produced := 0
				for phase := range 7 {
					victim := 0
					switch phase {
					case 1:
						victim = b.node.Leader("orders", 0)
					case 3:
						victim = b.node.Coordinator("g")
					case 5:
						victim = b.node.Leader("orders", 3)
					}
					if victim != 0 {
						b.node.Node(victim).Crash()
					}
					for range 40 {
						b.produce("orders", 6, produced, produced+30)
						produced += 30
						round()
					}
					if victim != 0 {
						b.node.Node(victim).Open()
					}
				}
				deadline := time.Now().Add(2 * time.Minute)
				for len(seen) < produced && time.Now().Before(deadline) {
					round()
				}
				twice := 0
				for _, n := range seen {
					twice += n - 1
				}
				if len(seen) != produced {
					var missing []string
					for i := range produced {
						if v := fmt.Sprint(i); seen[v] == 0 {
							missing = append(missing, v)
						}
					}
					slices.Sort(missing)
					b.Fatalf("%d of %d records were not delivered: %v", len(missing), produced, missing[:min(len(missing), 20)])
				}
				b.Logf("%d records, %d read twice", produced, twice)
				if twice > produced/4 {
					b.Errorf("%d of %d records were read twice", twice, produced)
				}
			})
		})
	}
}

// The links of a leader are cut without a reset. Its consumer goes on at the next leader.
func TestLeaderCutOff(t *testing.T) {
	inBubble(t, 3, func(b *bed) {
		b.topic("orders", 3)
		c := b.consumer(consumer.Group("g"))
		b.must(c.Subscribe("orders"))
		b.produce("orders", 3, 0, 300)
		b.read(c, 300)
		b.node.Node(b.node.Leader("orders", 0)).Isolate()
		began := time.Now()
		b.produce("orders", 3, 300, 600)
		b.ordered(b.read(c, 300))
		b.Logf("after %v", time.Since(began))
		b.node.HealLinks()
	})
}
