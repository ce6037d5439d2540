// Package link is a consumer's way to the brokers: typed calls over kgo's connections. A call is one request to one
// node and is not tried again here; what is tried again, and when, is decided by those who call.
//
// There are two kgo clients, so two sets of connections: one for the membership alone, which a Fetch, a commit or
// somebody's slow disk never delays, and one for everything else.
package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// What brokers are told of the program.
const softwareName, softwareVersion = "skein-consumer", "1"

// Config says how nodes are reached.
type Config struct {
	Seeds          []string
	ClientID       string
	RequestTimeout time.Duration
	// FetchMaxBytes is what a Fetch asks for at most.
	FetchMaxBytes int
	// Throttled is told how long a node makes the consumer wait before its next request; nil for nobody. It may be called
	// concurrently.
	Throttled func(node int32, pause time.Duration)
	// Options go to both clients: TLS, SASL, a dialer.
	Options []kgo.Opt
}

// Link holds the connections. Safe for concurrent use.
type Link struct {
	cfg    Config
	member *client
	data   *client
}

// An answer says how long it is before it comes, and that much is allocated at once. So a length beyond these is refused,
// with the connection. A Fetch may bring twice what it asks for, because a broker answers a batch that is larger all the
// same; the largest answer of a coordinator, JoinGroup to the leader, has the subscriptions of all members, which the
// coordinator has to write as one record.
const (
	answerBytesLeast = 100 << 20
	answerBytesMax   = 1 << 30
	memberBytesMax   = 16 << 20
)

// Open makes a Link. It connects nowhere yet; an error is one of the options.
func Open(cfg Config) (*Link, error) {
	fetchMax := int32(max(min(2*int64(cfg.FetchMaxBytes), answerBytesMax), answerBytesLeast))
	options := append([]kgo.Opt{
		kgo.WithHooks(throttles(cfg.Throttled)),
		kgo.FetchMaxBytes(1 << 20), // kgo fetches nothing by itself; no answer may be smaller
		kgo.SeedBrokers(cfg.Seeds...),
		kgo.ClientID(cfg.ClientID),
		kgo.SoftwareNameAndVersion(softwareName, softwareVersion),
		kgo.RequestTimeoutOverhead(cfg.RequestTimeout),
		kgo.ConnIdleTimeout(9 * time.Minute),
		kgo.DisableClientMetrics(),
	}, cfg.Options...)
	data, err := newClient(cfg.RequestTimeout, append(slices.Clip(options), kgo.BrokerMaxReadBytes(fetchMax))...)
	if err != nil {
		return nil, err
	}
	member, err := newClient(cfg.RequestTimeout, append(slices.Clip(options), kgo.BrokerMaxReadBytes(memberBytesMax))...)
	if err != nil {
		data.Close()
		return nil, err
	}
	return &Link{cfg: cfg, member: member, data: data}, nil
}

// Close ends all connections. Open calls fail.
func (l *Link) Close() {
	l.member.Close()
	l.data.Close()
}

// anyNode lets kgo choose.
const anyNode int32 = -2

// ErrNonsense is in the errors of answers that can be read and cannot be true. Asking again may help.
var ErrNonsense = errors.New("the answer makes no sense")

// errNoNode is for a request to a node that is not known: none must be chosen for it.
var errNoNode = errors.New("the node that it is for is not known")

// ask sends a request to a node.
func ask[R kmsg.Response](ctx context.Context, c *client, node int32, timeout time.Duration, req kmsg.Request) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var resp kmsg.Response
	var err error
	switch {
	case node == anyNode:
		resp, err = c.any(ctx, req)
	case node < 0:
		err = errNoNode
	default:
		resp, err = c.to(ctx, node, req)
	}
	if err != nil {
		var none R
		c.refresh() // the node may have another address now
		return none, fmt.Errorf("%s to %s: %w", kmsg.NameForKey(req.Key()), nodeName(node), err)
	}
	r, ok := resp.(R)
	if !ok {
		return r, fmt.Errorf("%s to %s: the answer is a %T", kmsg.NameForKey(req.Key()), nodeName(node), resp)
	}
	return r, nil
}

// throttles tells of brokers that make the client wait (KIP-219).
type throttles func(node int32, pause time.Duration)

// OnBrokerThrottle is called by kgo.
func (t throttles) OnBrokerThrottle(broker kgo.BrokerMetadata, pause time.Duration, _ bool) {
	if t != nil {
		t(broker.NodeID, pause)
	}
}

func nodeName(node int32) string {
	switch {
	case node == anyNode:
		return "any node"
	case node < 0:
		return "no node"
	}
	return fmt.Sprintf("node %d", node)
}

// Unwelcome reports an error of a connection that waiting alone does not mend: credentials or a certificate are refused.
func Unwelcome(err error) bool {
	for _, sasl := range []error{kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState} {
		if errors.Is(err, sasl) {
			return true
		}
	}
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return certificate || alert || plain
}

// Failure turns an error of a call into what the membership understands.
func Failure(err error) membership.Failure {
	if err == nil {
		return membership.Failure{}
	}
	if e, ok := errors.AsType[*kerr.Error](err); ok && !Unwelcome(err) { // that is no answer to the request
		return membership.Failure{Code: membership.Code(e.Code), Text: e.Message + ": " + e.Description}
	}
	return membership.Failure{Lost: true, Text: err.Error()}
}

func coded(code int16, message *string) membership.Failure {
	if code == 0 {
		return membership.Failure{}
	}
	f := Failure(codeError(code, nil))
	if message != nil && *message != "" {
		f.Text += " (" + *message + ")"
	}
	return f
}

// codeError is an error code as an error: a *kerr.Error, with the broker's own words if it has some.
func codeError(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if message != nil && *message != "" {
		return fmt.Errorf("%w (%s)", err, *message)
	}
	return err
}
