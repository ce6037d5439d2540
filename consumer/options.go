package consumer

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/position"
)

// config is what options set. Names in errors are Kafka's.
type config struct {
	seeds          []string
	group          string
	instanceID     string
	clientID       string
	rack           string
	assignors      []assign.Assignor
	protocol       Protocol
	remoteAssignor string
	classicOnly    []string // names of options that were set and that only the classic protocol looks at
	listener       Listener
	onReset        func(PositionReset)
	onStall        func(Stall)
	log            *slog.Logger
	transport      []kgo.Opt

	connect func(*config) (brokers, error) // replaced by simulations
	jitter  func() float64                 // of pauses, in [0,1)

	sessionTimeout    time.Duration
	heartbeatInterval time.Duration
	pollIntervalMax   time.Duration
	pollRecordsMax    int

	autoCommit         bool
	autoCommitInterval time.Duration
	reset              Reset
	readCommitted      bool

	fetchBytesMin          int
	fetchBytesMax          int
	partitionFetchBytesMax int
	fetchWaitMax           time.Duration
	autoCreate             bool

	run runConfig

	metadataAgeMax  time.Duration
	requestTimeout  time.Duration
	apiTimeout      time.Duration
	retryBackoff    time.Duration
	retryBackoffMax time.Duration
}

func defaults() config {
	return config{
		clientID:          "skein-consumer",
		assignors:         []assign.Assignor{assign.Range(), assign.CooperativeSticky()},
		log:               slog.New(slog.DiscardHandler),
		connect:           connect,
		jitter:            rand.Float64,
		sessionTimeout:    45 * time.Second,
		heartbeatInterval: 3 * time.Second,
		pollIntervalMax:   5 * time.Minute,
		pollRecordsMax:    500,

		autoCommit:         true,
		autoCommitInterval: 5 * time.Second,
		reset:              Latest,

		fetchBytesMin:          1,
		fetchBytesMax:          50 << 20,
		partitionFetchBytesMax: 1 << 20,
		fetchWaitMax:           500 * time.Millisecond,
		autoCreate:             true,

		run: runDefaults(),

		metadataAgeMax:  5 * time.Minute,
		requestTimeout:  30 * time.Second,
		apiTimeout:      time.Minute,
		retryBackoff:    100 * time.Millisecond,
		retryBackoffMax: time.Second,
	}
}

// Option sets one thing of a Consumer. The name of each in Kafka is in its comment.
type Option func(*config)

// Brokers are addresses to begin with, host:port (bootstrap.servers).
func Brokers(addresses ...string) Option { return func(c *config) { c.seeds = addresses } }

// Group makes the consumer a member of a group (group.id). Without it there is nothing to commit to, and only Assign.
func Group(id string) Option { return func(c *config) { c.group = id } }

// InstanceID makes the member static (group.instance.id, KIP-345): it does not leave the group when it is closed, and
// gets its partitions back when it returns within the session timeout.
func InstanceID(id string) Option { return func(c *config) { c.instanceID = id } }

// ClientID names the program in the brokers' logs and metrics (client.id). Default skein-consumer.
func ClientID(id string) Option { return func(c *config) { c.clientID = id } }

// Rack is where the consumer runs (client.rack): it reads from a replica there, if the broker has that on (KIP-392).
func Rack(rack string) Option { return func(c *config) { c.rack = rack } }

// Assignors are those that the member offers, in order of preference (partition.assignment.strategy). Default range,
// cooperative-sticky, as in Java: a group of such members uses range, and a second round of restarts without it makes
// the group cooperative. Only if all are cooperative, partitions are kept during a rebalance.
func Assignors(a ...assign.Assignor) Option {
	return func(c *config) { c.assignors = a; c.onlyClassic("partition.assignment.strategy") }
}

// Listen sets who is told of assigned, revoked and lost partitions.
func Listen(l Listener) Option { return func(c *config) { c.listener = l } }

// Logger takes the consumer's events. Default: none.
func Logger(l *slog.Logger) Option { return func(c *config) { c.log = l } }

// Transport hands options to the client that makes the connections: TLS, SASL, a dialer. Options about consuming,
// producing and groups have no effect.
func Transport(options ...kgo.Opt) Option {
	return func(c *config) { c.transport = append(c.transport, options...) }
}

// SessionTimeout is how long the coordinator waits for a sign of life (session.timeout.ms). Default 45 s.
func SessionTimeout(d time.Duration) Option {
	return func(c *config) { c.sessionTimeout = d; c.onlyClassic("session.timeout.ms") }
}

// HeartbeatInterval is the time between two heartbeats (heartbeat.interval.ms). Default 3 s.
func HeartbeatInterval(d time.Duration) Option {
	return func(c *config) { c.heartbeatInterval = d; c.onlyClassic("heartbeat.interval.ms") }
}

func (c *config) onlyClassic(name string) { c.classicOnly = append(c.classicOnly, name) }

// PollIntervalMax is how long the application may work between two calls of Poll before its partitions go to others
// (max.poll.interval.ms). Default 5 minutes.
func PollIntervalMax(d time.Duration) Option { return func(c *config) { c.pollIntervalMax = d } }

// PollRecordsMax bounds what one Poll returns (max.poll.records). Default 500.
func PollRecordsMax(n int) Option { return func(c *config) { c.pollRecordsMax = n } }

// AutoCommit commits what is processed at the first Poll after each interval (enable.auto.commit,
// auto.commit.interval.ms). Default 5 s.
func AutoCommit(interval time.Duration) Option {
	return func(c *config) { c.autoCommit, c.autoCommitInterval = true, interval }
}

// NoAutoCommit leaves committing to the application (enable.auto.commit=false).
func NoAutoCommit() Option { return func(c *config) { c.autoCommit = false } }

// ResetTo is where a partition begins that has no committed offset, or whose position is not in the log any more
// (auto.offset.reset). Default Latest.
func ResetTo(r Reset) Option { return func(c *config) { c.reset = r } }

// ReadCommitted hides records of open and aborted transactions (isolation.level=read_committed).
func ReadCommitted() Option { return func(c *config) { c.readCommitted = true } }

// FetchBytes sets how much a broker collects before it answers, and how much it answers at most, for a whole answer and
// for a partition of it (fetch.min.bytes, fetch.max.bytes, max.partition.fetch.bytes). Defaults 1, 50 MiB, 1 MiB. A
// batch that is larger is answered all the same. Up to two answers for each partition wait for Poll.
func FetchBytes(least, most, partition int) Option {
	return func(c *config) { c.fetchBytesMin, c.fetchBytesMax, c.partitionFetchBytesMax = least, most, partition }
}

// FetchWaitMax is how long a broker waits for the least number of bytes (fetch.max.wait.ms). Default 500 ms.
func FetchWaitMax(d time.Duration) Option { return func(c *config) { c.fetchWaitMax = d } }

// NoTopicCreation keeps a broker from creating topics that are subscribed to (allow.auto.create.topics=false).
func NoTopicCreation() Option { return func(c *config) { c.autoCreate = false } }

// MetadataAgeMax is after how long topics and leaders are asked for again (metadata.max.age.ms). Default 5 minutes.
func MetadataAgeMax(d time.Duration) Option { return func(c *config) { c.metadataAgeMax = d } }

// Timeouts bound one request, and a call as a whole that has no deadline of its own (request.timeout.ms,
// default.api.timeout.ms). Defaults 30 s and 60 s.
func Timeouts(request, api time.Duration) Option {
	return func(c *config) { c.requestTimeout, c.apiTimeout = request, api }
}

// RetryBackoff is the pause after a failure; it doubles up to most (retry.backoff.ms, retry.backoff.max.ms). Defaults
// 100 ms and 1 s.
func RetryBackoff(least, most time.Duration) Option {
	return func(c *config) { c.retryBackoff, c.retryBackoffMax = least, most }
}

// Reset is a policy of auto.offset.reset. The zero value is None.
type Reset struct {
	kind position.Kind
	ago  time.Duration
	at   time.Time
}

// The policies.
var (
	// None makes it an error, a *NoOffsetError that Poll returns.
	None = Reset{kind: position.ToNone}
	// Earliest is the first record that there is.
	Earliest = Reset{kind: position.ToEarliest}
	// Latest is behind the last record that there is.
	Latest = Reset{kind: position.ToLatest}
)

// Ago is the first record that is not older than d (auto.offset.reset=by_duration, KIP-1106).
func Ago(d time.Duration) Reset { return Reset{kind: position.AtTimestamp, ago: d} }

// At is the first record that is not older than t.
func At(t time.Time) Reset { return Reset{kind: position.AtTimestamp, at: t} }

func (r Reset) String() string {
	switch r.kind {
	case position.ToEarliest:
		return "earliest"
	case position.ToLatest:
		return "latest"
	case position.AtTimestamp:
		if !r.at.IsZero() {
			return "at " + r.at.Format(time.RFC3339)
		}
		return fmt.Sprintf("by_duration:%v", r.ago)
	}
	return "none"
}

func (r Reset) policy() position.Reset {
	p := position.Reset{Kind: r.kind, Ago: r.ago}
	if !r.at.IsZero() {
		p.Timestamp = r.at.UnixMilli()
	}
	return p
}

// check refuses what cannot be.
func (c *config) check() error {
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(len(c.seeds) == 0 && len(c.transport) == 0, "bootstrap.servers is empty: give Brokers")
	for name, d := range map[string]time.Duration{
		"session.timeout.ms": c.sessionTimeout, "heartbeat.interval.ms": c.heartbeatInterval, "max.poll.interval.ms": c.pollIntervalMax,
		"fetch.max.wait.ms": c.fetchWaitMax, "metadata.max.age.ms": c.metadataAgeMax, "request.timeout.ms": c.requestTimeout,
		"default.api.timeout.ms": c.apiTimeout, "retry.backoff.ms": c.retryBackoff, "retry.backoff.max.ms": c.retryBackoffMax,
		"auto.commit.interval.ms": c.autoCommitInterval,
	} {
		zero := c.autoCommit && name == "auto.commit.interval.ms" || name == "fetch.max.wait.ms" || name == "auto.commit.interval.ms"
		refuse(d < 0 || d == 0 && !zero, "%s is %v; it must be positive", name, d)
		refuse(d > math.MaxInt32*time.Millisecond, "%s is %v; it must be below %v", name, d, math.MaxInt32*time.Millisecond)
	}
	refuse(c.heartbeatInterval >= c.sessionTimeout, "heartbeat.interval.ms (%v) must be less than session.timeout.ms (%v)", c.heartbeatInterval, c.sessionTimeout)
	refuse(c.requestTimeout <= c.fetchWaitMax, "request.timeout.ms (%v) must be more than fetch.max.wait.ms (%v)", c.requestTimeout, c.fetchWaitMax)
	for name, n := range map[string]int{
		"max.poll.records": c.pollRecordsMax, "fetch.max.bytes": c.fetchBytesMax, "max.partition.fetch.bytes": c.partitionFetchBytesMax,
	} {
		refuse(n <= 0 || n > math.MaxInt32, "%s is %d; possible is 1 to %d", name, n, math.MaxInt32)
	}
	refuse(c.fetchBytesMin < 0 || c.fetchBytesMin > math.MaxInt32, "fetch.min.bytes is %d; possible is 0 to %d", c.fetchBytesMin, math.MaxInt32)
	refuse(c.instanceID != "" && c.group == "", "group.instance.id is set and group.id is not: give Group")
	c.checkProtocol(refuse)
	refuse(len(c.assignors) == 0, "partition.assignment.strategy is empty: give Assignors")
	refuse(c.reset.ago < 0, "auto.offset.reset is by_duration:%v; it must not be negative", c.reset.ago)
	seen := map[string]bool{}
	for _, a := range c.assignors {
		refuse(seen[a.Name()], "partition.assignment.strategy names %s twice", a.Name())
		seen[a.Name()] = true
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	return nil
}

// cooperative reports whether all assignors are.
func (c *config) cooperative() bool {
	for _, a := range c.assignors {
		if !a.Cooperative() {
			return false
		}
	}
	return true
}
