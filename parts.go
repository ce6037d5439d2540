package skein

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/server"
)

// parts is everything a node is made of, in the order in which it is opened.
type parts struct {
	broker  *config.Broker                // as at start
	present atomic.Pointer[config.Broker] // with dynamic changes
	logger  *slog.Logger

	incarnation protocol.UUID // of this life, random

	files     io.Closer // the data directory, if it was opened here
	dir       *commitlog.Dir
	host      *partition.Host
	hosted    atomic.Pointer[partition.Host] // host, for callbacks
	groups    *coordinator.Coordinator
	brokers   *api.BrokerStates
	ensemble  *zookeeper.Session // nil where the metadata is not in ZooKeeper
	quorum    metadataQuorum
	cluster   *cluster
	ready     step                          // clients are answered
	server    atomic.Pointer[server.Server] // follow reads it while the node is still being opened
	listeners []listener
	stopped   func(error)
}

// openParts opens the parts one after the other; what is open is closed again if a later one fails.
func openParts(c *Config, broker *config.Broker, stopped func(error)) (*parts, error) {
	p := &parts{broker: broker, logger: c.Logger, stopped: stopped, ready: newStep()}
	p.present.Store(broker)
	_, _ = rand.Read(p.incarnation[:]) // never fails: crypto/rand ends the process instead
	if err := p.checkVoters(); err != nil {
		return nil, err
	}
	for _, open := range []func(*Config) error{p.listen, p.openEnsemble, p.openDir, p.openWays, p.openHost, p.openGroups, p.openQuorum, p.openLink, p.openServer, p.enter} {
		if err := open(c); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return p, nil
}

func (p *parts) self() metadata.NodeID { return metadata.NodeID(p.broker.NodeID) }

// openDir opens the log directory, under its lock.
func (p *parts) openDir(c *Config) error {
	files := c.FS
	if files == nil {
		real, err := disk.OpenReal(p.broker.LogDirs[0])
		if err != nil {
			return fmt.Errorf("data directory %s: %w", p.broker.LogDirs[0], err)
		}
		p.files, files = real, real
		c.FS = files
	}
	clusterID := ""
	if _, err := files.Stat("meta.properties"); p.ensemble != nil {
		if clusterID, err = p.ensembleCluster(errors.Is(err, fs.ErrNotExist)); err != nil {
			return err
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		switch {
		case p.many():
			clusterID = clusterIDOf(p.broker.QuorumVoters)
		case p.joins():
			if clusterID, err = p.askCluster(c); err != nil {
				return err
			}
		default:
			clusterID = newClusterID()
		}
	}
	// The host needs the directory and the directory's callbacks the host: they are called only after a first append.
	dir, err := commitlog.OpenDir(files, commitlog.DirConfig{
		NodeID:             p.broker.NodeID,
		ClusterID:          clusterID,
		FlushMessages:      p.broker.FlushIntervalMessages,
		FreeBytesFloor:     int64(p.broker.FreeBytesFloor),
		CompactionBytesMax: int(p.broker.CleanerDedupeBuffer),
		Logger:             p.logger,
		BeforeRound:        c.BeforeSync,
		OnDurable: func(logs []*commitlog.Log) {
			if h := p.hosted.Load(); h != nil {
				h.Durable(logs)
			}
		},
		OnOffline: func(reason error) {
			if h := p.hosted.Load(); h != nil {
				h.Offline(reason)
				p.cluster.offline(p.dir.ID())
			}
			p.stopped(reason)
		},
	})
	if err != nil {
		return fmt.Errorf("data directory %s: %w", p.broker.LogDirs[0], err)
	}
	p.dir = dir
	return p.claimMetadata(files)
}

// openHost makes the partitions' host, without partitions.
func (p *parts) openHost(c *Config) error {
	p.brokers = api.NewBrokerStates(c.Now)
	p.host = partition.NewHost(partition.HostConfig{
		Self: p.self(), Dir: p.dir, Broker: p.present.Load, Now: c.Now, Logger: p.logger,
		Files: c.FS, Peers: p.cluster.ways, Fetching: p.cluster.ways.fetching, Lost: p.cluster.replicaLost, ISR: changesOf{p.cluster}, BrokerEpoch: p.cluster.brokerEpoch,
		Leased: p.leased,
	})
	p.hosted.Store(p.host)
	return nil
}

// newClusterID is a random id in the form of Kafka's: 16 bytes, URL-safe base64.
func newClusterID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (p *parts) openServer(c *Config) error {
	node := api.NewNode(api.Parts{
		Self:       p.self(),
		Config:     p.present.Load,
		Image:      p.quorum.Image,
		Partitions: p.host,
		Controller: controllerOf{p},
		Quorum:     p.quorum,
		Heard:      p.cluster.ways.heard,
		Serves:     p.ready.done,
		Groups:     p.groups,
		Brokers:    p.brokers,
		Inside:     p.inside(),
		LogDir:     p.broker.LogDirs[0],
		Now:        c.Now,
		Logger:     p.logger,
	})
	p.host.Start()
	s := server.New(server.ConfigOf(p.present.Load()), answering{node, c.Answer}, p.logger)
	p.server.Store(s)
	s.Reconfigure(server.ConfigOf(p.present.Load())) // it may have changed before follow could see the server
	for _, l := range p.listeners {
		go func() {
			if err := s.Serve(l.Listener, l.name); err != nil && !errors.Is(err, server.ErrClosed) && !errors.Is(err, net.ErrClosed) {
				p.stopped(fmt.Errorf("listener %s: %w", l.name, err))
			}
		}()
	}
	return nil
}

// answering is the APIs of a node behind Config.Answer.
type answering struct {
	*api.Node
	first func(*api.Call) bool // nil answers nothing
}

// Start begins a call that nobody answers before.
func (a answering) Start(c *api.Call) {
	if a.first == nil || !a.first(c) {
		a.Node.Start(c)
	}
}

// inside connects what the parts tell of themselves to those who look.
func (p *parts) inside() api.Inside {
	return api.Inside{
		Traffic: func() api.Traffic {
			if s := p.server.Load(); s != nil {
				return s.Traffic()
			}
			return api.Traffic{}
		},
		Syncer:  p.dir.View,
		Waiting: p.quorum.Waiting,
		Lease:   p.leaseLeft,
	}
}

// close ends what is open, in the reverse order: no new requests, then those who wait, then the log. Members of groups
// that wait for others are told at once to look for another coordinator, or the requests in flight would not end.
func (p *parts) close() error {
	var failed []error
	p.cluster.stop()
	p.leave()
	several := p.several()
	if several {
		failed = append(failed, p.quorum.Close()) // while it can be heard that another leads
	}
	if p.groups != nil {
		p.groups.Drain()
	}
	if s := p.server.Load(); s != nil {
		failed = append(failed, s.Close(context.Background()))
	}
	for _, l := range p.listeners { // those too that the server had not begun to serve
		_ = l.Close()
	}
	if p.groups != nil {
		p.groups.Close()
	}
	if p.host != nil {
		p.host.Close()
	}
	if p.quorum != nil && !several {
		failed = append(failed, p.quorum.Close())
	}
	if p.quorum == nil && p.ensemble != nil {
		p.ensemble.Close()
	}
	p.cluster.close()
	if p.dir != nil {
		if epoch := p.cluster.brokerEpoch(); epoch != metadata.NoBrokerEpoch {
			p.dir.SetBrokerEpoch(int64(epoch))
		}
		failed = append(failed, p.dir.Close())
	}
	if p.files != nil {
		failed = append(failed, p.files.Close())
	}
	return errors.Join(failed...)
}
