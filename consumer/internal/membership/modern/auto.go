package modern

import (
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// Member is what one of the machines offers to its driver.
type Member interface {
	Step(now time.Time, e membership.Event, out *membership.Effects)
	Next() time.Time
	MemberID() string
	Generation() int32
	ConsumerProtocol() bool
	Rebalancing() bool
	Rejoins() bool
	Leader() bool
	Awaits(attempt uint64) bool
	Explain(now time.Time) string
}

// Auto is a member that speaks the consumer protocol if the coordinator takes it in that way, else the classic one
// (group.protocol=auto). It begins with the first. When that is not offered, or the group cannot be converted, it goes on
// with the other and stays there.
type Auto struct {
	Member
	modern  *Machine // nil once the classic one is there
	classic membership.Config
	topics  []string
	polled  bool
	polling bool
}

// NewAuto returns a member that has no subscription.
func NewAuto(modern Config, classic membership.Config) *Auto {
	m := New(modern)
	return &Auto{Member: m, modern: m, classic: classic}
}

// Step takes one event at the time now.
func (a *Auto) Step(now time.Time, e membership.Event, out *membership.Effects) {
	switch e := e.(type) {
	case membership.Subscribed:
		a.topics = e.Topics
	case membership.PollBegan:
		a.polled, a.polling = true, true
	case membership.PollEnded:
		a.polling = false
	}
	from := len(*out)
	a.Member.Step(now, e, out)
	if a.modern == nil {
		return
	}
	for i, effect := range (*out)[from:] {
		if f, failed := effect.(membership.Fail); failed && classicReasons[f.Failure.Code] != "" {
			*out = (*out)[:from+i] // Fail is the last that a machine wants
			a.turn(now, f.Failure.Code, out)
			return
		}
	}
}

// classicReasons are the refusals after which a member may join by the classic protocol, in words.
var classicReasons = map[membership.Code]string{
	membership.UnsupportedVersion: "the coordinator does not offer the consumer protocol",
	membership.GroupIDNotFound:    "the group speaks it and cannot be converted",
}

// turn makes the classic member, and brings it to where the other one was.
func (a *Auto) turn(now time.Time, why membership.Code, out *membership.Effects) {
	*out = append(*out, note(now, "speaks the classic protocol: "+classicReasons[why]))
	a.classic.AttemptsFrom = a.modern.attempts
	classic := membership.New(a.classic)
	known := a.modern.known || why == membership.UnsupportedVersion // the coordinator was found, or has just answered
	a.Member, a.modern = classic, nil
	var begun membership.Effects
	classic.Step(now, membership.Subscribed{Topics: a.topics}, &begun)
	if a.polled {
		classic.Step(now, membership.PollBegan{}, &begun)
	}
	if a.polled && !a.polling {
		classic.Step(now, membership.PollEnded{}, &begun)
	}
	for len(begun) > 0 {
		effect := begun[0]
		begun = begun[1:]
		if f, ok := effect.(membership.FindCoordinator); ok && known {
			known = false
			classic.Step(now, membership.CoordinatorFound{Attempt: f.Attempt}, &begun)
			continue
		}
		*out = append(*out, effect)
	}
}
