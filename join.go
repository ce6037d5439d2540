package skein

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
)

// joins says whether the node belongs to a cluster that others began.
func (p *parts) joins() bool { return len(p.broker.QuorumVoters) == 0 && len(p.others()) > 0 }

// others are controller.quorum.bootstrap.servers without this node itself: Kafka's own configuration names it there.
func (p *parts) others() []string {
	return slices.DeleteFunc(slices.Clone(p.broker.QuorumBootstrap), p.own)
}

// own says whether an address is this node's, by its configuration.
func (p *parts) own(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	here := host == "localhost" || ip != nil && ip.IsLoopback()
	all := slices.Concat(p.broker.Listeners, p.broker.AdvertisedListeners, p.broker.AdvertisedControllers)
	return slices.ContainsFunc(all, func(l config.Listener) bool {
		return strconv.Itoa(l.Port) == port && (l.Host == host || here && !l.Elsewhere())
	})
}

// askQuorum asks the node at an address about the metadata quorum.
func askQuorum(ctx context.Context, config peer.Config, address string, request protocol.Message) (*protocol.JoinQuorumResponse, error) {
	config.Node, config.RequestTimeout, config.ConnectTimeout, config.Logger = "the node at "+address, askMax, askMax, nil
	p := peer.New(func() (string, bool) { return address, true }, config)
	defer func() { _ = p.Close() }()
	message, err := p.Call(ctx, request)
	if err != nil {
		return nil, err
	}
	response, ok := message.(*protocol.JoinQuorumResponse)
	if !ok {
		return nil, fmt.Errorf("the node at %s answers with %T", address, message)
	}
	return response, nil
}

func answerOf(address string, r *protocol.JoinQuorumResponse) error {
	reason := ""
	if r.ErrorMessage != nil {
		reason = *r.ErrorMessage
	}
	return protocol.Fail(r.ErrorCode, "%s: %s", address, reason)
}

// askCluster finds the id of the cluster that a node without data is to join. It waits as long as a broker may wait for
// its registration.
func (p *parts) askCluster(c *Config) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.broker.InitialRegistration)
	defer cancel()
	for pause := announcePauseMin; ; pause = min(2*pause, announcePauseMax) {
		var failed error
		for _, address := range p.others() {
			response, err := askQuorum(ctx, p.peerConfig(c), address, protocol.NewJoinQuorumRequest())
			if err == nil {
				return response.ClusterID, nil
			}
			failed = errors.Join(failed, err)
		}
		if protocol.CodeOf(failed) == protocol.UnsupportedVersion {
			return "", fmt.Errorf("controller.quorum.bootstrap.servers: %w: is that a skein node that takes part in clusters?", failed)
		}
		if pause == announcePauseMin {
			p.logger.Info("this node waits for one that it can join", "servers", p.others(), "cause", failed)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return "", fmt.Errorf("no node of controller.quorum.bootstrap.servers has answered within initial.broker.registration.timeout.ms (%v): %w; "+
				"start the first node of a cluster without that property, or all that begin it together with the same controller.quorum.voters", p.broker.InitialRegistration, failed)
		}
	}
}

// checkCluster refuses a node that has a cluster of its own and is told to join another: whatever it holds would be lost
// there. A server that does not answer now says nothing.
func (p *parts) checkCluster(c *Config) error {
	if !p.joins() || len(p.quorum.Members()) > 1 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), askMax)
	defer cancel()
	for _, address := range p.others() {
		response, err := askQuorum(ctx, p.peerConfig(c), address, protocol.NewJoinQuorumRequest())
		if err == nil && response.ClusterID != p.dir.ClusterID() {
			return fmt.Errorf("data directory %s belongs to cluster %q, of which node %d is the only member, and %s of controller.quorum.bootstrap.servers belongs to cluster %q: "+
				"give the node an empty directory to join that one, or leave the property out", p.broker.LogDirs[0], p.dir.ClusterID(), p.broker.NodeID, address, response.ClusterID)
		}
	}
	return nil
}
