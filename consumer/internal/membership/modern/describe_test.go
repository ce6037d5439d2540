package modern

import (
	"fmt"
	"strings"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// describeEvent writes an event as one line; Tick is "".
func describeEvent(e membership.Event) string {
	switch e := e.(type) {
	case membership.Tick:
		return ""
	case membership.ConsumerBeaten:
		if e.Failure.OK() {
			target := "as before"
			if e.Assigned {
				target = describeTarget(e.Target)
			}
			return fmt.Sprintf("answer epoch=%d target=%s (attempt %d) ", e.Epoch, target, e.Attempt)
		}
		return fmt.Sprintf("answer %s (attempt %d) ", e.Failure, e.Attempt)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T%+v ", e, e), "membership.")
}

func describeEffects(out membership.Effects) string {
	var lines []string
	for _, e := range out {
		lines = append(lines, describeEffect(e))
	}
	return strings.Join(lines, "; ")
}

// describeEffect writes an effect down as the scenarios show it. The id of topic "a" is a character and zeros.
func describeEffect(effect membership.Effect) string {
	switch e := effect.(type) {
	case membership.FindCoordinator:
		return fmt.Sprintf("find the coordinator (attempt %d)", e.Attempt)
	case membership.ConsumerHeartbeat:
		text := fmt.Sprintf("ConsumerGroupHeartbeat member=%q epoch=%d", e.MemberID, e.Epoch)
		if e.Full {
			text += " full"
		}
		if e.Topics != nil {
			text += fmt.Sprintf(" topics=%v", e.Topics)
		}
		if e.Owned != nil {
			text += " owned=" + describeTarget(e.Owned)
		}
		return fmt.Sprintf("%s (attempt %d)", text, e.Attempt)
	case membership.NameTopics:
		var ids []string
		for _, id := range e.IDs {
			ids = append(ids, describeID(id))
		}
		return fmt.Sprintf("ask for the names of %v", ids)
	case membership.Revoke:
		return fmt.Sprintf("revoke %v: %s (ticket %d)", e.Partitions, e.Reason, e.Ticket)
	case membership.Lose:
		return fmt.Sprintf("lose %v: %s", e.Partitions, e.Reason)
	case membership.Grant:
		return fmt.Sprintf("grant %v of %v in epoch %d", e.Added, e.All, e.Generation)
	case membership.Fail:
		return fmt.Sprintf("fail: %s: %s", e.Doing, e.Failure)
	case membership.Ended:
		return "ended"
	case membership.Note:
		return "note: " + e.Text
	case membership.Join:
		return fmt.Sprintf("JoinGroup member=%q topics=%v (attempt %d)", e.MemberID, e.Topics, e.Attempt)
	}
	return fmt.Sprintf("%T", effect)
}

func describeID(id membership.TopicID) string { return "#" + strings.TrimRight(string(id[:]), "\x00") }

func describeTarget(list []membership.TopicIDPartition) string {
	var all []string
	for _, p := range list {
		all = append(all, fmt.Sprintf("%s-%d", describeID(p.ID), p.Partition))
	}
	return fmt.Sprint(all)
}

// idOf makes a topic id of a few characters.
func idOf(text string) (id membership.TopicID) {
	copy(id[:], text)
	return id
}
