package tour

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
)

const offsetsTopic = "__consumer_offsets"

// javaHash is what the String.hashCode of Java gives, written down once more: the tour checks the broker by it, so it is
// not the broker's own. each is told every step.
func javaHash(s string, each func(unit uint16, hash int32)) int32 {
	var h int32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(unit)
		if each != nil {
			each(unit, h)
		}
	}
	return h
}

// partitionFor is where a group belongs. The smallest integer has no absolute value; Kafka takes 0.
func partitionFor(groupID string, partitions int32) int32 {
	h := int64(javaHash(groupID, nil))
	if h == -1<<31 {
		h = 0
	}
	return int32(max(h, -h) % int64(partitions))
}

// offsetsPartitions is how many partitions __consumer_offsets has.
func (a *Act) offsetsPartitions() (int32, error) {
	leaders, err := a.offsetsLeaders()
	return int32(len(leaders)), err
}

// offsetsLeaders is the leader of each partition of __consumer_offsets, of Metadata.
func (a *Act) offsetsLeaders() (map[int32]int32, error) {
	admin, err := a.admin()
	if err != nil {
		return nil, err
	}
	found, err := admin.ListTopicsWithInternal(a.ctx, offsetsTopic)
	if err != nil {
		return nil, err
	}
	topic := found[offsetsTopic]
	if topic.Err != nil {
		return nil, fmt.Errorf("%s: %w", offsetsTopic, topic.Err)
	}
	leaders := map[int32]int32{}
	for _, p := range topic.Partitions {
		leaders[p.Partition] = p.Leader
	}
	return leaders, nil
}

// whereStored reads __consumer_offsets from its begin to its end and says in which partitions each group has records.
func (a *Act) whereStored() (map[string]map[int32]bool, error) {
	admin, err := a.admin()
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(a.ctx, offsetsTopic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	left := map[int32]int64{}
	begin := map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
			begin[o.Partition] = kgo.NewOffset().AtStart()
		}
	})
	reader, err := kgo.NewClient(kgo.SeedBrokers(a.broker.Bootstrap), kgo.Dialer(a.broker.Dial), kgo.ClientID("tour"), kgo.DisableClientMetrics(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{offsetsTopic: begin}), kgo.FetchMaxWait(fetchWaitMax))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	stored := map[string]map[int32]bool{}
	ctx, cancel := context.WithTimeout(a.ctx, 10*time.Second)
	defer cancel()
	for len(left) > 0 {
		polled := reader.PollFetches(ctx)
		if err := polled.Err(); err != nil {
			return nil, fmt.Errorf("reading %s: %w", offsetsTopic, err)
		}
		polled.EachRecord(func(r *kgo.Record) {
			if id, ok := groupOf(r.Key); ok {
				if stored[id] == nil {
					stored[id] = map[int32]bool{}
				}
				stored[id][r.Partition] = true
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return stored, nil
}

// groupOf is the group of a record of __consumer_offsets.
func groupOf(key []byte) (string, bool) {
	decoded, err := protocol.DecodeRecordKey(key)
	if err != nil {
		return "", false
	}
	switch k := decoded.(type) {
	case *protocol.OffsetCommitKey:
		return k.Group, true
	case *protocol.GroupMetadataKey:
		return k.Group, true
	}
	return "", false
}

// findCoordinator asks any broker for a group's coordinator.
func (a *Act) findCoordinator(client *kgo.Client, groupID string) (kmsg.FindCoordinatorResponseCoordinator, error) {
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKey, request.CoordinatorKeys = groupID, []string{groupID}
	var found kmsg.FindCoordinatorResponseCoordinator
	err := a.await("the coordinator of "+groupID, 10*time.Second, func() error {
		response, err := request.RequestWith(a.ctx, client)
		if err != nil {
			return err
		}
		if len(response.Coordinators) != 1 {
			return errors.New("FindCoordinator was not answered for the group")
		}
		found = response.Coordinators[0]
		if found.ErrorCode != 0 {
			return protocol.Fail(protocol.Code(found.ErrorCode), "FindCoordinator of %s", groupID)
		}
		return nil
	})
	return found, err
}

// createTopic makes the topic of a scene.
func (a *Act) createTopic(partitions int32) error {
	admin, err := a.admin()
	if err != nil {
		return err
	}
	created, err := admin.CreateTopic(a.ctx, partitions, 1, nil, a.topic)
	if err == nil {
		err = created.Err
	}
	if err != nil {
		return fmt.Errorf("topic %s: %w", a.topic, err)
	}
	a.topicID = created.ID
	return nil
}

// meet finds the coordinator of the scene's group and begins to follow its recorder.
func (a *Act) meet() error {
	client, err := a.observer()
	if err != nil {
		return err
	}
	if _, err := a.findCoordinator(client, a.group); err != nil {
		return err
	}
	partitions, err := a.offsetsPartitions()
	if err == nil {
		a.follow(partitionFor(a.group, partitions))
	}
	return err
}
