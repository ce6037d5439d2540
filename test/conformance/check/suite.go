package check

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/test/bench/wire"
	"github.com/skein-io/skein/test/conformance/report"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Options are what a run can be told.
type Options struct {
	// Bootstrap is host:port of a broker of the cluster.
	Bootstrap string
	// Dial reaches the brokers; nil is TCP.
	Dial wire.Dialer
	// Only are the ids of the rows that run; none is all.
	Only []string
	// Slow lets rows run that take minutes, up to a quarter of an hour.
	Slow bool
	// Parallel is how many rows run at a time; 0 is 24.
	Parallel int

	once  bool  // a row that missed is not asked again
	plant plant // a mistake, to see rows miss
}

// plant changes what is asked or answered on the way, as a broker with a mistake would.
type plant struct {
	request  func(kmsg.Request)
	response func(kmsg.Request, kmsg.Response)
	// standIn answers in the broker's place, or asks it and adds to what it says; nil asks it.
	standIn func(req kmsg.Request, ask func() (kmsg.Response, error)) (kmsg.Response, error)
}

// Suite is a run against one cluster. What it knows of the cluster does not change after newSuite.
type Suite struct {
	options  Options
	prefix   string // of every name that the run makes
	offered  map[int16]kmsg.ApiVersionsResponseApiKey
	brokers  []kmsg.MetadataResponseBroker
	settings map[string]string
	topic    string // two partitions, for every row
	topicID  [16]byte
	first    firstCoordinator
	made     atomic.Int64 // names
}

// firstCoordinator is what the very first FindCoordinator was answered, where __consumer_offsets did not exist before.
type firstCoordinator struct {
	asked bool
	code  int16
}

const (
	setupMax   = 90 * time.Second // a JVM that has just started makes 50 partitions
	rowMax     = 75 * time.Second
	slowRowMax = 40 * time.Minute // offsets expire every ten minutes
)

// Run asks every row and returns what came. The error is for a run that could not begin.
func Run(ctx context.Context, o Options) (*report.Report, error) {
	if o.Parallel == 0 {
		o.Parallel = 24
	}
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	rows, err := chosen(o.Only)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	s, err := newSuite(ctx, o)
	if err != nil {
		return nil, err
	}
	results := s.all(ctx, rows)
	if !o.once {
		s.again(ctx, rows, results)
	}
	s.end(ctx)
	return &report.Report{Broker: o.Bootstrap, Started: began, Took: time.Since(began), Results: results}, nil
}

func chosen(only []string) ([]Row, error) {
	rows := Rows()
	if len(only) == 0 {
		return rows, nil
	}
	for _, id := range only {
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.ID == id }) {
			return nil, fmt.Errorf("there is no row %q; --list names them", id)
		}
	}
	return slices.DeleteFunc(rows, func(r Row) bool { return !slices.Contains(only, r.ID) }), nil
}

// newSuite learns what the cluster is and makes the topic that the rows share.
func newSuite(ctx context.Context, o Options) (*Suite, error) {
	unique := make([]byte, 4)
	_, _ = rand.Read(unique) // never fails
	s := &Suite{options: o, prefix: "conformance-" + hex.EncodeToString(unique), settings: map[string]string{}}
	p := newProbe(ctx, s, "setup", setupMax)
	outcome := p.do(func(p *probe) {
		s.learnVersions(p)
		s.learnBrokers(p)
		s.learnSettings(p)
		s.askFirstCoordinator(p)
		s.topic = p.topic(2)
		s.topicID = p.topicID(s.topic)
		for _, group := range wire.GroupsApart(s.prefix, 50) {
			p.coordinator(group) // every partition of __consumer_offsets is loaded before a row measures a time
		}
	})
	p.kept = outcome.Verdict == report.Pass
	p.end()
	if outcome.Verdict != report.Pass {
		return nil, fmt.Errorf("%s cannot be asked: %s", o.Bootstrap, outcome.Detail)
	}
	return s, nil
}

// end deletes the shared topic.
func (s *Suite) end(ctx context.Context) {
	p := newProbe(ctx, s, "end", rowMax)
	p.topics = []string{s.topic}
	p.end()
}

// all runs the rows side by side, slow ones first, those about a cluster at the end, and returns the results in the rows'
// order.
func (s *Suite) all(ctx context.Context, rows []Row) []report.Result {
	results := make([]report.Result, len(rows))
	places := make(chan struct{}, s.options.Parallel)
	var running sync.WaitGroup
	for _, slow := range []bool{true, false} {
		for i := range rows {
			if rows[i].several || rows[i].slow != slow {
				continue
			}
			places <- struct{}{}
			running.Go(func() {
				defer func() { <-places }()
				results[i] = s.one(ctx, &rows[i])
			})
		}
	}
	running.Wait()
	for i := range rows {
		if rows[i].several {
			results[i] = s.one(ctx, &rows[i])
		}
	}
	return results
}

// again asks the rows that missed once more. A time that was measured on a busy machine may be wrong once.
func (s *Suite) again(ctx context.Context, rows []Row, results []report.Result) {
	var running sync.WaitGroup
	for _, several := range []bool{false, true} {
		for i := range results {
			if results[i].Verdict == report.Miss && rows[i].several == several && ctx.Err() == nil {
				running.Go(func() {
					second := s.one(ctx, &rows[i])
					if second.Verdict == report.Pass {
						second.Detail = join(second.Detail, "at the second try; the first: "+results[i].Detail)
					}
					results[i] = second
				})
			}
		}
		running.Wait()
	}
}

func (s *Suite) one(ctx context.Context, row *Row) report.Result {
	r := report.Result{ID: row.ID, Asks: row.Asks, Verdict: report.NotBlackBox, Detail: row.hidden}
	if row.BlackBox() {
		began := time.Now()
		limit := rowMax
		if s.options.Slow {
			limit = slowRowMax
		}
		p := newProbe(ctx, s, row.ID, limit)
		r.Verdict, r.Detail = p.do(row.run).parts()
		r.Seconds = time.Since(began).Seconds()
		p.end()
	}
	return r
}

func (s *Suite) learnVersions(p *probe) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "conformance", "1"
	r := ask[*kmsg.ApiVersionsResponse](p, s.options.Bootstrap, 3, req)
	p.code("ApiVersions", r.ErrorCode)
	s.offered = map[int16]kmsg.ApiVersionsResponseApiKey{}
	for _, k := range r.ApiKeys {
		s.offered[k.ApiKey] = k
	}
}

func (s *Suite) learnBrokers(p *probe) {
	p.await("brokers in Metadata", func() bool {
		s.brokers = p.metadata().Brokers
		return len(s.brokers) > 0
	})
}

// learnSettings reads the broker's configuration. A broker that does not tell it has Kafka's defaults, as far as the suite knows.
func (s *Suite) learnSettings(p *probe) {
	if !p.has(32, 1) {
		return
	}
	for _, c := range p.configs(kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(s.brokers[0].NodeID))) {
		if c.Value != nil {
			s.settings[c.Name] = *c.Value
		}
	}
}

// number is a setting of the broker, or Kafka's default.
func (s *Suite) number(name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(s.settings[name], 10, 64); err == nil {
		return n
	}
	return otherwise
}

func (s *Suite) millis(name string, otherwise int64) time.Duration {
	return time.Duration(s.number(name, otherwise)) * time.Millisecond
}

func (s *Suite) initialDelay() time.Duration {
	return s.millis("group.initial.rebalance.delay.ms", 3000)
}

// session is the shortest session timeout that the broker lets a member have.
func (s *Suite) session() time.Duration {
	return max(s.millis("group.min.session.timeout.ms", 6000), 500*time.Millisecond)
}

func (s *Suite) offsetsPartitions() int32 {
	return int32(s.number("offsets.topic.num.partitions", 50))
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
