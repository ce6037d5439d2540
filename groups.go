package skein

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/server"
)

// openGroups makes the group coordinator. It answers once __consumer_offsets exists and is led here.
func (p *parts) openGroups(c *Config) error {
	b := p.broker
	settings := coordinator.DefaultConfig()
	settings.CommitTimeout = b.OffsetsCommitTimeout
	settings.Log = p.logger
	settings.Crashed = func(partition int32, recording []byte) { p.keepRecording(c.FS, partition, recording) }
	settings.Group.SessionTimeoutMin = b.GroupSessionTimeoutMin
	settings.Group.SessionTimeoutMax = b.GroupSessionTimeoutMax
	settings.Group.SizeMax = b.GroupMaxSize
	settings.Group.InitialDelay = b.GroupInitialRebalanceDelay
	settings.Group.MetadataLengthMax = int(b.OffsetMetadataMax)
	settings.Group.OffsetsRetention = b.OffsetsRetention
	settings.Group.CleanupInterval = b.OffsetsRetentionCheck
	settings.Group.HoldHeartbeats = b.HeartbeatHold
	settings.Group.DiaryBytesMax = int(b.GroupDiaryMax)
	p.groups = coordinator.New(settings)
	p.groups.Start(int(b.OffsetsTopicPartitions))
	return nil
}

// keepRecording writes what a loop of the coordinator did before a panic beside the data, for `skein group replay`.
func (p *parts) keepRecording(files disk.FS, partition int32, recording []byte) {
	name := fmt.Sprintf("crash-group-%d-%d.jsonl", partition, time.Now().Unix())
	header, err := json.Marshal(api.NewRecordingHeader(p.broker.NodeID, partition, time.Now(), p.broker))
	if err != nil {
		header = nil // never: it is plain
	}
	f, err := files.Create(name)
	if err == nil {
		if _, err = f.WriteAt(slices.Concat(header, []byte("\n"), recording), 0); err == nil {
			err = f.Sync()
		}
		err = errors.Join(err, f.Close())
	}
	p.logger.Error("the group coordinator came to a state that must not be", "partition", partition, "recording", name, "error", err)
}

// follow takes a new image to the partitions and the group coordinator. It is called with one image after the other,
// and what the image says is served when it returns. A nil delta means everything, as at start.
func (p *parts) follow(image *metadata.Image, delta *metadata.Delta) {
	p.brokers.Follow(image, delta)
	if err := p.reconfigure(image, delta); err != nil {
		p.logger.Error("the dynamic configuration cannot be used; the one before stays", "error", err)
	}
	if err := p.host.Apply(image, delta); err != nil {
		p.logger.Error("not every partition can be served", "error", err)
	}
	p.coordinate(image, delta)
}

// coordinate hands partitions of __consumer_offsets to the coordinator, and tells it of topics that are gone.
func (p *parts) coordinate(image *metadata.Image, delta *metadata.Delta) {
	if delta == nil {
		p.elect(image.Topic(metadata.ConsumerOffsetsTopic))
		return
	}
	var gone []group.DeletedTopic
	for i := range delta.Topics {
		change := &delta.Topics[i]
		switch {
		case change.Deleted():
			gone = append(gone, group.DeletedTopic{Name: change.Before.Name, ID: change.Before.ID})
			p.resign(change.Before)
		case change.After.Name == metadata.ConsumerOffsetsTopic:
			p.elect(change.After)
		}
	}
	if len(gone) > 0 {
		p.groups.TopicsDeleted(gone)
	}
}

func (p *parts) elect(topic *metadata.Topic) {
	if topic == nil {
		return
	}
	p.groups.Start(topic.Len())
	for wanted := range topic.Partitions() {
		hosted := p.host.FindByID(topic.ID, wanted.Index)
		if wanted.Leader != p.self() || hosted == nil {
			p.groups.Resigned(wanted.Index, wanted.LeaderEpoch)
			continue
		}
		p.groups.Elected(wanted.Index, wanted.LeaderEpoch, offsetsLog{hosted, wanted.LeaderEpoch})
	}
}

func (p *parts) resign(topic *metadata.Topic) {
	if topic.Name != metadata.ConsumerOffsetsTopic {
		return
	}
	for was := range topic.Partitions() {
		p.groups.Resigned(was.Index, was.LeaderEpoch+1)
	}
}

// reconfigure makes the present configuration of the static one and what the image sets for brokers.
func (p *parts) reconfigure(image *metadata.Image, delta *metadata.Delta) error {
	changed := delta == nil
	if delta != nil {
		for _, resource := range delta.Configs {
			changed = changed || resource.Type == metadata.BrokerResource
		}
	}
	if !changed {
		return nil
	}
	own := metadata.Resource{Type: metadata.BrokerResource, Name: p.self().String()}
	present, err := p.broker.WithDynamic(maps.Collect(image.Config(metadata.ClusterDefault).All()), maps.Collect(image.Config(own).All()))
	if err != nil {
		return err
	}
	p.present.Store(present)
	if s := p.server.Load(); s != nil {
		s.Reconfigure(server.ConfigOf(present))
	}
	return nil
}
