package quorum

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/sim/seeds"
)

func line(now time.Time, event controller.Event, effects *controller.Effects) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %T:", now.UnixNano(), event)
	for _, p := range effects.Proposals {
		fmt.Fprintf(&b, " propose")
		fmt.Fprintf(&b, " %q", metadata.AppendRecords(nil, p.Records...))
	}
	for _, r := range effects.Replies {
		fmt.Fprintf(&b, " reply %d %v", r.Token, r.Err)
		if r.Err == nil {
			_, version := protocol.Decodable(r.Response.Key())
			fmt.Fprintf(&b, " %q", protocol.AppendMessage(nil, r.Response, version))
		}
	}
	return b.String()
}

// TestRecordingReplays: a recording, stepped through by another controller, gives what the first one gave.
func TestRecordingReplays(t *testing.T) {
	for seed := range uint64(seeds.Many(t, seedsDefault)) {
		h := newHistory(seed)
		if err := h.start(h.confirmed); err != nil {
			t.Fatal(err)
		}
		var live []string
		h.life.node.seat.Trace = func(now time.Time, event controller.Event, effects *controller.Effects) {
			live = append(live, line(now, event, effects))
		}
		for range 60 {
			if err := h.request(); err != nil {
				t.Fatal(err)
			}
		}
		heartbeat := protocol.NewBrokerHeartbeatRequest()
		heartbeat.BrokerID, heartbeat.BrokerEpoch = 1, int64(h.epochs[0])
		if _, err := h.life.ask(heartbeat); err != nil {
			t.Fatal(err)
		}
		for _, request := range []protocol.Message{
			protocol.NewElectLeadersRequest(), protocol.NewAlterConfigsRequest(), protocol.NewCreatePartitionsRequest(),
			&protocol.DeleteTopicsRequest{TopicNames: []string{"t1", "t2"}}, registration(99),
		} {
			if _, err := h.life.ask(request); err != nil {
				t.Fatal(err)
			}
		}
		var replayed []string
		err := seat.Replay(h.life.node.Recording(), h.life.node.config.Controller, func(now time.Time, event controller.Event, effects *controller.Effects) {
			replayed = append(replayed, line(now, event, effects))
		})
		if err != nil {
			t.Fatal(err)
		}
		// The live trace begins after the start's own events.
		if len(replayed) < len(live) || strings.Join(replayed[len(replayed)-len(live):], "\n") != strings.Join(live, "\n") {
			t.Fatalf("seed %d: %d live and %d replayed events differ:\n%s\n---\n%s", seed, len(live), len(replayed),
				strings.Join(live, "\n"), strings.Join(replayed, "\n"))
		}
	}
}

// TestRecordingIsBounded: it never grows beyond two chapters, and still replays.
func TestRecordingIsBounded(t *testing.T) {
	l := mustOpen(t, disk.NewSimulated(disk.SimulatedOptions{}), 1, nil)
	defer l.close(t)
	for i := range 8000 {
		l.node.Submit(createRequest(fmt.Sprint("same", i%3), 1), 6, func(protocol.Message, error) {})
		if i%10 == 0 {
			_ = l.node.Work(l.now)
		}
	}
	_ = l.node.Work(l.now)
	recording := l.node.Recording()
	if len(recording) > 2*seat.ChapterBytesMax || len(recording) < seat.ChapterBytes {
		t.Errorf("%d bytes", len(recording))
	}
	events := 0
	err := seat.Replay(recording, l.node.config.Controller, func(time.Time, controller.Event, *controller.Effects) { events++ })
	if err != nil || events < 1000 {
		t.Errorf("%d events, %v", events, err)
	}
}
