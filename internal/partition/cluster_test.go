package partition_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// cluster is three hosts on simulated disks, with the real requests between them, and a controller that does what the
// test says and answers AlterPartition. Topic "t" has one partition, led by node 1. It lives in a bubble.
type cluster struct {
	t     *testing.T
	nodes []*node // nodes[i] has the id i+1

	mu     sync.Mutex // one image at a time
	image  *metadata.Image
	epochs metadata.BrokerEpoch
	deaf   bool              // the controller answers nobody
	losses []metadata.NodeID // who said that its replica is lost

	wires sync.Mutex
	cuts  map[[2]metadata.NodeID]bool
}

// node is one of them, in one life.
type node struct {
	c      *cluster
	id     metadata.NodeID
	files  *disk.Simulated
	dir    *commitlog.Dir
	host   *partition.Host
	api    atomic.Pointer[api.Node]
	image  atomic.Pointer[metadata.Image]
	epoch  atomic.Int64
	up     atomic.Bool
	lapsed atomic.Bool  // no controller has answered it for a while
	asked  atomic.Int64 // how often it was asked for its lease
	opened bool         // an image was applied

	static  *config.Broker
	present atomic.Pointer[config.Broker] // with what the image sets
}

var topicID = protocol.UUID{15: 1}

const lagMax = 3 * time.Second

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, image: metadata.NewImage("c"), cuts: map[[2]metadata.NodeID]bool{}}
	for id := metadata.NodeID(1); id <= 3; id++ {
		n := &node{c: c, id: id, files: disk.NewSimulated(disk.SimulatedOptions{Seed: uint64(id)})}
		c.nodes = append(c.nodes, n)
		n.open()
	}
	two := "2"
	c.change(&protocol.TopicRecord{Name: "t", TopicID: topicID},
		&protocol.ConfigRecord{ResourceType: int8(metadata.TopicResource), ResourceName: "t", Name: "min.insync.replicas", Value: &two},
		&protocol.PartitionRecord{TopicID: topicID, Replicas: []int32{1, 2, 3}, Isr: []int32{1, 2, 3}, Leader: 1})
	for _, n := range c.nodes {
		n.register()
	}
	return c
}

// open begins a life of a node. It has no role before it is registered.
func (n *node) open() {
	n.c.t.Helper()
	settings, err := config.FromSet("test", []string{fmt.Sprintf("replica.lag.time.max.ms=%d", lagMax.Milliseconds())})
	if err != nil {
		n.c.t.Fatal(err)
	}
	if n.static, err = config.Resolve(settings); err != nil {
		n.c.t.Fatal(err)
	}
	n.present.Store(n.static)
	present := n.present.Load
	n.opened = false
	n.epoch.Store(int64(metadata.NoBrokerEpoch))
	var host atomic.Pointer[partition.Host]
	n.dir, err = commitlog.OpenDir(n.files, commitlog.DirConfig{NodeID: int32(n.id), ClusterID: "c",
		OnDurable: func(logs []*commitlog.Log) {
			if h := host.Load(); h != nil {
				h.Durable(logs)
			}
		}})
	if err != nil {
		n.c.t.Fatal(err)
	}
	n.host = partition.NewHost(partition.HostConfig{Self: n.id, Dir: n.dir, Broker: present, Now: time.Now,
		Logger: slog.New(slog.DiscardHandler), Files: n.files, Peers: n, ISR: n, Lost: n.lost, Leased: n.leased,
		BrokerEpoch: func() metadata.BrokerEpoch { return metadata.BrokerEpoch(n.epoch.Load()) }})
	host.Store(n.host)
	n.image.Store(metadata.NewImage("c"))
	n.api.Store(api.NewNode(api.Parts{Self: n.id, Config: present, Image: n.image.Load,
		Partitions: n.host, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}))
	n.host.Start()
	n.up.Store(true)
}

// leased is whether a controller counts on this node.
func (n *node) leased() bool {
	n.asked.Add(1)
	return !n.lapsed.Load()
}

// register tells the cluster of this life.
func (n *node) register() {
	n.c.mu.Lock()
	n.c.epochs++
	epoch := n.c.epochs
	n.c.mu.Unlock()
	n.epoch.Store(int64(epoch))
	n.c.change(&protocol.RegisterBrokerRecord{BrokerID: int32(n.id), BrokerEpoch: int64(epoch), IncarnationID: protocol.UUID{15: byte(epoch)}})
}

// stop ends a life: well, or as the power does.
func (n *node) stop(crash bool) {
	n.c.mu.Lock() // no image is being applied
	n.up.Store(false)
	n.c.mu.Unlock()
	if crash {
		n.files = n.files.Crash()
	}
	n.host.Close()
	if err := n.dir.Close(); err != nil && !crash {
		n.c.t.Error(err)
	}
}

func (c *cluster) close() {
	defer time.Sleep(10 * time.Second) // what is on its way comes to its end
	for _, n := range c.nodes {
		if n.up.Load() {
			n.stop(false)
		}
	}
}

// change makes the next image and has everybody apply it.
func (c *cluster) change(records ...metadata.Record) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changeLocked(records...)
}

func (c *cluster) changeLocked(records ...metadata.Record) {
	next, delta, err := metadata.Apply(c.image, records)
	if err != nil {
		c.t.Error(err)
		return
	}
	c.image = next
	for _, n := range c.nodes {
		if !n.up.Load() {
			continue
		}
		n.image.Store(next)
		own := metadata.Resource{Type: metadata.BrokerResource, Name: n.id.String()}
		present, err := n.static.WithDynamic(maps.Collect(next.Config(metadata.ClusterDefault).All()), maps.Collect(next.Config(own).All()))
		if err != nil {
			c.t.Error(err)
			return
		}
		n.present.Store(present)
		d := delta
		if !n.opened {
			n.opened, d = true, nil
		}
		if err := n.host.Apply(next, d); err != nil {
			c.t.Errorf("node %d: %v", n.id, err)
		}
	}
}

// partitionChange is a record of what the controller decides of the partition.
func partitionChange(leader metadata.NodeID, isr ...int32) *protocol.PartitionChangeRecord {
	r := protocol.NewPartitionChangeRecord()
	r.PartitionID, r.TopicID, r.Isr = 0, topicID, isr
	if leader != metadata.NoNode {
		r.Leader = int32(leader)
	}
	return r
}

// lost is the controller's side too: a node has lost what it had. It leaves the in-sync replicas, in a new leader epoch.
func (n *node) lost(topic protocol.UUID, partition int32, done func(error)) {
	c := n.c
	go func() {
		c.mu.Lock()
		now := c.image.TopicByID(topic).Partition(partition)
		var isr []int32
		for _, id := range now.ISR {
			if id != n.id {
				isr = append(isr, int32(id))
			}
		}
		leader := now.Leader
		if leader == n.id {
			leader = metadata.NodeID(isr[0])
		}
		c.losses = append(c.losses, n.id)
		c.changeLocked(partitionChange(leader, isr...))
		c.mu.Unlock()
		done(nil)
	}()
}

// AlterPartition is the controller's side, reached from a node.
func (n *node) AlterPartition(change partition.ISRChange, done func(partition.ISRState, error)) {
	c := n.c
	go func() {
		c.mu.Lock()
		if c.deaf {
			c.mu.Unlock()
			time.Sleep(time.Second)
			done(partition.ISRState{}, errors.New("no answer"))
			return
		}
		p := c.image.TopicByID(change.TopicID).Partition(change.Partition)
		code := protocol.None
		switch {
		case p.Leader != n.id || p.LeaderEpoch != change.LeaderEpoch:
			code = protocol.FencedLeaderEpoch
		case p.Epoch != change.PartitionEpoch:
			code = protocol.InvalidUpdateVersion
		}
		var isr []int32
		for _, m := range change.ISR {
			isr = append(isr, int32(m.Node))
			if b := c.image.Broker(m.Node); m.BrokerEpoch != metadata.NoBrokerEpoch && b.Epoch != m.BrokerEpoch {
				code = protocol.IneligibleReplica
			}
		}
		if code == protocol.None {
			c.changeLocked(partitionChange(metadata.NoNode, isr...))
			p = c.image.TopicByID(change.TopicID).Partition(change.Partition)
		}
		c.mu.Unlock()
		if code != protocol.None {
			done(partition.ISRState{}, protocol.Fail(code, "refused"))
			return
		}
		done(partition.ISRState{Leader: p.Leader, LeaderEpoch: p.LeaderEpoch, PartitionEpoch: p.Epoch, ISR: p.ISR}, nil)
	}()
}

// sever cuts both ways between two nodes, join mends them.
func (c *cluster) sever(a, b metadata.NodeID) { c.wire(a, b, true) }
func (c *cluster) join(a, b metadata.NodeID)  { c.wire(a, b, false) }

func (c *cluster) wire(a, b metadata.NodeID, cut bool) {
	c.wires.Lock()
	defer c.wires.Unlock()
	c.cuts[[2]metadata.NodeID{a, b}], c.cuts[[2]metadata.NodeID{b, a}] = cut, cut
}

func (c *cluster) severed(from, to metadata.NodeID) bool {
	c.wires.Lock()
	defer c.wires.Unlock()
	return c.cuts[[2]metadata.NodeID{from, to}] || !c.nodes[to-1].up.Load() || !c.nodes[from-1].up.Load()
}

var errDown = errors.New("the connection is down")

// Ask takes a request to another node through the codec, and the answer back, whose bytes are spoilt when it was taken.
func (n *node) Ask(to metadata.NodeID, request protocol.Message, done func(protocol.Message, int16, error)) {
	key := request.Key()
	_, version := protocol.Versions(key)
	frame := encode(request, version)
	go func() {
		time.Sleep(time.Millisecond)
		if n.c.severed(n.id, to) {
			done(nil, 0, errDown)
			return
		}
		decoded := protocol.NewRequest(key)
		if err := decoded.Decode(protocol.NewReader(frame, protocol.Limits{}), version); err != nil {
			n.c.t.Error(err)
		}
		client := &api.Client{ID: "skein-1", SoftwareName: api.NodeSoftwareName, Listener: "PLAINTEXT", Address: netip.MustParseAddrPort("127.0.0.1:1")}
		target := n.c.nodes[to-1]
		target.api.Load().Start(api.NewCall(&sink{from: target, to: n, version: version, done: done}, key, version, client, time.Now(), decoded))
	}()
}

// call asks a node something by one of its listeners.
func (c *cluster) call(to metadata.NodeID, request protocol.Message, listener string) protocol.Message {
	c.t.Helper()
	_, version := protocol.Versions(request.Key())
	return c.callAt(to, request, listener, version)
}

func (c *cluster) callAt(to metadata.NodeID, request protocol.Message, listener string, version int16) protocol.Message {
	c.t.Helper()
	n := c.nodes[to-1]
	answer := make(chan protocol.Message, 1)
	done := func(m protocol.Message, _ int16, err error) {
		if err != nil {
			c.t.Error(err)
		}
		if fetched, ok := m.(*protocol.FetchResponse); ok { // its bytes are spoilt soon
			for i := range fetched.Responses {
				for j := range fetched.Responses[i].Partitions {
					p := &fetched.Responses[i].Partitions[j]
					p.Records = slices.Clone(p.Records.(protocol.Bytes))
				}
			}
		}
		answer <- m
	}
	client := &api.Client{ID: "stranger", SoftwareName: api.NodeSoftwareName, Listener: listener, Address: netip.MustParseAddrPort("127.0.0.1:1")}
	n.api.Load().Start(api.NewCall(&sink{from: n, to: n, version: version, done: done}, request.Key(), version, client, time.Now(), request))
	return <-answer
}

// sink is the end of a call that another node made.
type sink struct {
	from, to *node
	version  int16
	done     func(protocol.Message, int16, error)
}

func (s *sink) Reply(response protocol.Message) {
	frame := encode(response, s.version)
	go func() {
		if s.to.c.severed(s.from.id, s.to.id) {
			s.done(nil, 0, errDown)
			return
		}
		decoded := protocol.NewResponse(response.Key())
		if err := decoded.Decode(protocol.NewReader(frame, protocol.Limits{}), s.version); err != nil {
			s.to.c.t.Error(err)
		}
		s.done(decoded, s.version, nil)
		for i := range frame {
			frame[i] = 0xee
		}
	}()
}

func (s *sink) Silent()        { s.done(nil, 0, errDown) }
func (s *sink) Close(string)   { s.done(nil, 0, errDown) }
func (s *sink) OnLater(func()) {}
func (s *sink) ReleaseFrame()  {}

func encode(m protocol.Message, version int16) []byte {
	w := protocol.NewWriter(nil)
	m.Encode(w, version)
	var b []byte
	for _, s := range w.Segments() {
		b = append(b, s.Bytes...)
		if p, ok := s.Payload.(commitlog.Slice); ok {
			b, _ = p.AppendTo(b) // an error leaves a frame that cannot be read
			p.Release()
		}
	}
	return b
}

// on is the partition as a node has it.
func (c *cluster) on(id metadata.NodeID) *partition.Partition { return c.nodes[id-1].host.Find("t", 0) }

// batchOf is a batch of one record.
func batchOf(t *testing.T, value string) []byte {
	t.Helper()
	b := record.NewBuilder()
	if err := b.Add(time.Now().UnixMilli(), []byte("k"), []byte(value)); err != nil {
		t.Fatal(err)
	}
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// produced is a produce whose answer may come later.
type produced struct {
	mu     sync.Mutex
	ended  bool
	err    error
	offset record.Offset
}

func (p *produced) result() (ended bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended, p.err
}

// produce appends a record on a node with acks=all.
func (c *cluster) produce(id metadata.NodeID, value string) *produced {
	c.t.Helper()
	r := &produced{}
	appended, err := c.on(id).Append(batchOf(c.t, value), commitlog.Client, partition.AcksAll)
	if err != nil {
		r.ended, r.err = true, err
		return r
	}
	r.offset = appended.Last
	c.on(id).OnCommitted(appended.Last+1, func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended, r.err = true, err
	})
	return r
}

// want has a produce answered well within a time.
func (c *cluster) want(r *produced, within time.Duration) {
	c.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		if ended, err := r.result(); ended || time.Now().After(deadline) {
			if !ended || err != nil {
				c.t.Errorf("a produce: ended %v, %v", ended, err)
			}
			return
		}
	}
}

// wantISR has the ISR be so within a time.
func (c *cluster) wantISR(within time.Duration, isr ...metadata.NodeID) {
	c.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		now := slices.Sorted(slices.Values(c.image.TopicByID(topicID).Partition(0).ISR))
		c.mu.Unlock()
		if slices.Equal(now, isr) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Errorf("the ISR is %v after %v, want %v", now, within, isr)
			return
		}
	}
}

// content is the bytes of a log.
func (c *cluster) content(id metadata.NodeID) []byte {
	c.t.Helper()
	var all []byte
	log := c.on(id).Log()
	for at := log.StartOffset(); at < log.EndOffset(); {
		slice, err := log.Read(at, log.EndOffset(), 1<<20, true)
		if err != nil {
			c.t.Fatal(err)
		}
		b, err := slice.ReadAll()
		slice.Release()
		if err != nil || len(b) == 0 {
			c.t.Fatalf("node %d at %d: %d bytes, %v", id, at, len(b), err)
		}
		all = append(all, b...)
		for len(b) > 0 {
			batch, rest, err := record.Split(b)
			if err != nil {
				c.t.Fatal(err)
			}
			at, b = batch.LastOffset()+1, rest
		}
	}
	return all
}

// wantEqual has the logs of nodes be the same, and their high watermarks be at the end, within a time.
func (c *cluster) wantEqual(within time.Duration, ids ...metadata.NodeID) {
	c.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(10 * time.Millisecond) {
		equal := true
		first := c.content(ids[0])
		for _, id := range ids {
			equal = equal && bytes.Equal(c.content(id), first) && c.on(id).HighWatermark() == c.on(id).LogEnd()
		}
		if equal {
			return
		}
		if time.Now().After(deadline) {
			for _, id := range ids {
				p := c.on(id)
				c.t.Errorf("node %d: %d to %d, high watermark %d, %d bytes", id, p.LogStart(), p.LogEnd(), p.HighWatermark(), len(c.content(id)))
			}
			return
		}
	}
}
