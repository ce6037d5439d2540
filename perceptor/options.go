package perceptor

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/envelope"
)

// Option sets something of Subscribe or Apply.
type Option func(*config)

type config struct {
	prefix     string
	topics     []string
	wants      func(database, table string) bool
	read       envelope.ReadOptions
	consumer   []consumer.Option
	deadLetter string
	workers    int
	attempts   int
	pause      time.Duration
	pauseMax   time.Duration
	batch      int
	parallel   int
	counts     *Counts
	log        *slog.Logger
}

func defaults() config {
	return config{
		prefix: "skein", workers: 512, attempts: 1 << 30, pause: 100 * time.Millisecond, pauseMax: 10 * time.Second,
		batch: 500, parallel: 4, counts: &Counts{}, log: slog.New(slog.DiscardHandler),
	}
}

// Consumer adds options of the consumer beneath: brokers, security, timeouts. Its group, its topics and how its records
// are handled are set by Subscribe and Apply.
func Consumer(options ...consumer.Option) Option {
	return func(c *config) { c.consumer = append(c.consumer, options...) }
}

// Prefix is the first part of the topics' names, PREFIX.DATABASE.TABLE. Default "skein".
func Prefix(prefix string) Option { return func(c *config) { c.prefix = prefix } }

// From has topics read that are not named PREFIX.DATABASE.TABLE, instead of those that are. They may have changes of tables
// that are not wanted: those are passed over.
func From(topics []string, wants func(database, table string) bool) Option {
	return func(c *config) { c.topics, c.wants = topics, wants }
}

// Read says how records are read. By default the format is found out.
func Read(o envelope.ReadOptions) Option { return func(c *config) { c.read = o } }

// DeadLetter is the topic for records that cannot be read, or not be written. Without it, or if it does not take a record because of its
// size, such a record ends Subscribe or Apply.
func DeadLetter(topic string) Option { return func(c *config) { c.deadLetter = topic } }

// Workers is how many records are handled at the same time. Default 512.
func Workers(n int) Option { return func(c *config) { c.workers = n } }

// Retries is how often a record is tried whose handler, or sink, fails, with a pause that begins with least and doubles up
// to most. Then it goes the way of those that cannot be handled. By default it is tried for ever, after 100 ms to 10 s.
func Retries(attempts int, least, most time.Duration) Option {
	return func(c *config) { c.attempts, c.pause, c.pauseMax = attempts, least, most }
}

// Batches is how many changes Apply writes at once at most, and how many batches are on their way at the same time.
// Defaults 500 and 4.
func Batches(changes, parallel int) Option {
	return func(c *config) { c.batch, c.parallel = changes, parallel }
}

// Count counts what is done.
func Count(counts *Counts) Option { return func(c *config) { c.counts = counts } }

// Logger is where what happens is told. Default: nowhere.
func Logger(log *slog.Logger) Option { return func(c *config) { c.log = log } }

func (c *config) check(tables []string) error {
	var faults []error
	if len(tables) == 0 && len(c.topics) == 0 {
		faults = append(faults, errors.New("perceptor: no table is named"))
	}
	for what, n := range map[string]int{"Workers": c.workers, "the attempts of Retries": c.attempts, "the changes of Batches": c.batch, "the parallel ones of Batches": c.parallel} {
		if n < 1 {
			faults = append(faults, fmt.Errorf("perceptor: %s must be at least 1, and are %d", what, n))
		}
	}
	return errors.Join(faults...)
}

// How many records wait for the workers: enough for the next batches, and no more, because each holds the memory of all that it was
// compressed with.
const (
	partitionAhead = 500
	totalAhead     = 2000
)

// How much is asked for at once, of a partition and in all, in bytes as they are compressed: the next answer comes while these are written.
const (
	partitionFetchMax = 256 << 10
	fetchMax          = 4 << 20
)

// options are those of the consumer: it reads the tables' topics as a member of the group.
func (c *config) options(group string, tables []string) []consumer.Option {
	topics := c.topics
	if len(topics) == 0 {
		for _, table := range tables {
			topics = append(topics, c.prefix+"."+table)
		}
	}
	own := []consumer.Option{
		consumer.Group(group), consumer.Topics(topics...), consumer.Workers(c.workers), consumer.Retries(c.attempts, c.pause, c.pauseMax),
		consumer.ResetTo(consumer.Earliest), consumer.Logger(c.log), consumer.InFlight(partitionAhead, totalAhead),
		consumer.FetchBytes(1, fetchMax, partitionFetchMax),
	}
	if c.deadLetter != "" {
		own = append(own, consumer.DeadLetter(c.deadLetter))
	}
	return append(own, c.consumer...)
}
