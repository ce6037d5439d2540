package partition_test

import (
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
)

// TestWithoutAControllerReplicasGoOn: while those in sync fetch, a leader that hears no controller takes records and has them
// committed.
func TestWithoutAControllerReplicasGoOn(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "first"), time.Second)
		c.nodes[0].lapsed.Store(true)
		c.nodes[0].host.LeaseOver()
		time.Sleep(20 * time.Second)
		c.want(c.produce(1, "second"), time.Second)
		if err := c.on(1).Forsaken(); err != nil || c.on(1).Leased() {
			t.Errorf("forsaken: %v; leased: %v", err, c.on(1).Leased())
		}
		if _, err := c.on(1).Find(partition.LatestTimestamp); err != nil {
			t.Error(err)
		}
	})
}

// TestForsaken: a leader that hears neither a controller nor its followers sends its clients away, but for those who read what is
// committed; when it is heard again all is as before.
func TestForsaken(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "first"), time.Second)
		c.mu.Lock()
		c.deaf = true
		c.mu.Unlock()
		for _, other := range []metadata.NodeID{2, 3} {
			c.sever(1, other)
		}
		waits := c.produce(1, "second")
		time.Sleep(10 * time.Second)
		if ended, err := waits.result(); ended {
			t.Fatalf("a produce ended while the lease held: %v", err)
		}
		c.nodes[0].lapsed.Store(true)
		c.nodes[0].host.LeaseOver()
		if _, err := waits.result(); protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
			t.Errorf("who waited is told %v", err)
		}
		if _, err := c.produce(1, "third").result(); protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
			t.Errorf("who comes is told %v", err)
		}
		if _, err := c.on(1).Find(partition.LatestTimestamp); protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
			t.Errorf("who asks for the end is told %v", err)
		}
		if got := c.consume(1, 16, read{offset: 0, epoch: -1, lastEpoch: -1}); got.ErrorCode != protocol.None || got.Records.Len() == 0 {
			t.Errorf("who reads what is committed gets %v and %d bytes", got.ErrorCode, got.Records.Len())
		}
		if got := c.consume(1, 16, read{offset: 1, epoch: -1, lastEpoch: -1}); got.ErrorCode != protocol.NotLeaderOrFollower {
			t.Errorf("who has read all is told %v", got.ErrorCode)
		}
		if got := c.consume(1, 16, read{offset: 7, epoch: -1, lastEpoch: -1}); got.ErrorCode != protocol.NotLeaderOrFollower {
			t.Errorf("who has read from the next leader, and comes back by outdated metadata, is told %v", got.ErrorCode)
		}

		c.nodes[0].lapsed.Store(false)
		c.mu.Lock()
		c.deaf = false
		c.mu.Unlock()
		for _, other := range []metadata.NodeID{2, 3} {
			c.join(1, other)
		}
		c.want(c.produce(1, "fourth"), 20*time.Second)
	})
}

// TestForsakenLater: the lease is over first, and a follower falls silent after that. Nobody says so; the host looks.
func TestForsakenLater(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "first"), time.Second)
		c.nodes[0].lapsed.Store(true)
		c.nodes[0].host.LeaseOver()
		time.Sleep(5 * time.Second)
		c.mu.Lock()
		c.deaf = true
		c.mu.Unlock()
		c.sever(1, 3)
		waits := c.produce(1, "second")
		time.Sleep(10 * time.Second)
		if _, err := waits.result(); protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
			t.Errorf("who waits for a silent follower is told %v", err)
		}
	})
}

// TestForsakenUntilAllAreHeard: what comes from the replicas once, as late messages of a time before they had another leader do,
// does not bring the clients back. Replicas that are heard from then on do.
func TestForsakenUntilAllAreHeard(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "first"), time.Second)
		c.mu.Lock()
		c.deaf = true
		c.mu.Unlock()
		links := func(do func(a, b metadata.NodeID)) { do(1, 2); do(1, 3) }
		links(c.sever)
		c.nodes[0].lapsed.Store(true)
		c.nodes[0].host.LeaseOver()
		time.Sleep(10 * time.Second)
		refused := func() {
			t.Helper()
			if ended, err := c.produce(1, "refused").result(); !ended || protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
				t.Errorf("who comes is told %v (%v)", err, ended)
			}
		}
		refused()

		links(c.join)
		time.Sleep(time.Second) // longer than a follower waits before it tries again
		links(c.sever)
		for range 10 {
			refused()
			time.Sleep(500 * time.Millisecond)
		}

		links(c.join)
		time.Sleep(5 * time.Second)
		c.want(c.produce(1, "second"), time.Second)
	})
}

// TestOneLookAfterAnother: a lease that is over again and again is looked after as often as one that is over once.
func TestOneLookAfterAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "first"), time.Second)
		looks := func() int64 {
			before := c.nodes[0].asked.Load()
			time.Sleep(10 * time.Second)
			return c.nodes[0].asked.Load() - before
		}
		c.nodes[0].lapsed.Store(true)
		c.nodes[0].host.LeaseOver()
		once := looks()
		for range 5 {
			c.nodes[0].lapsed.Store(false)
			c.nodes[0].lapsed.Store(true)
			c.nodes[0].host.LeaseOver()
		}
		if again := looks(); once < 20 || again > once+once/10 {
			t.Errorf("the lease was asked for %d times in 10 s, and %d times when it had ended five times more", once, again)
		}
		c.nodes[0].lapsed.Store(false)
		time.Sleep(time.Second)
		if idle := looks(); idle > once/10 {
			t.Errorf("the lease was asked for %d times in 10 s while it held, and %d times while it was over", idle, once)
		}
	})
}
