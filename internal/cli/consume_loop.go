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
	"github.com/twmb/franz-go/pkg/kgo"
)

// pollRecordsMax is how many records are printed before anything else is looked at.
const pollRecordsMax = 5000

// consumer is a consume command at work.
type consumer struct {
	*consumeOptions
	topic  string
	place  startPlace
	client *kgo.Client
	stderr io.Writer
	stop   context.CancelFunc // ends reading in a good way
	finish *finish            // nil without --exit-at-end

	records, bytes atomic.Int64
	telling        sync.Mutex
	told           string // the last complaint, under telling
}

func (o *consumeOptions) consume(c *cobra.Command, topic string, place startPlace) error {
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	r := &consumer{consumeOptions: o, topic: topic, place: place, stderr: c.ErrOrStderr(), stop: stop}
	if o.exitAtEnd {
		r.finish = newFinish(stop)
	}
	opts, err := r.options(c)
	if err != nil {
		return err
	}
	if !o.quiet {
		o.notify(func(text string) { r.tell("%s", text) })
		defer o.notify(nil)
	}
	if r.client, err = o.open(c.Context(), c, opts...); err != nil {
		return err
	}
	defer r.client.CloseAllowingRebalance()
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
	err = errors.Join(err, r.leave(c.Context()))
	if !o.quiet {
		fmt.Fprintf(r.stderr, "topic %s: %s\n", topic, pace(r.records.Load(), r.bytes.Load(), time.Since(began)))
	}
	return err
}

// options asks the cluster where reading begins and ends, and makes the client's options of it.
func (r *consumer) options(c *cobra.Command) ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.FetchMaxWait(500 * time.Millisecond), kgo.KeepControlRecords()}
	if r.group != "" {
		return append(opts, r.groupOptions()...), r.admin(c, func(ctx context.Context, admin *kadm.Client) error {
			_, err := findTopics(ctx, admin, r.topic)
			return err
		})
	}
	at := map[int32]kgo.Offset{}
	err := r.admin(c, func(ctx context.Context, admin *kadm.Client) error {
		found, err := boundsOf(ctx, admin, r.topic, r.partitions)
		if err != nil {
			return err
		}
		starts, err := startsOf(ctx, admin, r.topic, r.place, found)
		for p, start := range starts {
			at[p] = kgo.NewOffset().At(start)
			if r.finish != nil {
				r.finish.give(p, start, found[p].end)
			}
		}
		return err
	})
	if err == nil && r.finish != nil {
		r.finish.given()
	}
	return append(opts, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: at}), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())), err
}

func (r *consumer) groupOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(r.group), kgo.ConsumeTopics(r.topic), kgo.ConsumeStartOffset(r.place.groupReset()),
		kgo.ConsumeResetOffset(r.place.groupReset()), kgo.BlockRebalanceOnPoll(), kgo.AutoCommitMarks(), kgo.AutoCommitInterval(time.Second),
		// What most clients offer, so that the command can join a group of any of them.
		kgo.Balancers(kgo.RangeBalancer(), kgo.RoundRobinBalancer(), kgo.StickyBalancer(), kgo.CooperativeStickyBalancer()),
	}
	if r.finish == nil {
		return opts
	}
	lost := func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { r.finish.revoked(gone[r.topic]) }
	return append(opts, kgo.OnPartitionsAssigned(r.assigned), kgo.OnPartitionsLost(lost), kgo.OnPartitionsRevoked(
		func(ctx context.Context, client *kgo.Client, gone map[string][]int32) {
			if err := client.CommitMarkedOffsets(ctx); err != nil {
				r.tell("cannot commit: %v", err)
			}
			lost(ctx, client, gone)
		}))
}

// assigned finds out how far the partitions that the group gave us are to be read.
func (r *consumer) assigned(ctx context.Context, client *kgo.Client, given map[string][]int32) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	defer r.finish.given()
	if len(given[r.topic]) == 0 {
		return
	}
	admin := kadm.NewClient(client)
	found, err := boundsOf(ctx, admin, r.topic, given[r.topic])
	if err != nil {
		r.tell("cannot tell where the end is: %v", err)
		return
	}
	starts, err := startsOf(ctx, admin, r.topic, r.place, found)
	if err == nil {
		var committed kadm.OffsetResponses
		if committed, err = admin.FetchOffsetsForTopics(ctx, r.group, r.topic); err == nil {
			for p, o := range committed[r.topic] {
				if o.Err == nil && o.At >= 0 {
					starts[p] = o.At
				}
			}
		}
	}
	if err != nil {
		r.tell("cannot tell where reading begins: %v", err)
	}
	for p, b := range found {
		r.finish.give(p, starts[p], b.end)
	}
}

// read prints records until the context ends, --max is reached, or nothing came for --idle-timeout.
func (r *consumer) read(ctx context.Context) error {
	for ctx.Err() == nil {
		fetches, idle := r.poll(ctx)
		err := r.take(fetches)
		r.client.AllowRebalance()
		if err != nil || idle || r.max > 0 && r.records.Load() >= r.max {
			return err
		}
	}
	return nil
}

func (r *consumer) poll(ctx context.Context) (fetches kgo.Fetches, idle bool) {
	if r.idleTimeout > 0 {
		bounded, cancel := context.WithTimeout(ctx, r.idleTimeout)
		defer cancel()
		fetches = r.client.PollRecords(bounded, r.recordsWanted())
		return fetches, fetches.NumRecords() == 0 && bounded.Err() != nil
	}
	return r.client.PollRecords(ctx, r.recordsWanted()), false
}

func (r *consumer) recordsWanted() int {
	if r.max > 0 {
		return int(min(r.max-r.records.Load(), pollRecordsMax))
	}
	return pollRecordsMax
}

// take prints what came, and only then marks it to be committed.
func (r *consumer) take(fetches kgo.Fetches) error {
	if err := r.complaints(fetches); err != nil {
		return err
	}
	records := fetches.Records()
	for _, record := range records {
		if record.Attrs.IsControl() {
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
	if r.finish != nil {
		for _, record := range records {
			r.finish.took(record)
		}
	}
	if r.group != "" {
		r.client.MarkCommitRecords(records...)
	}
	return nil
}

// complaints tells what the client could not do but goes on trying, and returns what it cannot get over.
func (r *consumer) complaints(fetches kgo.Fetches) error {
	for _, f := range fetches.Errors() {
		_, session := errors.AsType[*kgo.ErrGroupSession](f.Err)
		_, loss := errors.AsType[*kgo.ErrDataLoss](f.Err)
		code, coded := codeOf(f.Err)
		switch {
		case errors.Is(f.Err, context.Canceled), errors.Is(f.Err, context.DeadlineExceeded), errors.Is(f.Err, kgo.ErrClientClosed):
		case coded && !code.Retriable():
			return answered("topic "+r.topic, f.Err, "")
		case session, loss, coded:
			r.tell("%v", f.Err)
		case f.Err != nil:
			return fmt.Errorf("topic %s: %w", r.topic, r.blame(f.Err))
		}
	}
	return nil
}

// tell writes a message, but not the same one twice.
func (r *consumer) tell(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.telling.Lock()
	defer r.telling.Unlock()
	if text != r.told {
		r.told = text
		fmt.Fprintf(r.stderr, "topic %s: %s\n", r.topic, text)
	}
}

// leave commits what was printed and leaves the group, whatever ended the reading.
func (r *consumer) leave(ctx context.Context) error {
	if r.group == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
	defer cancel()
	if err := r.client.CommitMarkedOffsets(ctx); err != nil {
		return fmt.Errorf("group %s: the last offsets are not committed, so some records will be read again: %w", r.group, r.blame(err))
	}
	r.client.AllowRebalance()
	if err := r.client.LeaveGroupContext(ctx); err != nil {
		return fmt.Errorf("group %s: not left; the broker removes the member after its session timeout: %w", r.group, r.blame(err))
	}
	return nil
}
