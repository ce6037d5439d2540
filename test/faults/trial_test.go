//go:build linux

package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/internal/sim/check"
)

// trial is a cluster under load, which goes through faults and is judged in the end.
type trial struct {
	*cluster
	load      *load
	topics    int // that probe made
	newcomers int
}

// long leaves a test to make faults.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("SKEIN_KILLS") == "" {
		t.Skip("one of the longer faults; make faults, or SKEIN_KILLS=1, runs it")
	}
}

// newTrial starts the cluster and the load, and waits until everything goes on.
func newTrial(t *testing.T, c *cluster) *trial {
	t.Helper()
	x := &trial{cluster: c}
	took := c.start()
	x.create(killTopic, killPartitions, clusterSize)
	x.load = newLoad(t, c.way()...)
	x.load.addNatives(c)
	t.Cleanup(func() { // before the load and the nodes end
		if t.Failed() {
			x.explain()
		}
	})
	x.settle(monotonic())
	c.awaitInSync(killTopic, clusterSize)
	c.awaitInSync("__consumer_offsets", clusterSize)
	t.Logf("%d nodes started in %v", clusterSize, took.Round(time.Millisecond))
	return x
}

// create makes a topic, however long that takes within the test's patience.
func (x *trial) create(topic string, partitions int32, factor int16) {
	x.t.Helper()
	ctx := background(x.t)
	for {
		err := x.createOnce(ctx, topic, partitions, factor)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) { // an earlier try whose answer was lost
			return
		}
		if ctx.Err() != nil {
			x.t.Fatalf("the topic %s cannot be created: %v", topic, err)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

func (x *trial) createOnce(ctx context.Context, topic string, partitions int32, factor int16) error {
	c, err := x.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	made, err := kadm.NewClient(c).CreateTopic(ctx, partitions, factor, nil, topic)
	if err != nil {
		return err
	}
	return made.Err
}

// settle waits until all work succeeds that began after a moment.
func (x *trial) settle(since int64) {
	x.t.Helper()
	x.settleOf(func(work) bool { return true }, since)
}

// settleOf is settle for some of the work.
func (x *trial) settleOf(some func(work) bool, since int64) {
	x.t.Helper()
	if stalled := x.stalled(some, since, 2*patience); len(stalled) > 0 {
		x.t.Fatalf("not within %v after the fault: %+v", 2*patience, stalled)
	}
}

// stalled is the work that does not succeed within a time.
func (x *trial) stalled(some func(work) bool, since int64, within time.Duration) []work {
	end := time.Now().Add(within)
	for {
		stalled := slices.DeleteFunc(x.load.pulse.stalled(since), func(w work) bool { return !some(w) })
		if len(stalled) == 0 || time.Now().After(end) {
			return stalled
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// explain logs what the nodes said.
func (x *trial) explain() {
	for i, b := range x.nodes {
		if b.stderr == nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(b.stderr.String()), "\n")
		x.t.Logf("node %d (runs: %v) said last:\n%s", i+1, b.runs(), strings.Join(lines[max(0, len(lines)-30):], "\n"))
	}
	for _, n := range x.load.natives {
		said := n.stderr.String()
		x.t.Logf("%s said last:\n%s", n.name, said[max(0, len(said)-3000):])
	}
}

// strike does something to nodes and waits until all work goes on and a topic can be created. It notes for how long that
// did not go.
func (x *trial) strike(fault string, led map[int32]bool, do func()) outage {
	x.t.Helper()
	at := monotonic()
	do()
	done := monotonic()
	topic := x.probe(at)
	x.settle(done)
	o := x.outage(fault, led, at, 0)
	o.topic = topic
	x.t.Log(o)
	x.load.fetchOffsets()
	return o
}

// probe creates a topic and returns how long that took from a moment on.
func (x *trial) probe(at int64) time.Duration {
	x.t.Helper()
	x.topics++
	x.create(fmt.Sprint("probe", x.topics), 1, 1)
	return time.Duration(monotonic() - at)
}

// outage is how long clients had no service from a moment on, where some partitions are concerned; nil is all.
func (x *trial) outage(fault string, led map[int32]bool, at, until int64) outage {
	touched := func(kind check.Kind, process string) func(work) bool {
		return func(w work) bool {
			return w.kind == kind && strings.HasPrefix(w.process, process) && (led == nil || led[w.partition])
		}
	}
	o := outage{fault: fault, native: -1}
	o.own = x.load.pulse.silence(at, until, touched(check.Send, "producer"))
	if len(x.load.natives) > 0 {
		o.native = x.load.pulse.silence(at, until, touched(check.Send, nativeProducer))
	}
	o.read = x.load.pulse.silence(at, until, touched(check.Poll, ""))
	o.commit = x.load.pulse.silence(at, until, func(w work) bool { return w.kind == check.Commit })
	return o
}

// note puts a row into the table.
func (x *trial) note(o outage) {
	if x.ensemble != nil {
		o.fault = "on ZooKeeper: " + o.fault
	}
	outages.add(o)
}

// finish waits until all replicas are in sync, ends the load, reads everything, and judges what the clients saw and what
// the replicas hold.
func (x *trial) finish() {
	x.t.Helper()
	x.alive()
	x.awaitInSync(killTopic, clusterSize)
	x.awaitInSync("__consumer_offsets", clusterSize)
	x.load.stop()
	x.load.fetchOffsets()
	x.load.readAll()
	history := x.load.judge()
	sent, read, commits := x.load.counts(history)
	x.t.Logf("%d records acknowledged, %d read by groups, %d commits acknowledged", sent, read, commits)
	if sent == 0 || read == 0 || commits == 0 {
		x.t.Error("nothing was tested")
	}
	x.awaitInSync(killTopic, clusterSize)
	x.terminate()
	x.equalReplicas()
}

// terminate ends all nodes with SIGTERM, together.
func (x *trial) terminate() {
	x.t.Helper()
	for _, b := range x.nodes {
		b.signal(syscall.SIGTERM)
	}
	for i, b := range x.nodes {
		b.ends()
		if b.err != nil {
			x.t.Errorf("node %d ends with %v after SIGTERM\n%s", i+1, b.err, b.stderr)
		}
	}
}

// equalReplicas compares the replicas of the load's topic byte by byte.
func (x *trial) equalReplicas() {
	x.t.Helper()
	for p := range killPartitions {
		want := logOf(x.t, x.node(1), p)
		if len(want) == 0 {
			x.t.Errorf("%s-%d of node 1 holds nothing", killTopic, p)
		}
		for _, id := range x.all(1) {
			if got := logOf(x.t, x.node(id), p); !bytes.Equal(got, want) {
				x.t.Errorf("%s-%d: node %d holds %d bytes, node 1 %d, and they differ at byte %d", killTopic, p, id, len(got), len(want), differAt(got, want))
			}
		}
	}
}

// logOf are all segments of a replica, one after the other.
func logOf(t *testing.T, b *broker, partition int) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(b.dir, fmt.Sprintf("%s-%d", killTopic, partition), "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var all []byte
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	return all
}

func differAt(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
