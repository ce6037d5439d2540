package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ZooKeeperVersion is the release of Apache ZooKeeper that is tested against.
const ZooKeeperVersion = "3.9.5"

// ZooKeeper is one Apache ZooKeeper server: alone, or a member of an ensemble. It is no broker, and has what the two share: an
// address, a folder, Start, Stop and Kill.
type ZooKeeper struct {
	*process
	place Place
	id    int
	peers []string // server.N=host:port:port lines; none: it is alone
}

// Place is where a server runs. The zero Place is this machine's loopback, on free ports.
type Place struct {
	// Host is an address that is the server's alone: it listens there on ZooKeeper's own ports, 2181, 2888 and 3888.
	Host string
	// Wrap is a command that runs another one in its place, such as a network namespace. It must become that other one.
	Wrap []string
	// Dial is how to reach the place from here; nil: like any other.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// ZooKeeperEnsemble is one server, or several that are one ensemble.
type ZooKeeperEnsemble struct {
	Servers []*ZooKeeper
}

// zookeeperTick is tickTime, ms: sessions are 2 to 20 of them long.
const zookeeperTick = 500

// NewZooKeeper prepares an ensemble of n servers on loopback; nothing runs before Start. With one, that server is alone.
func NewZooKeeper(o Options, n int) (*ZooKeeperEnsemble, error) {
	return NewZooKeeperAt(o, make([]Place, n)...)
}

// NewZooKeeperAt prepares an ensemble of one server in each place.
func NewZooKeeperAt(o Options, places ...Place) (*ZooKeeperEnsemble, error) {
	e := &ZooKeeperEnsemble{}
	var peers []string
	for i, place := range places {
		own := o
		own.Dir = filepath.Join(o.Dir, "zookeeper-"+strconv.Itoa(i+1))
		if len(places) > 1 {
			own.Port = 0
		}
		p, err := newProcess("zookeeper", own)
		if err != nil {
			return nil, err
		}
		host, ports := "127.0.0.1", [2]int{2888, 3888}
		if place.Host != "" {
			host, p.addr = place.Host, net.JoinHostPort(place.Host, "2181")
		} else if len(places) > 1 {
			for j := range ports {
				if ports[j], err = FreePort(); err != nil {
					return nil, err
				}
			}
		}
		if len(places) > 1 {
			peers = append(peers, fmt.Sprintf("server.%d=%s:%d:%d", i+1, host, ports[0], ports[1]))
		}
		if place.Dial == nil {
			place.Dial = new(net.Dialer).DialContext
		}
		e.Servers = append(e.Servers, &ZooKeeper{process: p, place: place, id: i + 1})
	}
	for _, z := range e.Servers {
		z.peers = peers
	}
	return e, nil
}

// Connect is zookeeper.connect without a chroot.
func (e *ZooKeeperEnsemble) Connect() string {
	var all []string
	for _, z := range e.Servers {
		all = append(all, z.addr)
	}
	return strings.Join(all, ",")
}

// Start starts all servers and returns when each of them serves.
func (e *ZooKeeperEnsemble) Start(ctx context.Context) error {
	failed := make([]error, len(e.Servers))
	var work sync.WaitGroup
	for i, z := range e.Servers {
		work.Go(func() { failed[i] = z.Start(ctx) })
	}
	work.Wait()
	return errors.Join(failed...)
}

// Kill ends all servers at once.
func (e *ZooKeeperEnsemble) Kill() error {
	var failed []error
	for _, z := range e.Servers {
		failed = append(failed, z.Kill())
	}
	return errors.Join(failed...)
}

// ZooKeeperJars resolves ZooKeeper's server and returns its folder. Three of them are named because ZooKeeper's own project
// leaves them out, and its server does not start without.
func ZooKeeperJars() (string, error) {
	return Jars("zookeeper-"+ZooKeeperVersion, "org.apache.zookeeper:zookeeper:"+ZooKeeperVersion,
		"io.dropwizard.metrics:metrics-core:4.1.12.1", "org.xerial.snappy:snappy-java:1.1.10.5", "commons-cli:commons-cli:1.5.0",
		"org.slf4j:slf4j-simple:2.0.13")
}

// Start runs the process and returns when it serves: alone, or as a part of the ensemble.
func (z *ZooKeeper) Start(ctx context.Context) error {
	if _, err := exec.LookPath("java"); err != nil {
		return fmt.Errorf("there is no JDK: %w", err)
	}
	lib, err := ZooKeeperJars()
	if err != nil {
		return err
	}
	data := filepath.Join(z.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "myid"), []byte(strconv.Itoa(z.id)), 0o644); err != nil {
		return err
	}
	conf := filepath.Join(z.dir, "zoo.cfg")
	if err := os.WriteFile(conf, z.configuration(data), 0o644); err != nil {
		return err
	}
	args := append(slices.Clone(z.place.Wrap), "java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
		"-Djava.net.preferIPv4Stack=true", "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dzookeeper.jmx.log4j.disable=true", "-cp", lib+"/*",
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", conf)
	cmd := exec.Command(args[0], args[1:]...)
	if err := z.launch(cmd); err != nil {
		return err
	}
	return z.waitServing(ctx)
}

func (z *ZooKeeper) configuration(data string) []byte {
	var b bytes.Buffer
	host, port, _ := net.SplitHostPort(z.addr)
	fmt.Fprintf(&b, "tickTime=%d\ninitLimit=20\nsyncLimit=10\ndataDir=%s\nclientPort=%s\nclientPortAddress=%s\n"+
		"maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=srvr\n", zookeeperTick, data, port, host)
	for _, line := range z.peers {
		b.WriteString(line + "\n")
	}
	return b.Bytes()
}

func (z *ZooKeeper) waitServing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, z.timeout)
	defer cancel()
	for {
		_, err := z.Mode(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-z.exited:
			z.forget()
			return fmt.Errorf("%s exited before it was ready: %w\n%s", z.name, z.err, z.logTail())
		case <-ctx.Done():
			_ = z.Kill()
			return fmt.Errorf("%s was not ready within %v: %w\n%s", z.name, z.timeout, err, z.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Mode asks the server what it is: standalone, leader or follower. An error says that it does not serve.
func (z *ZooKeeper) Mode(ctx context.Context) (string, error) {
	conn, err := z.place.Dial(ctx, "tcp", z.addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("srvr")); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(string(answer), "Mode: ")
	if !ok {
		return "", fmt.Errorf("it does not serve yet: %.100q", answer)
	}
	mode, _, _ := strings.Cut(rest, "\n")
	return mode, nil
}
