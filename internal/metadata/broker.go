package metadata

import "github.com/skein-io/skein/internal/protocol"

// Broker is the registration of one broker.
type Broker struct {
	ID          NodeID
	Epoch       BrokerEpoch
	Incarnation protocol.UUID // new with each start of the process
	Endpoints   []Endpoint    // in the order of registration
	Rack        *string       // nil if none is set
	Features    []FeatureRange
	LogDirs     []protocol.UUID
	// Fenced brokers lead nothing, join no ISR and are not shown to clients.
	Fenced             bool
	ControlledShutdown bool // it is handing its leaderships away
}

// Active says whether the broker may lead partitions and be given new ones.
func (b *Broker) Active() bool { return b != nil && !b.Fenced && !b.ControlledShutdown }

// LostDirectory stands for a log directory of which nothing is left (KIP-858).
var LostDirectory = protocol.UUID{15: 2}

// Volatile says whether records that the broker acknowledged may be lost in a crash of its machine or process: it has
// registered with VolatileFeature. Without, what is acknowledged is on the disk.
func (b *Broker) Volatile() bool {
	for _, f := range b.Features {
		if f.Name == VolatileFeature {
			return f.Max > 0
		}
	}
	return false
}

// Endpoint is one address at which clients or nodes reach a broker.
type Endpoint struct {
	Listener         string // its name, such as PLAINTEXT
	Host             string
	Port             uint16
	SecurityProtocol int16 // Kafka's number: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL
}

// FeatureRange is what levels of a feature a broker understands.
type FeatureRange struct {
	Name     string
	Min, Max int16
}

// Endpoint returns the broker's address on a listener.
func (b *Broker) Endpoint(listener string) (Endpoint, bool) {
	for _, e := range b.Endpoints {
		if e.Listener == listener {
			return e, true
		}
	}
	return Endpoint{}, false
}
