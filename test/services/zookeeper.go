package services

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// ZooKeeperVersion is the release of Apache ZooKeeper that is tested against.
const ZooKeeperVersion = "3.9.5"

// ZooKeeper is one server that stands alone. It is no broker, and has what the two share: an address, a folder, Start, Stop and Kill.
type ZooKeeper struct {
	*process
	jvm        JVM
	properties map[string]string
}

// NewZooKeeper prepares a server; nothing runs before Start. Properties are those of zoo.cfg. The heap is 256 MiB unless the JVM says
// otherwise. Sessions may last 1 to 10 s, and one address may have any number of them.
func NewZooKeeper(o Options, jvm JVM) (*ZooKeeper, error) {
	p, err := newProcess("zookeeper", o)
	if err != nil {
		return nil, err
	}
	if jvm.HeapMiB == 0 {
		jvm.HeapMiB = 256
	}
	return &ZooKeeper{process: p, jvm: jvm, properties: maps.Clone(o.Properties)}, nil
}

// ZooKeeperJars resolves the server and returns its folder. metrics-core and snappy-java are not part of its own list, and it does not
// start without them.
func ZooKeeperJars() (string, error) {
	return Jars("zookeeper-"+ZooKeeperVersion, "org.apache.zookeeper:zookeeper:"+ZooKeeperVersion, "io.dropwizard.metrics:metrics-core:4.1.12.1",
		"org.xerial.snappy:snappy-java:1.1.10.5", "org.slf4j:slf4j-simple:2.0.13", "commons-cli:commons-cli:1.5.0")
}

// Start runs the process and returns when it serves. On old data it is a restart.
func (z *ZooKeeper) Start(ctx context.Context) error {
	if _, err := exec.LookPath("java"); err != nil {
		return fmt.Errorf("there is no JDK: %w", err)
	}
	lib, err := ZooKeeperJars()
	if err != nil {
		return err
	}
	config, err := z.config()
	if err != nil {
		return err
	}
	file := filepath.Join(z.dir, "zoo.cfg")
	if err := os.WriteFile(file, config, 0o644); err != nil {
		return err
	}
	args := append([]string{fmt.Sprintf("-Xmx%dm", z.jvm.HeapMiB), "-XX:+UseSerialGC", "-Djava.awt.headless=true"}, z.jvm.Flags...)
	args = append(args, "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", lib+"/*", "org.apache.zookeeper.server.quorum.QuorumPeerMain", file)
	if err := z.launch(exec.Command("java", args...)); err != nil {
		return err
	}
	return z.waitServing(ctx)
}

// config is zoo.cfg.
func (z *ZooKeeper) config() ([]byte, error) {
	_, port, err := net.SplitHostPort(z.addr)
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"tickTime":               "500",
		"dataDir":                filepath.Join(z.dir, "data"),
		"clientPort":             port,
		"clientPortAddress":      "127.0.0.1",
		"maxClientCnxns":         "0",
		"admin.enableServer":     "false",
		"4lw.commands.whitelist": "srvr",
	}
	maps.Copy(all, z.properties)
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s=%s\n", name, all[name])
	}
	return b.Bytes(), nil
}

// waitServing returns when the server says which part it has.
func (z *ZooKeeper) waitServing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, z.timeout)
	defer cancel()
	for {
		err := zooKeeperServes(ctx, z.addr)
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

// zooKeeperServes asks with a four-letter word. A server that does not serve yet answers it without a mode.
func zooKeeperServes(ctx context.Context, addr string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("srvr")); err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 1<<16))
	if err != nil {
		return err
	}
	if !bytes.Contains(answer, []byte("Mode: ")) {
		return fmt.Errorf("it answers %q", answer)
	}
	return nil
}
