package controllerlink

import (
	"time"

	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// What a controller elsewhere has confirmed is not in this node's image yet, and whoever asked looks there next. So the
// answer waits until the image has what the controller's had when it answered. Kafka's answers do not say what that is, but
// ApiVersions does: its FinalizedFeaturesEpoch is the offset of the node's image. It goes behind the request on the same
// connection, costs no round trip of its own, and is answered after the request was.

const (
	showMax   = 5 * time.Second      // the longest wait; then the answer goes out, for what it says is done
	pollPause = 5 * time.Millisecond // between looks at the image
)

// askOffset asks a node how far its image is. attempt is the number of attempts before: what a node says that was asked
// earlier is not looked at.
func (l *Link) askOffset(s *submission, attempt int, p Connection) {
	p.Ask(peer.Hello(l.requests.config.SoftwareVersion), func(response protocol.Message, _ int16, err error) {
		r, ok := response.(*protocol.ApiVersionsResponse)
		if err != nil || !ok || r.ErrorCode != protocol.None {
			l.offsetUnknown(s, attempt)
			return
		}
		l.offsetKnown(s, attempt, record.Offset(r.FinalizedFeaturesEpoch))
	})
}

// answered keeps a response until the image shows it.
func (l *Link) answered(s *submission, response protocol.Message) {
	l.mu.Lock()
	if _, waits := l.submissions[s]; waits {
		s.response, s.offset = response, unknownOffset
		l.showing.Add(1)
		s.deadline.Stop()
		s.deadline = l.config.after(min(showMax, s.begun.Add(l.config.RequestTimeout).Sub(l.config.now())), func() { l.expire(s) })
	}
	l.mu.Unlock()
}

// offsetUnknown asks again, and another controller if there is one: its image has all that any before it confirmed.
func (l *Link) offsetUnknown(s *submission, attempt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.response != nil && s.attempts == attempt {
		s.attempts++
		l.config.after(l.config.pause(s.attempts), func() { l.askOffsetAgain(s, attempt+1) })
	}
}

func (l *Link) askOffsetAgain(s *submission, attempt int) {
	l.mu.Lock()
	_, waits := l.submissions[s]
	l.mu.Unlock()
	leader := l.leader()
	switch {
	case !waits:
	case !leader.known:
		l.offsetUnknown(s, attempt)
	case leader.node == l.config.NodeID: // whoever leads has all that was confirmed
		l.offsetKnown(s, attempt, l.config.Local.Image().Offset)
	default:
		if p := l.requests.follow(leader.node); p != nil {
			l.askOffset(s, attempt, p)
		}
	}
}

func (l *Link) offsetKnown(s *submission, attempt int, offset record.Offset) {
	l.mu.Lock()
	if s.response != nil && s.attempts == attempt {
		s.offset = offset
	}
	l.mu.Unlock()
	l.show()
}

// show answers those whose offset the image has, and looks again soon if others wait.
func (l *Link) show() {
	image := l.config.Local.Image()
	var shown []*submission
	l.mu.Lock()
	waits := false
	for _, s := range l.inOrder() {
		switch {
		case s.response == nil:
		case s.offset != unknownOffset && s.offset <= image.Offset:
			shown = append(shown, s)
		default:
			waits = true
		}
	}
	if waits && !l.polling && !l.closed {
		l.polling = true
		l.config.after(pollPause, func() {
			l.mu.Lock()
			l.polling = false
			l.mu.Unlock()
			l.show()
		})
	}
	l.mu.Unlock()
	for _, s := range shown {
		l.finish(s, s.response, nil)
	}
}
