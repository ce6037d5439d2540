package consumer

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/consumer/internal/membership/modern"
	"github.com/skein-io/skein/consumer/internal/position"
)

// Consumer reads partitions, as a member of a group or on its own. See the package for what may be called from where.
type Consumer struct {
	cfg   config
	group link.Group
	link  brokers

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	open   sync.WaitGroup // requests in the background

	polling atomic.Bool   // a goroutine is in Poll, Subscribe or Close
	wake    chan struct{} // there is something for Poll; holds one

	mu       sync.Mutex // guards what follows; nothing waits with it held
	machine  modern.Member
	effects  membership.Effects
	table    *position.Table
	topics   topics
	coord    coordinator
	fetches  fetches
	commits  commits
	tasks    []task           // for the goroutine in Poll
	telling  []*position.Part // for which Revoked runs
	faults   []fault          // errors that Poll has to return
	fatal    error
	counts   Stats
	from     *origin // of the records that are delivered now
	working  working // between two calls of Poll
	lostWork string  // why what the last Poll returned cannot be committed any more; "" if it can
	left     bool    // the member has left the group, or needed not
	closing  bool    // Close was called
	closed   bool
	timer    *time.Timer
	timerAt  time.Time
	lastNote membership.Note

	records Records // of the last Poll
	perKey  bool    // Run processes them in the order of their keys only; set before the first Poll
}

// New makes a Consumer. It fails if an option is impossible; it does not connect yet, and ctx is for nothing else than
// making it.
func New(ctx context.Context, options ...Option) (*Consumer, error) {
	return newConsumer(ctx, options, func(*config) error { return nil })
}

// newConsumer is New with a look at what the options have set.
func newConsumer(ctx context.Context, options []Option, check func(*config) error) (*Consumer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cfg := defaults()
	for _, o := range options {
		o(&cfg)
	}
	if err := errors.Join(cfg.check(), check(&cfg)); err != nil {
		return nil, err
	}
	l, err := cfg.connect(&cfg)
	if err != nil {
		return nil, err
	}
	c := &Consumer{
		cfg: cfg, link: l, wake: make(chan struct{}, 1),
		group: link.Group{
			ID: cfg.group, InstanceID: cfg.instanceID, Rack: cfg.rack,
			SessionTimeout: cfg.sessionTimeout, RebalanceTimeout: cfg.pollIntervalMax,
			Assignors: cfg.assignors, RemoteAssignor: cfg.remoteAssignor,
		},
		machine: newMember(&cfg),
		table: position.New(position.Config{
			Default: cfg.reset.policy(), Grouped: cfg.group != "", QueuedMax: cfg.partitionFetchBytesMax,
			RetryBackoff: cfg.retryBackoff, RetryBackoffMax: cfg.retryBackoffMax,
		}),
		coord: coordinator{node: -1},
		from:  &origin{group: cfg.group, generation: -1},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.topics.init()
	c.fetches.init()
	c.commits.init(time.Now(), cfg)
	c.timer = time.AfterFunc(time.Hour, c.tick)
	c.timer.Stop()
	return c, nil
}

// step gives the membership an event, carries out what it decides, and looks what else is to do. c.mu is held.
func (c *Consumer) step(now time.Time, e membership.Event) {
	c.machine.Step(now, e, &c.effects)
	for len(c.effects) > 0 {
		effects := c.effects
		c.effects = nil
		for _, e := range effects {
			c.carryOut(now, e)
		}
	}
	c.advance(now)
}

// event is step from a goroutine that does not hold c.mu.
func (c *Consumer) event(e membership.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step(time.Now(), e)
}

// tick is what the timer calls.
func (c *Consumer) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.timerAt = time.Time{}
	c.step(time.Now(), membership.Tick{})
}

// advance sends what is due and sets the timer. c.mu is held.
func (c *Consumer) advance(now time.Time) {
	if c.closed {
		return
	}
	c.refreshTopics(now)
	c.askPositions(now)
	c.fetchMore(now)
	c.judge(now)
	c.reportStuck()
	if c.somethingForPoll() {
		c.wakePoll()
	}
	c.setTimer(now)
}

// setTimer arms the timer for the earliest moment at which something is due.
func (c *Consumer) setTimer(now time.Time) {
	var next time.Time
	for _, at := range []time.Time{c.machine.Next(), c.table.Next(now), c.topics.next(c.cfg), c.fetches.next(now), c.verdictDue()} {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() || next.Equal(c.timerAt) {
		return
	}
	c.timerAt = next
	c.timer.Reset(max(next.Sub(now), 0))
}

// background runs a request, which Close waits for. When it waits nothing is begun any more. c.mu is held.
func (c *Consumer) background(request func()) {
	if !c.closed {
		c.open.Go(request)
	}
}

func (c *Consumer) wakePoll() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// somethingForPoll reports whether a Poll that waits has to look. c.mu is held.
func (c *Consumer) somethingForPoll() bool {
	return len(c.tasks) > 0 || len(c.faults) > 0 || c.fatal != nil || c.left || c.table.Buffered()
}

// Subscribe sets the topics that the member wants. It replaces an earlier subscription; none is Unsubscribe.
func (c *Consumer) Subscribe(topics ...string) error {
	return c.subscribe(topicSet{names: sortedOnce(topics)})
}

// SubscribePattern is Subscribe for all topics whose name the pattern matches, those to come included: they are looked
// for each metadata.max.age.ms. Kafka's internal topics are left out.
func (c *Consumer) SubscribePattern(pattern *regexp.Regexp) error {
	return c.subscribe(topicSet{pattern: pattern})
}

func (c *Consumer) subscribe(set topicSet) error {
	if c.cfg.group == "" {
		return ErrNoGroup
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if c.topics.assigned {
		return ErrSubscribed
	}
	now := time.Now()
	c.topics.want(now, set)
	c.step(now, membership.Subscribed{Topics: c.topics.subscription()})
	return nil
}

// Unsubscribe leaves the group, in the next Poll or Close, or ends what Assign has set.
func (c *Consumer) Unsubscribe() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	now := time.Now()
	if c.topics.assigned {
		for _, p := range c.table.All() {
			c.table.Remove(p.Name)
		}
		c.topics.assigned = false
	}
	c.topics.want(now, topicSet{})
	c.step(now, membership.Subscribed{})
	return nil
}

// Assign reads these partitions, without a rebalance. It replaces an earlier assignment. With a Group, committed
// offsets are read and written.
func (c *Consumer) Assign(partitions ...TopicPartition) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if c.topics.subscribed() {
		return ErrSubscribed
	}
	for _, p := range partitions {
		if p.Partition < 0 || p.Topic == "" {
			return fmt.Errorf("consumer: partition %d of topic %q cannot be: partitions are counted from 0, and topics have names", p.Partition, p.Topic)
		}
	}
	now := time.Now()
	c.topics.assigned = true
	keep := map[TopicPartition]bool{}
	var names []string
	for _, p := range partitions {
		keep[p] = true
		names = append(names, p.Topic)
	}
	for _, p := range c.table.All() {
		if !keep[p.Name] {
			c.table.Remove(p.Name)
		}
	}
	c.topics.want(now, topicSet{names: sortedOnce(names)})
	c.table.Add(partitions...)
	c.leaders()
	c.advance(now)
	return nil
}

// Assignment lists the partitions that the consumer has, sorted.
func (c *Consumer) Assignment() []TopicPartition {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []TopicPartition
	for _, p := range c.table.All() {
		if !p.Released {
			names = append(names, p.Name)
		}
	}
	return names
}
