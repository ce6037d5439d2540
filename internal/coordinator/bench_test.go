package coordinator

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/record"
)

// slowLog is a memLog that keeps nothing and commits as a disk would: everything that was appended, in rounds.
type slowLog struct {
	mu    sync.Mutex
	end   record.Offset
	waits []memWait
	rings chan struct{}
}

func newSlowLog(b *testing.B, sync time.Duration) *slowLog {
	l := &slowLog{rings: make(chan struct{}, 1)}
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-l.rings:
			case <-stop:
				return
			}
			time.Sleep(sync)
			l.mu.Lock()
			waits := l.waits
			l.waits = nil
			l.mu.Unlock()
			for _, w := range waits {
				w.f(nil)
			}
		}
	}()
	b.Cleanup(func() { close(stop) })
	return l
}

func (l *slowLog) Append(batch []byte) (record.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	base := l.end
	l.end += record.Offset(record.Batch(batch).Count())
	return base, nil
}

func (l *slowLog) OnCommitted(below record.Offset, f func(error)) {
	l.mu.Lock()
	if below == 0 {
		l.mu.Unlock()
		f(nil)
		return
	}
	l.waits = append(l.waits, memWait{below, f})
	l.mu.Unlock()
	select {
	case l.rings <- struct{}{}:
	default:
	}
}

func (l *slowLog) Load(record.Offset, func(record.Batch) error) error { return nil }
func (l *slowLog) HighWatermark() record.Offset                       { return 0 }
func (l *slowLog) LogEnd() record.Offset                              { return 0 }
func (l *slowLog) Leased() bool                                       { return true }

func benchNode(b *testing.B, partitions int, sync time.Duration) *Coordinator {
	cfg := DefaultConfig()
	cfg.Group.InitialDelay = 0
	c := New(cfg)
	c.Start(partitions)
	for p := range partitions {
		c.Elected(int32(p), 1, newSlowLog(b, sync))
	}
	for p := range partitions {
		for !c.Ready(int32(p)) {
			time.Sleep(time.Millisecond)
		}
	}
	b.Cleanup(c.Close)
	return c
}

// BenchmarkCommits: 16 groups on 16 partitions, 10 partitions a commit, each client sends the next when it is answered.
// The log commits in rounds of 100 µs. One op is one commit.
func BenchmarkCommits(b *testing.B) {
	for _, clients := range []int{16, 256} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			c := benchNode(b, 16, 100*time.Microsecond)
			ids := make([]string, 0, 16)
			taken := map[int32]bool{}
			for i := 0; len(ids) < 16; i++ {
				id := fmt.Sprintf("group-%d", i)
				if p := c.PartitionFor(id); !taken[p] {
					taken[p] = true
					ids = append(ids, id)
				}
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			var done sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for i := range clients {
				done.Add(1)
				r := commitOf(ids[i%16], 10)
				var next func(group.CommitReply)
				next = func(reply group.CommitReply) {
					if reply.Err != nil {
						b.Error(reply.Err)
					}
					if left.Add(-1) < 0 {
						done.Done()
						return
					}
					c.CommitOffsets(r, next)
				}
				next(group.CommitReply{})
			}
			done.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

func commitOf(id string, partitions int) group.CommitRequest {
	r := group.CommitRequest{GroupID: id, Generation: -1, Retention: -1, Topics: []group.CommitTopic{{Name: "a-topic"}}}
	for p := range partitions {
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, group.CommitPartition{Partition: int32(p), Offset: 1234567, LeaderEpoch: 3, CommitTime: group.NoInstant})
	}
	return r
}

// BenchmarkJoinStorm: 500 members join a group at once, in two steps, and sync. One op is one storm.
func BenchmarkJoinStorm(b *testing.B) {
	c := benchNode(b, 1, 100*time.Microsecond)
	for i := range b.N {
		var done sync.WaitGroup
		for range 500 {
			done.Add(1)
			id := fmt.Sprintf("storm-%d", i)
			c.Join(joinRequest(id, ""), func(r group.JoinReply) { stormJoin(c, id, r.MemberID, &done) })
		}
		done.Wait()
	}
}

func stormJoin(c *Coordinator, groupID, memberID string, done *sync.WaitGroup) {
	c.Join(joinRequest(groupID, memberID), func(r group.JoinReply) {
		s := group.SyncRequest{GroupID: groupID, MemberID: memberID, Generation: r.Generation}
		for _, m := range r.Members {
			s.Assignments = append(s.Assignments, group.Assignment{MemberID: m.MemberID, Data: []byte("assignment")})
		}
		c.Sync(s, func(r group.SyncReply) {
			if r.Err != nil {
				go stormJoin(c, groupID, memberID, done)
				return
			}
			done.Done()
		})
	})
}
