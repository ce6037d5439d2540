package quorum

import (
	"fmt"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// noRules lets every configuration be.
type noRules struct{}

func (noRules) Check(metadata.Resource, *metadata.ConfigSet) error             { return nil }
func (noRules) List(metadata.ResourceType, string) bool                        { return false }
func (noRules) Default(metadata.ResourceType, string) (string, bool)           { return "", false }
func (noRules) Describe(*metadata.Image, *metadata.ConfigSet) []describedTopic { return nil }

type describedTopic = protocol.CreateTopicsResponseCreatableTopicConfigs

// life is one life of a node on a disk, driven by hand.
type life struct {
	fs   disk.FS
	dir  *commitlog.Dir
	node *Node
	now  time.Time
}

func testConfig(serial uint64) Config {
	return Config{
		NodeID: 1, ClusterID: "cluster",
		Controller: controller.Config{
			PartitionsDefault: 1, ReplicationFactor: 1, TopicDeletion: true, SessionTimeout: 9 * time.Second, Rules: noRules{},
			Features: []metadata.FeatureRange{{Name: "metadata.version", Max: 25}},
		},
		Register: registration(serial),
		Random:   counter(serial),
	}
}

// registration is a broker's request, of an incarnation of its own.
func registration(serial uint64) *protocol.BrokerRegistrationRequest {
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID = 1, "cluster"
	copy(r.IncarnationID[:], fmt.Sprintf("%016d", serial))
	r.Listeners = []protocol.BrokerRegistrationRequestListener{{Name: "PLAINTEXT", Host: "localhost", Port: 9092}}
	return r
}

// counter is a source of numbers that are different and not random.
func counter(serial uint64) func([]byte) {
	n := serial << 32
	return func(b []byte) {
		n++
		copy(b, fmt.Sprintf("%016d", n))
	}
}

// openLife opens a Manual node.
func openLife(fs disk.FS, serial uint64, change func(*Config)) (*life, error) {
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: 1, ClusterID: "cluster", Manual: true, DirectoryID: protocol.UUID{1}})
	if err != nil {
		return nil, err
	}
	config := testConfig(serial)
	now := time.Unix(1_800_000_000, 0)
	config.Dir, config.FS, config.Manual, config.Now = dir, fs, true, func() time.Time { return now }
	if change != nil {
		change(&config)
	}
	node, err := Open(config)
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	return &life{fs: fs, dir: dir, node: node, now: now}, nil
}

func mustOpen(t testing.TB, fs disk.FS, serial uint64, change func(*Config)) *life {
	t.Helper()
	l, err := openLife(fs, serial, change)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *life) close(t testing.TB) {
	t.Helper()
	if err := l.node.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.dir.Close(); err != nil {
		t.Fatal(err)
	}
}

// ask submits a request and works until it is answered.
func (l *life) ask(request protocol.Message) (response protocol.Message, err error) {
	answered := false
	l.node.Submit(request, 6, func(m protocol.Message, e error) { response, err, answered = m, e, true })
	_ = l.node.Work(l.now)
	if !answered {
		panic(fmt.Sprintf("%T was not answered", request))
	}
	return response, err
}

func createRequest(name string, partitions int32) *protocol.CreateTopicsRequest {
	r := protocol.NewCreateTopicsRequest()
	r.Topics = []protocol.CreateTopicsRequestCreatableTopic{{Name: name, NumPartitions: partitions, ReplicationFactor: 1}}
	return r
}

// create creates a topic and says whether it was confirmed.
func (l *life) create(name string) error {
	m, err := l.ask(createRequest(name, 2))
	if err != nil {
		return err
	}
	r, ok := m.(*protocol.CreateTopicsResponse)
	if !ok {
		return nil // a planted bug answers with nothing
	}
	if code := r.Topics[0].ErrorCode; code != protocol.None {
		return protocol.Fail(code, "%s", name)
	}
	return nil
}

func dump(i *metadata.Image) string {
	var b []byte
	for r := range i.Records() {
		b = metadata.AppendRecords(b, r)
	}
	return string(b)
}

// nobody wants the answer.
func nobody(protocol.Message, error) {}
