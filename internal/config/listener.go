package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Listener is one address to listen on, or one that clients are told.
type Listener struct {
	Name       string // upper case, such as PLAINTEXT or INTERNAL
	Host       string // "" for every address of the machine
	Port       int    // 0 lets the system choose, for tests
	Protocol   string // PLAINTEXT, the only one so far
	Controller bool   // named by controller.listener.names
}

// Address is host:port as net.Listen takes it.
func (l Listener) Address() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// Elsewhere says whether the address is one that the machine's own loopback does not lead to.
func (l Listener) Elsewhere() bool {
	ip, err := netip.ParseAddr(l.Host)
	return l.Host != "" && l.Host != "localhost" && (err != nil || !ip.IsLoopback() && !ip.IsUnspecified())
}

// String is the listener as it stands in a properties file.
func (l Listener) String() string { return l.Name + "://" + l.Address() }

// parseListener understands NAME://host:port. HOST:PORT without a name is PLAINTEXT, which is what --listen gives.
func parseListener(text string) (Listener, error) {
	name, address, named := strings.Cut(strings.TrimSpace(text), "://")
	if !named {
		name, address = "PLAINTEXT", name
	}
	if name == "" || strings.ContainsAny(name, ":/ ") {
		return Listener{}, fmt.Errorf("%q: a listener is NAME://host:port", text)
	}
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return Listener{}, fmt.Errorf("%q: a listener is NAME://host:port (an IPv6 address stands in brackets)", text)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return Listener{}, fmt.Errorf("%q: the port must be a number from 0 to 65535", text)
	}
	return Listener{Name: strings.ToUpper(name), Host: host, Port: int(port)}, nil
}

func parseListeners(elements []string) ([]Listener, error) {
	var (
		listeners []Listener
		errs      []error
	)
	ports := map[string]string{}
	for _, element := range elements {
		l, err := parseListener(element)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, earlier := range listeners {
			if earlier.Name == l.Name {
				errs = append(errs, fmt.Errorf("the listener name %s stands twice", l.Name))
			}
		}
		if other, taken := ports[l.Address()]; taken && l.Port != 0 {
			errs = append(errs, fmt.Errorf("%s and %s have the same address %s", other, l.Name, l.Address()))
		}
		ports[l.Address()] = l.Name
		listeners = append(listeners, l)
	}
	return listeners, errors.Join(errs...)
}

var listenerBounds = rule("NAME://host:port, ...", func(v Value) error {
	_, err := parseListeners(v.List)
	return err
})

// parseProtocolMap understands NAME:PROTOCOL,NAME:PROTOCOL.
func parseProtocolMap(text string) (map[string]string, error) {
	protocols := map[string]string{}
	for _, element := range splitList(text) {
		name, protocol, ok := strings.Cut(element, ":")
		protocol = strings.ToUpper(protocol)
		switch protocol {
		case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
		default:
			ok = false
		}
		if !ok || name == "" {
			return nil, fmt.Errorf("%q: must be NAME:PROTOCOL with PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", element)
		}
		protocols[strings.ToUpper(name)] = protocol
	}
	return protocols, nil
}

var protocolMapBounds = rule("NAME:PROTOCOL, ...", func(v Value) error {
	_, err := parseProtocolMap(v.Text)
	return err
})
