package partition

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// topicConfig resolves a topic's configuration. One that an older version accepted and this one does not is left at
// the broker's values, and said.
func (h *Host) topicConfig(image *metadata.Image, topic string) *config.Topic {
	overrides := Overrides(image, topic)
	resolved, err := h.broker().Topic(overrides)
	if err == nil {
		return resolved
	}
	h.logger.Error("the topic's configuration cannot be used; the broker's is", "topic", topic, "error", err)
	resolved, err = h.broker().Topic(nil)
	if err != nil {
		panic("partition: the broker's own configuration gives no topic configuration: " + err.Error())
	}
	return resolved
}

// Overrides returns what was set for a topic.
func Overrides(image *metadata.Image, topic string) map[string]string {
	return maps.Collect(image.Config(metadata.Resource{Type: metadata.TopicResource, Name: topic}).All())
}

// configure takes a changed configuration to the logs it concerns.
func (h *Host) configure(image *metadata.Image, resource metadata.Resource) {
	if resource.Type == metadata.BrokerResource {
		h.setRates()
	}
	var topics []*hostedTopic
	h.mu.RLock()
	if resource.Type == metadata.TopicResource {
		if t := h.byName[resource.Name]; t != nil {
			topics = append(topics, t)
		}
	} else if resource.Type == metadata.BrokerResource {
		for _, name := range slices.Sorted(maps.Keys(h.byName)) {
			topics = append(topics, h.byName[name])
		}
	}
	h.mu.RUnlock()
	for _, t := range topics {
		settings := h.topicConfig(image, t.name)
		for _, p := range t.partitions {
			if p != nil {
				p.log.Configure(logConfig(t.name, h.broker(), settings))
				p.throttle(settings)
				p.step(&replica.Configure{ISRMin: settings.InsyncReplicasMin, LagMax: h.broker().ReplicaLagMax})
			}
		}
	}
	h.resume()
}

// offsetsDirtyMax is how many bytes of a partition of __consumer_offsets gather before they are compacted. Groups write
// the same few keys again and again: Kafka lets segment.bytes of that gather, 100 MiB, and a coordinator has to load it.
const offsetsDirtyMax = 256 << 10

// logConfig translates property values into a log's configuration.
func logConfig(topic string, b *config.Broker, t *config.Topic) commitlog.Config {
	segment := int64(t.Segment)
	if t.InternalSegment > 0 {
		segment = int64(t.InternalSegment)
	}
	compression, level := compressionOf(t)
	compactActive := int64(0)
	if topic == metadata.ConsumerOffsetsTopic {
		compactActive = offsetsDirtyMax
	}
	return commitlog.Config{
		CompactActiveBytes:     compactActive,
		SegmentBytes:           segment,
		SegmentMs:              milliseconds(t.SegmentAgeMax),
		SegmentJitterMs:        milliseconds(t.SegmentJitter),
		SegmentIndexBytes:      int64(t.SegmentIndex),
		IndexIntervalBytes:     int64(t.IndexInterval),
		MaxMessageBytes:        int(t.MessageMax),
		DecompressedBytesMax:   int(b.DecompressedBatchMax),
		Delete:                 t.Deletes(),
		Compact:                t.Compacts(),
		RetentionMs:            retention(t.Retention),
		RetentionBytes:         limit(t.RetentionBytes),
		FileDeleteDelayMs:      milliseconds(t.FileDeleteDelay),
		MinCleanableDirtyRatio: t.CleanableRatioMin,
		MinCompactionLagMs:     milliseconds(t.CompactionLagMin),
		MaxCompactionLagMs:     milliseconds(t.CompactionLagMax),
		DeleteRetentionMs:      milliseconds(t.DeleteRetention),
		LogAppendTime:          t.LogAppendTime(),
		TimestampBeforeMs:      milliseconds(t.TimestampBeforeMax),
		TimestampAfterMs:       milliseconds(t.TimestampAfterMax),
		Compression:            compression,
		CompressionLevel:       level,
		ProducerIDExpirationMs: milliseconds(b.ProducerIDExpiration),
		FlushMessages:          t.FlushMessages,
	}
}

func compressionOf(t *config.Topic) (commitlog.Compression, int) {
	enforced := func(c record.Codec) commitlog.Compression { return commitlog.Compression{Enforced: true, Codec: c} }
	switch t.CompressionType {
	case "uncompressed":
		return enforced(record.None), 0
	case "gzip":
		return enforced(record.Gzip), t.CompressionGzipLevel
	case "snappy":
		return enforced(record.Snappy), 0
	case "lz4":
		return enforced(record.Lz4), t.CompressionLz4Level
	case "zstd":
		return enforced(record.Zstd), t.CompressionZstdLevel
	}
	return commitlog.Compression{}, 0
}

func milliseconds(d time.Duration) int64 {
	if d == config.Never {
		return math.MaxInt64
	}
	return d.Milliseconds()
}

func retention(d time.Duration) int64 {
	if d == config.Never {
		return commitlog.Unlimited
	}
	return d.Milliseconds()
}

func limit(b config.Bytes) int64 {
	if b == config.NoLimit {
		return commitlog.Unlimited
	}
	return int64(b)
}
