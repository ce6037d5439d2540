package controllerlink

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// session is the broker's life as the controller sees it. One worker sends one request at a time: the registration
// until it is taken, then heartbeats.
//
//	unregistered --BrokerRegistration--> registered, fenced --BrokerHeartbeat, caught up--> unfenced --Leave--> left
//	      ^                                   |                                                |
//	      `-- STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED ------------------------------------'
type session struct {
	link   *Link
	way    *way
	worker *worker

	mu       sync.Mutex
	state    State
	told     State     // what OnState knows
	asked    bool      // a request is under way
	pressed  bool      // the next request is due now
	next     time.Time // when it is due otherwise
	shown    bool      // the local image has the registration
	failures int       // in a row
	trouble  string    // what was last complained of, so that the log has it once
	previous metadata.BrokerEpoch
	leaving  bool
	offline  []protocol.UUID // log directories that the broker has lost
	left     chan struct{}   // closed when the broker may go
	sent     time.Time       // when the request that is under way was

	lease lease // any goroutine may look

	leader leadership // that was seen last; of the worker
	leased *bool      // what OnLease knows; of the worker
}

const (
	// lookPause is the time between looks whether the image has the registration.
	lookPause = 10 * time.Millisecond
	// fencedPauseMax is the longest time between heartbeats of a broker that is fenced, or leaving: it has nothing better
	// to do.
	fencedPauseMax = 100 * time.Millisecond
	// duplicatePauseMax is the longest time between registrations while another process has this broker's id.
	duplicatePauseMax = 500 * time.Millisecond
	// restMax is how long a worker sleeps when nothing is due.
	restMax = time.Hour
)

func (s *session) init(l *Link) {
	*s = session{link: l, worker: newWorker(l, s.turn), left: make(chan struct{}),
		state: State{Epoch: metadata.NoBrokerEpoch, Fenced: true}, previous: metadata.BrokerEpoch(l.config.Register.PreviousBrokerEpoch)}
	s.told = s.state
	s.lease.begun = l.config.now()
	s.way = l.way(l.config.SessionTimeout/2, func(error) { s.press() }) // a controller may shorten the session when it loses the connection
}

func (s *session) current() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// press makes the next request due now. It goes out when the one that is under way is answered.
func (s *session) press() {
	s.mu.Lock()
	s.pressed = true
	s.mu.Unlock()
	s.worker.look()
}

// turn sends what is due.
func (s *session) turn() time.Duration {
	for {
		s.watch()
		s.tell()
		now := s.link.config.now()
		leased := s.leases(now)
		request, wait := s.due(now)
		if request == nil {
			return min(wait, leased)
		}
		s.way.ask(request, highest, func(a answer) { s.answered(request, a) }, nil)
	}
}

// watch looks whether another node leads.
func (s *session) watch() {
	if now := s.link.leader(); now != s.leader {
		s.leader = now
		s.link.follow(now)
	}
}

// tell tells OnState what is new.
func (s *session) tell() {
	s.mu.Lock()
	state, news := s.state, s.state != s.told
	s.told = state
	s.mu.Unlock()
	if news {
		s.link.config.OnState(state)
		s.link.partitions.press()
	}
}

// due returns the request that is due, or how long nothing is.
func (s *session) due(now time.Time) (protocol.Message, time.Duration) {
	image := s.link.config.Local.Image()
	s.mu.Lock()
	defer s.mu.Unlock()
	registered := s.state.Epoch != metadata.NoBrokerEpoch
	if s.asked || s.hasLeft() || s.leaving && !registered {
		return nil, s.link.config.HeartbeatInterval
	}
	wait := max(0, s.next.Sub(now))
	if registered && !s.shown {
		if b := image.Broker(s.link.config.NodeID); b != nil && b.Epoch == s.state.Epoch {
			s.shown, s.pressed = true, true // the controller can see now that this broker has caught up
		} else {
			wait = min(wait, lookPause)
		}
	}
	if !s.pressed && now.Before(s.next) {
		return nil, wait
	}
	s.asked, s.pressed, s.sent = true, false, now
	if registered {
		return s.heartbeat(image), 0
	}
	registration := *s.link.config.Register
	registration.PreviousBrokerEpoch = int64(s.previous)
	return &registration, 0
}

func (s *session) heartbeat(image *metadata.Image) protocol.Message {
	r := protocol.NewBrokerHeartbeatRequest()
	r.BrokerID, r.BrokerEpoch = int32(s.link.config.NodeID), int64(s.state.Epoch)
	r.CurrentMetadataOffset, r.WantShutDown, r.OfflineLogDirs = int64(image.Offset), s.leaving, s.offline
	return r
}

func (s *session) hasLeft() bool {
	select {
	case <-s.left:
		return true
	default:
		return false
	}
}

// answered takes what became of a request.
func (s *session) answered(request protocol.Message, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.worker.look()
	s.asked = false
	err := a.err
	if err == nil {
		if code, _ := wholeError(a.response); code != protocol.None {
			err = protocol.Fail(code, "the controller refuses %s", request.Key())
		}
	}
	if err != nil {
		s.refused(request, a.asked, err)
		return
	}
	switch r := a.response.(type) {
	case *protocol.BrokerRegistrationResponse:
		s.registered(metadata.BrokerEpoch(r.BrokerEpoch))
	case *protocol.BrokerHeartbeatResponse:
		s.beaten(r)
	}
}

func (s *session) registered(epoch metadata.BrokerEpoch) {
	s.state = State{Epoch: epoch, Fenced: true}
	s.lease.end()
	s.shown, s.next = false, s.link.config.now().Add(s.pause())
	s.pressed = true // the session has begun; what the controller says of it comes with the first heartbeat
	s.log().Info("the broker is registered", "epoch", epoch)
}

func (s *session) beaten(r *protocol.BrokerHeartbeatResponse) {
	s.failures, s.trouble = 0, ""
	if r.IsFenced {
		s.lease.end()
	} else {
		s.lease.extend(s.sent, s.link.config.SessionTimeout)
	}
	if s.state.Fenced != r.IsFenced {
		s.state.Fenced = r.IsFenced
		if r.IsFenced {
			s.log().Warn("the broker is fenced: it leads nothing until the controller has heard from it and it has caught up with the metadata log")
		} else {
			s.log().Info("the broker is unfenced")
		}
	}
	if s.leaving && r.ShouldShutDown && !s.hasLeft() {
		close(s.left)
		return
	}
	s.next = s.link.config.now().Add(s.pause())
}

// pause is the time between two heartbeats. Called with mu held.
func (s *session) pause() time.Duration {
	if s.state.Fenced || s.leaving {
		return min(s.link.config.HeartbeatInterval, fencedPauseMax)
	}
	return s.link.config.HeartbeatInterval
}

// refused takes an error. Called with mu held.
func (s *session) refused(request protocol.Message, asked leadership, err error) {
	s.failures++
	pause := s.link.pause(s.failures, asked)
	_, registering := request.(*protocol.BrokerRegistrationRequest)
	switch code := protocol.CodeOf(err); {
	case !registering && (code == protocol.StaleBrokerEpoch || code == protocol.BrokerIDNotRegistered):
		s.complain(slog.LevelWarn, "the controller does not know this registration; the broker registers again", err)
		if !s.link.config.faults.keepsStaleEpoch {
			s.previous, s.state = s.state.Epoch, State{Epoch: metadata.NoBrokerEpoch, Fenced: true}
			s.lease.end()
			pause = min(pause, time.Duration(s.failures-1)*pauseMin) // at once, the first time
		}
	case code == protocol.DuplicateBrokerRegistration:
		s.complain(slog.LevelWarn, fmt.Sprintf("another process is registered as broker %d; this one waits until the session of that one ends (broker.session.timeout.ms, %v), which it never does while both have the same node.id",
			s.link.config.NodeID, s.link.config.SessionTimeout), err)
		pause = min(s.link.config.HeartbeatInterval, duplicatePauseMax)
	case registering && !code.Retriable():
		s.complain(slog.LevelError, "the controller does not take this broker's registration; it is tried again", err)
		pause = pauseMax
	default:
		s.complain(slog.LevelWarn, "the controller cannot be reached", err)
	}
	s.next = s.link.config.now().Add(pause)
	if s.leaving && s.state.Epoch == metadata.NoBrokerEpoch && !s.hasLeft() {
		close(s.left) // there is nothing to hand away
	}
}

// complain logs what is wrong, once for each kind. Called with mu held.
func (s *session) complain(level slog.Level, what string, err error) {
	if trouble := what + protocol.CodeOf(err).String(); trouble != s.trouble {
		s.trouble = trouble
		s.log().Log(context.Background(), level, what, "cause", err)
	}
}

func (s *session) log() *slog.Logger { return s.link.config.Logger }
