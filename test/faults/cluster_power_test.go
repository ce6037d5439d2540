//go:build linux

package faults

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// powered is a cluster whose nodes have file systems of their own.
type powered struct {
	*cluster
	volumes []*volume
}

func newPowered(t *testing.T, set ...string) *powered {
	t.Helper()
	long(t)
	p := &powered{cluster: newCluster(t, raft, set...)}
	for _, b := range p.nodes {
		v := newVolume(t, 512)
		p.volumes = append(p.volumes, v)
		b.dir = filepath.Join(v.dir, "data")
	}
	return p
}

// fail is the loss of power of some nodes at once. With the disk first, the processes see it go for a moment.
func (p *powered) fail(diskFirst bool, ids ...int) {
	p.t.Helper()
	cut := func() {
		for _, id := range ids {
			p.volumes[id-1].cut()
		}
	}
	if diskFirst {
		cut()
	}
	for _, id := range ids {
		if p.node(id).runs() {
			_ = p.node(id).cmd.Process.Signal(syscall.SIGKILL) // it may just have ended by itself
		}
	}
	for _, id := range ids {
		<-p.node(id).exited
	}
	if !diskFirst {
		cut()
	}
	for _, id := range ids {
		p.volumes[id-1].restore()
	}
}

// TestClusterLosesPower lets the power of all nodes fail at once, at random moments, SKEIN_KILLS times: of what was
// acknowledged nothing is lost, although all that was not synced is.
func TestClusterLosesPower(t *testing.T) {
	p := newPowered(t)
	x := newTrial(t, p.cluster)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d: it decides when the power fails", seed)
	moments := rand.New(rand.NewPCG(seed, 1))
	var all []outage
	for i := range kills(t) {
		time.Sleep(time.Duration(moments.Int64N(int64(time.Second))))
		p.fail(i%2 == 0, p.all()...)
		all = append(all, x.strike("power of all lost at once", nil, func() { x.start() }))
	}
	x.note(worst("power of all lost at once; from their start, the worst", all))
	x.finish()
}

// TestClusterOneLosesPower lets the power of one node fail after the other, each a leader.
func TestClusterOneLosesPower(t *testing.T) {
	p := newPowered(t)
	x := newTrial(t, p.cluster)
	for i := range 3 {
		id := x.leader()
		led := x.ledBy(id)
		x.note(x.strike("power of a leader lost", led, func() { p.fail(i%2 == 0, id) }))
		x.strike("it starts again", nil, func() { x.start(id) })
		x.awaitInSync(killTopic, clusterSize)
	}
	x.finish()
}

// TestLostPowerIsSeen: without a sync before the acknowledgement, which is how Apache Kafka is set, the loss of power of all
// nodes loses records that were acknowledged. A proof that the tests above can fail.
func TestLostPowerIsSeen(t *testing.T) {
	p := newPowered(t, "log.flush.interval.messages=9223372036854775807")
	p.start()
	const sent = 500
	c, err := p.connect(kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	produce(t, c, "orders", "v", sent)
	p.fail(false, p.all()...)
	p.start()
	held := int64(0)
	waitFor(t, "the topic can be looked at", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), askPatience)
		defer cancel()
		ends, err := kadm.NewClient(c).ListEndOffsets(ctx, "orders")
		if err != nil || ends.Error() != nil {
			return err == nil && errors.Is(ends.Error(), kerr.UnknownTopicOrPartition) // even the topic is lost
		}
		ends.Each(func(o kadm.ListedOffset) { held += o.Offset })
		return true
	})
	t.Logf("%d records were acknowledged, %d are there", sent, held)
	if held >= sent {
		t.Error("the power of all nodes failed, nothing was synced, and every record is there")
	}
}
