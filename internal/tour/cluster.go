package tour

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/wiretap"
)

// Faults are what a scene may do to the nodes of a cluster. Nodes are called by their ids.
type Faults interface {
	// Cut lets nothing pass between two nodes, in either direction, until Heal. Clients reach both.
	Cut(a, b int32)
	Heal()
	// Kill ends a node as kill -9 does: its connections end, and nothing is said before or written after.
	Kill(node int32) error
	// Restart opens a node that was killed, on the same address, with what it has on its disk.
	Restart(node int32) error
}

// clusterNodes is how many nodes the tour starts for a scene that needs several.
const clusterNodes = 3

// LagMax is replica.lag.time.max.ms of the tour's clusters, so that nobody waits long.
const LagMax = 2 * time.Second

// ClusterProperties are those of each node of a cluster, beside Properties.
func ClusterProperties() map[string]string {
	p := Properties()
	p["replica.lag.time.max.ms"] = strconv.FormatInt(LagMax.Milliseconds(), 10)
	p["min.insync.replicas"] = "2"
	return p
}

// OpenCluster starts three brokers on free ports of 127.0.0.1, with their data in a directory that Close removes.
func OpenCluster() (*Broker, error) {
	dir, err := os.MkdirTemp("", "skein-tour-")
	if err != nil {
		return nil, err
	}
	m := machines{dir: dir, dial: dialTCP}
	m.listen = func(address string) (net.Listener, error) { return net.Listen("tcp", address) }
	var disks []*disk.Real
	m.disk = func(node int32) (disk.FS, error) {
		real, err := disk.OpenReal(filepath.Join(dir, strconv.Itoa(int(node))))
		if err == nil {
			disks = append(disks, real)
		}
		return real, err
	}
	remove := func() {
		for _, d := range disks {
			_ = d.Close()
		}
		_ = os.RemoveAll(dir)
	}
	broker, err := openCluster(m)
	if err != nil {
		remove()
		return nil, err
	}
	end := broker.Close
	broker.Close = func() {
		end()
		remove()
	}
	return broker, nil
}

// machines is what the nodes of a cluster run on: a network, and a disk for each.
type machines struct {
	dir    string
	listen func(address string) (net.Listener, error)
	dial   Dial
	disk   func(node int32) (disk.FS, error)
}

// openCluster starts the brokers.
func openCluster(m machines) (*Broker, error) {
	c := &localCluster{machines: m, links: localLinks{dial: m.dial, nodes: map[string]int32{}, conns: map[*localConn]bool{}, cuts: map[[2]int32]bool{},
		down: map[int32]bool{}}}
	if err := c.open(); err != nil {
		c.close()
		return nil, err
	}
	return &Broker{Bootstrap: c.nodes[0].address, Dial: m.dial, Faults: c, Session: Session, Heartbeat: Heartbeat, Watch: c.links.watch.set,
		Close: c.close}, nil
}

// localCluster is the nodes of this process.
type localCluster struct {
	machines
	nodes  [clusterNodes]localNode
	voters []string
	links  localLinks
}

// localNode is one of them. Its node and process are nil while it is down.
type localNode struct {
	address string
	disk    disk.FS
	process *process
	node    *skein.Node
	socket  net.Listener
	ended   chan error // of a node that was killed: nothing of it is left
}

// open starts them together: none is ready before most of them are there.
func (c *localCluster) open() error {
	for i := range c.nodes {
		n := &c.nodes[i]
		var err error
		if n.disk, err = c.disk(int32(i + 1)); err != nil {
			return err
		}
		if n.socket, err = c.listen("127.0.0.1:0"); err != nil {
			return err
		}
		n.address = n.socket.Addr().String()
		c.links.nodes[n.address] = int32(i + 1)
		c.voters = append(c.voters, fmt.Sprintf("%d@%s", i+1, n.address))
	}
	var failed [clusterNodes]error
	var wait sync.WaitGroup
	for i := range c.nodes {
		wait.Go(func() { failed[i] = c.start(int32(i + 1)) })
	}
	wait.Wait()
	return errors.Join(failed[:]...)
}

// start opens a node on its socket.
func (c *localCluster) start(id int32) error {
	n := &c.nodes[id-1]
	properties := ClusterProperties()
	properties["node.id"], properties["controller.quorum.voters"] = strconv.Itoa(int(id)), strings.Join(c.voters, ",")
	n.process = &process{FS: n.disk, node: id, watch: &c.links.watch}
	node, err := skein.Open(skein.Config{DataDir: filepath.Join(c.dir, strconv.Itoa(int(id))), FS: n.process, Listener: &localListener{n.socket, &c.links, id},
		Properties: properties, Dial: c.links.dialer(id)})
	n.node = node
	return err
}

// close kills them all: what they have is thrown away, so nobody need take over.
func (c *localCluster) close() {
	c.links.watch.set(nil)
	for i := range c.nodes {
		switch n := &c.nodes[i]; {
		case n.node != nil:
			_ = c.Kill(int32(i + 1))
		case n.socket != nil:
			_ = n.socket.Close()
		}
	}
	for i := range c.nodes {
		c.nodes[i].reap()
	}
}

// Cut implements Faults: connections end, and new ones fail.
func (c *localCluster) Cut(a, b int32) { c.links.cut(a, b) }

// Heal implements Faults.
func (c *localCluster) Heal() { c.links.heal() }

// Kill implements Faults. What is left of the node in this process reaches neither network nor disk, and ends.
func (c *localCluster) Kill(id int32) error {
	n := &c.nodes[id-1]
	if n.node == nil {
		return fmt.Errorf("node %d does not run", id)
	}
	_ = n.socket.Close()
	c.links.end(id)
	n.process.dead.Store(true)
	killed, ended := n.node, make(chan error, 1)
	go func() { ended <- killed.Close() }() // it says that it has lost its disk
	n.node, n.process, n.socket, n.ended = nil, nil, nil, ended
	return nil
}

// reap waits until nothing of a node that was killed is left.
func (n *localNode) reap() {
	if n.ended != nil {
		<-n.ended
		n.ended = nil
	}
}

// Restart implements Faults.
func (c *localCluster) Restart(id int32) (err error) {
	n := &c.nodes[id-1]
	if n.node != nil {
		return fmt.Errorf("node %d runs", id)
	}
	n.reap()
	if n.socket, err = c.listen(n.address); err != nil {
		return err
	}
	c.links.begin(id)
	return c.start(id)
}

// localLinks are the connections of the nodes of this process.
type localLinks struct {
	dial  Dial
	watch watch
	nodes map[string]int32 // by address; it does not change any more when the nodes run

	mu    sync.Mutex
	conns map[*localConn]bool
	cuts  map[[2]int32]bool // the lesser id first
	down  map[int32]bool    // killed
}

// aClient is the other end of a connection that a node accepted. It may be a node as well: that one has it too.
const aClient int32 = -1

// localConn is one of them.
type localConn struct {
	net.Conn
	links *localLinks
	link  [2]int32
}

func linkOf(a, b int32) [2]int32 { return [2]int32{min(a, b), max(a, b)} }

// watched are the requests between nodes that are listened to.
var watched = map[protocol.Key]bool{protocol.KeyFetch: true, protocol.KeyReplicaDurableEnds: true}

// dialer is how a node reaches the others.
func (l *localLinks) dialer(from int32) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		link := linkOf(from, l.nodes[address])
		if err := l.passes(link); err != nil {
			return nil, err
		}
		conn, err := l.dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		conn = wiretap.New(conn, watched, func(protocol.Key) {}, func(x wiretap.Exchange) {
			l.watch.tell(Happening{Kind: Asked, Node: from, At: x.Answered, Exchange: x})
		})
		return l.hold(conn, link)
	}
}

// hold keeps a connection to end it, unless its link is cut already.
func (l *localLinks) hold(conn net.Conn, link [2]int32) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.passesLocked(link); err != nil {
		_ = conn.Close()
		return nil, err
	}
	c := &localConn{Conn: conn, links: l, link: link}
	l.conns[c] = true
	return c, nil
}

func (l *localLinks) passes(link [2]int32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passesLocked(link)
}

func (l *localLinks) passesLocked(link [2]int32) error {
	if l.cuts[link] {
		return fmt.Errorf("the link between nodes %d and %d is cut", link[0], link[1])
	}
	for _, id := range link {
		if l.down[id] {
			return fmt.Errorf("node %d was killed", id)
		}
	}
	return nil
}

func (c *localConn) Close() error {
	c.links.mu.Lock()
	delete(c.links.conns, c)
	c.links.mu.Unlock()
	return c.Conn.Close()
}

// cut ends the connections of a link, and lets no new ones through.
func (l *localLinks) cut(a, b int32) {
	link := linkOf(a, b)
	l.endThose(func() { l.cuts[link] = true }, func(of [2]int32) bool { return of == link })
}

// end ends the connections of a node.
func (l *localLinks) end(id int32) {
	l.endThose(func() { l.down[id] = true }, func(of [2]int32) bool { return of[0] == id || of[1] == id })
}

func (l *localLinks) endThose(first func(), which func(link [2]int32) bool) {
	l.mu.Lock()
	first()
	var ended []*localConn
	for c := range l.conns {
		if which(c.link) {
			ended = append(ended, c)
		}
	}
	l.mu.Unlock()
	for _, c := range ended {
		_ = c.Close()
	}
}

func (l *localLinks) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.cuts)
}

func (l *localLinks) begin(id int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.down, id)
}

// localListener is a node's socket, whose connections end with the node.
type localListener struct {
	net.Listener
	links *localLinks
	node  int32
}

func (l *localListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	held, err := l.links.hold(conn, linkOf(aClient, l.node))
	if err != nil {
		return conn, nil // it is closed: whoever reads from it is told
	}
	return held, nil
}
