package skein

import (
	"crypto/rand"
	"errors"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
)

// openQuorum opens the metadata log, registers this broker, and takes the image to the partitions and groups.
func (p *parts) openQuorum(c *Config) error {
	settings := quorum.Config{
		Dir:    p.dir,
		FS:     c.FS,
		NodeID: p.self(), ClusterID: p.dir.ClusterID(),
		Controller: p.controllerConfig(),
		OnStopped:  func(reason error) { p.stopped(reason) },
		Logger:     p.logger,
	}
	if p.many() {
		settings.Voters, settings.Address = p.members()
		settings.Transport = p.cluster.ways
		settings.OnLeader = p.cluster.leaderChanged
		for _, v := range settings.Voters {
			p.cluster.ways.members[v.ID] = v.Address
		}
	} else {
		settings.Register = p.registration()
	}
	node, err := quorum.Open(settings)
	if err != nil {
		return err
	}
	p.quorum = node
	if p.many() {
		p.cluster.ways.tellRefused(node.Refused)
	} else {
		p.subscribe()
		p.ready.Store(true)
	}
	return nil
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
	if !p.many() {
		return c
	}
	c.Features = []metadata.FeatureRange{{Name: metadata.FeatureELR, Max: 1}}
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
	r.BrokerID, r.ClusterID = p.broker.NodeID, p.dir.ClusterID()
	_, _ = rand.Read(r.IncarnationID[:]) // never fails: crypto/rand ends the process instead
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
	if p.many() {
		r.Features = append(r.Features, protocol.BrokerRegistrationRequestFeature{Name: metadata.FeatureELR, MaxSupportedVersion: 1})
	}
	if p.many() && !p.broker.Syncs() {
		r.Features = append(r.Features, protocol.BrokerRegistrationRequestFeature{Name: metadata.VolatileFeature, MaxSupportedVersion: 1})
	}
	return r
}

// controller is the way to the controller.
func (p *parts) controller() api.Controller {
	if p.cluster != nil {
		return p.cluster.link.Load()
	}
	return controllerOf{p.quorum}
}

// controllerOf is the controller of a node that is alone, as the APIs see it.
type controllerOf struct{ quorum *quorum.Node }

func (c controllerOf) Ask(request protocol.Message, version int16, done func(protocol.Message, error)) {
	c.quorum.Submit(request, version, done)
}

func (c controllerOf) AllocateProducerIDs(self metadata.NodeID, done func(first int64, count int32, err error)) {
	request := protocol.NewAllocateProducerIDsRequest()
	request.BrokerID = int32(self)
	if broker := c.quorum.Image().Broker(self); broker != nil {
		request.BrokerEpoch = int64(broker.Epoch)
	}
	_, version := protocol.Versions(protocol.KeyAllocateProducerIDs)
	c.quorum.Submit(request, version, func(message protocol.Message, err error) {
		if err != nil {
			done(0, 0, err)
			return
		}
		response := message.(*protocol.AllocateProducerIDsResponse)
		if response.ErrorCode != protocol.None {
			done(0, 0, protocol.Fail(response.ErrorCode, "the controller gives no producer ids to node %d", self))
			return
		}
		if response.ProducerIDLen <= 0 {
			done(0, 0, errors.New("the controller gave an empty block of producer ids"))
			return
		}
		done(response.ProducerIDStart, response.ProducerIDLen, nil)
	})
}
