package api_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// churner is a client that does anything, on topics and groups that others delete, create and change at the same time.
type churner struct {
	node   *skeintest.Node
	random *rand.Rand
	conn   net.Conn
	batch  []byte
	next   int32
	member map[string]string
}

var (
	churnTopics = []string{"a", "b", "c"}
	churnGroups = []string{"g", "h"}
)

func pick[T any](c *churner, of ...T) T { return of[c.random.IntN(len(of))] }

// do sends a request and reads its answer; a closed connection is no error, silence is.
func (c *churner) do(request kmsg.Request, version int16) (kmsg.Response, error) {
	if c.conn == nil {
		conn, err := c.node.Dial(context.Background(), "tcp", c.node.Bootstrap())
		if err != nil {
			return nil, err
		}
		c.conn = conn
	}
	c.next++
	produce, isProduce := request.(*kmsg.ProduceRequest)
	_, err := c.conn.Write(frame(request, version, c.next))
	if err == nil && (isProduce && produce.Acks == 0) {
		return nil, nil
	}
	if err == nil && c.random.IntN(50) == 0 { // goes away without the answer
		c.close()
		return nil, nil
	}
	var body []byte
	if err == nil {
		body, err = c.read()
	}
	var timeout net.Error
	switch {
	case err == nil:
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, fmt.Errorf("%s version %d was not answered", kmsg.NameForKey(request.Key()), version)
	default:
		c.close()
		return nil, nil
	}
	response := request.ResponseKind()
	if response.IsFlexible() && request.Key() != 18 {
		body = body[1:]
	}
	return response, response.ReadFrom(body)
}

func (c *churner) read() ([]byte, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Minute)) // virtual
	for {
		var head [8]byte
		if _, err := io.ReadFull(c.conn, head[:]); err != nil {
			return nil, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
		if _, err := io.ReadFull(c.conn, body); err != nil {
			return nil, err
		}
		if int32(binary.BigEndian.Uint32(head[4:])) == c.next {
			return body, nil
		}
	}
}

func (c *churner) close() {
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = nil
}

func (c *churner) step() error {
	topic, group := pick(c, churnTopics...), pick(c, churnGroups...)
	request, version := c.request(topic, group)
	response, err := c.do(request, version)
	if join, ok := response.(*kmsg.JoinGroupResponse); ok && err == nil {
		c.member[group] = join.MemberID
	}
	return err
}

func (c *churner) request(topic, group string) (kmsg.Request, int16) {
	switch c.random.IntN(17) {
	case 0:
		r := kmsg.NewPtrCreateTopicsRequest()
		r.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: topic, NumPartitions: pick[int32](c, 1, 3, 5, 0, -7, math.MaxInt32), ReplicationFactor: 1}}
		return r, 5
	case 1:
		r := kmsg.NewPtrDeleteTopicsRequest()
		r.TopicNames = []string{pick(c, topic, topic, topic, topic, "__consumer_offsets")}
		return r, 5
	case 2:
		r := kmsg.NewPtrCreatePartitionsRequest()
		r.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: topic, Count: pick[int32](c, 2, 4, 6, -1, math.MaxInt32)}}
		return r, 2
	case 3, 4, 5:
		r := produceRequest(topic, pick[int32](c, 0, 1, 2), pick[int16](c, -1, 1, 0, 5), append([]byte{}, c.batch...))
		r.TimeoutMillis = pick[int32](c, 1000, 0, -5)
		return r, 9
	case 6, 7, 8:
		r := fetchRequest(topic, pick[int64](c, 0, 1, 100, -1, math.MaxInt64), pick[int32](c, 0, 50, 500, -1))
		r.MinBytes = pick[int32](c, 1, 1<<20, -1)
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, kmsg.FetchRequestTopicPartition{Partition: 1, CurrentLeaderEpoch: -1, PartitionMaxBytes: 1 << 20})
		return r, pick[int16](c, 4, 11, 12)
	case 9:
		r := kmsg.NewPtrIncrementalAlterConfigsRequest()
		value := pick(c, "1", "-1", "0", "2", "9223372036854775807", "compact", "delete", "x", "")
		name := pick(c, "min.insync.replicas", "retention.ms", "segment.bytes", "cleanup.policy", "max.message.bytes", "segment.ms", "compression.type")
		r.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: 2, ResourceName: pick(c, topic, "__consumer_offsets"),
			Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: name, Value: &value, Op: kmsg.IncrementalAlterConfigOp(c.random.IntN(5))}}}}
		return r, 1
	case 10:
		r := kmsg.NewPtrOffsetCommitRequest()
		r.Group, r.Generation, r.MemberID = group, pick[int32](c, -1, 1, 3), pick(c, "", c.member[group])
		r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 5, LeaderEpoch: -1}}}}
		return r, 7
	case 11:
		r := kmsg.NewPtrOffsetFetchRequest()
		r.Group = group
		return r, 5
	case 12:
		r := kmsg.NewPtrJoinGroupRequest()
		r.Group, r.MemberID, r.ProtocolType = group, pick(c, "", c.member[group]), "consumer"
		r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 6000, pick[int32](c, 1000, -1)
		r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: pick(c, "range", "sticky"), Metadata: []byte{0, 1}}}
		return r, pick[int16](c, 2, 4, 5)
	case 13:
		r := kmsg.NewPtrSyncGroupRequest()
		r.Group, r.MemberID, r.Generation = group, c.member[group], pick[int32](c, 1, 2, 3)
		return r, 3
	case 14:
		if pick(c, true, false) {
			r := kmsg.NewPtrHeartbeatRequest()
			r.Group, r.MemberID, r.Generation = group, c.member[group], pick[int32](c, 1, 2)
			return r, 3
		}
		r := kmsg.NewPtrLeaveGroupRequest()
		r.Group, r.MemberID = group, c.member[group]
		return r, 2
	case 15:
		r := kmsg.NewPtrDeleteRecordsRequest()
		r.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: pick[int64](c, -1, 0, 3, math.MaxInt64)}}}}
		return r, 1
	default:
		r := kmsg.NewPtrMetadataRequest()
		r.AllowAutoTopicCreation = pick(c, true, false)
		r.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey = group
		return pick[kmsg.Request](c, r, find), 3
	}
}

// TestChurn lets eight clients do that for a while. Every request is answered or its connection closed, nothing panics,
// and when they have gone the node is as it was: it serves, and nobody waits in it.
func TestChurn(t *testing.T) {
	for seed := range uint64(16) {
		synctest.Test(t, func(t *testing.T) {
			node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("group.initial.rebalance.delay.ms", "10"),
				skeintest.Set("group.min.session.timeout.ms", "100"), skeintest.Set("offsets.topic.num.partitions", "5"))
			template := batch(t, time.Now().UnixMilli(), row{"k", "v"}, row{"l", "w"})
			var all sync.WaitGroup
			for i := range uint64(8) {
				c := &churner{node: node, random: rand.New(rand.NewPCG(seed, i)), batch: template, member: map[string]string{}}
				all.Go(func() {
					defer c.close()
					for range 150 {
						if err := c.step(); err != nil {
							t.Errorf("seed %d, client %d: %v", seed, i, err)
							return
						}
					}
				})
			}
			all.Wait()
			time.Sleep(time.Hour) // virtual: sessions, long polls and rebalances are over
			synctest.Wait()
			waiting := runtime.NumGoroutine()
			w := dial(t, node)
			ask[*kmsg.DeleteTopicsResponse](w, &kmsg.DeleteTopicsRequest{TopicNames: churnTopics}, 5)
			create(w, "last", 1)
			if answer := produce(w, "last", template); answer.ErrorCode != 0 || answer.BaseOffset != 0 {
				t.Errorf("seed %d: Produce at last: %+v", seed, answer)
			}
			w.conn.Close()
			node.Stop()
			if waiting > 60 {
				t.Errorf("seed %d: %d goroutines were left when the clients had gone", seed, waiting)
			}
		})
	}
}
