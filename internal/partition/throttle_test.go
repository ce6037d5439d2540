package partition_test

import (
	"bytes"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// set changes configurations: of the topic for the name "t", of a broker for its number. An empty value takes one away.
func (c *cluster) set(values ...[3]string) {
	c.t.Helper()
	var records []metadata.Record
	for _, v := range values {
		r := &protocol.ConfigRecord{ResourceType: int8(metadata.TopicResource), ResourceName: v[0], Name: v[1]}
		if v[0] != "t" {
			r.ResourceType = int8(metadata.BrokerResource)
		}
		if v[2] != "" {
			r.Value = &v[2]
		}
		records = append(records, r)
	}
	c.change(records...)
}

const (
	leaderReplicas, leaderRate     = "leader.replication.throttled.replicas", "leader.replication.throttled.rate"
	followerReplicas, followerRate = "follower.replication.throttled.replicas", "follower.replication.throttled.rate"
)

// throttleWith is a throttle for node 3, which node 1 leads, as ReassignPartitionsCommand sets it.
func throttleWith(rate int, leader, follower bool) (values [][3]string) {
	if leader {
		values = append(values, [3]string{"t", leaderReplicas, "0:1,0:2"}, [3]string{"1", leaderRate, strconv.Itoa(rate)})
	}
	if follower {
		values = append(values, [3]string{"t", followerReplicas, "0:3"}, [3]string{"3", followerRate, strconv.Itoa(rate)})
	}
	return values
}

const batchBytes = 32 << 10

// large is a value that makes a batch of about batchBytes.
var large = string(bytes.Repeat([]byte("x"), batchBytes-100))

// behind has node 3 lack so many large batches, and not reach its leader.
func (c *cluster) behind(batches int) {
	c.t.Helper()
	c.want(c.produce(1, "first"), time.Second)
	c.sever(3, 1)
	c.sever(3, 2)
	var last *produced
	for range batches {
		last = c.produce(1, large)
	}
	c.wantISR(10*time.Second, 1, 2)
	c.want(last, time.Second)
}

// load produces with acks=all until it is ended, and keeps the longest time that an answer took.
type load struct {
	end     atomic.Bool
	done    chan struct{}
	longest time.Duration
	n       int
}

func (c *cluster) load(value string, every time.Duration) *load {
	l := &load{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for !l.end.Load() {
			begun := time.Now()
			r := c.produce(1, value)
			for ended, _ := r.result(); !ended && time.Since(begun) < time.Minute; ended, _ = r.result() {
				time.Sleep(time.Millisecond)
			}
			if _, err := r.result(); err != nil {
				c.t.Error(err)
			}
			l.longest, l.n = max(l.longest, time.Since(begun)), l.n+1
			time.Sleep(every)
		}
	}()
	return l
}

func (l *load) ended() time.Duration {
	l.end.Store(true)
	<-l.done
	return l.longest
}

// catchUp lets node 3 reach its leader, and returns how long it took into the ISR. In no time from the beginning on it may have
// taken more than the rate allows, with the first second's share at once.
func (c *cluster) catchUp(rate int) time.Duration {
	c.t.Helper()
	has := c.on(3).LogEnd()
	c.join(3, 1)
	c.join(3, 2)
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		ran := time.Since(begun)
		c.mu.Lock()
		isr := slices.Contains(c.image.TopicByID(topicID).Partition(0).ISR, 3)
		c.mu.Unlock()
		if isr {
			return ran
		}
		if ran > 2*time.Minute {
			c.t.Fatalf("node 3 has %d of %d records after %v", c.on(3).LogEnd(), c.on(1).LogEnd(), ran)
		}
		// Small records may come beside the large ones; this counts them as if they were large.
		if took, allowed := int(c.on(3).LogEnd()-has)*batchBytes, int(max(ran, time.Second).Seconds()*float64(rate))+2*batchBytes; took > allowed {
			c.t.Fatalf("about %d bytes in %v: more than %d", took, ran, allowed)
		}
	}
}

// TestThrottledCatchUp: a replica that is behind gets the rate of a throttle and no more, whichever side has it. What is in
// sync goes on at once meanwhile.
func TestThrottledCatchUp(t *testing.T) {
	const rate, batches = 256 << 10, 80 // ten seconds' worth
	for _, sides := range []struct {
		name             string
		leader, follower bool
	}{{"leader", true, false}, {"follower", false, true}, {"both", true, true}} {
		t.Run(sides.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *cluster) {
				c.behind(batches)
				c.set(throttleWith(rate, sides.leader, sides.follower)...)
				l := c.load("small", time.Second)
				defer l.end.Store(true)
				took := c.catchUp(rate)
				if longest := l.ended(); longest > 20*time.Millisecond {
					t.Errorf("a record of acks=all took %v while another replica was throttled", longest)
				}
				if ideal := batches * batchBytes / rate * time.Second; took < ideal-time.Second || took > ideal*3/2 {
					t.Errorf("%d bytes took %v under a throttle of %d a second, want about %v", batches*batchBytes, took, rate, ideal)
				}
				c.wantEqual(time.Second, 1, 2, 3)
			})
		})
	}
}

// TestInSyncReplicasAreNotThrottled: with a rate of one byte a second.
func TestInSyncReplicasAreNotThrottled(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.set([3]string{"t", leaderReplicas, "*"}, [3]string{"t", followerReplicas, "*"}, [3]string{"", leaderRate, "1"}, [3]string{"", followerRate, "1"})
		for range 50 {
			c.want(c.produce(1, large), 20*time.Millisecond)
		}
		c.wantEqual(time.Second, 1, 2, 3)
		c.change(partitionChange(2, 1, 2, 3)) // and not before they have heard of the new leader's high watermark, either
		c.want(c.produce(2, large), 100*time.Millisecond)
		c.wantEqual(time.Second, 1, 2, 3)
	})
}

// TestThrottleLifted: who waits goes on at once when the rate is taken away, or the partition from the list.
func TestThrottleLifted(t *testing.T) {
	for _, name := range []string{leaderReplicas, leaderRate, followerReplicas, followerRate} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *cluster) {
				c.behind(100)
				leader := name == leaderReplicas || name == leaderRate
				values := throttleWith(1<<10, leader, !leader)
				c.set(values...)
				c.join(3, 1)
				c.join(3, 2)
				time.Sleep(15 * time.Second)
				if has := c.on(3).LogEnd(); has > 1+4 {
					t.Fatalf("node 3 has %d records", has)
				}
				for i := range values {
					values[i][2] = ""
				}
				c.set(slices.DeleteFunc(values, func(v [3]string) bool { return v[1] != name })...)
				within := 200 * time.Millisecond // a pause of the follower's is longer
				if leader {
					within += 500 * time.Millisecond // the leader looks again when a fetch has waited for replica.fetch.wait.max.ms
				}
				c.wantISR(within, 1, 2, 3)
			})
		})
	}
}

// TestThrottledPartitionsShare: partitions that are behind share a rate, and all get on.
func TestThrottledPartitionsShare(t *testing.T) {
	for _, leader := range []bool{true, false} {
		inBubble(t, func(t *testing.T, c *cluster) {
			id := protocol.UUID{15: 2}
			records := []metadata.Record{&protocol.TopicRecord{Name: "u", TopicID: id}}
			const n = 8
			for i := range int32(n) {
				records = append(records, &protocol.PartitionRecord{PartitionID: i, TopicID: id, Replicas: []int32{1, 2}, Isr: []int32{1, 2}, Leader: 1})
			}
			c.change(records...)
			for i := range int32(n) {
				for range 20 {
					if _, err := c.nodes[0].host.Find("u", i).Append(batchOf(t, large), 0, 1); err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(time.Second) // node 2 has taken them: that would count
			star, name := "*", followerReplicas
			if leader {
				name = leaderReplicas
			}
			const rate = 512 << 10
			c.set(throttleWith(rate, leader, !leader)...)
			c.change(&protocol.ConfigRecord{ResourceType: int8(metadata.TopicResource), ResourceName: "u", Name: name, Value: &star})
			for i := range int32(n) { // as a reassignment adds a replica
				r := protocol.NewPartitionChangeRecord()
				r.PartitionID, r.TopicID, r.Replicas, r.AddingReplicas = i, id, []int32{1, 2, 3}, []int32{3}
				c.change(r)
			}
			ends := func() (total int, least record.Offset) {
				least = 1 << 30
				for i := range int32(n) {
					p := c.nodes[2].host.Find("u", i)
					total, least = total+int(p.LogEnd()), min(least, p.LogEnd())
				}
				return total, least
			}
			begun := time.Now()
			for seconds := 1; seconds <= 9; seconds++ {
				time.Sleep(time.Until(begun.Add(time.Duration(seconds) * time.Second)))
				total, least := ends()
				if most := seconds*rate/batchBytes + 2; total > most {
					t.Errorf("leader %v: %d batches after %d s, more than %d", leader, total, seconds, most)
				}
				if seconds == 9 && (total < 9*rate/batchBytes*3/4 || int(least) < total/n/2) {
					t.Errorf("leader %v: %d batches after %d s, %d of one partition", leader, total, seconds, least)
				}
			}
		})
	}
}

// TestNobodyWaitsForTheThrottled: a replica that a throttle brings up more slowly than records come has, after a while, what its
// leader had a while ago. It does not keep up by that, and no produce waits for it.
func TestNobodyWaitsForTheThrottled(t *testing.T) {
	const rate = 256 << 10
	inBubble(t, func(t *testing.T, c *cluster) {
		c.behind(12) // a second and a half
		c.set(throttleWith(rate, false, true)...)
		c.join(3, 1)
		c.join(3, 2)
		l := c.load(large, batchBytes*time.Second/(2*rate))
		defer l.end.Store(true)
		time.Sleep(20 * time.Second)
		if longest := l.ended(); longest > 50*time.Millisecond || l.n < 200 {
			t.Errorf("%d records of acks=all, the longest took %v, while another replica was throttled", l.n, longest)
		}
		if has, want := c.on(3).LogEnd(), record.Offset(20*rate/batchBytes); has < want-want/10 || has > want+12 {
			t.Errorf("the throttled replica has %d records, want about %d", has, want)
		}
	})
}
