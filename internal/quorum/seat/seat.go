package seat

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/protocol"
)

// Answer is an answer of the controller's that goes to who waits.
type Answer struct {
	Done     func(protocol.Message, error)
	Response protocol.Message
	Err      error
}

// Give gives it.
func (a Answer) Give() { a.Done(a.Response, a.Err) }

// Config is what a Seat needs.
type Config struct {
	Controller controller.Config
	// Propose has a proposal agreed upon. An error stops the node.
	Propose func(controller.Proposal) error
	// Reply gives an answer to who waits, or keeps it until it is certain. event is what the answer was made of.
	Reply func(event controller.Event, a Answer)
}

// Seat is the controller of a node with its timers, and those who wait for its answers. One goroutine uses it, but for
// Recording.
type Seat struct {
	Controller *controller.Controller
	// Trace, if it is set, is shown each event with what came of it; of a test.
	Trace func(time.Time, controller.Event, *controller.Effects)

	config    Config
	effects   controller.Effects
	recorder  recorder
	waiting   map[controller.Token]func(protocol.Message, error)
	token     controller.Token
	deadlines map[controller.TimerKey]time.Time
}

// New makes a seat whose controller does not lead.
func New(config Config) *Seat {
	return &Seat{
		Controller: controller.New(config.Controller), config: config,
		waiting: make(map[controller.Token]func(protocol.Message, error)), deadlines: make(map[controller.TimerKey]time.Time),
	}
}

// Await notes who waits for the answer to a request, and gives the event that is to be stepped.
func (s *Seat) Await(m Message) controller.Event {
	s.token++
	s.waiting[s.token] = m.Done
	return m.Event(s.token)
}

// Step gives an event to the controller and carries out the effects. Answers go out here and nowhere else, but for those that
// Config.Reply keeps; the controller gives those that rest on a proposal only after Committed.
func (s *Seat) Step(now time.Time, event controller.Event) error {
	s.recorder.note(now, event, s.Controller)
	effects := &s.effects
	s.Controller.Step(now, event, effects)
	defer effects.Reset()
	if s.Trace != nil {
		s.Trace(now, event, effects)
	}
	for _, p := range effects.Proposals {
		if err := s.config.Propose(p); err != nil {
			return err
		}
	}
	for _, t := range effects.Timers {
		if t.At.IsZero() {
			delete(s.deadlines, t.TimerKey)
		} else {
			s.deadlines[t.TimerKey] = t.At
		}
	}
	for _, r := range effects.Replies {
		done, ok := s.waiting[r.Token]
		if !ok {
			panic(fmt.Sprintf("seat: the controller answers token %d, which does not wait: %v %v", r.Token, r.Response, r.Err))
		}
		delete(s.waiting, r.Token)
		s.config.Reply(event, Answer{done, r.Response, r.Err})
	}
	return nil
}

// Due takes the timer out that ends first, if its time has come; of those that end together, the one of the lowest key. The
// event is to be stepped; nil if there is none.
func (s *Seat) Due(now time.Time) controller.Event {
	key, at, ok := s.earliest()
	if !ok || at.After(now) {
		return nil
	}
	delete(s.deadlines, key)
	return key.Event()
}

// Deadline is when the first timer ends; false if none runs.
func (s *Seat) Deadline() (time.Time, bool) {
	_, at, ok := s.earliest()
	return at, ok
}

func (s *Seat) earliest() (key controller.TimerKey, at time.Time, ok bool) {
	for k, t := range s.deadlines {
		if !ok || t.Before(at) || t.Equal(at) && less(k, key) {
			key, at, ok = k, t, true
		}
	}
	return key, at, ok
}

func less(a, b controller.TimerKey) bool {
	return a.Kind < b.Kind || a.Kind == b.Kind && a.Broker < b.Broker
}

// AnswerEarly is a planted bug: whoever waits is answered without waiting.
func (s *Seat) AnswerEarly() {
	for token, done := range s.waiting {
		s.waiting[token] = func(protocol.Message, error) {}
		done(nil, nil)
	}
}
