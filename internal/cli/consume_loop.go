package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

const (
	// pollRecordsMax is how many records are printed before anything else is looked at.
	pollRecordsMax = 5000
	// commitInterval is how often a group's offsets are committed while it reads.
	commitInterval = time.Second
	// endInterval is how often --exit-at-end looks whether the end is reached without a record: the last ones of a
	// partition may be ones that nobody is shown.
	endInterval = 200 * time.Millisecond
)

// reader is a consume command at work.
type reader struct {
	*consumeOptions
	topic  string
	place  startPlace
	client *consumer.Consumer
	stderr io.Writer
	stop   context.CancelFunc // ends reading in a good way
	finish *finish            // nil without --exit-at-end

	committed  time.Time
	endUnknown error // why --exit-at-end cannot know how far to read; of the goroutine that polls
	unprinted  bool  // what Poll returned last could not be printed, so it is not committed

	records, bytes atomic.Int64
	telling        sync.Mutex
	told           string // the last complaint, under telling
}

func (o *consumeOptions) consume(c *cobra.Command, topic string, place startPlace) (err error) {
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	r := &reader{consumeOptions: o, topic: topic, place: place, stderr: c.ErrOrStderr(), stop: stop, committed: time.Now()}
	if o.exitAtEnd {
		r.finish = newFinish(stop)
	}
	if !o.quiet {
		o.notify(func(text string) { r.tell("%s", text) })
		defer o.notify(nil)
	}
	if err := r.begin(c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.leave(c.Context())) }()
	if !o.quiet {
		from := "from " + place.String()
		if o.group != "" {
			from = "in group " + o.group
		}
		fmt.Fprintf(r.stderr, "topic %s: reading %s; Ctrl-C ends it\n", topic, from)
	}
	began := time.Now()
	endProgress := func() {}
	if !o.quiet && !isTerminal(c.OutOrStdout()) {
		endProgress = drawProgress(r.stderr, func() string { return pace(r.records.Load(), r.bytes.Load(), time.Since(began)) })
	}
	err = r.read(ctx)
	endProgress()
	if !o.quiet {
		fmt.Fprintf(r.stderr, "topic %s: %s\n", topic, pace(r.records.Load(), r.bytes.Load(), time.Since(began)))
	}
	return err
}

// begin makes the consumer: a member of the group, or one that reads partitions from where reading begins.
func (r *reader) begin(c *cobra.Command) error {
	transport, err := r.options(c.Context(), c)
	if err != nil {
		return err
	}
	options := []consumer.Option{
		consumer.Transport(transport...), consumer.NoAutoCommit(), consumer.NoTopicCreation(), consumer.ResetTo(consumer.Earliest),
		consumer.PollRecordsMax(r.recordsWanted()),
	}
	if r.group != "" {
		err = r.admin(c, func(ctx context.Context, admin *kadm.Client) error {
			_, err := findTopics(ctx, admin, r.topic)
			return err
		})
		if err != nil {
			return err
		}
		options = append(options, consumer.Group(r.group), consumer.ResetTo(r.place.groupReset()),
			// What most clients offer, so that the command can join a group of any of them.
			consumer.Assignors(assign.Range(), assign.RoundRobin(), assign.Sticky(), assign.CooperativeSticky()),
			consumer.Listen(consumer.Listener{
				Assigned: func(_ context.Context, client *consumer.Consumer, given []consumer.TopicPartition) {
					r.assigned(c.Context(), client, given) // Poll's own context ends with endInterval
				},
				Revoked: r.revoked, Lost: r.lost}))
		if r.client, err = consumer.New(c.Context(), options...); err != nil {
			return err
		}
		return r.client.Subscribe(r.topic)
	}
	starts := map[int32]int64{}
	err = r.admin(c, func(ctx context.Context, admin *kadm.Client) error {
		found, err := boundsOf(ctx, admin, r.topic, r.partitions)
		if err != nil {
			return err
		}
		starts, err = startsOf(ctx, admin, r.topic, r.place, found)
		for p, start := range starts {
			if r.finish != nil {
				r.finish.give(p, start, found[p].end)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if r.finish != nil {
		r.finish.given()
	}
	if r.client, err = consumer.New(c.Context(), options...); err != nil {
		return err
	}
	return r.assign(starts)
}

func (r *reader) assign(starts map[int32]int64) error {
	var names []consumer.TopicPartition
	for _, p := range sortedKeys(starts) {
		names = append(names, r.partition(p))
	}
	if err := r.client.Assign(names...); err != nil {
		return err
	}
	for p, at := range starts {
		if err := r.client.Seek(r.partition(p), at); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) partition(p int32) consumer.TopicPartition {
	return consumer.TopicPartition{Topic: r.topic, Partition: p}
}

// assigned finds out how far the partitions that the group gave us are to be read.
func (r *reader) assigned(ctx context.Context, c *consumer.Consumer, given []consumer.TopicPartition) {
	if r.finish == nil {
		return
	}
	if len(given) > 0 {
		bounded, cancel := context.WithTimeout(ctx, r.timeout)
		defer cancel()
		if err := r.giveEnds(bounded, c, given); err != nil {
			if ctx.Err() == nil {
				r.endUnknown = fmt.Errorf("topic %s: cannot tell where the end is: %w", r.topic, r.blame(err))
			}
			r.stop()
			return
		}
	}
	r.finish.given()
}

func (r *reader) giveEnds(ctx context.Context, c *consumer.Consumer, given []consumer.TopicPartition) error {
	ends, err := c.EndOffsets(ctx, given...)
	if err != nil {
		return err
	}
	begins, err := c.BeginningOffsets(ctx, given...)
	if err != nil {
		return err
	}
	committed, err := c.Committed(ctx, given...)
	if err != nil {
		return err
	}
	later := map[consumer.TopicPartition]consumer.TimeOffset{}
	if r.place.kind == fromTime {
		times := map[consumer.TopicPartition]time.Time{}
		for _, p := range given {
			times[p] = time.UnixMilli(r.place.at)
		}
		if later, err = c.OffsetsForTimes(ctx, times); err != nil {
			return err
		}
	}
	for _, p := range given {
		from := ends[p]
		switch {
		case committed[p].Offset >= 0:
			from = committed[p].Offset
		case r.place.kind == fromEarliest:
			from = begins[p]
		case r.place.kind == fromTime && later[p].Offset >= 0:
			from = later[p].Offset
		}
		r.finish.give(p.Partition, from, ends[p])
	}
	return nil
}

// revoked commits what is printed of partitions that go to others.
func (r *reader) revoked(ctx context.Context, c *consumer.Consumer, gone []consumer.TopicPartition) {
	if !r.unprinted {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
		defer cancel()
		if err := c.Commit(ctx); err != nil {
			r.tell("cannot commit: %v", err)
		}
	}
	r.lost(ctx, c, gone)
}

func (r *reader) lost(_ context.Context, _ *consumer.Consumer, gone []consumer.TopicPartition) {
	if r.finish == nil {
		return
	}
	var partitions []int32
	for _, p := range gone {
		partitions = append(partitions, p.Partition)
	}
	r.finish.revoked(partitions)
}

// read prints records until the context ends, --max is reached, or nothing came for --idle-timeout.
func (r *reader) read(ctx context.Context) error {
	last := time.Now()
	for ctx.Err() == nil {
		records, err := r.poll(ctx, last)
		if err == nil {
			err = r.take(records)
		}
		if err != nil || r.max > 0 && r.records.Load() >= r.max {
			return err
		}
		if records.Len() > 0 {
			last = time.Now()
		} else if r.idleTimeout > 0 && time.Since(last) >= r.idleTimeout {
			return nil
		}
		r.look()
		r.commit()
	}
	return r.endUnknown
}

// poll waits for records, but not beyond what else there is to do. That nothing came is no error.
func (r *reader) poll(ctx context.Context, last time.Time) (consumer.Records, error) {
	until := time.Now().Add(commitInterval)
	if r.finish != nil {
		until = time.Now().Add(endInterval)
	}
	if idle := last.Add(r.idleTimeout); r.idleTimeout > 0 && idle.Before(until) {
		until = idle
	}
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	records, err := r.client.Poll(bounded)
	if err != nil && bounded.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return consumer.Records{}, nil
	}
	return records, r.complaint(err)
}

func (r *reader) recordsWanted() int {
	if r.max > 0 {
		return int(min(r.max, pollRecordsMax))
	}
	return pollRecordsMax
}

// take prints what came, and goes back to what --max leaves out. What could not be printed must not be committed.
func (r *reader) take(records consumer.Records) error {
	r.unprinted = true
	back := map[consumer.TopicPartition]int64{}
	for record := range records.All() {
		if r.max > 0 && r.records.Load() >= r.max {
			if _, known := back[record.TopicPartition()]; !known {
				back[record.TopicPartition()] = record.Offset
			}
			continue
		}
		if err := r.print.print(record); err != nil {
			return err
		}
		r.records.Add(1)
		r.bytes.Add(int64(len(record.Key) + len(record.Value)))
	}
	if err := r.print.w.Flush(); err != nil {
		return err
	}
	for partition, offset := range back {
		if err := r.client.Seek(partition, offset); err != nil {
			return err
		}
	}
	r.unprinted = false
	return nil
}

// look notes how far the partitions are read.
func (r *reader) look() {
	if r.finish == nil {
		return
	}
	for _, p := range r.finish.unread() {
		if at, err := r.client.Position(r.partition(p)); err == nil {
			r.finish.passed(p, at)
		}
	}
}

// commit commits what is printed, now and then.
func (r *reader) commit() {
	if r.group == "" || time.Since(r.committed) < commitInterval {
		return
	}
	r.committed = time.Now()
	err := r.client.CommitAsync(func(_ []consumer.CommitOffset, err error) {
		if err != nil && !errors.Is(err, consumer.ErrRetriable) {
			r.tell("cannot commit: %v", err)
		}
	})
	if err != nil {
		r.tell("cannot commit: %v", err)
	}
}

// complaint tells what the consumer goes on trying, and returns what it cannot get over.
func (r *reader) complaint(err error) error {
	code, coded := codeOf(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, consumer.ErrRetriable), coded && code.Retriable():
		r.tell("%v", err)
		return nil
	case coded:
		return answered("topic "+r.topic, err, "")
	}
	return fmt.Errorf("topic %s: %w", r.topic, r.blame(err))
}

// tell writes a message, but not the same one twice.
func (r *reader) tell(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.telling.Lock()
	defer r.telling.Unlock()
	if text != r.told {
		r.told = text
		fmt.Fprintf(r.stderr, "topic %s: %s\n", r.topic, text)
	}
}

// leave commits what was printed and leaves the group, whatever ended the reading.
func (r *reader) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
	defer cancel()
	var err error
	if r.group != "" && !r.unprinted {
		if err = r.client.Commit(ctx); err != nil {
			err = fmt.Errorf("group %s: the last offsets are not committed, so some records will be read again: %w", r.group, r.blame(err))
		}
	}
	if closed := r.client.Close(ctx); closed != nil && r.group != "" {
		err = errors.Join(err, fmt.Errorf("group %s: not left; the broker removes the member after its session timeout: %w", r.group, r.blame(closed)))
	}
	return err
}
