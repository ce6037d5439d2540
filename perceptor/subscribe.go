package perceptor

import (
	"context"
	"errors"
	"sync"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// Event is a change, and where it was read.
type Event struct {
	*change.Change
	envelope.Place
	// Token tells apart the generations of the group: see consumer.Record.
	Token dedupe.Token
}

// Handler is given each change. It is called from several goroutines, but for the changes of a row from one after the
// other. An error has the record tried again as Retries says; consumer.GiveUp(err) says that this is of no use. A change
// may come again, after a crash or a rebalance; its Version tells.
type Handler func(ctx context.Context, e Event) error

// Subscribe gives the changes of tables, named DATABASE.TABLE, to the handler until ctx ends, as a member of a group:
// groups are independent of each other. Changes of a row come in the order of its topic. A new group begins with the
// oldest change that is kept.
//
// It returns nil after ctx has ended and what was begun is handled and acknowledged, or a *consumer.HandlerError that
// names the record that could not be handled, or what else ended the consumer.
func Subscribe(ctx context.Context, group string, tables []string, handler Handler, options ...Option) error {
	c, read, err := prepare(tables, options)
	if err != nil {
		return err
	}
	return consumer.Run(ctx, func(ctx context.Context, r consumer.Record) error {
		changes, err := read.changes(r)
		if err != nil {
			return err
		}
		for _, change := range changes {
			if err := handler(ctx, Event{Change: change, Place: placeOf(r), Token: r.Token()}); err != nil {
				return err
			}
		}
		return nil
	}, append(c.options(group, tables), consumer.PerKey())...)
}

func placeOf(r consumer.Record) envelope.Place {
	return envelope.Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

// readers read records on many goroutines: a Decoder is for one at a time.
type readers struct {
	c    *config
	pool sync.Pool // of *envelope.Decoder
}

// prepare is what Subscribe and Apply begin with.
func prepare(tables []string, options []Option) (*config, *readers, error) {
	c := defaults()
	for _, o := range options {
		o(&c)
	}
	if err := c.check(tables); err != nil {
		return nil, nil, err
	}
	read, err := newReaders(&c)
	return &c, read, err
}

func newReaders(c *config) (*readers, error) {
	first, err := envelope.NewDecoder(c.read)
	if err != nil {
		return nil, err
	}
	r := &readers{c: c}
	r.pool.Put(first)
	return r, nil
}

// changes are those of a record; none if it is not about rows. What cannot be read can never be; other errors may pass.
func (r *readers) changes(record consumer.Record) ([]*change.Change, error) {
	d, _ := r.pool.Get().(*envelope.Decoder)
	if d == nil {
		d, _ = envelope.NewDecoder(r.c.read) // its options were good for the first one
	}
	defer r.pool.Put(d)
	in := envelope.Record{Key: record.Key, Value: record.Value}
	for key, value := range record.Headers.All() {
		in.Headers = append(in.Headers, envelope.Header{Key: key, Value: value})
	}
	decoded, err := d.Decode(placeOf(record), &in)
	if _, unreadable := errors.AsType[*envelope.Error](err); unreadable {
		r.c.counts.unread()
		return nil, consumer.GiveUp(err)
	}
	if err != nil {
		return nil, err
	}
	if decoded.Kind == envelope.DDL {
		r.c.log.Info("schema", "partition", record.TopicPartition().String(), "offset", record.Offset, "sql", decoded.SQL)
	}
	changes := make([]*change.Change, 0, len(decoded.Changes))
	for _, one := range decoded.Changes {
		if r.c.wants == nil || r.c.wants(one.Table.Database, one.Table.Name) {
			changes = append(changes, one)
		}
	}
	return changes, nil
}
