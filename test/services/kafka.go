package services

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
)

// KafkaVersion is the release of Apache Kafka that skein is compared with.
const KafkaVersion = "4.3.1"

// clusterID formats every node, so that a folder can be looked at by hand.
const clusterID = "c2tlaW4taW50ZXJvcC0xMQ"

// Kafka is one Apache Kafka node: broker and KRaft controller in one process.
type Kafka struct {
	*process
	jvm        JVM
	controller string // host:port
	properties map[string]string
}

// JVM is how the node's Java is run.
type JVM struct {
	// HeapMiB is both -Xms and -Xmx; 0 means 512.
	HeapMiB int
	// Flags come after the heap's.
	Flags []string
}

var _ Broker = (*Kafka)(nil)

// NewKafka prepares a node; nothing runs before Start.
func NewKafka(o Options, jvm JVM) (*Kafka, error) {
	p, err := newProcess("kafka", o)
	if err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	if jvm.HeapMiB == 0 {
		jvm.HeapMiB = 512
	}
	return &Kafka{process: p, jvm: jvm, controller: fmt.Sprintf("127.0.0.1:%d", port), properties: maps.Clone(o.Properties)}, nil
}

// LogDir implements Broker.
func (k *Kafka) LogDir() string { return filepath.Join(k.dir, "data") }

// Start implements Broker. The first start formats the folder.
func (k *Kafka) Start(ctx context.Context) error {
	lib, err := KafkaJars()
	if err != nil {
		return err
	}
	if err := os.WriteFile(k.file("server.properties"), k.serverProperties(), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(k.file("log4j2.xml"), []byte(logging("INFO")), 0o644); err != nil {
		return err
	}
	if err := k.format(ctx, lib); err != nil {
		return err
	}
	if err := k.launch(exec.Command("java", k.arguments(lib)...)); err != nil {
		return err
	}
	return k.waitReady(ctx)
}

func (k *Kafka) file(name string) string { return filepath.Join(k.dir, name) }

func (k *Kafka) arguments(lib string) []string {
	heap := fmt.Sprintf("%dm", k.jvm.HeapMiB)
	args := []string{"-Xms" + heap, "-Xmx" + heap, "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-Djava.awt.headless=true"}
	args = append(args, k.jvm.Flags...)
	return append(args, "-Dlog4j2.configurationFile="+k.file("log4j2.xml"), "-cp", lib+"/*",
		"kafka.Kafka", k.file("server.properties"))
}

// format prepares an empty folder; one that was used before stays as it is.
func (k *Kafka) format(ctx context.Context, lib string) error {
	if _, err := os.Stat(filepath.Join(k.LogDir(), "meta.properties")); err == nil {
		return nil
	}
	cmd := Tool(ctx, lib, "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", k.file("server.properties"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format %s: %w\n%s", k.LogDir(), err, out)
	}
	return nil
}

// serverProperties is the node's configuration. What the properties do not say
// is for one node, and asks for no more than one replica.
func (k *Kafka) serverProperties() []byte {
	controller := k.controller
	all := map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          "1",
		"controller.quorum.voters":                         "1@" + controller,
		"listeners":                                        "PLAINTEXT://" + k.addr + ",CONTROLLER://" + controller,
		"advertised.listeners":                             "PLAINTEXT://" + k.addr,
		"listener.security.protocol.map":                   "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name":                       "PLAINTEXT",
		"controller.listener.names":                        "CONTROLLER",
		"log.dirs":                                         k.LogDir(),
		"offsets.topic.replication.factor":                 "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
	}
	for name, value := range k.properties {
		all[name] = value
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	var b bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&b, "%s=%s\n", name, all[name])
	}
	return b.Bytes()
}
