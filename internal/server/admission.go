package server

import (
	"fmt"
	"net/netip"
	"sync"
)

// admission counts connections, in all and for each address. Safe for concurrent use.
type admission struct {
	mu    sync.Mutex
	total int
	perIP map[netip.Addr]int
}

// enter counts a connection, or says why there is no room for it.
func (a *admission) enter(address netip.Addr, limits *Config, filesMax int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	ipMax, ok := limits.MaxConnectionsPerIPOverride[address]
	if !ok {
		ipMax = limits.MaxConnectionsPerIP
	}
	switch {
	case a.total >= limits.MaxConnections:
		return fmt.Errorf("there are %d connections, as many as max.connections allows", a.total)
	case a.total >= filesMax:
		return fmt.Errorf("there are %d connections, as many as the limit on open files allows", a.total)
	case a.perIP[address] >= ipMax:
		return fmt.Errorf("the address has %d connections, as many as max.connections.per.ip allows", a.perIP[address])
	}
	a.total++
	if a.perIP == nil {
		a.perIP = map[netip.Addr]int{}
	}
	a.perIP[address]++
	return nil
}

// leave takes a connection that entered out of the count.
func (a *admission) leave(address netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total--
	if a.perIP[address]--; a.perIP[address] == 0 {
		delete(a.perIP, address)
	}
}
