package consumer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer"
)

// modernBroker stands between consumers and skein's node, and adds what the node does not have: the consumer protocol. The
// test says who is assigned what; the broker answers heartbeats, and looks at the epochs of commits. What it does not know
// it hands on. It does what the machine's simulation cannot: requests and answers are Kafka's bytes.
type modernBroker struct {
	bed *bed
	adm *kadm.Client

	mu      sync.Mutex
	members map[string]*modernMember
	left    []string // what was heard of members that left, in order
	commits []int32  // the epochs of OffsetCommit
	fetches []int32  // the epochs of OffsetFetch
}

// modernMember is a member as the coordinator knows it. The fields above owned are for the test to set.
type modernMember struct {
	epoch    int32
	assigned map[consumer.TopicPartition]bool
	owned    map[consumer.TopicPartition]bool // as it said last
	topics   []string
	told     string // the assignment of the last answer
	full     int    // heartbeats that said everything
	beats    int
}

func inModernBubble(t *testing.T, test func(b *bed, m *modernBroker)) {
	t.Helper()
	inBubble(t, 1, func(b *bed) {
		cl, err := kgo.NewClient(kgo.SeedBrokers(b.node.Bootstraps()...), kgo.Dialer(b.node.Dial),
			kgo.MetadataMinAge(10*time.Millisecond)) // what is asked for is asked, not remembered
		b.must(err)
		defer cl.Close()
		test(b, &modernBroker{bed: b, adm: kadm.NewClient(cl), members: map[string]*modernMember{}})
	})
}

// options of a consumer that goes through it.
func (m *modernBroker) options(options ...consumer.Option) []consumer.Option {
	return append([]consumer.Option{consumer.Group("g"), consumer.GroupProtocol(consumer.ConsumerProtocol),
		consumer.Transport(kgo.Dialer(m.dial))}, options...)
}

// set changes what the coordinator has of a member, which exists.
func (m *modernBroker) set(c *consumer.Consumer, change func(*modernMember)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m.members[c.GroupMetadata().ID])
}

// assign sets the next assignment of a member and its epoch.
func (m *modernBroker) assign(c *consumer.Consumer, epoch int32, partitions ...consumer.TopicPartition) {
	m.set(c, func(member *modernMember) {
		member.epoch, member.assigned = epoch, map[consumer.TopicPartition]bool{}
		for _, p := range partitions {
			member.assigned[p] = true
		}
	})
}

func (m *modernBroker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	node, err := m.bed.node.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		defer node.Close()
		for m.serve(server, node) == nil {
		}
	}()
	return client, nil
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, frame)
	return frame, err
}

func writeFrame(w io.Writer, frame []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return err
}

// serve takes one request, and answers it itself or hands it on.
func (m *modernBroker) serve(client, node net.Conn) error {
	frame, err := readFrame(client)
	if err != nil {
		return err
	}
	key, version := int16(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	header := 10 + int(binary.BigEndian.Uint16(frame[8:])) // key, version, correlation id, client id
	if req.IsFlexible() {
		header++ // no tags
	}
	if err := req.ReadFrom(frame[header:]); err != nil {
		return fmt.Errorf("%s version %d: %w", kmsg.NameForKey(key), version, err)
	}
	answer := func(resp kmsg.Response) error {
		out := slices.Clone(frame[4:8])
		if resp.IsFlexible() && key != kmsg.ApiVersions.Int16() {
			out = append(out, 0)
		}
		return writeFrame(client, resp.AppendTo(out))
	}
	switch req := req.(type) {
	case *kmsg.ConsumerGroupHeartbeatRequest:
		return answer(m.beat(req))
	case *kmsg.OffsetCommitRequest:
		if code := m.look(&m.commits, req.MemberID, req.Generation); code != 0 {
			return answer(refusedCommit(req, code))
		}
		req.MemberID, req.Generation, req.InstanceID = "", -1, nil // for the node it is nobody's
		frame = req.AppendTo(slices.Clone(frame[:header]))
	case *kmsg.OffsetFetchRequest:
		for _, g := range req.Groups {
			if g.MemberID != nil {
				m.look(&m.fetches, *g.MemberID, g.MemberEpoch)
			}
		}
	}
	if err := writeFrame(node, frame); err != nil {
		return err
	}
	back, err := readFrame(node)
	if err != nil {
		return err
	}
	if key == kmsg.ApiVersions.Int16() {
		resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		if err := resp.ReadFrom(back[4:]); err == nil && resp.ErrorCode == 0 {
			resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: kmsg.ConsumerGroupHeartbeat.Int16(), MaxVersion: 1})
			return answer(resp)
		}
	}
	return writeFrame(client, back)
}

// look notes the epoch of a request, and tells what is wrong with it.
func (m *modernBroker) look(seen *[]int32, id string, epoch int32) int16 {
	m.mu.Lock()
	defer m.mu.Unlock()
	*seen = append(*seen, epoch)
	switch member := m.members[id]; {
	case member == nil:
		return kerr.UnknownMemberID.Code
	case member.epoch != epoch:
		return kerr.StaleMemberEpoch.Code
	}
	return 0
}

func refusedCommit(req *kmsg.OffsetCommitRequest, code int16) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range req.Topics {
		topic := kmsg.OffsetCommitResponseTopic{Topic: t.Topic, TopicID: t.TopicID}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: code})
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// beat answers a heartbeat: an epoch that is not the member's is fenced, but for the one before, and the assignment is told
// to who says everything and when it has changed.
func (m *modernBroker) beat(req *kmsg.ConsumerGroupHeartbeatRequest) kmsg.Response {
	m.mu.Lock()
	defer m.mu.Unlock()
	resp := req.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)
	member := m.members[req.MemberID]
	switch {
	case req.MemberEpoch == 0:
		member = &modernMember{epoch: 1, assigned: map[consumer.TopicPartition]bool{}, owned: map[consumer.TopicPartition]bool{}}
		m.members[req.MemberID] = member
	case member == nil:
		resp.ErrorCode = kerr.UnknownMemberID.Code
		return resp
	case req.MemberEpoch < 0:
		m.left = append(m.left, fmt.Sprint(req.MemberEpoch))
		delete(m.members, req.MemberID)
		resp.MemberEpoch = req.MemberEpoch
		return resp
	case req.MemberEpoch > member.epoch:
		resp.ErrorCode = kerr.FencedMemberEpoch.Code
		return resp
	}
	topics, err := m.adm.ListTopics(context.Background())
	if err != nil {
		resp.ErrorCode = kerr.CoordinatorNotAvailable.Code
		return resp
	}
	names := map[[16]byte]string{}
	for name, t := range topics {
		names[t.ID] = name
	}
	member.beats++
	full := req.RebalanceTimeoutMillis > 0 && req.SubscribedTopicNames != nil && req.Topics != nil
	if full {
		member.full++
	}
	if req.SubscribedTopicNames != nil {
		member.topics = req.SubscribedTopicNames
	}
	if req.Topics != nil {
		member.owned = map[consumer.TopicPartition]bool{}
		for _, t := range req.Topics {
			for _, p := range t.Partitions {
				member.owned[consumer.TopicPartition{Topic: names[t.TopicID], Partition: p}] = true
			}
		}
	}
	resp.MemberID, resp.MemberEpoch, resp.HeartbeatIntervalMillis = &req.MemberID, member.epoch, 1000
	if now := fmt.Sprint(member.assigned); full || now != member.told {
		member.told = now
		resp.Assignment = &kmsg.ConsumerGroupHeartbeatResponseAssignment{}
		for name, t := range topics {
			a := kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic{TopicID: t.ID}
			for p := range member.assigned {
				if p.Topic == name {
					a.Partitions = append(a.Partitions, p.Partition)
				}
			}
			if len(a.Partitions) > 0 {
				resp.Assignment.Topics = append(resp.Assignment.Topics, a)
			}
		}
	}
	return resp
}
