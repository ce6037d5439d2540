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
	node, err := quorum.Open(quorum.Config{
		Dir:    p.dir,
		FS:     c.FS,
		NodeID: p.self(), ClusterID: p.dir.ClusterID(),
		Controller: controller.Config{
			PartitionsDefault: p.broker.NumPartitions,
			ReplicationFactor: p.broker.DefaultReplicationFactor,
			TopicDeletion:     p.broker.DeleteTopics,
			SessionTimeout:    p.broker.BrokerSessionTimeout,
			Rules:             api.Rules{Self: p.self(), Static: p.broker},
		},
		Register:  p.registration(),
		OnStopped: func(reason error) { p.stopped(reason) },
		Logger:    p.logger,
	})
	if err != nil {
		return err
	}
	p.quorum = node
	first := true
	node.Subscribe(func(_, after *metadata.Image, delta *metadata.Delta) {
		if first {
			first, delta = false, nil
		}
		p.follow(after, delta)
	})
	return nil
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
		r.Listeners = append(r.Listeners, protocol.BrokerRegistrationRequestListener{
			Name: l.name, Host: l.advertised.Host, Port: l.advertised.Port})
	}
	r.LogDirs = []protocol.UUID{p.dir.ID()}
	return r
}

// controllerOf is the controller as the APIs see it.
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
