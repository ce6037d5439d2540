package oldgroups

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Address is an ensemble, and where in its tree a Kafka lives: what Kafka's zookeeper.connect says.
type Address struct {
	Servers []string // host:port
	Root    string   // "" or "/kafka"
}

// ParseAddress reads HOST:PORT,HOST:PORT/CHROOT. A server without a port has ZooKeeper's, 2181.
func ParseAddress(text string) (Address, error) {
	list, root, _ := strings.Cut(strings.TrimSpace(text), "/")
	root = strings.Trim(root, "/")
	var a Address
	for _, server := range strings.Split(list, ",") {
		if server = strings.TrimSpace(server); !strings.Contains(server, ":") && server != "" {
			server += ":2181"
		}
		host, port, err := net.SplitHostPort(server)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil || n == 0 {
			return Address{}, fmt.Errorf("%q: it is HOST:PORT,HOST:PORT/CHROOT", text)
		}
		a.Servers = append(a.Servers, server)
	}
	if root == "" {
		return a, nil
	}
	for _, name := range strings.Split(root, "/") {
		if name == "" || name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return Address{}, fmt.Errorf("%q: /%s is no path of ZooKeeper's", text, root)
		}
	}
	a.Root = "/" + root
	return a, nil
}

func (a Address) String() string { return strings.Join(a.Servers, ",") + a.Root }

// Auth is how to be somebody to ZooKeeper.
type Auth struct {
	Scheme      string // "digest"
	Credentials []byte // "user:password"
}

// ParseAuth reads SCHEME:CREDENTIALS, such as digest:user:password. What it was given is in no error.
func ParseAuth(text string) (*Auth, error) {
	scheme, credentials, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok || scheme == "" || credentials == "" {
		return nil, errors.New("it is SCHEME:CREDENTIALS, such as digest:user:password")
	}
	return &Auth{Scheme: scheme, Credentials: []byte(credentials)}, nil
}
