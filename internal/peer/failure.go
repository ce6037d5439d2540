package peer

import (
	"errors"
	"fmt"

	"github.com/skein-io/skein/internal/protocol"
)

// ErrNotSent is found by errors.Is in the error of a request of which the other node has seen nothing, or not enough to
// read it. Without it nobody knows whether the request was carried out.
var ErrNotSent = errors.New("the request was not sent")

// failure is why a request has no answer. It is what a protocol.Error wraps.
type failure struct {
	cause   error
	notSent bool
}

func (f *failure) Error() string { return f.cause.Error() }

func (f *failure) Unwrap() error { return f.cause }

func (f *failure) Is(target error) bool { return target == ErrNotSent && f.notSent }

// lost is the error of a request whose connection ended, or was never made.
func (p *Peer) lost(r *request, cause error, sent bool) error {
	f := &failure{cause: cause, notSent: !sent}
	code := protocol.NetworkException
	if errors.Is(cause, errNoAddress) {
		code = protocol.BrokerNotAvailable
	}
	if sent {
		return protocol.Fail(code, "%s has not answered %s, and may have carried it out: %w", p.config.Node, r.message.Key(), f)
	}
	return protocol.Fail(code, "%s could not be sent to %s: %w", r.message.Key(), p.config.Node, f)
}

// late is the error of a request whose time is over.
func (p *Peer) late(r *request, sent bool) error {
	if sent {
		return protocol.Fail(protocol.RequestTimedOut, "%s has not answered %s within %v, and may have carried it out: %w",
			p.config.Node, r.message.Key(), p.config.RequestTimeout, &failure{cause: errSilent})
	}
	return protocol.Fail(protocol.RequestTimedOut, "%s could not be sent to %s within %v: %w",
		r.message.Key(), p.config.Node, p.config.RequestTimeout, &failure{cause: errWaited, notSent: true})
}

// unfit is the error of a request that is not sent for what it is.
func unfit(code protocol.Code, format string, args ...any) error {
	return protocol.Fail(code, "%w", &failure{cause: fmt.Errorf(format, args...), notSent: true})
}

var (
	errClosed    = errors.New("this side has closed the connection")
	errRetired   = errors.New("this side asks another node now")
	errNoAddress = errors.New("no address of it is known")
	errSilent    = errors.New("it is silent")
	errWaited    = errors.New("there was no connection, or too much was waiting in front")
	errIdle      = errors.New("nothing had been sent for so long that the other side may have ended it")
)
