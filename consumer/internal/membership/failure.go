package membership

import "fmt"

// Code is an error code of Kafka's protocol. 0 is no error.
type Code int16

// The codes that a consumer acts on.
const (
	UnknownServerError        Code = -1
	None                      Code = 0
	UnknownTopicOrPartition   Code = 3
	OffsetMetadataTooLarge    Code = 12
	RequestTimedOut           Code = 7
	CoordinatorLoadInProgress Code = 14
	CoordinatorNotAvailable   Code = 15
	NotCoordinator            Code = 16
	IllegalGeneration         Code = 22
	UnknownMemberID           Code = 25
	RebalanceInProgress       Code = 27
	TopicAuthorizationFailed  Code = 29
	GroupAuthorizationFailed  Code = 30
	UnsupportedVersion        Code = 35
	GroupIDNotFound           Code = 69
	MemberIDRequired          Code = 79
	GroupMaxSizeReached       Code = 81
	FencedInstanceID          Code = 82
	UnstableOffsetCommit      Code = 88
	UnknownTopicID            Code = 100
	FencedMemberEpoch         Code = 110
	UnreleasedInstanceID      Code = 111
	UnsupportedAssignor       Code = 112
	StaleMemberEpoch          Code = 113
	InvalidRegularExpression  Code = 128
)

// Failure is why a request has no good answer. The zero value means that it has one.
type Failure struct {
	Code Code
	// Lost: no answer came: the connection ended, or the time was over. Text says how.
	Lost bool
	Text string
}

// OK reports a good answer.
func (f Failure) OK() bool { return f.Code == None && !f.Lost }

// String says what went wrong.
func (f Failure) String() string {
	switch {
	case f.Lost, f.Text != "":
		return f.Text
	}
	return fmt.Sprintf("error code %d", f.Code)
}

// verdict is what a failure means for the member.
type verdict int8

const (
	again      verdict = iota // the same request to the same coordinator, after a pause
	find                      // the coordinator is another one, or does not answer
	rejoin                    // the generation is over, the member is known
	forgotten                 // the coordinator does not know the member id any more
	outdated                  // the generation is over, and what the member held may be another's
	needsID                   // the member id is assigned; join with it (KIP-394)
	impossible                // what the application set is refused; trying again is of no use
)

func (f Failure) verdict() verdict {
	switch {
	case f.Lost:
		return find
	case f.Code == CoordinatorLoadInProgress:
		return again
	case f.Code == CoordinatorNotAvailable, f.Code == NotCoordinator:
		return find
	case f.Code == RebalanceInProgress:
		return rejoin
	case f.Code == UnknownMemberID:
		return forgotten
	case f.Code == IllegalGeneration:
		return outdated
	case f.Code == MemberIDRequired:
		return needsID
	}
	return impossible
}
