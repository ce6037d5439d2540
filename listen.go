package skein

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/metadata"
)

// listener is an open socket with its name, and the address that clients are told.
type listener struct {
	net.Listener
	name       string
	controller bool // for nodes alone
	advertised metadata.Endpoint
}

// listen opens the sockets, before anything on the disk is touched: a port in use is the commonest mistake.
func (p *parts) listen(c *Config) error {
	for _, l := range p.broker.Listeners {
		socket := c.Listener
		c.Listener = nil
		given := socket != nil
		if !given {
			var err error
			if socket, err = net.Listen("tcp", l.Address()); err != nil {
				return fmt.Errorf("listener %s: %w: free the port, or set listeners to another", l, err)
			}
		}
		p.listeners = append(p.listeners, listener{Listener: socket, name: l.Name, controller: l.Controller, advertised: p.advertise(l, socket, given)})
	}
	if !slices.ContainsFunc(p.listeners, func(l listener) bool { return !l.controller }) {
		return fmt.Errorf("listeners names no listener for clients: set listeners=PLAINTEXT://HOST:PORT")
	}
	return nil
}

// advertise is the address that clients are told: what advertised.listeners says for the listener, or the socket's own
// host and port where it leaves them open.
func (p *parts) advertise(l config.Listener, socket net.Listener, given bool) metadata.Endpoint {
	host, port := l.Host, l.Port
	for _, a := range slices.Concat(p.broker.AdvertisedListeners, p.broker.AdvertisedControllers) {
		if a.Name == l.Name {
			host, port = a.Host, a.Port
		}
	}
	bound, text, err := net.SplitHostPort(socket.Addr().String())
	if err == nil && (given || port == 0) {
		if n, bad := strconv.Atoi(text); bad == nil {
			port = n
		}
	}
	if given || host == "" {
		host = bound
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return metadata.Endpoint{Listener: l.Name, Host: host, Port: uint16(port)}
}

// controllerAddress is where the other nodes reach this one's part of the quorum: what controller.quorum.voters says, or the
// listener for controllers, or that for brokers.
func (p *parts) controllerAddress() string {
	for _, v := range p.broker.QuorumVoters {
		if v.ID == p.broker.NodeID {
			return v.Address
		}
	}
	i := slices.IndexFunc(p.listeners, func(l listener) bool { return l.controller })
	if i < 0 {
		i = slices.IndexFunc(p.listeners, func(l listener) bool { return l.name == p.broker.InterBrokerListener })
	}
	if i < 0 {
		return ""
	}
	e := p.listeners[i].advertised
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// bootstrap is where the first listener for clients is reached.
func (p *parts) bootstrap() string {
	first := slices.IndexFunc(p.listeners, func(l listener) bool { return !l.controller })
	e := p.listeners[first].advertised
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}
