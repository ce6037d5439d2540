//go:build linux

package faults

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// What the load is.
const (
	killTopic      = "orders"
	killGroup      = "readers"
	killLedger     = "ledger" // a group without members
	killPartitions = 3
	killProducers  = 3
	killMembers    = 2
)

// load is clients that work until they are stopped. What they see goes into one history.
type load struct {
	t        *testing.T
	way      []kgo.Opt // how a client finds the broker or the cluster
	recorder *check.Recorder
	pulse    pulse
	natives  []*native
	clients  atomic.Int32    // of franz-go, that were made
	givenUp  sync.Map        // names of producers that gave a record up
	producer context.Context // ends first
	others   context.Context
	life     context.Context // ends with the test; what is under way then is given up
	stopping []func()
	work     sync.WaitGroup // producers
	rest     sync.WaitGroup
}

func newLoad(t *testing.T, way ...kgo.Opt) *load {
	l := &load{t: t, way: way, recorder: check.NewRecorder(monotonic)}
	var endProducers, endOthers, endAll context.CancelFunc
	l.producer, endProducers = context.WithCancel(context.Background())
	l.others, endOthers = context.WithCancel(context.Background())
	l.life, endAll = context.WithCancel(context.Background())
	t.Cleanup(func() { endAll(); endProducers(); endOthers(); l.work.Wait(); l.rest.Wait() })
	l.stopping = []func(){endProducers, endOthers}
	for i := range killProducers {
		name := fmt.Sprint("producer", i)
		l.expectSends(name)
		l.work.Go(func() { l.produce(name) })
	}
	l.expectGroup(killGroup)
	for i := range killMembers {
		l.rest.Go(func() { l.consume(fmt.Sprint("member", i)) })
	}
	l.pulse.expect(work{kind: check.Commit, group: killLedger})
	l.rest.Go(func() { l.commitAlone("ledger0") })
	return l
}

func (l *load) expectSends(process string) {
	for p := range int32(killPartitions) {
		l.pulse.expect(work{kind: check.Send, process: process, partition: p})
	}
}

func (l *load) expectGroup(group string) {
	l.pulse.expect(work{kind: check.Commit, group: group})
	for p := range int32(killPartitions) {
		l.pulse.expect(work{kind: check.Poll, group: group, partition: p})
	}
}

// client is one that waits briefly before it tries again, and not long for an answer.
func (l *load) client(options ...kgo.Opt) (*kgo.Client, error) {
	always := []kgo.Opt{kgo.RetryBackoffFn(briefly), kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.ProduceRequestTimeout(2 * time.Second), kgo.RequestTimeoutOverhead(time.Second), kgo.AlwaysRetryEOF()}
	if os.Getenv(clientLogs) != "" {
		log := clientLog(l.t, fmt.Sprint("franz-", l.clients.Add(1)))
		always = append(always, kgo.WithLogger(kgo.BasicLogger(log, kgo.LogLevelDebug, func() string {
			return time.Now().Format("15:04:05.000 ")
		})))
	}
	return kgo.NewClient(slices.Concat(l.way, always, options)...)
}

// stop ends the producers, after everything that they sent was acknowledged, and then the others.
func (l *load) stop() {
	l.t.Helper()
	l.stopping[0]()
	l.work.Wait()
	for _, n := range l.natives {
		n.stop()
	}
	l.stopping[1]()
	l.rest.Wait()
}

// history is what all clients saw.
func (l *load) history() []check.Operation {
	history := l.recorder.History()
	for _, n := range l.natives {
		history = append(history, n.history...)
	}
	slices.SortStableFunc(history, func(a, b check.Operation) int { // what never completed stays last
		return cmp.Compare(uint64(a.Completed), uint64(b.Completed))
	})
	return history
}

// produce sends records with idempotence and many under way, about 500 in a second.
func (l *load) produce(name string) {
	c, err := l.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(2*time.Millisecond), kgo.MaxBufferedRecords(200))
	if err != nil {
		l.t.Error(err)
		return
	}
	defer c.Close()
	for i := 0; l.producer.Err() == nil; i++ {
		l.send(c, name, i)
		if i%10 == 9 {
			pause(l.producer, 20*time.Millisecond)
		}
	}
	ctx, cancel := context.WithTimeout(l.life, patience)
	defer cancel()
	if err := c.Flush(ctx); err != nil && l.life.Err() == nil {
		l.t.Errorf("%s: not everything was acknowledged after the last start: %v", name, err)
	}
}

// send hands one record to the client.
func (l *load) send(c *kgo.Client, name string, i int) {
	p := check.Partition{Topic: killTopic, Index: int32(i % killPartitions)}
	value := fmt.Sprintf("%s-%d", name, i)
	begun := monotonic()
	pending := l.recorder.Begin(check.Operation{Process: name, Kind: check.Send, Idempotent: true,
		Records: []check.Record{{Partition: p, Offset: check.NoOffset, Value: value}}})
	r := &kgo.Record{Topic: killTopic, Partition: p.Index, Key: []byte(name), Value: []byte(value)}
	c.Produce(l.life, r, func(r *kgo.Record, err error) {
		if err != nil {
			l.gaveUp(name, value, err)
			pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
			return
		}
		pending.End(check.OK, func(o *check.Operation) { o.Records[0].Offset = record.Offset(r.Offset) })
		l.pulse.beat(work{kind: check.Send, process: name, partition: p.Index}, begun, monotonic())
	})
}

// gaveUp fails the test once for each client, unless the client was ended with records on their way because the test failed.
func (l *load) gaveUp(name, value string, err error) {
	if _, again := l.givenUp.LoadOrStore(name, true); !again && l.life.Err() == nil {
		l.t.Errorf("%s gives %s up, and perhaps more: %v", name, value, err)
	}
}

// consume is a member of the group: it reads, and commits what it read.
func (l *load) consume(name string) {
	subscribed := func(context.Context, *kgo.Client, map[string][]int32) {
		l.recorder.Begin(check.Operation{Process: name, Kind: check.Subscribe}).End(check.OK, nil)
	}
	c, err := l.client(kgo.ConsumerGroup(killGroup), kgo.ConsumeTopics(killTopic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.OnPartitionsAssigned(subscribed), kgo.OnPartitionsRevoked(subscribed),
		kgo.OnPartitionsLost(subscribed), kgo.FetchMaxWait(200*time.Millisecond))
	if err != nil {
		l.t.Error(err)
		return
	}
	defer c.Close()
	for serial := 0; l.others.Err() == nil; serial++ {
		l.poll(c, name)
		l.commit(c, fmt.Sprintf("%s#%d", name, serial), name)
	}
}

func (l *load) poll(c *kgo.Client, name string) {
	pending := l.recorder.Begin(check.Operation{Process: name, Kind: check.Poll})
	ctx, cancel := context.WithTimeout(l.others, time.Second)
	defer cancel()
	var records []check.Record
	c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
		records = append(records, recordOf(r))
		l.pulse.beat(work{kind: check.Poll, group: killGroup, partition: r.Partition}, monotonicOf(r.Timestamp), monotonic())
	})
	pending.End(check.OK, func(o *check.Operation) { o.Records = records })
}

func recordOf(r *kgo.Record) check.Record {
	return check.Record{Partition: check.Partition{Topic: r.Topic, Index: r.Partition}, Offset: record.Offset(r.Offset), Value: string(r.Value)}
}

// counts is what was done.
func (l *load) counts(history []check.Operation) (sent, read, commits int) {
	for i := range history {
		switch o := &history[i]; {
		case o.Outcome != check.OK:
		case o.Kind == check.Send:
			sent += len(o.Records)
		case o.Kind == check.Poll && o.Process != lastReader:
			read += len(o.Records)
		case o.Kind == check.Commit:
			commits++
		}
	}
	return sent, read, commits
}

// briefly is how long clients wait before they try again: the broker is away for a moment only.
func briefly(int) time.Duration { return 20 * time.Millisecond }

// pause waits unless the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
