package controllerlink

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Submit gives a request to the controller, here or elsewhere, in the version that it came in. done is called once, from
// any goroutine, perhaps before Submit returns, with the response when Local.Image shows what it says, or with the error
// for the request as a whole. It must not wait. The request must not change for RequestTimeout.
//
// While no controller is known, it cannot be reached, or the one that was asked is none, the request is tried again until
// its time is over; then the error is REQUEST_TIMED_OUT. When the connection ends after the request was sent, nobody knows
// whether it was carried out: what may be repeated (see repeatable) is sent again, and anything else is answered with
// REQUEST_TIMED_OUT at once, with a reason that says so.
func (l *Link) Submit(request protocol.Message, version int16, done func(protocol.Message, error)) {
	l.submit(&submission{request: request, version: version, shows: true, done: done})
}

// submission is a request with who waits for its answer. Its fields are guarded by Link.mu.
type submission struct {
	request protocol.Message
	version int16
	shows   bool // the answer waits for the image
	done    func(protocol.Message, error)

	number   uint64 // that of an earlier one is lower
	begun    time.Time
	deadline Timer
	again    Timer // nil while an attempt is under way
	attempts int   // that came to nothing
	cause    error // why the last one did

	response protocol.Message // that waits for the image
	offset   record.Offset    // that the image must have; unknownOffset until the controller has said
}

const unknownOffset record.Offset = -2

// inOrder lists the submissions, oldest first. Called with mu held.
func (l *Link) inOrder() []*submission {
	return slices.SortedFunc(maps.Keys(l.submissions), func(a, b *submission) int { return cmp.Compare(a.number, b.number) })
}

func (l *Link) submit(s *submission) {
	s.begun = l.config.now()
	l.mu.Lock()
	var refusal error
	switch {
	case l.closed:
		refusal = errClosing
	case len(l.submissions) >= WaitingMax:
		refusal = protocol.Fail(protocol.ThrottlingQuotaExceeded, "%d requests wait for the controller already", len(l.submissions))
	default:
		l.submitted++
		s.number = l.submitted
		l.submissions[s] = struct{}{}
		s.deadline = l.config.after(l.config.RequestTimeout, func() { l.expire(s) })
	}
	l.mu.Unlock()
	if refusal != nil {
		s.done(nil, refusal)
		return
	}
	l.attempt(s)
}

// attempt asks the controller of now. Behind the request goes the question for the offset that the answer stands on.
func (l *Link) attempt(s *submission) {
	var after func(Connection)
	if s.shows {
		l.mu.Lock()
		attempt := s.attempts
		l.mu.Unlock()
		after = func(p Connection) { l.askOffset(s, attempt, p) }
	}
	l.requests.ask(s.request, s.version, func(a answer) { l.attempted(s, a) }, after)
}

// attempted looks at what an attempt brought.
func (l *Link) attempted(s *submission, a answer) {
	if a.err == nil {
		if refusal := refusalOf(a.response); refusal != nil {
			a = answer{err: refusal, local: true, asked: a.asked} // nothing was done
		}
	}
	switch code := protocol.CodeOf(a.err); {
	case a.err == nil && (a.local || !s.shows || l.config.faults.answersUnshown):
		l.finish(s, a.response, nil)
	case a.err == nil:
		l.answered(s, a.response)
	case a.unknown() && !repeatable(s.request) && !l.config.faults.resendsUnknown:
		l.finish(s, nil, protocol.Fail(protocol.RequestTimedOut, "nobody knows whether %s was carried out, look before you repeat it: %w",
			s.request.Key(), a.err))
	case code == protocol.UnsupportedVersion || code == protocol.MessageTooLarge, a.local && code != protocol.NotController:
		l.finish(s, nil, a.err)
	default:
		l.retryLater(s, a)
	}
}

func (l *Link) retryLater(s *submission, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, waits := l.submissions[s]; !waits {
		return
	}
	s.attempts++
	s.cause = a.err
	s.again = l.config.after(l.pause(s.attempts, a.asked), func() { l.retry(s) })
}

// retry makes the next attempt, if none is under way.
func (l *Link) retry(s *submission) {
	l.mu.Lock()
	_, waits := l.submissions[s]
	waits = waits && s.again != nil
	if waits {
		s.again.Stop()
		s.again = nil
	}
	l.mu.Unlock()
	if waits {
		l.attempt(s)
	}
}

// retryNow makes all attempts that are due later: there is another controller.
func (l *Link) retryNow() {
	l.mu.Lock()
	var pausing []*submission
	for _, s := range l.inOrder() {
		if s.again != nil {
			pausing = append(pausing, s)
		}
	}
	l.mu.Unlock()
	for _, s := range pausing {
		l.retry(s)
	}
}

// expire ends a request whose time is over.
func (l *Link) expire(s *submission) {
	l.mu.Lock()
	response, cause, pausing := s.response, s.cause, s.again != nil
	l.mu.Unlock()
	switch {
	case response != nil: // it is done; only this node does not show it yet
		l.finish(s, response, nil)
	case pausing:
		l.finish(s, nil, protocol.Fail(protocol.RequestTimedOut, "%s was not carried out within %v: %w", s.request.Key(), l.config.RequestTimeout, cause))
	default:
		l.finish(s, nil, protocol.Fail(protocol.RequestTimedOut, "the controller has not answered %s within %v, and may have carried it out",
			s.request.Key(), l.config.RequestTimeout))
	}
}

// finish calls done, the first time.
func (l *Link) finish(s *submission, response protocol.Message, err error) {
	l.mu.Lock()
	_, waits := l.submissions[s]
	delete(l.submissions, s)
	if waits {
		s.deadline.Stop()
		if s.again != nil {
			s.again.Stop()
		}
		if s.response != nil {
			l.showing.Add(-1)
		}
	}
	l.mu.Unlock()
	if waits {
		s.done(response, err)
	}
}

// failAll ends what waits when the Link is closed.
func (l *Link) failAll() {
	type end struct {
		submission *submission
		response   protocol.Message
		err        error
	}
	var ends []end
	l.mu.Lock()
	for _, s := range l.inOrder() {
		switch {
		case s.response != nil:
			ends = append(ends, end{s, s.response, nil})
		case s.again != nil:
			ends = append(ends, end{s, nil, errClosing})
		default:
			ends = append(ends, end{s, nil, protocol.Fail(protocol.RequestTimedOut,
				"this node is shutting down; %s may have been carried out", s.request.Key())})
		}
	}
	l.mu.Unlock()
	for _, e := range ends {
		l.finish(e.submission, e.response, e.err)
	}
}
