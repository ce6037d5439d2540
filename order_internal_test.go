package skein

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/internal/server"
	"github.com/skein-io/skein/internal/server/memnet"
)

// TestCloseBeforeTheListenersAreServed: a node that is closed before the goroutines that serve its listeners have run leaves its
// address free.
func TestCloseBeforeTheListenersAreServed(t *testing.T) {
	network := &memnet.Network{}
	const address = "127.0.0.1:1"
	l, err := network.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{logger: slog.New(slog.DiscardHandler), listeners: []listener{{Listener: l}}}
	p.server.Store(server.New(server.Config{}, nil, p.logger))
	if err := p.close(); err != nil {
		t.Error(err)
	}
	if _, err := network.Listen("tcp", address); err != nil {
		t.Error("the node has ended: ", err)
	}
}

// TestAnnouncerWaitsForTheQuorum: the metadata log sends messages, and hears that it is a stranger, before the node knows the log.
func TestAnnouncerWaitsForTheQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a announcer
		a.init(&parts{logger: slog.New(slog.DiscardHandler)})
		defer a.stop()
		a.kick()
		synctest.Wait()
		if a.running {
			t.Error("it asks about a quorum that is not there yet")
		}
	})
}
