package group

import (
	"encoding/json"
	"fmt"
)

// Recorded is one event with its time: a line of a flight recorder.
type Recorded struct {
	At    Instant
	Seq   Seq // of the last record that had been asked for, of whatever group
	Event Event
}

// recordedLine is how a Recorded looks in JSON: {"at":1,"seq":5,"kind":"join","event":{...}}.
type recordedLine struct {
	At    Instant         `json:"at"`
	Seq   Seq             `json:"seq,omitempty"`
	Kind  string          `json:"kind"`
	Event json.RawMessage `json:"event"`
}

// eventKinds names every kind of event, and makes an empty one to decode into.
var eventKinds = []struct {
	name string
	make func() Event
}{
	{"join", func() Event { return new(Join) }},
	{"sync", func() Event { return new(Sync) }},
	{"heartbeat", func() Event { return new(Heartbeat) }},
	{"nudge", func() Event { return new(Nudge) }},
	{"leave", func() Event { return new(Leave) }},
	{"commit", func() Event { return new(Commit) }},
	{"fetch", func() Event { return new(Fetch) }},
	{"list", func() Event { return new(List) }},
	{"describe", func() Event { return new(Describe) }},
	{"why", func() Event { return new(Why) }},
	{"inspect", func() Event { return new(Inspect) }},
	{"delete", func() Event { return new(Delete) }},
	{"delete-offsets", func() Event { return new(DeleteOffsets) }},
	{"topics-deleted", func() Event { return new(TopicsDeleted) }},
	{"timer", func() Event { return new(Timer) }},
	{"drained", func() Event { return new(Drained) }},
	{"appended", func() Event { return new(Appended) }},
	{"refused", func() Event { return new(Refused) }},
	{"committed", func() Event { return new(Committed) }},
	{"timed-out", func() Event { return new(TimedOut) }},
	{"loaded", func() Event { return new(Loaded) }},
	{"unload", func() Event { return new(Unload) }},
	{"shutting-down", func() Event { return new(ShuttingDown) }},
	{"restored", func() Event { return new(Restored) }},
}

// KindOf is the name of an event's kind, as in a recorded line.
func KindOf(event Event) string {
	switch event.(type) {
	case *Join:
		return "join"
	case *Sync:
		return "sync"
	case *Heartbeat:
		return "heartbeat"
	case *Nudge:
		return "nudge"
	case *Leave:
		return "leave"
	case *Commit:
		return "commit"
	case *Fetch:
		return "fetch"
	case *List:
		return "list"
	case *Describe:
		return "describe"
	case *Why:
		return "why"
	case *Inspect:
		return "inspect"
	case *Delete:
		return "delete"
	case *DeleteOffsets:
		return "delete-offsets"
	case *TopicsDeleted:
		return "topics-deleted"
	case *Timer:
		return "timer"
	case *Drained:
		return "drained"
	case *Appended:
		return "appended"
	case *Refused:
		return "refused"
	case *Committed:
		return "committed"
	case *TimedOut:
		return "timed-out"
	case *Loaded:
		return "loaded"
	case *Unload:
		return "unload"
	case *ShuttingDown:
		return "shutting-down"
	case *Restored:
		return "restored"
	default:
		return fmt.Sprintf("%T", event)
	}
}

// MarshalJSON makes a recorded line.
func (r Recorded) MarshalJSON() ([]byte, error) {
	event, err := json.Marshal(r.Event)
	if err != nil {
		return nil, err
	}
	return json.Marshal(recordedLine{At: r.At, Seq: r.Seq, Kind: KindOf(r.Event), Event: event})
}

// UnmarshalJSON reads a recorded line.
func (r *Recorded) UnmarshalJSON(b []byte) error {
	var line recordedLine
	if err := json.Unmarshal(b, &line); err != nil {
		return err
	}
	for _, k := range eventKinds {
		if k.name == line.Kind {
			r.At, r.Seq, r.Event = line.At, line.Seq, k.make()
			return json.Unmarshal(line.Event, r.Event)
		}
	}
	return fmt.Errorf("recorded event of unknown kind %q", line.Kind)
}
