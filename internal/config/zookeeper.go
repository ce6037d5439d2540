package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Ensemble is where a ZooKeeper ensemble is, and where in it a cluster has its znodes.
type Ensemble struct {
	Servers []string // host:port each; none: zookeeper.connect is not set
	Chroot  string   // begins with a slash and does not end with one; empty for the root
}

// String is the ensemble as zookeeper.connect has it.
func (e Ensemble) String() string { return strings.Join(e.Servers, ",") + e.Chroot }

const ensembleForm = "host:port,host:port/chroot"

// ParseEnsemble reads what zookeeper.connect may hold. A port that is missing is 2181.
func ParseEnsemble(s string) (Ensemble, error) {
	var e Ensemble
	if s == "" {
		return e, nil
	}
	servers, chroot, _ := strings.Cut(s, "/")
	if chroot = strings.TrimSuffix(chroot, "/"); chroot != "" {
		e.Chroot = "/" + chroot
		for _, part := range strings.Split(chroot, "/") {
			if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "\x00, \t") {
				return e, fmt.Errorf("the chroot %q is no path of a znode", e.Chroot)
			}
		}
	}
	for _, one := range strings.Split(servers, ",") {
		one = strings.TrimSpace(one)
		if !strings.Contains(one, ":") {
			one += ":2181"
		}
		host, port, err := net.SplitHostPort(one)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
			return e, fmt.Errorf("%q is no host:port", one)
		}
		e.Servers = append(e.Servers, one)
	}
	return e, nil
}

var ensembleBounds = rule(ensembleForm, func(v Value) error {
	_, err := ParseEnsemble(v.Text)
	return err
})

// fillEnsemble reads zookeeper.connect, and refuses what says that the metadata is somewhere else.
func (b *Broker) fillEnsemble() *Fault {
	s, _ := b.rule("zookeeper.connect")
	b.ZooKeeper, _ = ParseEnsemble(s.value.Text) // its bounds were checked
	if len(b.ZooKeeper.Servers) == 0 {
		return nil
	}
	for _, name := range []string{"controller.quorum.voters", "controller.quorum.bootstrap.servers"} {
		if other, _ := b.rule(name); len(other.value.List) > 0 {
			return b.faultOf("zookeeper.connect", "%s is set as well (%s): the metadata is either in ZooKeeper or in a quorum of the nodes' own; leave one out", name, other.where)
		}
	}
	if b.ZooKeeperConnectionTimeout == 0 {
		b.ZooKeeperConnectionTimeout = b.ZooKeeperSessionTimeout
	}
	return nil
}
