package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Resolve makes a Broker of assignments, each source stronger than those before it: Resolve(file, environment, set).
// In one source the last assignment of a name rules. An error is Faults: everything that is wrong, at once.
func Resolve(sources ...[]Assignment) (*Broker, error) {
	b := &Broker{static: map[string]setting{}}
	var faults Faults
	for _, source := range sources {
		for _, a := range source {
			p, v, fault := BrokerProperties.parse(a)
			if fault != nil {
				faults = append(faults, fault)
				continue
			}
			b.static[a.Name] = newSetting(p, v, SourceStaticBroker, a.Where)
		}
	}
	faults = append(faults, b.fill()...)
	if err := faults.asError(); err != nil {
		return nil, err
	}
	return b, nil
}

// Defaults is the Broker of a node that nobody configured.
func Defaults() *Broker {
	b, err := Resolve()
	if err != nil {
		panic("config: the defaults do not stand: " + err.Error())
	}
	return b
}

// WithDynamic is b with the dynamic values that the cluster keeps: general for all brokers, own for this one. Both
// replace what b had of them.
func (b *Broker) WithDynamic(general, own map[string]string) (*Broker, error) {
	next := &Broker{static: b.static}
	var faults Faults
	next.general, faults = dynamicLayer(general, SourceDynamicDefaultBroker, faults)
	next.own, faults = dynamicLayer(own, SourceDynamicBroker, faults)
	faults = append(faults, next.fill()...)
	if err := faults.asError(); err != nil {
		return nil, err
	}
	return next, nil
}

func dynamicLayer(values map[string]string, source Source, faults Faults) (map[string]setting, Faults) {
	layer := map[string]setting{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, v, fault := BrokerProperties.parse(Assignment{Name: name, Value: values[name]})
		if fault != nil {
			faults = append(faults, fault)
			continue
		}
		layer[name] = newSetting(p, v, source, strings.ToLower(source.String()))
	}
	return layer, faults
}

// ValidateDynamic says what is wrong with the dynamic values of a broker resource. own is false for the resource with
// the empty name, which is for all brokers.
func ValidateDynamic(values map[string]string, own bool) error {
	var faults Faults
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, _, fault := BrokerProperties.parse(Assignment{Name: name, Value: values[name]})
		switch {
		case fault != nil:
		case p.Mode == ReadOnly:
			fault = &Fault{Name: name, Value: shown(p, name, values[name]), Reason: "can be changed only in the broker's own configuration, by a restart"}
		case p.Mode == PerBroker && !own:
			fault = &Fault{Name: name, Value: shown(p, name, values[name]), Reason: "can be changed for one broker at a time only"}
		default:
			continue
		}
		faults = append(faults, fault)
	}
	return faults.asError()
}

// fill makes the typed fields of the layers, and says what does not go together.
func (b *Broker) fill() Faults {
	bind(b, b.rule)
	var faults Faults
	for _, f := range []func() *Fault{b.fillNodeID, b.fillVoters, b.fillEnsemble, b.fillPerIP, b.fillListeners, b.fillAdvertised,
		b.fillInterBroker, b.checkSessions, b.checkHeartbeats} {
		if fault := f(); fault != nil {
			faults = append(faults, fault)
		}
	}
	return faults
}

// faultOf is a fault of a property's present value.
func (b *Broker) faultOf(name, format string, args ...any) *Fault {
	s, _ := b.rule(name)
	where := s.where
	if where == "default" {
		where = ""
	}
	return &Fault{Name: name, Value: s.value.Text, Where: where, Reason: fmt.Sprintf(format, args...)}
}

func (b *Broker) fillNodeID() *Fault {
	node, nodeSet := b.static["node.id"]
	broker, brokerSet := b.static["broker.id"]
	if nodeSet && brokerSet && node.value.Long != broker.value.Long {
		return b.faultOf("node.id", "broker.id is its other name and says %d (%s)", broker.value.Long, broker.where)
	}
	if !nodeSet && brokerSet && broker.value.Long < 0 {
		b.NodeID = 1 // broker.id=-1 is Kafka's word for "not set"
	}
	return nil
}

func (b *Broker) fillVoters() *Fault {
	s, _ := b.rule("controller.quorum.voters")
	b.QuorumVoters, _ = ParseVoters(s.value.List) // its bounds were checked
	return nil
}

func (b *Broker) fillPerIP() *Fault {
	s, _ := b.rule("max.connections.per.ip.overrides")
	b.MaxConnectionsPerIPOverride, _ = parsePerIP(s.value.Text) // its bounds were checked
	return nil
}

func (b *Broker) checkSessions() *Fault {
	if b.GroupSessionTimeoutMin > b.GroupSessionTimeoutMax {
		return b.faultOf("group.min.session.timeout.ms", "is more than group.max.session.timeout.ms (%v)", b.GroupSessionTimeoutMax)
	}
	return nil
}

func (b *Broker) checkHeartbeats() *Fault {
	if b.BrokerHeartbeat*2 > b.BrokerSessionTimeout {
		return b.faultOf("broker.heartbeat.interval.ms", "must be at most half of broker.session.timeout.ms (%v)", b.BrokerSessionTimeout)
	}
	return nil
}
