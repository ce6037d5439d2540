package pipeline

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/perceptor"
)

// SourceGroup is the group of the processes that are there to run a pipeline's source. The member that has PREFIX.positions runs it.
func SourceGroup(c *Config) string { return "skein-sync-source." + c.Name }

// election lets one of the processes that are there for a source run it: a member of a group, whose one partition goes to one of them.
// All of it is one goroutine, which polls, but for the work itself.
type election struct {
	p       *sourcePart
	group   string
	member  *consumer.Consumer
	session time.Duration
	work    func(ctx context.Context, turn *lease) error

	elected bool
	// turn is the one that the work is done in; nil while there is none.
	turn   *lease
	cancel context.CancelCauseFunc
	done   chan error
	// failed is what the last work ended with, unless it was superseded; over: it was to go on.
	failed error
	over   bool
}

var errStandsBy = errors.New("another process runs the source: a new snapshot is for the one that does; end the others, and begin anew")

// flushMax is how long a process that gives the source up may take to have acknowledged what it has read, and a little more. The
// others of the group wait for so long.
const flushMax = 40 * time.Second

// elect stands for election until ctx ends or the work does, and does the work whenever this process is the elected one. The work's
// context ends with perceptor.ErrSuperseded when the time is over.
func elect(ctx context.Context, p *sourcePart, work func(ctx context.Context, turn *lease) error) error {
	feed, err := FeedConfig(p.c)
	if err != nil {
		return err
	}
	feed.Transport = p.to.transport
	asking, stop := context.WithTimeout(ctx, askMax)
	topic, err := perceptor.MakePositions(asking, feed)
	stop()
	if err != nil {
		return err
	}
	e := &election{p: p, group: SourceGroup(p.c), session: p.c.Source.Session, work: work}
	e.member, err = consumer.New(ctx, consumer.Brokers(p.c.Brokers.Addresses...), consumer.Transport(p.to.transport...), consumer.ClientID(clientID),
		consumer.Group(e.group), consumer.Assignors(assign.CooperativeSticky()), consumer.SessionTimeout(e.session), consumer.HeartbeatInterval(e.session/5),
		consumer.PollIntervalMax(2*flushMax), consumer.NoAutoCommit(), consumer.NoTopicCreation(), consumer.MetadataAgeMax(time.Minute),
		consumer.Logger(slog.New(calm{p.log.Handler()})), consumer.Listen(consumer.Listener{
			Assigned: func(_ context.Context, _ *consumer.Consumer, got []consumer.TopicPartition) {
				e.elected = e.elected || len(got) > 0
			},
			Revoked: func(context.Context, *consumer.Consumer, []consumer.TopicPartition) {
				e.elected = false
				e.giveUp(context.Canceled)
			},
			Lost: func(context.Context, *consumer.Consumer, []consumer.TopicPartition) {
				e.elected = false
				e.giveUp(perceptor.ErrSuperseded)
			},
		}))
	if err != nil {
		return err
	}
	err = e.member.Subscribe(topic)
	if err == nil {
		err = e.stand(ctx)
	}
	e.giveUp(context.Canceled) // it is acknowledged before another one begins
	leaving, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	if left := e.member.Close(leaving); left != nil {
		p.log.Warn("the group of the source is not left: the next process has to wait for the session timeout", "group", e.group, "error", left)
	}
	return cmp.Or(e.failed, err)
}

// stand polls until ctx ends, or the work has ended by itself.
func (e *election) stand(ctx context.Context) error {
	for ctx.Err() == nil && !e.over {
		polling, stop := context.WithTimeout(ctx, e.session/20)
		_, err := e.member.Poll(polling) // the records tell nothing that matters here
		if stop(); err != nil && polling.Err() == nil {
			if _, ended := errors.AsType[*consumer.GroupError](err); ended {
				return err
			}
			e.p.set(Waiting, err.Error())
		}
		e.look(ctx)
	}
	return nil
}

// look begins the work or ends it, as the group has it.
func (e *election) look(ctx context.Context) {
	now := time.Now()
	stats := e.member.Stats()
	until := stats.Heard.Add(e.session * 9 / 10) // then another one may be elected
	if e.turn != nil {
		e.turn.extend(until)
		holds := e.turn.holds()
		select {
		case err := <-e.done:
			if e.ended(); holds { // else it could not but fail
				e.failed, e.over = err, true
			}
			return
		default:
		}
		if !holds {
			e.p.log.Warn("the group's coordinator is not heard of: the source stops, because another process may be elected", "group", e.group,
				"since", now.Sub(stats.Heard).Round(time.Millisecond))
			e.giveUp(perceptor.ErrSuperseded)
		}
		return
	}
	switch {
	case ctx.Err() != nil:
	case e.elected && now.Before(until):
		e.begin(ctx, until)
	case e.elected || stats.Generation < 0:
		e.p.set(Waiting, e.member.Explain().Group)
	case e.p.o.Resnapshot: // it would do so whenever the other one ends
		e.failed, e.over = errStandsBy, true
	default:
		e.p.standBy()
	}
}

// begin begins the work.
func (e *election) begin(ctx context.Context, until time.Time) {
	working, cancel := context.WithCancelCause(ctx)
	turn, done := newLease(until), make(chan error, 1)
	e.turn, e.cancel, e.done = turn, cancel, done
	e.p.log.Info("this process runs the source", "part", e.p.name, "group", e.group)
	go func() { done <- e.work(working, turn) }()
}

// giveUp ends the work, and waits for it.
func (e *election) giveUp(why error) {
	if e.turn == nil {
		return
	}
	if e.cancel(why); why == perceptor.ErrSuperseded {
		e.turn.end()
	}
	for {
		select {
		case err := <-e.done:
			if e.ended(); why != perceptor.ErrSuperseded {
				e.failed = err
			}
			return
		case <-time.After(e.session / 20):
			e.turn.extend(e.member.Stats().Heard.Add(e.session * 9 / 10))
			if !e.turn.holds() {
				e.turn.end()
			}
		}
	}
}

// ended is for work that is at its end.
func (e *election) ended() {
	e.cancel(nil)
	e.turn.end()
	e.turn, e.failed = nil, nil
}

// standBy notes that another process runs the source.
func (p *sourcePart) standBy() {
	p.mu.Lock()
	before := p.state
	p.mu.Unlock()
	if before != Standby {
		p.set(Standby, "")
		p.log.Info("another process runs the source; this one stands by", "part", p.name, "group", SourceGroup(p.c))
	}
}
