package protocol

import "testing"

func TestSubscriptionOfALaterVersionIsReadAsTheHighestKnown(t *testing.T) {
	s := NewConsumerProtocolSubscription()
	s.Topics = []string{"a", "b"}
	b := AppendMessage([]byte{0, 99}, s, 3)
	got, version, err := DecodeSubscription(append(b, "what version 99 added"...))
	if err != nil || version != 99 || len(got.Topics) != 2 || got.Topics[1] != "b" {
		t.Errorf("version %d, %+v, %v", version, got, err)
	}
}

func TestAssignmentThatEndsTooEarly(t *testing.T) {
	if _, _, err := DecodeAssignment([]byte{0}); CodeOf(err) != InvalidRequest {
		t.Error(err)
	}
	if _, _, err := DecodeAssignment([]byte{0, 0, 0, 0, 0, 7}); CodeOf(err) != InvalidRequest {
		t.Error(err)
	}
}
