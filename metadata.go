package skein

import (
	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/controllerlink"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
)

// openQuorum opens the metadata log, registers this broker, and takes the image to the partitions and groups.
func (p *parts) openQuorum(c *Config) error {
	if p.ensemble != nil {
		return p.openEnsembleNode()
	}
	node, err := quorum.Open(quorum.Config{
		Dir:    p.dir,
		FS:     c.FS,
		NodeID: p.self(), ClusterID: p.dir.ClusterID(),
		Address:    p.controllerAddress(),
		Voters:     p.members(),
		Join:       p.joins(),
		Transport:  p.cluster.ways,
		Controller: p.controllerConfig(),
		Register:   p.registration(), // looked at where nobody else can be the controller
		OnLeader:   p.cluster.leaderChanged,
		OnMembers:  p.membersChanged,
		OnStopped:  func(reason error) { p.stopped(reason) },
		Logger:     p.logger,
	})
	if err != nil {
		return err
	}
	p.quorum = node
	p.cluster.announcer.begin()
	p.cluster.ways.tellRefused(node.Refused)
	if !node.Decides() {
		return nil
	}
	if b := node.Image().Broker(p.self()); b != nil {
		p.cluster.began.Store(int64(b.Epoch))
	}
	p.cluster.following.Store(true) // from openLink on, before anybody asks
	return p.checkCluster(c)
}

func (p *parts) controllerConfig() controller.Config {
	c := controller.Config{
		PartitionsDefault:    p.broker.NumPartitions,
		ReplicationFactor:    p.broker.DefaultReplicationFactor,
		TopicDeletion:        p.broker.DeleteTopics,
		SessionTimeout:       p.broker.BrokerSessionTimeout,
		LeaderRebalance:      p.broker.AutoLeaderRebalance,
		LeaderImbalanceCheck: p.broker.LeaderImbalanceCheck,
		Rules:                api.Rules{Self: p.self(), Static: p.broker},
	}
	c.Features, c.FeaturesOfSeveral = []metadata.FeatureRange{{Name: metadata.FeatureELR, Max: 1}}, true
	if p.broker.OffsetsTopicReplicationFactor == 0 {
		c.RaisedTopics = []string{metadata.ConsumerOffsetsTopic}
	}
	return c
}

// subscribe lets the partitions and the groups follow the image from now on. What it says is served when subscribe returns.
func (p *parts) subscribe() {
	first := true
	p.quorum.Subscribe(func(_, after *metadata.Image, delta *metadata.Delta) {
		if first {
			first, delta = false, nil
		}
		p.follow(after, delta)
	})
}

// registration is what the cluster is told of this broker.
func (p *parts) registration() *protocol.BrokerRegistrationRequest {
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID, r.IncarnationID = p.broker.NodeID, p.dir.ClusterID(), p.incarnation
	r.PreviousBrokerEpoch = p.dir.CleanBrokerEpoch()
	if p.broker.Rack != "" {
		r.Rack = &p.broker.Rack
	}
	for _, l := range p.listeners {
		if l.controller {
			continue
		}
		r.Listeners = append(r.Listeners, protocol.BrokerRegistrationRequestListener{
			Name: l.name, Host: l.advertised.Host, Port: l.advertised.Port})
	}
	r.LogDirs = []protocol.UUID{p.dir.ID()}
	return r
}

// supports tells of what matters among several brokers only.
func (p *parts) supports(r *protocol.BrokerRegistrationRequest) {
	r.Features = append(r.Features, protocol.BrokerRegistrationRequestFeature{Name: metadata.FeatureELR, MaxSupportedVersion: 1})
	if !p.broker.Syncs() {
		r.Features = append(r.Features, protocol.BrokerRegistrationRequestFeature{Name: metadata.VolatileFeature, MaxSupportedVersion: 1})
	}
}

// controllerOf is the controller as the APIs see it: the way to it, or that of this process while the node is alone.
type controllerOf struct{ parts *parts }

func (c controllerOf) Ask(request protocol.Message, version int16, done func(protocol.Message, error)) {
	if link := c.parts.cluster.link.Load(); link != nil {
		link.Ask(request, version, done)
		return
	}
	c.parts.quorum.Submit(request, version, done)
}

func (c controllerOf) AllocateProducerIDs(self metadata.NodeID, done func(first int64, count int32, err error)) {
	if link := c.parts.cluster.link.Load(); link != nil {
		link.AllocateProducerIDs(self, done)
		return
	}
	quorum := c.parts.quorum
	request := protocol.NewAllocateProducerIDsRequest()
	request.BrokerID = int32(self)
	if broker := quorum.Image().Broker(self); broker != nil {
		request.BrokerEpoch = int64(broker.Epoch)
	}
	_, version := protocol.Versions(protocol.KeyAllocateProducerIDs)
	quorum.Submit(request, version, func(message protocol.Message, err error) {
		if err != nil {
			done(0, 0, err)
			return
		}
		done(controllerlink.ProducerIDs(self, message.(*protocol.AllocateProducerIDsResponse)))
	})
}
