package api

import (
	"testing"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/protocol"
)

// TestEndpointTypes: a controller listener tells of controllers, any other of brokers; where the voters are reached by the
// clients' own listener, it tells of both.
func TestEndpointTypes(t *testing.T) {
	const (
		alone   = "listeners=PLAINTEXT://127.0.0.1:9092"
		voters  = "\ncontroller.quorum.voters=1@127.0.0.1:9092,2@127.0.0.1:9093,3@127.0.0.1:9094"
		between = ",CONTROLLER://127.0.0.1:9192\ncontroller.listener.names=CONTROLLER"
	)
	for _, c := range []struct {
		properties, listener string
		kind                 int8
		want                 protocol.Code
	}{
		{alone, "PLAINTEXT", endpointBrokers, protocol.None},
		{alone, "PLAINTEXT", endpointControllers, protocol.MismatchedEndpointType},
		{alone, "PLAINTEXT", 9, protocol.UnsupportedEndpointType},
		{alone + voters, "PLAINTEXT", endpointBrokers, protocol.None},
		{alone + voters, "PLAINTEXT", endpointControllers, protocol.None},
		{alone + between + voters, "PLAINTEXT", endpointBrokers, protocol.None},
		{alone + between + voters, "PLAINTEXT", endpointControllers, protocol.MismatchedEndpointType},
		{alone + between + voters, "CONTROLLER", endpointBrokers, protocol.MismatchedEndpointType},
		{alone + between + voters, "CONTROLLER", endpointControllers, protocol.None},
		{alone + between + voters, "CONTROLLER", 9, protocol.UnsupportedEndpointType},
	} {
		assignments, err := config.FromProperties("test", c.properties)
		if err != nil {
			t.Fatal(err)
		}
		broker, err := config.Resolve(assignments)
		if err != nil {
			t.Fatal(err)
		}
		n := &Node{Parts: Parts{Config: func() *config.Broker { return broker }}}
		got := protocol.None
		if err := n.fitEndpoints(c.listener, c.kind); err != nil {
			got = protocol.CodeOf(err)
		}
		if got != c.want {
			t.Errorf("%q, endpoint type %d on %s: %v, want %v", c.properties, c.kind, c.listener, got, c.want)
		}
	}
}
