package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of what a producer holds in memory while the broker is slower than the input.
const (
	produceRecordsMax = 50_000
	produceBytesMax   = 64 << 20
)

type produceOptions struct {
	connection
	value           string
	key             string
	null            string
	headers         []string
	format          string
	separator       string
	partition       int32
	compression     string
	acks            string
	messageBytesMax int32
	deliveryTimeout time.Duration
	quiet           bool
}

func newProduce() *cobra.Command {
	var o produceOptions
	c := &cobra.Command{
		Use:   "produce TOPIC",
		Short: "Write records to a topic, from stdin or --value",
		Long: "Write records to a topic: each line of stdin is the value of one, or --value gives a single one. With --format json a line is\n" +
			"{\"key\":...,\"value\":...,\"headers\":[{\"key\":...,\"value\":...}],\"partition\":...,\"timestamp\":...}, as consume -o json prints it; bytes that\n" +
			"are not UTF-8 are {\"base64\":\"...\"}. A record is written once, whatever is sent again on the way. If one fails, the exit code is 1.",
		Example: "  skein produce orders --value hello --key k1\n" +
			"  skein produce orders --key-separator : < orders.txt\n" +
			"  skein consume orders --from-beginning --exit-at-end -o json | skein produce copy --format json",
		Args: exactly("TOPIC"),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args[0]) },
	}
	c.ValidArgsFunction = o.topicNames(1)
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.value, "value", "", "write one record with this `TEXT` and read no input")
	f.StringVar(&o.key, "key", "", "give every record that brings none this `KEY`")
	f.StringVar(&o.separator, "key-separator", "", "a line is key, this `TEXT`, value")
	f.StringVar(&o.null, "null", "", "a key or value of just this `TEXT` is null")
	f.StringArrayVar(&o.headers, "header", nil, "give every record a header, `NAME=VALUE`; may be repeated")
	f.StringVar(&o.format, "format", "text", "lines are `text` or json")
	f.Int32Var(&o.partition, "partition", anyPartition, "write to partition `N`")
	f.StringVar(&o.compression, "compression", "none", "compress batches with `CODEC`: none, gzip, snappy, lz4, zstd")
	f.StringVar(&o.acks, "acks", "all", "wait for the `REPLICAS`: all, 1 (the leader) or 0 (nobody)")
	f.Int32Var(&o.messageBytesMax, "max-message-bytes", 1_000_012, "make batches of at most `N` bytes")
	f.DurationVar(&o.deliveryTimeout, "delivery-timeout", 2*time.Minute, "give up when no record was stored for this `TIME`")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no summary")
	complete(c, "format", "text", "json")
	complete(c, "compression", "none", "gzip", "snappy", "lz4", "zstd")
	complete(c, "acks", "all", "1", "0")
	return c
}

// form makes the record form of the flags, or says what is wrong with them.
func (o *produceOptions) form(c *cobra.Command) (recordForm, error) {
	form := recordForm{json: o.format == "json", separator: o.separator, partition: o.partition}
	given := c.Flags().Changed
	switch {
	case o.format != "text" && o.format != "json":
		return form, misused(c, "--format %q: it is text or json", o.format)
	case form.json && (given("key-separator") || given("value") || given("null")):
		return form, misused(c, "--format json needs no --key-separator, --value or --null: the lines say all")
	case given("key-separator") && o.separator == "":
		return form, misused(c, "--key-separator is empty")
	case given("value") && given("key-separator"):
		return form, misused(c, "--value is one record: give its key with --key")
	case o.deliveryTimeout <= 0:
		return form, misused(c, "--delivery-timeout %v: it must be more than 0", o.deliveryTimeout)
	case o.partition < anyPartition:
		return form, misused(c, "--partition %d: it is at least 0", o.partition)
	}
	if given("key") {
		form.key = &o.key
	}
	if given("null") {
		form.null = &o.null
	}
	for _, pair := range o.headers {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return form, misused(c, "--header %q: it is NAME=VALUE", pair)
		}
		form.headers = append(form.headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return form, nil
}

// options are those of the producer.
func (o *produceOptions) options(c *cobra.Command, topic string) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.DefaultProduceTopicAlways(), kgo.DefaultProduceTopic(topic), kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(8),
		kgo.MaxBufferedRecords(produceRecordsMax), kgo.MaxBufferedBytes(produceBytesMax), kgo.ProducerLinger(5 * time.Millisecond),
		kgo.ProducerBatchMaxBytes(o.messageBytesMax),
		kgo.RecordPartitioner(chosenPartitions{kgo.StickyKeyPartitioner(nil)}),
	}
	switch o.acks {
	case "all", "-1":
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.AllowIdempotentProduceCancellation())
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, misused(c, "--acks %q: it is all, 1 or 0", o.acks)
	}
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	codec, ok := codecs[o.compression]
	if !ok {
		return nil, misused(c, "--compression %q: it is none, gzip, snappy, lz4 or zstd", o.compression)
	}
	if o.messageBytesMax < 1024 || o.messageBytesMax > 96<<20 {
		return nil, misused(c, "--max-message-bytes %d: it is from 1024 to %d", o.messageBytesMax, 96<<20)
	}
	return append(opts, kgo.ProducerBatchCompression(codec)), nil
}

func (o *produceOptions) run(c *cobra.Command, topic string) error {
	form, err := o.form(c)
	if err != nil {
		return err
	}
	opts, err := o.options(c, topic)
	if err != nil {
		return err
	}
	if !o.quiet {
		o.notify(func(text string) { fmt.Fprintf(c.ErrOrStderr(), "topic %s: %s\n", topic, text) })
		defer o.notify(nil)
	}
	client, err := o.open(c.Context(), c, opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	t := &tally{}
	began := time.Now()
	endProgress := func() {}
	if !o.quiet {
		endProgress = drawProgress(c.ErrOrStderr(), func() string { return pace(t.stored.Load(), t.bytes.Load(), time.Since(began)) })
	}
	err = o.feed(c.Context(), client, o.source(c, form), t)
	endProgress()
	if !o.quiet {
		fmt.Fprintf(c.ErrOrStderr(), "topic %s: %s\n", topic, pace(t.stored.Load(), t.bytes.Load(), time.Since(began)))
	}
	t.report(c.ErrOrStderr())
	if waiting, _ := t.waiting(); waiting+t.failed.Load() > 0 {
		return errors.Join(fmt.Errorf("topic %s: %s not stored", topic, plural(waiting+t.failed.Load(), "record")), err)
	}
	return err
}

// source is where the records come from.
func (o *produceOptions) source(c *cobra.Command, form recordForm) recordSource {
	if !c.Flags().Changed("value") {
		return newRecordReader(c.InOrStdin(), form).next
	}
	done := false
	return func() (*kgo.Record, error) {
		if done {
			return nil, io.EOF
		}
		done = true
		r := &kgo.Record{Partition: anyPartition, Value: form.orNull([]byte(o.value))}
		form.complete(r)
		return r, nil
	}
}

// errGaveUp and errInterrupted are why records are not waited for.
var (
	errGaveUp      = errors.New("nothing was stored for the time of --delivery-timeout")
	errInterrupted = errors.New("interrupted before it was stored")
)

// feed produces every record of the input and waits until each has its fate. The end of ctx ends the input, not the
// records that were read: those have the timeout to be stored.
func (o *produceOptions) feed(ctx context.Context, client *kgo.Client, next recordSource, t *tally) error {
	deliver, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abandon(nil)
	go t.watch(deliver, o.deliveryTimeout, abandon)
	read := make(chan error, 1)
	go func() { read <- produceAll(ctx, deliver, client, next, t) }()
	var err error
	select {
	case err = <-read:
	case <-ctx.Done(): // the input may never come: it is left alone
		err = errors.New("interrupted; what was read before is stored")
		time.AfterFunc(o.timeout, func() { abandon(errInterrupted) })
	}
	if client.Flush(deliver) != nil { // deliver has ended: what is left has its fate now
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.timeout)
		defer cancel()
		_ = client.AbortBufferedRecords(bounded) // what is left even then is counted as not stored
	}
	return err
}

// produceAll produces records until there are no more, ctx ends, or it has become clear that none will be stored.
func produceAll(ctx, deliver context.Context, client *kgo.Client, next recordSource, t *tally) error {
	for number := int64(1); !t.hopeless.Load(); number++ {
		r, err := next()
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		t.begin()
		client.Produce(deliver, r, func(r *kgo.Record, err error) {
			if err != nil && deliver.Err() != nil {
				err = context.Cause(deliver)
			}
			t.note(number, r, err)
		})
	}
	return nil
}
