package cli

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/skein-io/skein/internal/protocol"
)

// doctorGroup is the group whose coordinator is looked for. It never has a member.
const doctorGroup = "skein-doctor"

// coordinatorRetry is how long to wait before a coordinator that is still on its way is asked for again.
const coordinatorRetry = 200 * time.Millisecond

// walkAsClient goes the way of every client, and stops where it cannot go on.
func (f *findings) walkAsClient(c *cobra.Command, n *connection) {
	addresses, _ := n.addresses(c) // checked before
	var first *wire
	for _, address := range addresses {
		w, err := dialWire(c.Context(), address, n.timeout)
		if err != nil {
			f.add("bootstrap server "+address, wrong, "%v", err)
			continue
		}
		f.add("bootstrap server "+address, fine, "it answers, with %d APIs, %s", len(w.offered), brokerKind(w))
		if first == nil {
			first = w
		} else {
			_ = w.close()
		}
	}
	if first == nil {
		return
	}
	defer first.close()
	brokers, ok := f.askMetadata(first)
	if !ok {
		return
	}
	for _, b := range brokers {
		f.visit(c.Context(), n, b, addresses)
	}
	f.findCoordinator(c.Context(), n, first, brokers)
}

func brokerKind(w *wire) string {
	if _, ok := w.offered[protocol.KeyDescribeClientErrors]; ok {
		return "a skein"
	}
	return "not a skein"
}

func (f *findings) askMetadata(w *wire) ([]protocol.MetadataResponseBroker, bool) {
	request, response := protocol.NewMetadataRequest(), protocol.NewMetadataResponse()
	request.AllowAutoTopicCreation = false
	request.Topics = nil // all
	if err := w.ask(request, response); err != nil {
		f.add("metadata", wrong, "%v", err)
		return nil, false
	}
	leaderless := 0
	for _, t := range response.Topics {
		for _, p := range t.Partitions {
			if p.LeaderID < 0 {
				leaderless++
			}
		}
	}
	v := fine
	if len(response.Brokers) == 0 {
		v = wrong
	} else if leaderless > 0 {
		v = doubt
	}
	f.add("metadata", v, "%s, %s, %s without a leader", plural(len(response.Brokers), "broker"), plural(len(response.Topics), "topic"), plural(leaderless, "partition"))
	return response.Brokers, v != wrong
}

// visit connects to the address that a broker gives to clients.
func (f *findings) visit(ctx context.Context, n *connection, b protocol.MetadataResponseBroker, bootstrap []string) {
	address := brokerAddress(b)
	check := "broker " + number(b.NodeID) + " at " + address
	w, err := dialWire(ctx, address, n.timeout)
	if err == nil {
		f.add(check, fine, "it answers at the address that it gives to clients")
		_ = w.close()
		return
	}
	advice := "set advertised.listeners of that broker to an address that clients reach"
	if isLoopback(b.Host) && !slices.ContainsFunc(bootstrap, func(a string) bool { return isLoopback(hostOf(a)) }) {
		advice = "it tells clients to come to their own machine; " + advice
	}
	f.add(check, wrong, "this is the address that the broker gives to clients, and %v; %s", err, advice)
}

func brokerAddress(b protocol.MetadataResponseBroker) string {
	return net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// findCoordinator looks for a group's coordinator, and waits for one that is being made.
func (f *findings) findCoordinator(ctx context.Context, n *connection, w *wire, brokers []protocol.MetadataResponseBroker) {
	request := protocol.NewFindCoordinatorRequest()
	request.CoordinatorKey, request.CoordinatorKeys = doctorGroup, []string{doctorGroup}
	for {
		response := protocol.NewFindCoordinatorResponse()
		if err := w.ask(request, response); err != nil {
			f.add("group coordinator", wrong, "%v", err)
			return
		}
		code, message, id, host, port := response.ErrorCode, response.ErrorMessage, response.NodeID, response.Host, response.Port
		if len(response.Coordinators) > 0 {
			one := response.Coordinators[0]
			code, message, id, host, port = one.ErrorCode, one.ErrorMessage, one.NodeID, one.Host, one.Port
		}
		switch {
		case code == protocol.None:
			f.visitCoordinator(ctx, n, protocol.MetadataResponseBroker{NodeID: id, Host: host, Port: port}, brokers)
			return
		case code != protocol.CoordinatorNotAvailable || !pause(ctx, min(coordinatorRetry, time.Until(w.deadline))):
			f.add("group coordinator", wrong, "%s; %s", describeCode(code, message), remedyOf(code))
			return
		}
	}
}

func (f *findings) visitCoordinator(ctx context.Context, n *connection, b protocol.MetadataResponseBroker, brokers []protocol.MetadataResponseBroker) {
	address := brokerAddress(b)
	known := slices.ContainsFunc(brokers, func(other protocol.MetadataResponseBroker) bool {
		return other.NodeID == b.NodeID && brokerAddress(other) == address
	})
	if !known {
		f.add("group coordinator", doubt, "broker %d at %s, which is not what the metadata says of it", b.NodeID, address)
		f.visit(ctx, n, b, nil)
		return
	}
	f.add("group coordinator", fine, "broker %d at %s", b.NodeID, address)
}

// pause waits, and says whether it is worth going on.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
