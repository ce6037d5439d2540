package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/internal/tour/lane"
)

// readerBatch is how many records one Poll of a reader returns (max.poll.records).
const readerBatch = 3

// reader is an application with a consumer of our own library, on partition 0 of the scene's topic. It belongs to the
// scene's goroutine.
type reader struct {
	*actor
	*consumer.Consumer
	act       *Act
	delivered []int64 // offsets that Poll returned
}

// readWith starts a reader. It joins the group at its first poll.
func (a *Act) readWith(name string, options ...consumer.Option) (*reader, error) {
	r := &reader{actor: newActor(name, a.broker.Dial), act: a}
	r.lag = a.broker.Lag
	options = append([]consumer.Option{
		consumer.Brokers(a.broker.Bootstrap), consumer.Transport(kgo.Dialer(r.connect)), consumer.ClientID(name), consumer.Group(a.group),
		consumer.SessionTimeout(a.broker.Session), consumer.HeartbeatInterval(a.broker.Heartbeat), consumer.FetchWaitMax(fetchWaitMax),
		consumer.ResetTo(consumer.Earliest), consumer.PollRecordsMax(readerBatch), consumer.Timeouts(askLimit, askMax),
	}, options...)
	c, err := consumer.New(a.ctx, options...)
	if err != nil {
		return nil, err
	}
	r.Consumer = c
	a.closing = append(a.closing, r.die)
	a.mark(name, lane.Begin, "begin", name)
	return r, r.Subscribe(a.topic)
}

// poll is the next batch: its offsets.
func (r *reader) poll() ([]int64, error) {
	records, err := r.Poll(r.act.ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: Poll: %w", r.name, err)
	}
	var offsets []int64
	for record := range records.All() {
		offsets = append(offsets, record.Offset)
	}
	if len(offsets) != readerBatch {
		return nil, fmt.Errorf("%s: Poll returned the offsets %v, not %d", r.name, offsets, readerBatch)
	}
	r.delivered = append(r.delivered, offsets...)
	r.act.mark(r.name, lane.None, "polled", offsets[0], offsets[len(offsets)-1])
	return offsets, nil
}

// commitWithin is Commit with a bound.
func (r *reader) commitWithin(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(r.act.ctx, limit)
	defer cancel()
	return r.Commit(ctx)
}

// outcome is an error of a commit as the application tells it.
func outcome(err error) string {
	switch {
	case err == nil:
		return "written"
	case errors.Is(err, consumer.ErrRetriable):
		return "ErrRetriable"
	case errors.Is(err, consumer.ErrFenced):
		return "ErrFenced"
	}
	return err.Error()
}

// leave ends the consumer in good order.
func (r *reader) leave() error {
	ctx, cancel := context.WithTimeout(r.act.ctx, changeSlack)
	defer cancel()
	return r.Close(ctx)
}

// crash ends the process, with whatever it was about.
func (r *reader) crash() {
	r.die()
	r.act.mark(r.name, lane.End, "killed", r.name)
}

// die ends it without a word. What Close would say reaches nobody, and is given no time.
func (r *reader) die() {
	r.kill()
	ctx, cancel := context.WithDeadline(context.Background(), time.Now())
	defer cancel()
	_ = r.Close(ctx)
}
