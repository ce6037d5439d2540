package controllerlink

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Local is what a Link needs of this node's part of the quorum. quorum.Node has it.
type Local interface {
	// Submit gives a request to the controller of this process; NOT_CONTROLLER says that there is none and that nothing
	// was done.
	Submit(request protocol.Message, version int16, done func(protocol.Message, error))
	// Leader is the controller, as far as this node knows.
	Leader() (metadata.NodeID, record.LeaderEpoch, bool)
	// Image is the cluster as this node knows it.
	Image() *metadata.Image
}

// Config is what a Link is told when it is opened.
type Config struct {
	NodeID metadata.NodeID
	Local  Local
	// Address is where the controller listener of a member of the quorum is.
	Address func(metadata.NodeID) (string, bool)
	// Peer is the configuration of the connections. Node, RequestTimeout and OnDown are set by the Link. Its Random is used
	// from several goroutines at once.
	Peer peer.Config

	// Register is what the cluster is told of this broker. Its PreviousBrokerEpoch is that of the process before, if it ended
	// cleanly; when the broker has to register again the Link sets it.
	Register *protocol.BrokerRegistrationRequest
	// HeartbeatInterval is broker.heartbeat.interval.ms, default 2 s; SessionTimeout broker.session.timeout.ms, default 9 s.
	// A heartbeat that has no answer in half a SessionTimeout is given up, and its connection with it.
	HeartbeatInterval, SessionTimeout time.Duration
	// OnState is told each State that differs from the one before, from one goroutine, in order. It must not wait.
	OnState func(State)
	// OnLease is told whether there is a lease, at the start and when that has changed: see Link.Leased, which is exact, where
	// this comes a little later.
	// It is called from the same goroutine as OnState, and must not wait.
	OnLease func(held bool)

	// RequestTimeout is request.timeout.ms: how long a request may take from Submit or AlterPartition to its answer;
	// default 30 s.
	RequestTimeout time.Duration

	Random func() float64 // for pauses, in [0,1), from any goroutine; default math/rand/v2
	Logger *slog.Logger   // default none
	Manual *Manual        // nil but in a simulation

	faults faults
}

// faults are bugs that a test plants to see that it would notice them.
type faults struct {
	resendsUnknown  bool // sends everything again when its outcome is unknown
	answersUnshown  bool // answers before the local image shows it
	keepsStaleEpoch bool // goes on with a broker epoch that the controller has refused
	forgetsReplaced bool // lets go of a change that a newer one replaces, without a word
}

func (c Config) completed() (Config, error) {
	switch {
	case c.Local == nil || c.Address == nil || c.Register == nil:
		return c, errors.New("a link to the controller needs the local quorum, the addresses of its members and a registration")
	case c.Register.BrokerID != int32(c.NodeID):
		return c, errors.New("the registration is of another broker")
	}
	orDefault(&c.HeartbeatInterval, 2*time.Second)
	orDefault(&c.SessionTimeout, 9*time.Second)
	orDefault(&c.RequestTimeout, 30*time.Second)
	if c.OnState == nil {
		c.OnState = func(State) {}
	}
	if c.OnLease == nil {
		c.OnLease = func(bool) {}
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func orDefault(d *time.Duration, otherwise time.Duration) {
	if *d <= 0 {
		*d = otherwise
	}
}

// Bounds.
const (
	// WaitingMax is how many forwarded requests may be without an answer; more are refused.
	WaitingMax = 10_000
	// ChangesMax is how many partitions go into one AlterPartition.
	ChangesMax = 10_000

	// lingerMax is how long a node that does not lead any more may say that it has not carried a request out.
	lingerMax = 2 * time.Second

	pauseMin = 20 * time.Millisecond // after the first failure; it doubles
	pauseMax = time.Second
)

// pause is the time to wait after so many failures in a row, at least one.
func (c *Config) pause(failures int) time.Duration {
	p := pauseMin << min(failures-1, 10)
	p = min(p, pauseMax)
	return p/2 + time.Duration(c.Random()*float64(p/2))
}
