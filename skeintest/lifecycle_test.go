package skeintest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
	"github.com/skein-io/skein/skeintest"
)

// cycle is the life of a group in a bubble: three members read, something happens, the rest goes on from the commits.
type cycle struct {
	t        *testing.T
	begun    time.Time
	node     *skeintest.Node
	recorder *check.Recorder
	owns     *ownership
	members  []*member
	producer *kgo.Client
	topicID  [16]byte
	values   []string // acknowledged, in order
}

func newCycle(t *testing.T, seed uint64) *cycle {
	t.Helper()
	begun := time.Now()
	c := &cycle{t: t, begun: begun, owns: &ownership{owners: map[int32]string{}},
		recorder: check.NewRecorder(func() int64 { return int64(time.Since(begun)) }),
		node: skeintest.Start(t, skeintest.InMemory(), skeintest.Seed(seed), skeintest.Set("num.partitions", fmt.Sprint(lifePartitions)),
			skeintest.Set("group.min.session.timeout.ms", "1000"))}
	c.producer = client(t, c.node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	topic, err := kadm.NewClient(c.producer).CreateTopic(context.Background(), lifePartitions, 1, nil, lifeTopic)
	if err == nil {
		err = topic.Err
	}
	if err != nil {
		t.Fatal(err)
	}
	c.topicID = topic.ID
	return c
}

// produce sends n records, in turn to each partition, and returns their values.
func (c *cycle) produce(n int) []string {
	c.t.Helper()
	first := len(c.values)
	for range n {
		i := len(c.values)
		r := &kgo.Record{Topic: lifeTopic, Partition: int32(i % lifePartitions), Value: fmt.Appendf(nil, "v%d", i)}
		pending := c.recorder.Begin(check.Operation{Process: "producer", Kind: check.Send, Idempotent: true, Records: []check.Record{{
			Partition: check.Partition{Topic: lifeTopic, Index: r.Partition}, Offset: check.NoOffset, Value: string(r.Value)}}})
		if err := c.producer.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			c.t.Fatal(err)
		}
		pending.End(check.OK, func(o *check.Operation) { o.Records[0].Offset = record.Offset(r.Offset) })
		c.values = append(c.values, string(r.Value))
	}
	return c.values[first:]
}

// await waits until some of the members have read every value. Time in a bubble passes when everybody waits.
func (c *cycle) await(what string, limit time.Duration, values []string, by ...*member) {
	c.t.Helper()
	begun := time.Now()
	for {
		missing := ""
		for _, v := range values {
			read := false
			for _, m := range by {
				read = read || m.has(v)
			}
			if !read {
				missing = v
				break
			}
		}
		if missing == "" {
			return
		}
		if time.Since(begun) > limit {
			c.t.Fatalf("%s: %s was not read within %v", what, missing, limit)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// settle waits until every partition has an owner among the members that are alive, and each of them has some.
func (c *cycle) settle(alive ...*member) {
	c.t.Helper()
	begun := time.Now()
	for {
		synctest.Wait()
		owned, all := 0, true
		for _, m := range alive {
			n := len(c.owns.of(m.name))
			owned += n
			all = all && n > 0
		}
		if all && owned == lifePartitions {
			return
		}
		if time.Since(begun) > 3*lifeSession {
			c.t.Fatalf("after %v the group is not settled: %v", time.Since(begun), c.owns.owners)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// committed fetches what is committed, into the history too.
func (c *cycle) committed() map[int32]int64 {
	c.t.Helper()
	pending := c.recorder.Begin(check.Operation{Process: "admin", Kind: check.FetchOffset, Group: lifeGroup})
	found, err := kadm.NewClient(c.producer).FetchOffsetsForTopics(context.Background(), lifeGroup, lifeTopic)
	if err == nil {
		err = found.Error()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	offsets := map[int32]int64{}
	var list []check.Committed
	found.Each(func(o kadm.OffsetResponse) {
		offsets[o.Partition] = o.At
		list = append(list, check.Committed{Partition: check.Partition{Topic: o.Topic, Index: o.Partition},
			Offset: record.Offset(o.At), LeaderEpoch: record.LeaderEpoch(o.LeaderEpoch), Metadata: o.Metadata})
	})
	pending.End(check.OK, func(o *check.Operation) { o.Offsets = list })
	return offsets
}

// judge ends everybody and looks at the history.
func (c *cycle) judge() {
	c.t.Helper()
	for _, m := range c.members {
		m.end()
	}
	c.producer.Close()
	c.node.Stop()
	for _, clash := range c.owns.clashes {
		c.t.Error(clash)
	}
	for _, f := range check.All(c.recorder.History(), check.Options{}) {
		c.t.Error(f)
	}
}

// protocol is a way in which a group of franz-go's shares its partitions.
type protocol struct {
	name     string
	balancer kgo.GroupBalancer
	static   bool
}

var protocols = []protocol{
	{"cooperative", kgo.CooperativeStickyBalancer(), false},
	{"eager", kgo.RangeBalancer(), false},
	{"static", kgo.CooperativeStickyBalancer(), true},
	{"static eager", kgo.RangeBalancer(), true},
}

// start starts the i-th member under a name.
func (p protocol) start(c *cycle, name string, i int) *member {
	instance := ""
	if p.static {
		instance = fmt.Sprint("instance", i)
	}
	return c.join(name, instance, kgo.Balancers(p.balancer))
}

// TestGroupLifeCycles runs fifty groups through what happens to groups, in every protocol.
func TestGroupLifeCycles(t *testing.T) {
	const cycles = 50
	for i := range cycles {
		protocol, event := protocols[i%len(protocols)], events[(i/len(protocols))%len(events)]
		t.Run(fmt.Sprintf("%d %s %s", i, protocol.name, event.name), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCycle(t, uint64(i))
				c.produce(lifePartitions)
				for k := range 3 {
					protocol.start(c, fmt.Sprint("member", k), k)
				}
				c.settle(c.members...)
				c.await("before", time.Minute, c.produce(60), c.members...)
				event.happen(c, protocol)
				c.committed()
				c.judge()
			})
		})
	}
}

// events are what happens to a group in the middle of its life.
var events = []struct {
	name   string
	happen func(*cycle, protocol)
}{
	{"a member falls silent", memberFallsSilent},
	{"a member's connections break for good", memberIsCutOff},
	{"a member leaves and another comes", memberIsReplaced},
	{"the node loses its power", nodeCrashes},
	{"the node restarts", nodeRestarts},
	{"connections break for a moment", connectionsBreak},
}

// memberFallsSilent: its session ends when it is due, and the others go on from what it committed, no sooner.
func memberFallsSilent(c *cycle, _ protocol) {
	gone, rest := c.members[0], c.members[1:]
	c.quiet()
	had, committed := c.owns.of(gone.name), c.committed()
	begun := time.Now()
	gone.freeze()
	c.owns.forget(gone.name)
	values := c.produce(60)
	c.await("after a member fell silent", 3*lifeSession, values, rest...)
	if took := time.Since(begun); took < lifeSession-2*beatInterval || took > lifeSession+fetchWaitMax+beatInterval {
		c.t.Errorf("the others have the partitions after %v; the session timeout is %v", took, lifeSession)
	}
	c.continued(begun, had, committed, rest...)
	gone.cut()
}

// memberIsCutOff is the same with connections that are reset: that alone ends no session.
func memberIsCutOff(c *cycle, _ protocol) {
	gone, rest := c.members[0], c.members[1:]
	c.quiet()
	had, committed := c.owns.of(gone.name), c.committed()
	begun := time.Now()
	gone.cut()
	c.owns.forget(gone.name)
	c.await("after a member was cut off", 3*lifeSession, c.produce(60), rest...)
	c.continued(begun, had, committed, rest...)
}

// memberIsReplaced: one ends cleanly, a dynamic one leaves by that; another takes its place, as a static one under the
// same name.
func memberIsReplaced(c *cycle, how protocol) {
	gone := c.members[0]
	c.quiet()
	gone.end()
	c.owns.forget(gone.name)
	c.members = c.members[1:]
	how.start(c, "successor", 0)
	c.settle(c.members...)
	c.await("after a member was replaced", 3*lifeSession, c.produce(60), c.members...)
}

// nodeCrashes in the middle of reading and committing; everything that was acknowledged is there.
func nodeCrashes(c *cycle, _ protocol) {
	values := c.produce(30)
	c.node.Crash()
	time.Sleep(2 * time.Second) // nobody is there
	c.node.Open()
	c.committed()
	values = append(values, c.produce(30)...)
	c.await("after the power was lost", 3*lifeSession, values, c.members...)
}

func nodeRestarts(c *cycle, _ protocol) {
	values := c.produce(30)
	c.node.Stop()
	time.Sleep(time.Second)
	c.node.Open()
	c.committed()
	values = append(values, c.produce(30)...)
	c.await("after a restart", 3*lifeSession, values, c.members...)
}

func connectionsBreak(c *cycle, _ protocol) {
	var values []string
	for range 5 {
		values = append(values, c.produce(12)...)
		c.node.CutConnections()
		time.Sleep(100 * time.Millisecond)
	}
	c.await("after the connections broke", 3*lifeSession, values, c.members...)
}

// quiet waits until everything that was read is committed.
func (c *cycle) quiet() {
	c.t.Helper()
	ends := map[int32]int64{}
	for i := range c.values {
		ends[int32(i%lifePartitions)]++
	}
	begun := time.Now()
	for {
		all := true
		for p, at := range c.committed() {
			all = all && at == ends[p]
		}
		if all {
			return
		}
		if time.Since(begun) > lifeSession {
			c.t.Fatalf("not everything that was read is committed: %v, want %v", c.committed(), ends)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// continued: since a moment the partitions that a dead member had were read on from what it had committed, by one of the
// others, and nothing was read twice.
func (c *cycle) continued(since time.Time, had []int32, committed map[int32]int64, rest ...*member) {
	c.t.Helper()
	first := map[int32]record.Offset{}
	times := map[string]int{}
	alive := map[string]bool{}
	for _, m := range rest {
		alive[m.name] = true
	}
	for _, op := range c.recorder.History() {
		for _, r := range op.Records {
			if op.Kind != check.Poll || !alive[op.Process] || op.Completed < int64(since.Sub(c.begun)) {
				continue
			}
			times[r.Value]++
			if at, known := first[r.Index]; !known || r.Offset < at {
				first[r.Index] = r.Offset
			}
		}
	}
	for _, p := range had {
		if first[p] != record.Offset(committed[p]) {
			c.t.Errorf("partition %d was read on from offset %d; %d was committed", p, first[p], committed[p])
		}
	}
	for value, n := range times {
		if n > 1 {
			c.t.Errorf("%s was read %d times", value, n)
		}
	}
}
