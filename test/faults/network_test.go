//go:build linux

package faults

import (
	"context"
	wire "encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skein-io/skein/test/services"
)

// network is a network namespace for each node and one for the clients, each with a cable to a router. The router can drop
// what one sends to another, silently: nobody is told, and no connection is reset.
type network struct {
	t       *testing.T
	router  string
	clients string
	nodes   []string // node id i is at i-1
	handle  *os.File // of the clients' namespace
}

// routedPort is where nodes in namespaces listen.
const routedPort = 9092

// clientsPlace is where the clients stand beside the nodes 1 to clusterSize. The servers of an ensemble stand behind it.
const (
	clientsPlace  = clusterSize + 1
	ensemblePlace = clientsPlace + 1
)

// dialPatience is how long a client tries to connect.
const dialPatience = time.Second

// networks counts those of this process.
var networks atomic.Int32

// newNetwork makes the namespaces. Without root there are none, and the test is left out.
func newNetwork(t *testing.T) *network {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root: sudo make faults")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need the command ip: on Debian, apt-get install iproute2")
	}
	prefix := fmt.Sprintf("skein-%d-%d-", os.Getpid(), networks.Add(1))
	n := &network{t: t, router: prefix + "router", clients: prefix + "clients"}
	n.add(n.router)
	for id := 1; id <= clusterSize; id++ {
		n.nodes = append(n.nodes, prefix+fmt.Sprint(id))
		n.add(n.nodes[id-1])
		n.plug(n.nodes[id-1], id)
	}
	n.add(n.clients)
	n.plug(n.clients, clientsPlace)
	n.ip("netns", "exec", n.router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	handle, err := os.Open(filepath.Join("/run/netns", n.clients))
	if err != nil {
		t.Fatal(err)
	}
	n.handle = handle
	t.Cleanup(func() { _ = handle.Close() })
	return n
}

// servers makes a namespace for each server of an ensemble.
func (n *network) servers() (places []services.Place) {
	n.t.Helper()
	for place := ensemblePlace; place < ensemblePlace+ensembleSize; place++ {
		namespace := strings.TrimSuffix(n.router, "router") + fmt.Sprint(place)
		n.add(namespace)
		n.plug(namespace, place)
		places = append(places, services.Place{Host: addressAt(place), Wrap: n.wrap(namespace), Dial: n.dial})
	}
	return places
}

// ip runs the command ip.
func (n *network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// add makes a namespace that ends with the test. What runs in it is ended before.
func (n *network) add(namespace string) {
	n.t.Helper()
	n.ip("netns", "add", namespace)
	n.t.Cleanup(func() { n.ip("netns", "del", namespace) })
	n.ip("-n", namespace, "link", "set", "lo", "up")
}

// plug puts a cable between a namespace and the router. The address of place 2 is 10.77.2.2.
func (n *network) plug(namespace string, place int) {
	n.t.Helper()
	cable := fmt.Sprint("to", place)
	n.ip("link", "add", "eth0", "netns", namespace, "type", "veth", "peer", "name", cable, "netns", n.router)
	n.ip("-n", namespace, "addr", "add", addressAt(place)+"/30", "dev", "eth0")
	n.ip("-n", namespace, "link", "set", "eth0", "up")
	n.ip("-n", n.router, "addr", "add", fmt.Sprintf("10.77.%d.1/30", place), "dev", cable)
	n.ip("-n", n.router, "link", "set", cable, "up")
	n.ip("-n", namespace, "route", "add", "default", "via", fmt.Sprintf("10.77.%d.1", place))
}

func addressAt(place int) string { return fmt.Sprintf("10.77.%d.2", place) }

// wrap is the command that runs another one in a namespace.
func (n *network) wrap(namespace string) []string { return []string{"ip", "netns", "exec", namespace} }

// cut drops what one place sends to another from now on. Both directions need two calls.
func (n *network) cut(from, to int) {
	n.t.Helper()
	n.ip("-n", n.router, "rule", "add", "from", addressAt(from), "to", addressAt(to), "blackhole", "pref", "100")
}

// part cuts both directions between a node and others.
func (n *network) part(id int, others ...int) {
	n.t.Helper()
	for _, other := range others {
		n.cut(id, other)
		n.cut(other, id)
	}
}

// heal ends all cuts. What was sent meanwhile is not delivered late, but TCP sends it again.
func (n *network) heal() {
	n.t.Helper()
	for {
		rules, err := exec.Command("ip", "-n", n.router, "rule", "list", "pref", "100").Output()
		if err != nil {
			n.t.Fatal(err)
		}
		if len(strings.TrimSpace(string(rules))) == 0 {
			return
		}
		n.ip("-n", n.router, "rule", "del", "pref", "100")
	}
}

// slow lets little of what one place sends to another through: so many kilobits in a second. hurry ends it.
func (n *network) slow(from, to, kbit int) {
	n.t.Helper()
	cable := fmt.Sprint("to", to)
	for _, line := range []string{
		"qdisc add dev %s root handle 1: htb default 10",
		"class add dev %s parent 1: classid 1:10 htb rate 1gbit quantum 60000",
		fmt.Sprintf("class add dev %%s parent 1: classid 1:20 htb rate %dkbit quantum 1600", kbit),
		"filter add dev %s parent 1: protocol ip u32 match ip src " + addressAt(from) + "/32 flowid 1:20",
	} {
		n.tc(fmt.Sprintf(line, cable))
	}
}

func (n *network) hurry(to int) {
	n.t.Helper()
	n.tc(fmt.Sprintf("qdisc del dev to%d root", to))
}

func (n *network) tc(line string) {
	n.t.Helper()
	if out, err := exec.Command("tc", append([]string{"-n", n.router}, strings.Fields(line)...)...).CombinedOutput(); err != nil {
		n.t.Fatalf("tc %s: %v\n%s", line, err, out)
	}
}

// dial connects from the clients' namespace: a socket belongs to the namespace of the thread that makes it.
func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer home.Close() //nolint:errcheck // it was only read
	if err := unix.Setns(int(n.handle.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	c, err := (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, kind, address)
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(back) // the thread cannot be used for anything else
	}
	runtime.UnlockOSThread()
	return c, err
}

// newRoutedCluster prepares a cluster whose nodes are in namespaces of their own, and the servers of an ensemble, too.
func newRoutedCluster(t *testing.T, on quorum, set ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, net: newNetwork(t)}
	if on == zooKeeper {
		c.ensemble = newEnsemble(t, c.net.servers())
	}
	root := t.TempDir()
	for id := 1; id <= clusterSize; id++ {
		c.nodes = append(c.nodes, &broker{t: t, dir: filepath.Join(root, fmt.Sprint("node-", id)),
			address: fmt.Sprintf("%s:%d", addressAt(id), routedPort), wrap: c.net.wrap(c.net.nodes[id-1])})
	}
	c.configure(set)
	return c
}

// TestCutsAreSilent: what the tests of a cluster's network stand on. A cut in one direction drops packets in that
// direction only, and tells nobody; after it is healed the connections that stood go on.
func TestCutsAreSilent(t *testing.T) {
	n := newNetwork(t)
	b := &broker{t: t, dir: filepath.Join(t.TempDir(), "data"), address: addressAt(1) + ":9092", wrap: n.wrap(n.nodes[0])}
	b.start()
	stands, err := n.dial(context.Background(), "tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer stands.Close() //nolint:errcheck // its answers were read
	versions := []byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff}
	answers := func(within time.Duration) bool { // and reads the whole answer
		t.Helper()
		if err := stands.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		var head [4]byte
		_, err := io.ReadFull(stands, head[:])
		if e, ok := err.(net.Error); ok && e.Timeout() {
			return false
		}
		if err != nil {
			t.Fatalf("the connection ends: %v", err)
		}
		_ = stands.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.CopyN(io.Discard, stands, int64(wire.BigEndian.Uint32(head[:]))); err != nil {
			t.Fatalf("the connection ends: %v", err)
		}
		return true
	}
	for _, direction := range [][2]int{{clientsPlace, 1}, {1, clientsPlace}} {
		n.cut(direction[0], direction[1])
		if _, err := stands.Write(versions); err != nil {
			t.Fatal(err)
		}
		if answers(300 * time.Millisecond) {
			t.Errorf("an answer comes although %v is cut", direction)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		if c, err := n.dial(ctx, "tcp", b.address); err == nil {
			_ = c.Close()
			t.Errorf("a connection is made although %v is cut", direction)
		} else if e, ok := err.(net.Error); !ok || !e.Timeout() {
			t.Errorf("a cut is not silent: %v", err)
		}
		cancel()
		n.heal()
		if !answers(patience) {
			t.Error("the connection does not go on after the cut")
		}
	}
}
