package controllerlink

import "github.com/skein-io/skein/internal/metadata"

// State is what the controller last said of this broker.
type State struct {
	Epoch  metadata.BrokerEpoch // NoBrokerEpoch while the broker is not registered
	Fenced bool                 // it leads nothing and clients do not see it
}
