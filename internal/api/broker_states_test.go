package api

import (
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// TestBrokerStates: what a broker is, why, and since when, through its life.
func TestBrokerStates(t *testing.T) {
	now := time.UnixMilli(1000)
	states := NewBrokerStates(func() time.Time { return now })
	image := metadata.NewImage("c")
	change := func(records ...metadata.Record) {
		t.Helper()
		next, delta, err := metadata.Apply(image, records)
		if err != nil {
			t.Fatal(err)
		}
		image = next
		states.Follow(image, delta)
	}
	want := func(id metadata.NodeID, state BrokerState, since time.Time) {
		t.Helper()
		if got, at := states.Of(image.Broker(id)); got != state || !at.Equal(since) {
			t.Errorf("at %v: broker %d is %s since %v, want %s since %v", now, id, got, at, state, since)
		}
	}
	register := func(epoch int64) metadata.Record {
		return &protocol.RegisterBrokerRecord{BrokerID: 2, BrokerEpoch: epoch, IncarnationID: protocol.UUID{byte(epoch)}, Fenced: true}
	}
	moved := func(epoch int64, fenced, leaving int8) metadata.Record {
		return &protocol.BrokerRegistrationChangeRecord{BrokerID: 2, BrokerEpoch: epoch, Fenced: fenced, InControlledShutdown: leaving}
	}
	var err error
	if image, _, err = metadata.Apply(image, []metadata.Record{&protocol.RegisterBrokerRecord{BrokerID: 1, BrokerEpoch: 1, Fenced: true}, register(2)}); err != nil {
		t.Fatal(err)
	}
	states.Follow(image, nil)
	want(1, BrokerFenced, time.Time{})
	now = time.UnixMilli(2000)
	change(moved(2, -1, 0))
	unfenced := now
	want(2, BrokerUnfenced, unfenced)
	now = time.UnixMilli(3000)
	change(&protocol.TopicRecord{Name: "t", TopicID: protocol.UUID{1}})
	want(2, BrokerUnfenced, unfenced)
	change(moved(2, 1, 0))
	lost := now
	want(2, BrokerSessionLost, lost)
	now = time.UnixMilli(4000)
	change(register(9)) // a new process
	starting := now
	want(2, BrokerStarting, starting)
	now = time.UnixMilli(5000)
	change(moved(9, -1, 0))
	want(2, BrokerUnfenced, now)
	now = time.UnixMilli(6000)
	change(moved(9, 0, 1))
	want(2, BrokerShuttingDown, now)
	ahead, _, err := metadata.Apply(image, []metadata.Record{moved(9, 1, 0)}) // an image that was not followed yet
	if err != nil {
		t.Fatal(err)
	}
	if got, since := states.Of(ahead.Broker(2)); got != BrokerShutDown || !since.IsZero() {
		t.Errorf("ahead of what was followed it is %s since %v", got, since)
	}
	now = time.UnixMilli(7000)
	change(moved(9, 1, 0))
	want(2, BrokerShutDown, now)
	want(1, BrokerFenced, time.Time{})
}
