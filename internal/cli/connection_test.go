package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/protocol"
)

func TestConnectionsThatFailAreTold(t *testing.T) {
	var told []string
	gaveUp := 0
	n := connection{giveUp: func() { gaveUp++ }, timeout: time.Second}
	n.notify(func(text string) { told = append(told, text) })
	broker, seed := kgo.BrokerMetadata{NodeID: 1, Host: "h", Port: 9}, kgo.BrokerMetadata{NodeID: -1}
	refused := errors.New("refused")
	for range 3 {
		n.OnBrokerConnect(broker, 0, nil, refused)
	}
	n.OnBrokerConnect(broker, 0, nil, context.Canceled)
	n.OnBrokerConnect(seed, 0, nil, refused)
	n.OnBrokerConnect(broker, 0, nil, nil)
	want := []string{"refused; trying again", "connected again"}
	if !slices.Equal(told, want) || gaveUp != 0 {
		t.Errorf("told %q, gave up %d times", told, gaveUp)
	}
	n.notify(nil)
	for range failuresMax {
		n.OnBrokerConnect(broker, 0, nil, refused)
	}
	if len(told) != 2 || gaveUp != 1 {
		t.Errorf("told %q, gave up %d times", told, gaveUp)
	}
	if err := n.blame(context.Canceled); !strings.HasSuffix(err.Error(), "refused; is advertised.listeners right? skein doctor --as-client") {
		t.Errorf("%v", err)
	}
	if err := n.blame(protocol.Fail(protocol.InvalidRequest, "x")); err.Error() != "INVALID_REQUEST: x" {
		t.Errorf("an answer is blamed on the connection: %v", err)
	}
}

func TestBlame(t *testing.T) {
	n := connection{bootstrap: []string{"a:1", "b:2"}, timeout: time.Second}
	for _, c := range []struct {
		err  error
		want string
	}{
		{context.Canceled, "interrupted"},
		{context.DeadlineExceeded, "a:1,b:2 did not answer within 1s; skein doctor --as-client says which step hangs, --timeout waits longer"},
		{errors.New("odd"), "odd"},
	} {
		if got := n.blame(c.err); got.Error() != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	if n.blame(nil) != nil {
		t.Error("nothing is blamed")
	}
}
