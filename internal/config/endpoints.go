package config

import (
	"net/netip"
	"os"
	"slices"
	"strings"
)

// fillListeners makes Listeners, with the protocol of each.
func (b *Broker) fillListeners() *Fault {
	s, _ := b.rule("listeners")
	b.Listeners, _ = parseListeners(s.value.List) // its bounds were checked
	if len(b.Listeners) == 0 {
		return b.faultOf("listeners", "there must be one")
	}
	mapping, _ := b.rule("listener.security.protocol.map")
	protocols, _ := parseProtocolMap(mapping.value.Text) // its bounds were checked
	names, _ := b.rule("controller.listener.names")
	for i := range b.Listeners {
		l := &b.Listeners[i]
		l.Controller = slices.ContainsFunc(names.value.List, func(n string) bool { return strings.EqualFold(n, l.Name) })
		if l.Protocol = protocols[l.Name]; l.Protocol == "" && l.Controller {
			l.Protocol = "PLAINTEXT"
		}
		switch {
		case l.Protocol == "":
			return b.faultOf("listeners", "%s is not in listener.security.protocol.map", l.Name)
		case l.Protocol != "PLAINTEXT":
			return b.faultOf("listeners", "%s has the protocol %s, and skein serves only PLAINTEXT so far", l.Name, l.Protocol)
		}
	}
	return nil
}

// fillAdvertised makes AdvertisedListeners and AdvertisedControllers: what is set, or what can be told of Listeners.
// advertised.listeners may leave out those of controllers, as in Kafka before KIP-853.
func (b *Broker) fillAdvertised() *Fault {
	s, set := b.rule("advertised.listeners")
	b.AdvertisedListeners, b.AdvertisedControllers = nil, nil
	for _, l := range b.Listeners {
		l.Host = reachableHost(l.Host)
		switch {
		case l.Controller:
			b.AdvertisedControllers = append(b.AdvertisedControllers, l)
		case !set:
			b.AdvertisedListeners = append(b.AdvertisedListeners, l)
		}
	}
	if !set {
		return nil
	}
	advertised, _ := parseListeners(s.value.List) // its bounds were checked
	for _, l := range advertised {
		i := slices.IndexFunc(b.Listeners, func(other Listener) bool { return other.Name == l.Name })
		switch {
		case i < 0:
			return b.faultOf("advertised.listeners", "%s is not among the listeners", l.Name)
		case l.Host == "" || isEveryAddress(l.Host):
			return b.faultOf("advertised.listeners", "%s needs a host that clients can reach", l.Name)
		}
		l.Protocol, l.Controller = b.Listeners[i].Protocol, b.Listeners[i].Controller
		if !l.Controller {
			b.AdvertisedListeners = append(b.AdvertisedListeners, l)
			continue
		}
		own := slices.IndexFunc(b.AdvertisedControllers, func(other Listener) bool { return other.Name == l.Name })
		b.AdvertisedControllers[own] = l
	}
	return nil
}

func (b *Broker) fillInterBroker() *Fault {
	s, set := b.rule("inter.broker.listener.name")
	if len(b.AdvertisedListeners) == 0 {
		if slices.Contains(b.ProcessRoles, "broker") && len(b.Listeners) > 0 {
			return b.faultOf("listeners", "a broker needs one that is not among controller.listener.names")
		}
		return nil
	}
	if !set {
		b.InterBrokerListener = b.AdvertisedListeners[0].Name
		return nil
	}
	b.InterBrokerListener = strings.ToUpper(s.value.Text)
	if !slices.ContainsFunc(b.AdvertisedListeners, func(l Listener) bool { return l.Name == b.InterBrokerListener }) {
		return b.faultOf("inter.broker.listener.name", "no such listener is advertised")
	}
	return nil
}

// reachableHost is host, or the machine's name where host means every address.
func reachableHost(host string) string {
	if host != "" && !isEveryAddress(host) {
		return host
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

func isEveryAddress(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsUnspecified()
}
