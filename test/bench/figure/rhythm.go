package figure

import (
	"context"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/test/bench/wire"
)

// rhythm is what clients with librdkafka's defaults do in a stable group, on
// the connection to their coordinator: a heartbeat is due each 3 s, counted
// from when the client started, and skipped while the last is not answered.
// Nothing else waits for its answer. The clients were started at different
// times: their heartbeats are spread evenly over the interval.
type rhythm struct {
	started     time.Time
	members     int
	commitEvery time.Duration // 0 is a client that has nothing to commit
	leaver      int           // the member that may be asked to leave
	leave       chan *wire.Member
}

const (
	// librdkafkaName is known to skein as a client that goes on with its work
	// while a heartbeat of it is not answered.
	librdkafkaName = "librdkafka"

	defaultHeartbeat = 3 * time.Second
	defaultCommit    = 5 * time.Second

	defaultSessionMillis = 45_000
	defaultPollMillis    = 300_000 // max.poll.interval.ms, which is the rebalance timeout
)

// newRhythm is for so many members, the last of which can be asked to leave.
func newRhythm(members int, commitEvery time.Duration) *rhythm {
	return &rhythm{started: time.Now(), members: members, commitEvery: commitEvery, leaver: members - 1, leave: make(chan *wire.Member, 1)}
}

// defaults is the membership of a default client.
func defaults(group, topic string) wire.Membership {
	return wire.Membership{Group: group, Topic: topic, SessionTimeout: defaultSessionMillis, RebalanceTimeout: defaultPollMillis}
}

// stay is a member in a stable group. It ends with the error of a heartbeat,
// or after the member has left.
func (r *rhythm) stay(i int, m *wire.Member) error {
	beats, commits := r.beats(i), r.commits(i)
	if i == r.leaver {
		r.offer(m)
	}
	beating := false // a heartbeat is not answered yet
	for {
		next := beats.next
		if r.commitEvery > 0 && commits.next.Before(next) {
			next = commits.next
		}
		answered, err := m.AwaitAnswer(next)
		switch {
		case err != nil:
			return err
		case answered:
			beating = false
			err = m.ReceiveHeartbeat()
		case i == r.leaver && time.Now().Before(next):
			return r.goAway(m, beating)
		case next.Equal(beats.next):
			beats.advance()
			if !beating {
				beating = true
				err = m.SendHeartbeat()
			}
		default:
			commits.advance()
			err = commitBehind(m, beating)
			beating = false
		}
		if err != nil {
			return err
		}
	}
}

// commitBehind commits on a connection on which a heartbeat may be waiting for
// its answer, which then comes first.
func commitBehind(m *wire.Member, beating bool) error {
	if err := m.SendCommit(1, int64(time.Now().UnixMilli())); err != nil {
		return err
	}
	var told error
	if beating {
		told = m.ReceiveHeartbeat()
	}
	if err := m.ReceiveCommit(); err != nil {
		return err
	}
	return told
}

// goAway leaves the group, as a client that is closed.
func (r *rhythm) goAway(m *wire.Member, beating bool) error {
	if err := m.SendLeave(); err != nil {
		return err
	}
	if beating {
		if err := m.ReceiveHeartbeat(); err != nil && err != kerr.RebalanceInProgress {
			return err
		}
	}
	if err := m.ReceiveLeave(); err != nil {
		return err
	}
	return errLeft
}

// offer makes the member known that is to leave.
func (r *rhythm) offer(m *wire.Member) {
	select {
	case <-r.leave:
	default:
	}
	r.leave <- m
}

// sendAway asks the leaver to leave, once it is in a stable group.
func (r *rhythm) sendAway(ctx context.Context) {
	select {
	case m := <-r.leave:
		m.Interrupt()
	case <-ctx.Done():
	}
}

// ticks are the times at which a member has something to do.
type ticks struct {
	next  time.Time
	every time.Duration
}

// beats are the i-th member's heartbeats, spread evenly.
func (r *rhythm) beats(i int) *ticks {
	return r.ticks(defaultHeartbeat, float64(i%r.members)/float64(r.members))
}

// commits are its commits, spread evenly, too, and independent of the
// heartbeats: successive multiples of the golden ratio fall everywhere.
func (r *rhythm) commits(i int) *ticks {
	_, share := math.Modf(float64(i) * math.Phi)
	return r.ticks(r.commitEvery, share)
}

func (r *rhythm) ticks(every time.Duration, share float64) *ticks {
	t := &ticks{next: r.started.Add(time.Duration(share * float64(every))), every: every}
	if every > 0 {
		t.advance()
	}
	return t
}

// advance goes to the first tick that is not over yet.
func (t *ticks) advance() {
	if late := time.Since(t.next); late >= 0 {
		t.next = t.next.Add(t.every * (late/t.every + 1))
	}
}
