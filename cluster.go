package skein

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/controllerlink"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/record"
)

// cluster is this node among the others. A node that is alone has one too: others may join it while it serves. Until then
// it is some empty tables; no connection is made and nothing runs.
type cluster struct {
	ways  *ways
	peers peer.Config
	link  atomic.Pointer[controllerlink.Link] // nil while the node is alone

	// began is the epoch in which this life registered its broker by itself, in a quorum of its own; 0 if it did not.
	began atomic.Int64
	// following says that the partitions follow the image. Before that the controller is not told that this node has
	// caught up, for it serves nothing yet.
	following  atomic.Bool
	registered step // the image has the broker's registration of this life
	unfenced   step // the broker was unfenced the first time, and has been told so

	announcer announcer
}

// step is something that happens once.
type step struct {
	once sync.Once
	done chan struct{}
}

func newStep() step { return step{done: make(chan struct{})} }

func (s *step) take() { s.once.Do(func() { close(s.done) }) }

func (s *step) taken() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

const (
	leaveMax      = 5 * time.Second       // how long a node that ends waits for others to take over what it leads
	offlineMax    = time.Second           // the same for one that has lost its log directory
	desertedEvery = 20 * time.Millisecond // how often it looks meanwhile whether anybody can
)

// many says whether the node begins as one of several voters.
func (p *parts) many() bool { return len(p.broker.QuorumVoters) > 1 }

// several says whether the quorum has other members, now.
func (p *parts) several() bool {
	return p.quorum != nil && !p.quorum.Alone()
}

// clusterIDOf is the id of a cluster that begins: its voters have the same list, so they find the same id.
func clusterIDOf(voters []config.Voter) string {
	var all []string
	for _, v := range voters {
		all = append(all, fmt.Sprintf("%d@%s", v.ID, v.Address))
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte("skein cluster of " + strings.Join(all, ",")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// checkVoters says what is wrong with controller.quorum.voters and controller.quorum.bootstrap.servers for this node.
func (p *parts) checkVoters() error {
	voters := p.broker.QuorumVoters
	if len(voters) > 0 && !slices.ContainsFunc(voters, func(v config.Voter) bool { return v.ID == p.broker.NodeID }) {
		return fmt.Errorf("controller.quorum.voters does not name this node, node.id=%d: name it, all voters need the same list", p.broker.NodeID)
	}
	return nil
}

// openWays prepares the connections to the others. None is made yet.
func (p *parts) openWays(c *Config) error {
	k := &cluster{peers: p.peerConfig(c), registered: newStep(), unfenced: newStep()}
	k.announcer.init(p)
	p.cluster = k
	w := newWays(k.peers, p.dir.ClusterID(), p.self(), p.controllerAddress(), p.logger)
	w.stranger = k.announcer.kick
	for _, v := range p.broker.QuorumVoters {
		w.heard(metadata.NodeID(v.ID), v.Address)
	}
	w.broker = func(node metadata.NodeID) (string, bool) {
		return brokerAddress(p.quorum.Image(), p.broker.InterBrokerListener, node)
	}
	p.cluster.ways = w
	return nil
}

func (p *parts) peerConfig(c *Config) peer.Config {
	return peer.Config{ClientID: fmt.Sprintf("skein-%d", p.self()), Dial: c.Dial, Logger: p.logger}
}

// members are the voters of a new cluster.
func (p *parts) members() (all []quorum.Member) {
	for _, v := range p.broker.QuorumVoters {
		all = append(all, quorum.Member{ID: metadata.NodeID(v.ID), Address: v.Address, Voter: true})
	}
	return all
}

// openLink begins to register the broker where there are others. Where nobody but this node can be the controller, the
// broker is registered already, and the partitions follow at once.
func (p *parts) openLink(*Config) error {
	if p.several() {
		if err := p.register(); err != nil {
			return err
		}
	}
	if p.quorum.Decides() {
		p.subscribe()
		p.ready.take()
	}
	return nil
}

// register opens the way to the controller, by which the broker is registered and keeps its session.
func (p *parts) register() error {
	register := p.registration()
	p.supports(register)
	link, err := controllerlink.Open(controllerlink.Config{
		NodeID:            p.self(),
		Local:             quorumOf{p},
		Address:           p.cluster.ways.controller,
		Peer:              p.cluster.peers,
		Register:          register,
		HeartbeatInterval: p.broker.BrokerHeartbeat,
		SessionTimeout:    p.broker.BrokerSessionTimeout,
		OnLease:           p.leaseChanged,
		Logger:            p.logger,
	})
	if err != nil {
		return err
	}
	p.cluster.link.Store(link)
	return nil
}

// membersChanged opens the way to the controller when a node joins one that was alone, and announces this node when it was
// removed: as long as it runs it is a broker, and needs the metadata log.
func (p *parts) membersChanged(members []quorum.Member) {
	if len(members) > 1 && p.cluster.link.Load() == nil {
		if err := p.register(); err != nil { // it opens nothing that could fail
			p.stopped(err)
		}
	}
	if !slices.ContainsFunc(members, func(m quorum.Member) bool { return m.ID == p.self() }) {
		p.cluster.announcer.kick()
	}
}

// enter makes the node known to the others, if there are any, and returns when it serves.
func (p *parts) enter(*Config) error {
	if p.several() && p.ensemble == nil {
		p.cluster.announcer.kick()
	}
	if p.ready.taken() {
		return nil
	}
	return p.join()
}

// join returns when the controller has unfenced the broker and this node's image shows that. The partitions follow the
// image from the broker's registration on, and not before: what the log holds at the start may be older than the folders
// beside it, and a folder that the image does not know would be set aside.
func (p *parts) join() error {
	k := p.cluster
	p.quorum.Subscribe(func(_, after *metadata.Image, _ *metadata.Delta) {
		k.look(after, p.self(), k.link.Load().State())
		k.link.Load().ImageChanged()
	})
	patience := time.NewTimer(p.broker.InitialRegistration)
	defer patience.Stop()
	if err := p.await(&k.registered, patience.C, "is not registered"); err != nil {
		return err
	}
	p.subscribe()
	k.following.Store(true)
	k.link.Load().ImageChanged()
	if err := p.await(&k.unfenced, patience.C, "is not unfenced"); err != nil {
		return err
	}
	p.ready.take()
	return nil
}

// look notes how far the broker has come.
func (k *cluster) look(image *metadata.Image, self metadata.NodeID, state controllerlink.State) {
	b := image.Broker(self)
	if b == nil || state.Epoch == metadata.NoBrokerEpoch || b.Epoch != state.Epoch {
		return
	}
	k.registered.take()
	if !b.Fenced && k.link.Load().Leased(time.Now()) {
		k.unfenced.take()
	}
}

// await waits for a step of the start, and says what is missing when it takes too long.
func (p *parts) await(s *step, patience <-chan time.Time, what string) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-s.done:
			return nil
		case <-poll.C:
			p.cluster.look(p.quorum.Image(), p.self(), p.cluster.link.Load().State())
		case <-p.quorum.Done():
			return p.quorum.Err()
		case <-p.cluster.announcer.refused.done:
			return p.cluster.announcer.refusal()
		case <-patience:
			leader, _, known := p.quorum.Leader()
			who := "no controller is known: are most of the nodes of controller.quorum.voters running, and do they reach each other?"
			switch trouble := p.cluster.announcer.trouble(); {
			case known:
				who = fmt.Sprintf("node %d is the controller", leader)
			case p.ensemble != nil:
				who = p.ensembleTrouble()
			case p.joins() && trouble != nil:
				who = fmt.Sprintf("no controller is known: %v", trouble)
			}
			return fmt.Errorf("broker %d %s within initial.broker.registration.timeout.ms (%v); %s", p.self(), what, p.broker.InitialRegistration, who)
		}
	}
}

// offline tells the controller of a lost log directory: it has others lead at once.
func (k *cluster) offline(directory protocol.UUID) {
	if k == nil {
		return
	}
	if link := k.link.Load(); link != nil {
		link.Offline(directory)
	}
}

// leave hands away what the node leads, while it still serves.
func (p *parts) leave() {
	if p.cluster == nil || p.quorum == nil || p.cluster.link.Load() == nil || !p.broker.ControlledShutdown {
		return
	}
	if _, err := p.dir.Space(); err != nil {
		return // it has lost its disk, and serves nobody any more
	}
	patience := leaveMax
	if p.dir.Offline() != nil { // the quorum has failed with it, but the way to the controller stands
		patience = offlineMax
	} else if p.quorum.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer p.unlessDeserted(cancel)()
	if err := p.cluster.link.Load().Leave(ctx); err != nil {
		p.logger.Warn("the node ends although it may lead partitions still", "error", err)
	}
}

// unlessDeserted calls give up as soon as so many of the others have ended that no controller can be elected: nobody can take
// over then. The function that it returns ends that.
func (p *parts) unlessDeserted(giveUp func()) (end func()) {
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		ticker := time.NewTicker(desertedEvery)
		defer ticker.Stop()
		for !p.deserted() {
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
		giveUp()
	})
	return func() {
		close(done)
		watch.Wait()
	}
}

// deserted says whether no node is there that could take over.
func (p *parts) deserted() bool {
	members := p.quorum.Members()
	if p.ensemble == nil {
		return p.cluster.ways.deserted(members)
	}
	return !slices.ContainsFunc(members, func(m quorum.Member) bool { return m.ID != p.self() })
}

// quorumOf is this node's part of the quorum as the link sees it: until the partitions follow the image, it is as good as
// empty.
type quorumOf struct{ parts *parts }

func (q quorumOf) Submit(request protocol.Message, version int16, done func(protocol.Message, error)) {
	q.parts.quorum.Submit(request, version, done)
}

func (q quorumOf) Leader() (metadata.NodeID, record.LeaderEpoch, bool) {
	return q.parts.quorum.Leader()
}

func (q quorumOf) Image() *metadata.Image {
	if q.parts.cluster.following.Load() {
		return q.parts.quorum.Image()
	}
	return metadata.NewImage(q.parts.dir.ClusterID())
}

// changesOf carries changes of in-sync replicas to the controller.
type changesOf struct{ cluster *cluster }

// AlterPartition implements partition.ISRChanges.
func (c changesOf) AlterPartition(change partition.ISRChange, done func(partition.ISRState, error)) {
	link := c.cluster.link.Load()
	if link == nil {
		done(partition.ISRState{}, protocol.Fail(protocol.NotController, "the broker is not registered yet"))
		return
	}
	asked := controllerlink.PartitionChange{TopicID: change.TopicID, Partition: change.Partition, LeaderEpoch: change.LeaderEpoch, Epoch: change.PartitionEpoch}
	for _, m := range change.ISR {
		asked.ISR = append(asked.ISR, controllerlink.InSync{Node: m.Node, Epoch: m.BrokerEpoch})
	}
	link.AlterPartition(asked, func(state controllerlink.PartitionState, err error) {
		done(partition.ISRState{Leader: state.Leader, LeaderEpoch: state.LeaderEpoch, PartitionEpoch: state.Epoch, ISR: state.ISR}, err)
	})
}

// replicaLost tells the controller that what this node had of a partition is gone.
func (k *cluster) replicaLost(topic protocol.UUID, partition int32, done func(error)) {
	link := k.link.Load()
	if link == nil {
		done(protocol.Fail(protocol.NotController, "the broker is not registered yet"))
		return
	}
	link.ReplicaLost(topic, partition, done)
}

// leaderChanged has the link look for the controller.
func (k *cluster) leaderChanged() {
	if link := k.link.Load(); link != nil {
		link.LeaderChanged()
	}
}

// brokerEpoch is that of this life's registration. A node that was alone has the one from then until the controller knows
// another.
func (k *cluster) brokerEpoch() metadata.BrokerEpoch {
	if k == nil {
		return metadata.NoBrokerEpoch
	}
	epoch := metadata.NoBrokerEpoch
	if link := k.link.Load(); link != nil {
		epoch = link.State().Epoch
	}
	began := metadata.BrokerEpoch(k.began.Load())
	switch {
	case epoch == metadata.NoBrokerEpoch && began > 0:
		return began
	case began > 0:
		k.began.Store(0)
	}
	return epoch
}

// stop ends what the node begins by itself. It may be called on a node that is half open.
func (k *cluster) stop() {
	if k != nil {
		k.announcer.stop()
	}
}

// close ends the connections to the others.
func (k *cluster) close() {
	if k == nil {
		return
	}
	if link := k.link.Load(); link != nil {
		_ = link.Close()
	}
	k.ways.close()
}
