package controller

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// TestScenarios runs the text scenarios, one file for each behaviour. `go test -rewrite` writes the output anew; read
// the difference before you keep it.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := newScenario()
		datadriven.RunTest(t, path, s.run)
	})
}

// scenario is a controller with a committed image beside it, as its driver keeps it.
type scenario struct {
	config    Config
	c         *Controller
	now       time.Time
	image     *metadata.Image // committed
	proposals []Proposal      // not committed
	token     Token
	ids       int
	watch     func(before *metadata.Image, e Event, effects *Effects) // of a test, after each step
}

func newScenario() *scenario {
	s := &scenario{now: time.Unix(0, 0)}
	s.config = Config{
		Self: 1, ClusterID: "cluster", PartitionsDefault: 1, ReplicationFactor: 1, TopicDeletion: true,
		SessionTimeout: 9 * time.Second, Rules: rules{},
	}
	s.c = New(s.config)
	s.image = metadata.NewImage("cluster")
	return s
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	a := arguments{d: d}
	switch d.Cmd {
	case "config":
		s.config.PartitionsDefault = int32(a.int("partitions", 1))
		s.config.ReplicationFactor = int16(a.int("rf", 1))
		s.config.TopicDeletion = !a.has("no-deletion")
		if a.has("features") {
			s.config.Features = []metadata.FeatureRange{{Name: "metadata.version", Max: 25}}
		}
		if a.has("elr") {
			s.config.Features = []metadata.FeatureRange{{Name: metadata.FeatureELR, Max: 1}}
		}
		s.config.FeaturesOfSeveral = a.has("later")
		s.config.LeaderRebalance, s.config.LeaderImbalancePercent = a.has("balance"), a.int("percent", 0)
		s.config.ProposalBytesMax = a.int("bytes", 0)
		s.config.RaisedTopics = nil
		if a.has("raise") {
			s.config.RaisedTopics = []string{metadata.ConsumerOffsetsTopic}
		}
		s.c = New(s.config)
		return ""
	case "cluster":
		return s.cluster(t, a)
	case "commit":
		return s.commit(a.int("first", len(s.proposals)))
	case "image":
		return s.show()
	case "pass":
		s.now = s.now.Add(time.Duration(a.int("seconds", 1)) * time.Second)
		return ""
	}
	return s.step(s.event(t, d, a))
}

func (s *scenario) event(t *testing.T, d *datadriven.TestData, a arguments) Event {
	s.token++
	switch d.Cmd {
	case "lead":
		s.proposals = nil
		return &Lead{Epoch: record.LeaderEpoch(a.int("epoch", 1)), Image: s.image, Several: a.has("several")}
	case "resign":
		s.proposals = nil
		return &Resign{}
	case "create":
		return s.createEvent(a)
	case "delete":
		return s.deleteEvent(a)
	case "add-partitions":
		return s.partitionsEvent(a)
	case "alter":
		return s.alterEvent(a)
	case "replace":
		return s.replaceEvent(a)
	case "elect":
		return s.electEvent(a)
	case "producer-ids":
		return &AllocateProducerIDs{Token: s.token, Request: &protocol.AllocateProducerIDsRequest{
			BrokerID: int32(a.int("broker", 1)), BrokerEpoch: int64(a.int("epoch", 1)),
		}}
	case "register":
		return s.registerEvent(a)
	case "heartbeat":
		return &BrokerHeartbeat{Token: s.token, Request: &protocol.BrokerHeartbeatRequest{
			BrokerID: int32(a.int("broker", 1)), BrokerEpoch: int64(a.int("epoch", 1)),
			CurrentMetadataOffset: int64(a.int("offset", 0)), WantFence: a.has("fence"), WantShutDown: a.has("shutdown"),
			OfflineLogDirs: directories(a.int("offline", 0)),
		}}
	case "expire":
		return &SessionExpired{Broker: metadata.NodeID(a.int("broker", 1))}
	case "unregister":
		return &UnregisterBroker{Token: s.token, Request: &protocol.UnregisterBrokerRequest{BrokerID: int32(a.int("broker", 1))}}
	}
	if e := s.clusterEvent(d.Cmd, a); e != nil {
		return e
	}
	t.Fatalf("%s: no such command as %s", d.Pos, d.Cmd)
	return nil
}

func (s *scenario) step(e Event) string {
	var effects Effects
	before := s.c.Image()
	s.c.Step(s.now, e, &effects)
	if s.watch != nil {
		s.watch(before, e, &effects)
	}
	s.proposals = append(s.proposals, effects.Proposals...)
	return s.print(&effects)
}

// commit applies proposals to the committed image, as the driver does, and tells the controller.
func (s *scenario) commit(n int) string {
	last := uint64(0)
	for _, p := range s.proposals[:n] {
		b := metadata.NewBuilder(s.image)
		b.At(s.image.Offset+1, 1)
		records, err := metadata.DecodeRecords(metadata.AppendRecords(nil, p.Records...))
		if err != nil {
			return err.Error()
		}
		for _, r := range records {
			if err := b.Apply(r); err != nil {
				return err.Error()
			}
		}
		s.image, _ = b.Done()
		last = p.Sequence
	}
	s.proposals = s.proposals[n:]
	return s.step(&Committed{Sequence: last, Offset: s.image.Offset})
}

func (s *scenario) show() string {
	var b strings.Builder
	fmt.Fprintf(&b, "offset %d, next producer id %d\n", s.image.Offset, s.image.NextProducerID())
	for broker := range s.image.Brokers() {
		fmt.Fprintf(&b, "broker %d epoch=%d fenced=%t shutdown=%t\n", broker.ID, broker.Epoch, broker.Fenced, broker.ControlledShutdown)
	}
	for topic := range s.image.Topics() {
		fmt.Fprintf(&b, "topic %s id=%s\n", topic.Name, shortID(topic.ID))
		for p := range topic.Partitions() {
			fmt.Fprintf(&b, "  %d leader=%d epoch=%d/%d replicas=%v isr=%v%s\n",
				p.Index, p.Leader, p.LeaderEpoch, p.Epoch, p.Replicas, p.ISR, rarer(p))
		}
	}
	for resource, set := range s.image.ConfigResources() {
		for name, value := range set.All() {
			fmt.Fprintf(&b, "config %v %q %s=%s\n", resource.Type, resource.Name, name, value)
		}
	}
	return b.String()
}

func (s *scenario) id() (id protocol.UUID) {
	s.ids++
	id[14], id[15] = byte(s.ids>>8), byte(s.ids)
	return id
}

func shortID(id protocol.UUID) string { return strconv.Itoa(int(id[14])<<8 | int(id[15])) }

// rules is what a test knows of configuration: a list, a number, a word that is refused.
type rules struct{}

func (rules) Check(_ metadata.Resource, set *metadata.ConfigSet) error {
	for name, value := range set.All() {
		switch {
		case strings.HasPrefix(name, "unknown"):
			return protocol.Fail(protocol.InvalidConfig, "unknown config name: %s", name)
		case value == "wrong":
			return protocol.Fail(protocol.InvalidConfig, "invalid value %s for %s", value, name)
		}
	}
	return nil
}

func (rules) List(_ metadata.ResourceType, name string) bool { return name == "cleanup.policy" }

func (rules) Default(_ metadata.ResourceType, name string) (string, bool) {
	if name == "cleanup.policy" {
		return "delete", true
	}
	return "", false
}

func (rules) Describe(_ *metadata.Image, set *metadata.ConfigSet) []protocol.CreateTopicsResponseCreatableTopicConfigs {
	described := []protocol.CreateTopicsResponseCreatableTopicConfigs{}
	for name, value := range set.All() {
		described = append(described, protocol.CreateTopicsResponseCreatableTopicConfigs{Name: name, Value: &value, ConfigSource: 1})
	}
	return described
}

// arguments reads a command's arguments and the fields of its input lines.
type arguments struct{ d *datadriven.TestData }

func (a arguments) has(key string) bool { return a.d.HasArg(key) }

func (a arguments) text(key string) string {
	for _, arg := range a.d.CmdArgs {
		if arg.Key == key && len(arg.Vals) > 0 {
			return strings.Join(arg.Vals, ",")
		}
	}
	return ""
}

func (a arguments) int(key string, absent int) int {
	if !a.d.HasArg(key) {
		return absent
	}
	for _, arg := range a.d.CmdArgs {
		if arg.Key == key {
			n, err := strconv.Atoi(arg.Vals[0])
			if err != nil {
				panic(fmt.Sprintf("%s: %s: %v", a.d.Pos, key, err))
			}
			return n
		}
	}
	return absent
}

// lines gives each input line as its fields, key=value or key alone.
func (a arguments) lines() []fields {
	var lines []fields
	for line := range strings.SplitSeq(a.d.Input, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var f fields
		for _, word := range strings.Fields(line) {
			key, value, _ := strings.Cut(word, "=")
			f = append(f, field{key, value})
		}
		lines = append(lines, f)
	}
	return lines
}

type field struct{ key, value string }

type fields []field

func (f fields) get(key string) (string, bool) {
	i := slices.IndexFunc(f, func(x field) bool { return x.key == key })
	if i < 0 {
		return "", false
	}
	return f[i].value, true
}

func (f fields) text(key string) string {
	v, _ := f.get(key)
	return v
}

func (f fields) int(key string, absent int) int {
	v, ok := f.get(key)
	if !ok {
		return absent
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		panic(fmt.Sprintf("%s=%s: %v", key, v, err))
	}
	return n
}

// numbers reads "1,2|2,3", the replicas of successive partitions.
func numbers(v string) (lists [][]int32) {
	for part := range strings.SplitSeq(v, "|") {
		var list []int32
		for word := range strings.SplitSeq(part, ",") {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, int32(n))
			}
		}
		lists = append(lists, list)
	}
	return lists
}
