package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// resolve resolves a properties file, environment and --set pairs.
func resolve(t *testing.T, file string, environ []string, pairs ...string) (*Broker, error) {
	t.Helper()
	fromFile, err := FromProperties("skein.properties", file)
	if err != nil {
		t.Fatal(err)
	}
	fromSet, err := FromSet("--set", pairs)
	if err != nil {
		t.Fatal(err)
	}
	return Resolve(fromFile, FromEnvironment(environ), fromSet)
}

func mustResolve(t *testing.T, file string, environ []string, pairs ...string) *Broker {
	t.Helper()
	b, err := resolve(t, file, environ, pairs...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDefaults(t *testing.T) {
	b := Defaults()
	check := func(name string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	check("NodeID", b.NodeID, int32(1))
	check("ProcessRoles", b.ProcessRoles, []string{"broker", "controller"})
	check("LogDirs", b.LogDirs, []string{"./skein-data"})
	check("Listeners", b.Listeners, []Listener{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092, Protocol: "PLAINTEXT"}})
	check("AdvertisedListeners", b.AdvertisedListeners, b.Listeners)
	check("InterBrokerListener", b.InterBrokerListener, "PLAINTEXT")
	check("GroupInitialRebalanceDelay", b.GroupInitialRebalanceDelay, 3*time.Second)
	check("OffsetsTopicReplicationFactor", b.OffsetsTopicReplicationFactor, int16(0))
	check("HeartbeatHold", b.HeartbeatHold, true)
	check("Syncs", b.Syncs(), true)
	check("OffsetsRetention", b.OffsetsRetention, 7*24*time.Hour)
	check("SocketRequestMax", b.SocketRequestMax, Bytes(100<<20))
	check("LeaderImbalanceCheck", b.LeaderImbalanceCheck, 5*time.Minute)
	topic, err := b.Topic(nil)
	if err != nil {
		t.Fatal(err)
	}
	check("Retention", topic.Retention, 7*24*time.Hour)
	check("RetentionBytes", topic.RetentionBytes, NoLimit)
	check("TimestampBeforeMax", topic.TimestampBeforeMax, Never)
	check("FlushInterval", topic.FlushInterval, Never)
	check("topic Syncs", topic.Syncs(), true)
	if warnings := b.Warnings(); len(warnings) != 0 {
		t.Errorf("the defaults warn: %q", warnings)
	}
}

func TestThePrecedenceOfSources(t *testing.T) {
	file := "num.partitions=2\nmin.insync.replicas = 2\nlog.dirs: /a, /b\n"
	environ := []string{"SKEIN_NUM_PARTITIONS=3", "SKEIN_MESSAGE_MAX_BYTES=3", "PATH=/bin", "SKEIN_SERVICE_HOST=10.0.0.1", "SKEIN_PORT=tcp://10.0.0.1"}
	b := mustResolve(t, file, environ, "num.partitions=4")
	if b.NumPartitions != 4 || !reflect.DeepEqual(b.LogDirs, []string{"/a", "/b"}) {
		t.Errorf("NumPartitions = %d, LogDirs = %v", b.NumPartitions, b.LogDirs)
	}
	where := map[string]string{"num.partitions": "--set", "message.max.bytes": "environment variable SKEIN_MESSAGE_MAX_BYTES",
		"min.insync.replicas": "skein.properties:2", "log.dirs": "skein.properties:3", "fetch.max.bytes": "default"}
	for _, e := range b.Describe() {
		if want, ok := where[e.Name]; ok && e.Where != want {
			t.Errorf("%s comes from %q, want %q", e.Name, e.Where, want)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := resolve(t, "\n# comment\nnum.partition=3\nlog.retention.ms=soon\n", []string{"SKEIN_GROUP_MAX_SIZE=0"},
		"ssl.key.pasword=hunter2", "min.insync.replicas=99999999999", "sasl.jaas.config=fine")
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("the error is %v", err)
	}
	want := strings.Join([]string{
		`skein.properties:3: num.partition = "3": there is no such broker property; did you mean num.partitions?`,
		`skein.properties:4: log.retention.ms = "soon": must be a whole number`,
		`environment variable SKEIN_GROUP_MAX_SIZE: group.max.size = "0": must be at least 1`,
		`--set: ssl.key.pasword = "***": there is no such broker property; did you mean ssl.key.password?`,
		`--set: min.insync.replicas = "99999999999": must fit into 32 bits`,
	}, "\n")
	if err.Error() != want {
		t.Errorf("the faults are\n%v\nwant\n%s", err, want)
	}
}

func TestWhatDoesNotGoTogether(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"node.id=1\nbroker.id=2", "skein.properties:1: node.id = \"1\": broker.id is its other name and says 2 (skein.properties:2)"},
		{"group.min.session.timeout.ms=6000\ngroup.max.session.timeout.ms=5000", "is more than group.max.session.timeout.ms"},
		{"broker.session.timeout.ms=900", "must be at most half of broker.session.timeout.ms"},
		{"listeners=SSL://:9093", "SSL has the protocol SSL, and skein serves only PLAINTEXT so far"},
		{"listeners=INSIDE://:9093", "INSIDE is not in listener.security.protocol.map"},
		{"listeners=", "there must be one"},
		{"listeners=PLAINTEXT://x", "a listener is NAME://host:port"},
		{"listeners=PLAINTEXT://x:99999", "the port must be a number from 0 to 65535"},
		{"listeners=PLAINTEXT://x:1,PLAINTEXT://x:2", "the listener name PLAINTEXT stands twice"},
		{"advertised.listeners=OTHER://x:1", "OTHER is not among the listeners"},
		{"advertised.listeners=PLAINTEXT://0.0.0.0:1", "PLAINTEXT needs a host that clients can reach"},
		{"listeners=CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER", "a broker needs one that is not among controller.listener.names"},
		{"inter.broker.listener.name=OTHER", "no such listener is advertised"},
		{"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "skein has no authorization yet"},
		{"max.connections.per.ip.overrides=localhost:3", "names are not looked up"},
		{"controller.quorum.voters=1", "a voter is id@host:port"},
		{"zookeeper.connect=a:b", "is no host:port"},
		{"zookeeper.connect=a:2181/x//y", "no path of a znode"},
		{"zookeeper.connect=a:2181\ncontroller.quorum.voters=1@a:9093", "controller.quorum.voters is set as well"},
		{"zookeeper.connect=a:2181\ncontroller.quorum.bootstrap.servers=a:9093", "controller.quorum.bootstrap.servers is set as well"},
		{"log.dirs=", "must not be empty"},
		{"process.roles=boss", "must be one of: broker, controller"},
		{"listeners=\\uzzzz", "skein.properties:1"},
	} {
		assignments, err := FromProperties("skein.properties", c.file)
		if err == nil {
			_, err = Resolve(assignments)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v, want %q", c.file, err, c.want)
		}
	}
}

// The file that Apache Kafka ships starts skein too.
func TestKafkasOwnServerProperties(t *testing.T) {
	b := mustResolve(t, `process.roles=broker,controller
node.id=7
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
log.retention.hours=168
log.segment.bytes=1073741824
listener.name.plaintext.scram-sha-256.sasl.jaas.config=org.example.Login required password="hunter2";
`, nil)
	if b.NodeID != 7 || len(b.Listeners) != 2 || !b.Listeners[1].Controller || len(b.AdvertisedListeners) != 1 ||
		b.AdvertisedListeners[0].String() != "PLAINTEXT://localhost:9092" || len(b.AdvertisedControllers) != 1 ||
		b.AdvertisedControllers[0].String() != "CONTROLLER://localhost:9093" || b.OffsetsTopicReplicationFactor != 1 {
		t.Errorf("resolved to %+v", b)
	}
	warnings := strings.Join(b.Warnings(), "\n")
	if !strings.Contains(warnings, "skein.properties:10: num.io.threads has no effect: ") || strings.Contains(warnings, "hunter2") {
		t.Errorf("warnings:\n%s", warnings)
	}
	if len(b.Warnings()) != 6 {
		t.Errorf("%d warnings:\n%s", len(b.Warnings()), warnings)
	}
}

// Other nodes are told of the controller's listener what is set, or what they can reach.
func TestAdvertisedControllers(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct{ listeners, advertised, want string }{
		{"PLAINTEXT://:9092,CONTROLLER://:9093", "", "CONTROLLER://" + machine + ":9093"},
		{"PLAINTEXT://:9092,CONTROLLER://a:9093", "PLAINTEXT://b:9092", "CONTROLLER://a:9093"},
		{"PLAINTEXT://:9092,CONTROLLER://:9093", "PLAINTEXT://b:9092,CONTROLLER://b:1", "CONTROLLER://b:1"},
	} {
		file := "controller.listener.names=CONTROLLER\nlisteners=" + c.listeners
		if c.advertised != "" {
			file += "\nadvertised.listeners=" + c.advertised
		}
		b := mustResolve(t, file, nil)
		if len(b.AdvertisedControllers) != 1 || b.AdvertisedControllers[0].String() != c.want || len(b.AdvertisedListeners) != 1 {
			t.Errorf("%q: %v and %v, not %s", file, b.AdvertisedControllers, b.AdvertisedListeners, c.want)
		}
	}
}

func TestAFileIsReadAsJavaReadsIt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "skein.properties")
	content := "\ufeff# first\r\n! second\r\n  num.partitions : 5\r\nlog.dirs=/a,\\\r\n   /b\r\nbroker.rack=${HOME} caf\\u00e9\nnum.partitions=6"
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	assignments, err := FromFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Resolve(assignments)
	if err != nil {
		t.Fatal(err)
	}
	if b.NumPartitions != 6 || !reflect.DeepEqual(b.LogDirs, []string{"/a", "/b"}) || b.Rack != "${HOME} café" {
		t.Errorf("NumPartitions %d, LogDirs %q, Rack %q", b.NumPartitions, b.LogDirs, b.Rack)
	}
	if _, err := FromFile(name + ".none"); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestSynonymsAndUnits(t *testing.T) {
	for _, c := range []struct {
		file string
		want time.Duration
	}{
		{"", 7 * 24 * time.Hour},
		{"log.retention.hours=1", time.Hour},
		{"log.retention.hours=1\nlog.retention.minutes=2", 2 * time.Minute},
		{"log.retention.hours=1\nlog.retention.minutes=2\nlog.retention.ms=3", 3 * time.Millisecond},
		{"log.retention.ms=-1", Never},
	} {
		topic, err := mustResolve(t, c.file, nil).Topic(nil)
		if err != nil || topic.Retention != c.want {
			t.Errorf("%q: retention %v, %v, want %v", c.file, topic.Retention, err, c.want)
		}
	}
	b := mustResolve(t, "log.retention.hours=1\nlog.retention.minutes=2\nlog.dir=/x\nbroker.id=4", nil)
	if b.LogDirs[0] != "/x" || b.NodeID != 4 {
		t.Errorf("LogDirs %v, NodeID %d", b.LogDirs, b.NodeID)
	}
	want := []string{"skein.properties:1: log.retention.hours has no effect: log.retention.minutes overrules it (skein.properties:2)"}
	if got := b.Warnings(); !reflect.DeepEqual(got, want) {
		t.Errorf("warnings %q", got)
	}
}

func TestDynamicValues(t *testing.T) {
	b := mustResolve(t, "message.max.bytes=100", nil)
	next, err := b.WithDynamic(map[string]string{"message.max.bytes": "200", "max.connections": "5"}, map[string]string{"max.connections": "6"})
	if err != nil {
		t.Fatal(err)
	}
	topic, err := next.Topic(nil)
	if err != nil || topic.MessageMax != 200 || next.MaxConnections != 6 || b.MaxConnections == 6 {
		t.Errorf("MessageMax %d, MaxConnections %d then %d, %v", topic.MessageMax, b.MaxConnections, next.MaxConnections, err)
	}
	if err := ValidateDynamic(map[string]string{"max.connections": "5", "sasl.enabled.mechanisms": "PLAIN"}, true); err != nil {
		t.Error(err)
	}
	err = ValidateDynamic(map[string]string{"sasl.enabled.mechanisms": "PLAIN", "node.id": "3", "max.connections": "-1", "nope": "1"}, false)
	for _, want := range []string{"one broker at a time", "by a restart", "at least 0", "no such broker property"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
