package services

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// HBaseVersion is the release of Apache HBase that is tested against.
const HBaseVersion = "2.6.4"

// HBase is one Apache HBase in one process: master, region servers and ZooKeeper, on a folder of the local file system. It
// is no broker, and has what the two share: an address, which is ZooKeeper's, a folder, Start, Stop and Kill.
type HBase struct {
	*process
	properties map[string]string
	jvm        JVM
	servers    int
	master     int // ports; 0 lets HBase choose, as it must when it has several region servers
	region     int
}

// NewHBase prepares a server with so many region servers in its one process; nothing runs before Start. Properties are
// those of hbase-site.xml. The heap is 768 MiB unless the JVM says otherwise.
func NewHBase(o Options, jvm JVM, regionServers int) (*HBase, error) {
	p, err := newProcess("hbase", o)
	if err != nil {
		return nil, err
	}
	if jvm.HeapMiB == 0 {
		jvm.HeapMiB = 768
	}
	h := &HBase{process: p, properties: maps.Clone(o.Properties), jvm: jvm, servers: max(1, regionServers)}
	if h.servers > 1 {
		return h, nil
	}
	for _, port := range []*int{&h.master, &h.region} {
		if *port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// HBaseJars resolves HBase's server and returns its folder.
func HBaseJars() (string, error) {
	return Jars("hbase-"+HBaseVersion, "org.apache.hbase:hbase-server:"+HBaseVersion)
}

// Start runs the process and returns when the master is initialized and a region server listens. On old data, regions may
// come back only after that: a client has to try again, as it always has.
func (h *HBase) Start(ctx context.Context) error {
	if _, err := exec.LookPath("java"); err != nil {
		return fmt.Errorf("there is no JDK: %w", err)
	}
	lib, err := HBaseJars()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.file("conf"), 0o755); err != nil {
		return err
	}
	site, err := h.site()
	if err != nil {
		return err
	}
	if err := os.WriteFile(h.file("conf/hbase-site.xml"), site, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(h.file("conf/log4j.properties"), []byte(hbaseLogging), 0o644); err != nil {
		return err
	}
	// The log says when the server is ready, so what an earlier run said must go.
	if err := os.Remove(h.logFile()); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := h.launch(exec.Command("java", h.arguments(lib)...)); err != nil {
		return err
	}
	return h.waitInitialized(ctx)
}

func (h *HBase) file(name string) string { return filepath.Join(h.dir, name) }

func (h *HBase) arguments(lib string) []string {
	args := []string{fmt.Sprintf("-Xmx%dm", h.jvm.HeapMiB), "-XX:+UseG1GC", "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"}
	args = append(args, h.jvm.Flags...)
	// What HBase's own launcher opens to it on a JDK from 11 on.
	for _, name := range []string{"java.nio", "sun.nio.ch", "java.lang", "java.lang.reflect", "jdk.internal.ref", "java.util", "java.util.concurrent"} {
		args = append(args, "--add-opens", "java.base/"+name+"=ALL-UNNAMED")
	}
	for _, name := range []string{"java.base/jdk.internal.misc", "java.security.jgss/sun.security.krb5", "java.base/sun.net.dns", "java.base/sun.net.util"} {
		args = append(args, "--add-exports", name+"=ALL-UNNAMED")
	}
	return append(args, "-Dorg.apache.hbase.thirdparty.io.netty.tryReflectionSetAccessible=true", "--add-modules", "jdk.unsupported",
		"-Dlog4j.configuration=file:"+h.file("conf/log4j.properties"), "-cp", h.file("conf")+":"+lib+"/*",
		"org.apache.hadoop.hbase.master.HMaster", "--localRegionServers="+strconv.Itoa(h.servers), "start")
}

// hbaseLogging is log4j 1's: Hadoop brings that binding.
const hbaseLogging = `log4j.rootLogger=INFO, err
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.target=System.err
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%d{ISO8601} %-5p %c{2}: %m%n
`

// site is hbase-site.xml.
func (h *HBase) site() ([]byte, error) {
	_, port, err := net.SplitHostPort(h.addr)
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"hbase.cluster.distributed":              "false",
		"hbase.rootdir":                          "file://" + h.file("root"),
		"hbase.tmp.dir":                          h.file("tmp"),
		"hbase.unsafe.stream.capability.enforce": "false", // the local file system has no hflush
		"hbase.wal.provider":                     "filesystem",
		"hbase.zookeeper.quorum":                 "127.0.0.1",
		"hbase.zookeeper.property.clientPort":    port,
		"hbase.zookeeper.property.dataDir":       h.file("zk"),
		// A machine that is busy stalls a JVM for longer than the 10 s after which HBase gives itself up. ZooKeeper allows 20 ticks.
		"zookeeper.session.timeout.localHBaseCluster": "60000",
		"hbase.zookeeper.property.tickTime":           "3000",
		"hbase.localcluster.assign.random.ports":      strconv.FormatBool(h.servers > 1), // or the ports below are not used
		"hbase.master.port":                           strconv.Itoa(h.master),
		"hbase.regionserver.port":                     strconv.Itoa(h.region),
		"hbase.master.ipc.address":                    "127.0.0.1",
		"hbase.regionserver.ipc.address":              "127.0.0.1",
		"hbase.master.info.port":                      "-1",
		"hbase.regionserver.info.port":                "-1",
		"hbase.master.hostname":                       "localhost",
		"hbase.unsafe.regionserver.hostname":          "localhost",
		"hbase.master.wait.on.regionservers.timeout":  "500",
		"hbase.master.wait.on.regionservers.interval": "200",
		"hbase.regionserver.handler.count":            "16",
		"hbase.regionserver.metahandler.count":        "4",
	}
	maps.Copy(all, h.properties)
	var b bytes.Buffer
	b.WriteString("<configuration>\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.WriteString("<property><name>" + name + "</name><value>")
		if err := xml.EscapeText(&b, []byte(all[name])); err != nil {
			return nil, err
		}
		b.WriteString("</value></property>\n")
	}
	b.WriteString("</configuration>\n")
	return b.Bytes(), nil
}

// waitInitialized returns when the log says that the master is ready and ZooKeeper's and the region server's ports answer.
func (h *HBase) waitInitialized(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	for {
		err := h.initialized(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-h.exited:
			h.forget()
			return fmt.Errorf("%s exited before it was ready: %w\n%s", h.name, h.err, h.logTail())
		case <-ctx.Done():
			_ = h.Kill()
			return fmt.Errorf("%s was not ready within %v: %w\n%s", h.name, h.timeout, err, h.logTail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (h *HBase) initialized(ctx context.Context) error {
	log, err := os.ReadFile(h.logFile())
	if err != nil {
		return err
	}
	if !bytes.Contains(log, []byte("Master has completed initialization")) {
		return fmt.Errorf("the master is not initialized yet")
	}
	listening := []string{h.addr}
	if h.region != 0 {
		listening = append(listening, fmt.Sprintf("127.0.0.1:%d", h.region))
	}
	for _, addr := range listening {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		_ = conn.Close()
	}
	return nil
}
