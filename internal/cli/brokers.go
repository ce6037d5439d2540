package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// brokers are connections of our own to the brokers of a cluster, each made when it is first asked for. They belong to one
// goroutine, and everything must be answered within the timeout of the first.
type brokers struct {
	ctx       context.Context
	n         *connection
	first     *wire
	open      map[int32]*wire
	addresses map[int32]string
}

// brokers begins with the bootstrap servers. The caller closes it.
func (n *connection) brokers(ctx context.Context, first *wire) *brokers {
	return &brokers{ctx: ctx, n: n, first: first, open: map[int32]*wire{}, addresses: map[int32]string{}}
}

func (b *brokers) close() {
	for _, w := range b.open {
		_ = w.close()
	}
	_ = b.first.close()
}

// at is the connection to a broker at the address that is known of it.
func (b *brokers) at(id int32) (*wire, error) {
	if w := b.open[id]; w != nil {
		return w, nil
	}
	if b.addresses[id] == "" {
		request, response := protocol.NewMetadataRequest(), protocol.NewMetadataResponse()
		request.Topics = []protocol.MetadataRequestTopic{}
		if err := b.first.ask(request, response); err != nil {
			return nil, err
		}
		for _, known := range response.Brokers {
			b.addresses[known.NodeID] = brokerAddress(known)
		}
	}
	if b.addresses[id] == "" {
		return nil, fmt.Errorf("no broker has the id %d", id)
	}
	w, err := dialWire(b.ctx, b.addresses[id], time.Until(b.first.deadline))
	if err != nil {
		return nil, errors.Join(err, errors.New("that is the address broker "+number(id)+" gives to clients: is advertised.listeners right? skein doctor --as-client"))
	}
	b.open[id] = w
	return w, nil
}

// askCoordinator asks a group's coordinator, and says which broker that is. While there is none, or it is loading, it asks
// again until the time is over. answer is what the response that was just read says of it. A coordinator that does not know the
// request is errNotOffered.
func (b *brokers) askCoordinator(group string, request, response protocol.Message, answer func() (protocol.Code, *string)) (describedBroker, error) {
	var last error // what it answered, if the time ends while it is asked again
	for {
		w, broker, err := b.coordinator(group)
		if err == nil {
			if _, offered := w.offered[request.Key()]; !offered {
				return broker, errNotOffered
			}
			err = w.ask(request, response)
		}
		if err != nil && last != nil && isTimeout(err) {
			return broker, last
		}
		if err != nil {
			return broker, err
		}
		code, message := answer()
		if code == protocol.None {
			return broker, nil
		}
		last = refusal("group "+printable(group), code, message)
		if !passing(code) || !b.pause() {
			return broker, last
		}
	}
}

// coordinator finds the coordinator of a group, and waits for one that is being made.
func (b *brokers) coordinator(group string) (*wire, describedBroker, error) {
	request := protocol.NewFindCoordinatorRequest()
	request.CoordinatorKey, request.CoordinatorKeys = group, []string{group}
	for {
		response := protocol.NewFindCoordinatorResponse()
		if err := b.first.ask(request, response); err != nil {
			return nil, describedBroker{}, err
		}
		code, message, id, host, port := response.ErrorCode, response.ErrorMessage, response.NodeID, response.Host, response.Port
		if len(response.Coordinators) > 0 {
			one := response.Coordinators[0]
			code, message, id, host, port = one.ErrorCode, one.ErrorMessage, one.NodeID, one.Host, one.Port
		}
		switch {
		case code == protocol.None:
			b.addresses[id] = brokerAddress(protocol.MetadataResponseBroker{NodeID: id, Host: host, Port: port})
			w, err := b.at(id)
			return w, describedBroker{id, host, port}, err
		case !passing(code) || !b.pause():
			return nil, describedBroker{}, refusal("the coordinator of group "+printable(group), code, message)
		}
	}
}

// pause waits a little before something is asked again; false if no time would be left for the answer.
func (b *brokers) pause() bool {
	return time.Until(b.first.deadline) > coordinatorRetry && pause(b.ctx, coordinatorRetry)
}

// passing says whether an error of a coordinator goes away by itself.
func passing(code protocol.Code) bool {
	return code == protocol.CoordinatorNotAvailable || code == protocol.CoordinatorLoadInProgress || code == protocol.NotCoordinator
}

// refusal is the error of a code that a broker answered in a message of our own codec.
func refusal(what string, code protocol.Code, message *string) error {
	reason := ""
	if message != nil {
		reason = *message
	}
	return answered(what, protocol.Fail(code, "%s", reason), reason)
}
