package skein

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/record"
)

// metadataQuorum is this node's part of what agrees on the metadata: on raft among the nodes (quorum.Node), or on a ZooKeeper
// ensemble (zookeeper.Node).
type metadataQuorum interface {
	Image() *metadata.Image
	Subscribe(quorum.Subscriber)
	Submit(request protocol.Message, version int16, done func(protocol.Message, error))
	Leader() (metadata.NodeID, record.LeaderEpoch, bool)
	// Members are the nodes that can be the controller or follow it. Alone says that no other can ever be here without this
	// node's doing; Decides that no other can be the controller.
	Members() []quorum.Member
	Alone() bool
	Decides() bool
	Status(done func(quorum.Status, error))
	HandleMessages(*protocol.QuorumMessagesRequest) error
	HeartbeatConnectionLost(metadata.NodeID, metadata.BrokerEpoch)
	Waiting() (requests, deliveries int)
	Done() <-chan struct{}
	Err() error
	Close() error
}

// openEnsemble opens the session on the ensemble of zookeeper.connect, if there is one. Nothing is written yet, here or there.
func (p *parts) openEnsemble(*Config) error {
	if len(p.broker.ZooKeeper.Servers) == 0 {
		return nil
	}
	session, err := zookeeper.Connect(context.Background(), zookeeper.Options{
		Address: p.broker.ZooKeeper, SessionTimeout: p.broker.ZooKeeperSessionTimeout, ConnectTimeout: p.broker.ZooKeeperConnectionTimeout,
		ConnectTimeoutName: "zookeeper.connection.timeout.ms", Logger: p.logger,
	})
	if err != nil {
		return err
	}
	p.ensemble = session
	return nil
}

// ensembleCluster is the id of the cluster in the ensemble. If there is none, this node begins it, unless its data directory
// is another's already.
func (p *parts) ensembleCluster(empty bool) (string, error) {
	id, found, err := zookeeper.Look(p.ensemble.Do)
	switch {
	case err != nil:
	case !found && !empty:
		return "", fmt.Errorf("data directory %s belongs to a cluster, and zookeeper.connect=%s holds none: give the address of that cluster's ensemble with its chroot, or give this node an empty directory",
			p.broker.LogDirs[0], p.broker.ZooKeeper)
	case !found:
		id, err = zookeeper.Prepare(p.ensemble.Do, newClusterID())
	}
	if err != nil {
		return "", fmt.Errorf("zookeeper.connect=%s: %w", p.broker.ZooKeeper, err)
	}
	return id, nil
}

// claimMetadata sees to it that a data directory has its metadata in one place.
func (p *parts) claimMetadata(files disk.FS) error {
	has := func(name string) bool {
		_, err := files.Stat(name)
		return !errors.Is(err, fs.ErrNotExist)
	}
	switch folder := metadata.ClusterMetadataTopic + "-0"; {
	case p.ensemble == nil && has(zookeeper.DirectoryFile):
		return fmt.Errorf("data directory %s has its metadata in ZooKeeper (%s): set zookeeper.connect as before; if the cluster was migrated, take its metadata here first (skein quorum migrate --import)", p.broker.LogDirs[0], zookeeper.DirectoryFile)
	case p.ensemble == nil || has(zookeeper.DirectoryFile):
		return nil
	case has(folder):
		return fmt.Errorf("data directory %s has a metadata log of its own (%s), and zookeeper.connect is set: leave that out, or give this node an empty directory", p.broker.LogDirs[0], folder)
	}
	return commitlog.ReplaceFile(files, ".", zookeeper.DirectoryFile, []byte("zookeeper.connect="+p.broker.ZooKeeper.String()+"\n"))
}

// openEnsembleNode opens this node's part of the quorum on the ensemble.
func (p *parts) openEnsembleNode() error {
	node, err := zookeeper.Open(zookeeper.Config{
		Asker: p.ensemble, NodeID: p.self(), ClusterID: p.dir.ClusterID(), Broker: p.brokerNode(),
		Controller:   p.controllerConfig(),
		OnLeader:     p.cluster.leaderChanged,
		OnController: p.cluster.ways.heard,
		OnSession:    p.leaseChanged,
		OnStopped:    func(reason error) { p.stopped(reason) },
		Logger:       p.logger,
	})
	if err != nil {
		return err
	}
	p.quorum = node
	return nil
}

// brokerNode is what the ensemble holds of this broker.
func (p *parts) brokerNode() member.Broker {
	b := member.Broker{Protocols: map[string]string{}, Features: map[string]string{}, Rack: p.broker.Rack, Directory: p.dir.ID().String(), Controller: p.controllerAddress()}
	for _, l := range p.listeners {
		if l.controller {
			continue
		}
		if b.Host == "" {
			b.Host, b.Port = l.advertised.Host, int(l.advertised.Port)
		}
		b.Endpoints = append(b.Endpoints, l.name+"://"+net.JoinHostPort(l.advertised.Host, strconv.Itoa(int(l.advertised.Port))))
		b.Protocols[l.name] = "PLAINTEXT"
	}
	return b
}

// ensembleTrouble says why there may be no controller.
func (p *parts) ensembleTrouble() string {
	if node, ok := p.quorum.(*zookeeper.Node); ok && node.Trouble() != nil {
		return node.Trouble().Error()
	}
	return "no controller is known: does ZooKeeper answer at " + p.broker.ZooKeeper.String() + "?"
}
