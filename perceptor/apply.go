package perceptor

import (
	"context"
	"errors"
	"fmt"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// Apply writes the changes of tables, named DATABASE.TABLE, to a sink until ctx ends, as a member of a group. The order in
// which they are written does not matter to a sink, so all of a partition are written at the same time, in batches.
//
// While the sink fails as a whole, as when its server is away, the changes are tried again as Retries says, and nothing is
// acknowledged. A change that the sink refuses sends its record to the dead-letter topic, or ends Apply. A truncate is
// applied if the sink is a sink.Truncater that is configured for it; otherwise it is told, counted and not applied. A sink.Fenced
// refuses changes of a partition that another member has by now: they are tried again until this one learns of it, too.
//
// It returns nil after ctx has ended and what was begun is written and acknowledged, or a *consumer.HandlerError that
// names the record that could not be written, or what else ended the consumer. It does not close the sink, which is not called any more
// when it returns.
func Apply(ctx context.Context, group string, tables []string, s sink.Sink, options ...Option) error {
	c, read, err := prepare(tables, options)
	if err != nil {
		return err
	}
	// A batch holds changes of several records: it does not end with one of them.
	writing, end := context.WithCancel(context.WithoutCancel(ctx))
	w := newWriter(writing, s, c.batch, c.parallel, c.counts)
	defer func() { // what nobody waits for any more, as that of partitions that are lost, is not left behind
		end()
		w.wait()
	}()
	return consumer.Run(ctx, func(ctx context.Context, r consumer.Record) error {
		changes, err := read.changes(r)
		if err != nil {
			return err
		}
		return c.write(ctx, w, r, changes)
	}, append(c.options(group, tables), consumer.Unordered())...)
}

// write writes a record's changes and waits for them.
func (c *config) write(ctx context.Context, w *writer, r consumer.Record, changes []*change.Change) error {
	rows := changes[:0]
	for _, one := range changes {
		if one.Op != change.Truncate {
			rows = append(rows, one)
		} else if err := c.truncate(ctx, w.sink, r, one); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	outcomes, err := w.write(ctx, r.Token(), rows)
	if err != nil {
		return err
	}
	var refused []error
	for i, o := range outcomes {
		c.counts.done(rows[i], o)
		if o.Err != nil {
			refused = append(refused, fmt.Errorf("%s: %w", rows[i].Table, o.Err))
		}
	}
	if len(refused) > 0 {
		return consumer.GiveUp(errors.Join(refused...))
	}
	return nil
}

// truncate has a truncate applied, or tells that the sink does not do that.
func (c *config) truncate(ctx context.Context, s sink.Sink, r consumer.Record, one *change.Change) error {
	if t, able := s.(sink.Truncater); able {
		o, err := t.Truncate(ctx, one)
		switch {
		case err != nil:
			return err
		case o.Err == nil:
			c.counts.truncated(one.Table, true)
			return nil
		case !errors.Is(o.Err, sink.ErrTruncate):
			c.counts.done(one, o)
			return consumer.GiveUp(fmt.Errorf("%s: %w", one.Table, o.Err))
		}
	}
	c.counts.truncated(one.Table, false)
	c.log.Warn("a truncate is not applied: the sink keeps the rows", "table", one.Table.String(), "partition", r.TopicPartition().String(), "offset", r.Offset)
	return nil
}
