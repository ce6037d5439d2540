package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Handler processes one record. What it returns decides what becomes of the record:
//
//	nil               it is processed
//	an error          it is tried again as Retries says; then it goes to the next of RetryTopics, or to the DeadLetter
//	                  topic; without those, Run ends with the error and the record stays uncommitted
//	GiveUp(error)     the same, without trying again
//
// The context ends when the record's partition has to be given up and the time to drain is over, or is lost. A record
// may come again after a crash or a rebalance; package dedupe helps.
type Handler func(ctx context.Context, r Record) error

// GiveUp marks an error as one where trying again is of no use.
func GiveUp(err error) error { return &giveUp{err} }

type giveUp struct{ err error }

func (e *giveUp) Error() string { return e.err.Error() }
func (e *giveUp) Unwrap() error { return e.err }

// HandlerError ends Run: a record could not be processed, and there is no topic where it may go, or that topic does not take it.
type HandlerError struct {
	Partition TopicPartition
	Offset    int64
	Attempts  int
	Err       error
}

func (e *HandlerError) Error() string {
	return fmt.Sprintf("consumer: record %v@%d could not be processed in %d attempts, and there is no retry or dead-letter topic that takes it: %v", e.Partition, e.Offset, e.Attempts, e.Err)
}

// Unwrap gives the handler's error.
func (e *HandlerError) Unwrap() error { return e.Err }

// runConfig is what the options of Run set.
type runConfig struct {
	topics       []string
	perKey       bool
	unordered    bool
	workers      int
	partitionMax int
	totalMax     int
	drainMax     time.Duration
	attemptsMax  int
	delay        time.Duration
	delayMax     time.Duration
	retryTopics  []RetryTopic
	deadLetter   string
}

func runDefaults() runConfig {
	return runConfig{workers: 1, partitionMax: 2000, totalMax: 10000, drainMax: 30 * time.Second, attemptsMax: 1, delay: 100 * time.Millisecond, delayMax: 10 * time.Second}
}

// Topics are those that Run subscribes to.
func Topics(names ...string) Option { return func(c *config) { c.run.topics = names } }

// Workers is how many records Run processes at the same time. Default 1.
func Workers(n int) Option { return func(c *config) { c.run.workers = n } }

// PerKey lets Run process different keys of a partition at the same time: records with the same key stay in order, those
// with a null key have none. Without it, partitions run side by side and each is processed in order.
func PerKey() Option { return func(c *config) { c.run.perKey = true } }

// Unordered lets Run process all records of a partition at the same time, in no order at all: for handlers whose outcome
// does not depend on it. What is committed is still that below which everything is processed.
func Unordered() Option { return func(c *config) { c.run.perKey, c.run.unordered = true, true } }

// InFlight bounds the records that Run has taken and not processed, of a partition and of all. A partition that has
// reached it is paused until half is processed. Defaults 2,000 and 10,000; at least max.poll.records.
func InFlight(partition, total int) Option {
	return func(c *config) { c.run.partitionMax, c.run.totalMax = partition, total }
}

// DrainMax is how long Run waits for records that are being processed when their partition goes to another member, or
// Run ends. Then their handlers' contexts end, and they are left to the next owner. Default 30 s, at most half of
// max.poll.interval.ms.
func DrainMax(d time.Duration) Option { return func(c *config) { c.run.drainMax = d } }

// Retries lets Run try a record up to so many times, with a pause that begins with least and doubles up to most. What has
// the same key, or without PerKey the partition, waits meanwhile. Default 1 attempt.
func Retries(attempts int, least, most time.Duration) Option {
	return func(c *config) { c.run.attemptsMax, c.run.delay, c.run.delayMax = attempts, least, most }
}

// RetryTopic is a topic for records that are to be tried again later, without anything waiting for them.
type RetryTopic struct {
	Topic string
	Delay time.Duration // after which they are tried again
}

// RetryTopics are where records go, one after the other, that could not be processed. Run reads them, too. Such records
// are out of order with the rest of their key.
func RetryTopics(topics ...RetryTopic) Option {
	return func(c *config) { c.run.retryTopics = topics }
}

// DeadLetter is the topic for records that could not be processed at all. Headers say where they come from and why. A record that is
// larger than its max.message.bytes ends Run.
func DeadLetter(topic string) Option { return func(c *config) { c.run.deadLetter = topic } }

func (c *config) checkRun() error {
	r := &c.run
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("consumer: "+format, args...))
		}
	}
	refuse(len(r.topics) == 0, "Run needs Topics")
	refuse(c.group == "", "Run needs a Group")
	refuse(r.workers < 1, "Workers is %d; it must be at least 1", r.workers)
	refuse(r.attemptsMax < 1, "Retries has %d attempts; it must be at least 1", r.attemptsMax)
	refuse(r.delay < 0 || r.delayMax < r.delay, "Retries has pauses of %v to %v", r.delay, r.delayMax)
	refuse(r.partitionMax < 1 || r.totalMax < 1, "InFlight is %d and %d; both must be at least 1", r.partitionMax, r.totalMax)
	refuse(r.drainMax < 0, "DrainMax is %v; it must not be negative", r.drainMax)
	seen := map[string]bool{}
	for _, t := range r.topics {
		seen[t] = true
	}
	for _, t := range r.retryTopics {
		refuse(seen[t.Topic] || t.Topic == "", "RetryTopics names %q, which is named before or empty", t.Topic)
		refuse(t.Delay < 0, "RetryTopics has a delay of %v for %s", t.Delay, t.Topic)
		seen[t.Topic] = true
	}
	refuse(r.deadLetter != "" && seen[r.deadLetter], "DeadLetter is %s, which Run reads", r.deadLetter)
	return errors.Join(faults...)
}

// Run reads topics as a member of a group and gives each record to the handler, several at a time if Workers says so,
// until ctx ends. What is processed is committed each auto.commit.interval.ms, when partitions are given up, and at the
// end: of each partition the offset below which everything is processed.
//
// It returns nil after ctx has ended and what was begun is processed and committed; else a *HandlerError, what Poll
// returned, or what was wrong with the options.
func Run(ctx context.Context, handler Handler, options ...Option) error {
	var run *runner
	own := func(c *config) {
		run = &runner{handler: handler, cfg: c.run, interval: c.autoCommitInterval, log: c.log, user: c.listener, onStall: c.onStall, pollMax: c.pollRecordsMax}
		c.autoCommit, c.onStall = false, nil
		c.listener = run.listener()
	}
	c, err := newConsumer(ctx, append(options, own), (*config).checkRun)
	if err != nil {
		return err
	}
	return run.run(ctx, c)
}
