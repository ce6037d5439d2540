package membership

import (
	"fmt"
	"strings"
	"time"
)

// describeEvent writes an event as one line; Tick is "".
func describeEvent(e Event) string {
	if _, tick := e.(Tick); tick {
		return ""
	}
	return strings.TrimPrefix(fmt.Sprintf("%T%+v ", e, e), "membership.")
}

func describeEffects(out Effects, _ time.Time) string {
	var lines []string
	for _, e := range out {
		lines = append(lines, describeEffect(e))
	}
	return strings.Join(lines, "; ")
}

// describeEffect writes an effect down as the scenarios show it.
func describeEffect(effect Effect) string {
	switch e := effect.(type) {
	case FindCoordinator:
		return fmt.Sprintf("find the coordinator (attempt %d)", e.Attempt)
	case Join:
		return fmt.Sprintf("JoinGroup member=%q topics=%v owned=%v generation=%d reason=%q (attempt %d)", e.MemberID, e.Topics, e.Owned, e.Generation, e.Reason, e.Attempt)
	case Assign:
		var ids []string
		for _, m := range e.Members {
			ids = append(ids, m.ID)
		}
		return fmt.Sprintf("assign by %s to %v (attempt %d)", e.Protocol, ids, e.Attempt)
	case Sync:
		plan := "none"
		if e.Plan != nil {
			plan = ""
			for _, id := range sortedKeys(e.Plan) {
				plan += fmt.Sprintf("%s=%v", id, e.Plan[id])
			}
		}
		return fmt.Sprintf("SyncGroup member=%q generation=%d plan=%s (attempt %d)", e.MemberID, e.Generation, plan, e.Attempt)
	case Heartbeat:
		return fmt.Sprintf("Heartbeat member=%q generation=%d (attempt %d)", e.MemberID, e.Generation, e.Attempt)
	case Leave:
		return fmt.Sprintf("LeaveGroup member=%q reason=%q (attempt %d)", e.MemberID, e.Reason, e.Attempt)
	case Revoke:
		return fmt.Sprintf("revoke %v: %s (ticket %d)", e.Partitions, e.Reason, e.Ticket)
	case Lose:
		return fmt.Sprintf("lose %v: %s", e.Partitions, e.Reason)
	case Passed:
		return fmt.Sprintf("passed into generation %d", e.Generation)
	case Grant:
		return fmt.Sprintf("grant %v of %v in generation %d", e.Added, e.All, e.Generation)
	case Fail:
		return fmt.Sprintf("fail: %s: %s", e.Doing, e.Failure.String())
	case Ended:
		return "ended"
	case Note:
		return "note: " + e.Text
	}
	return fmt.Sprintf("%T", effect)
}
