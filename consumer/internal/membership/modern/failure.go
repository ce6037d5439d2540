package modern

import "github.com/skein-io/skein/consumer/internal/membership"

// verdict is what a failure of a heartbeat means for the member.
type verdict int8

const (
	again      verdict = iota // the same to the same coordinator, after a pause
	findAgain                 // the coordinator is another one, or does not answer
	forgotten                 // the coordinator does not know the member any more
	fenced                    // the member's epoch is over
	unreleased                // another process has the group.instance.id, or this one has, and was not told
	impossible                // what the application set is refused; trying again is of no use
)

// verdictOf tells what a failure means. Java's client does the same, but for two things: a group that is gone is joined
// anew, and a static member that only did not hear that it has joined is not refused.
func verdictOf(f membership.Failure, join bool) verdict {
	switch {
	case f.Lost:
		return findAgain
	case f.Code == membership.GroupIDNotFound && !join:
		return forgotten
	}
	switch f.Code {
	case membership.CoordinatorNotAvailable, membership.NotCoordinator:
		return findAgain
	case membership.CoordinatorLoadInProgress:
		return again
	case membership.TopicAuthorizationFailed: // who may read may change; metadata tells the application which topic it is
		return again
	case membership.UnknownMemberID:
		return forgotten
	case membership.FencedMemberEpoch:
		return fenced
	case membership.UnreleasedInstanceID:
		return unreleased
	}
	return impossible
}

// advised adds to a refusal what can be done about it.
func advised(f membership.Failure) membership.Failure {
	if advice := advices[f.Code]; advice != "" {
		if f.Text != "" {
			advice = f.Text + ": " + advice
		}
		f.Text = advice
	}
	return f
}

var advices = map[membership.Code]string{
	membership.UnsupportedVersion: "the coordinator does not offer the consumer protocol (ConsumerGroupHeartbeat version 1: Apache Kafka 4.0 or later, " +
		"with the feature group.version at 1); set group.protocol to classic, or to auto",
	membership.GroupIDNotFound: "a group of another kind has this group.id and cannot be converted; set group.protocol to classic, or take another group.id",
	membership.UnreleasedInstanceID: "another member has this group.instance.id and has not left; if its process is dead, " +
		"start again after the broker's session timeout (group.consumer.session.timeout.ms)",
	membership.FencedInstanceID:         "another member has taken this group.instance.id; give each consumer its own",
	membership.UnsupportedAssignor:      "the broker has no such assignor (group.consumer.assignors); set group.remote.assignor to one that it has, or leave it out",
	membership.GroupMaxSizeReached:      "the group has as many members as the broker allows (group.consumer.max.size)",
	membership.GroupAuthorizationFailed: "the principal needs READ on the group",
}
