package seat

import (
	"sync"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/protocol"
)

// Bounds.
const (
	// InboxMax is how many requests may wait for the node's goroutine; more are refused.
	InboxMax = 10_000
	// MailMax is how many messages that are Mail may wait for it; more are refused.
	MailMax = 4096
)

// Message is what waits for the node's goroutine: a request with who wants the answer, or work of the node's own with who is
// told if it will not be done.
type Message struct {
	// Event makes the controller's event of the token by which the request is known; nil for work.
	Event func(controller.Token) controller.Event
	// Done is called once with the answer, or with the reason why there will be none.
	Done func(protocol.Message, error)
	Work func(now time.Time) error
	// Mail says that the work is to take what others have sent: it has a bound of its own, and may be lost.
	Mail bool
}

// Inbox is where messages wait. Any goroutine may put one in; one goroutine takes them.
type Inbox struct {
	mu      sync.Mutex
	waiting []Message
	mail    int   // in it
	stopped error // no request is taken any more

	wake chan struct{}
}

// NewInbox makes an empty inbox.
func NewInbox() *Inbox { return &Inbox{wake: make(chan struct{}, 1)} }

// Wake has a value when something was put in since the last one was received.
func (b *Inbox) Wake() <-chan struct{} { return b.wake }

// Put adds a message; an error says that nobody will look: the inbox is full (THROTTLING_QUOTA_EXCEEDED), or was stopped.
func (b *Inbox) Put(m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.stopped != nil:
		return b.stopped
	case m.Mail && b.mail >= MailMax:
		return protocol.Fail(protocol.ThrottlingQuotaExceeded, "%d deliveries from other nodes wait for the metadata log already", b.mail)
	case len(b.waiting)-b.mail >= InboxMax && m.Done != nil:
		return protocol.Fail(protocol.ThrottlingQuotaExceeded, "%d requests wait for the controller already", len(b.waiting)-b.mail)
	}
	if m.Mail {
		b.mail++
	}
	b.waiting = append(b.waiting, m)
	select {
	case b.wake <- struct{}{}:
	default: // the wake-up before has not been used yet: it serves this message too
	}
	return nil
}

// Take empties the inbox.
func (b *Inbox) Take() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := b.waiting
	b.waiting, b.mail = nil, 0
	return messages
}

// Stop refuses all that comes from now on, with a reason.
func (b *Inbox) Stop(reason error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = reason
}

// Refuse gives the reason to all that waits.
func (b *Inbox) Refuse(reason error) {
	for _, m := range b.Take() {
		if m.Done != nil {
			m.Done(nil, reason)
		}
	}
}

// Waiting is how many requests wait, and how much mail.
func (b *Inbox) Waiting() (requests, mail int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) - b.mail, b.mail
}
