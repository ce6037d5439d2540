package api

import (
	"fmt"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

func TestReasonsAreBoundedAndNewestFirst(t *testing.T) {
	r := NewReasons()
	for i := range reasonsPerClient + 10 {
		r.Note("app", Reason{Code: protocol.UnknownTopicOrPartition, Text: fmt.Sprint("topic ", i)})
	}
	got := r.Of("app")
	if len(got) != reasonsPerClient {
		t.Fatalf("kept %d, want %d", len(got), reasonsPerClient)
	}
	if want := fmt.Sprint("topic ", reasonsPerClient+9); got[0].Text != want {
		t.Errorf("newest is %q, want %q", got[0].Text, want)
	}
	if last := got[len(got)-1].Text; last != "topic 10" {
		t.Errorf("oldest is %q, want %q", last, "topic 10")
	}
	for i := range reasonsClients + 5 {
		r.Note(fmt.Sprint("client ", i), Reason{Code: protocol.CorruptMessage, Text: "x"})
	}
	if n := len(r.Clients()); n != reasonsClients {
		t.Errorf("clients kept: %d, want %d", n, reasonsClients)
	}
	if r.Of("app") != nil {
		t.Error("the client that was longest without an error is still kept")
	}
}

func TestReasonsCountRepeats(t *testing.T) {
	r := NewReasons()
	for range 5 {
		r.Note("app", Reason{Code: protocol.CorruptMessage, Text: "same"})
	}
	if got := r.Of("app"); len(got) != 1 || got[0].Times != 5 {
		t.Errorf("got %+v, want one reason, five times", got)
	}
}
