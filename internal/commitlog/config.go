package commitlog

import (
	"log/slog"
	"math"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Unlimited stands for "no bound" where Kafka writes -1.
const Unlimited int64 = -1

// Config is how one log behaves: the topic configs that concern a log, under Kafka's names. All times are in
// milliseconds, all sizes in bytes. Log.Configure changes it while the log is open.
type Config struct {
	SegmentBytes       int64 // segment.bytes: no segment is larger, unless one append alone is
	SegmentMs          int64 // segment.ms: a segment is rolled when it spans more time
	SegmentJitterMs    int64 // segment.jitter.ms: each segment rolls up to this much earlier
	SegmentIndexBytes  int64 // segment.index.bytes: a segment is rolled when an index has this size
	IndexIntervalBytes int64 // index.interval.bytes: about one index entry for each
	MaxMessageBytes    int   // max.message.bytes: of one batch

	DecompressedBytesMax int // max.decompressed.batch.bytes

	Delete            bool  // cleanup.policy has delete
	Compact           bool  // cleanup.policy has compact
	RetentionMs       int64 // retention.ms; Unlimited keeps for ever
	RetentionBytes    int64 // retention.bytes; Unlimited
	FileDeleteDelayMs int64 // file.delete.delay.ms

	MinCleanableDirtyRatio float64 // min.cleanable.dirty.ratio
	MinCompactionLagMs     int64   // min.compaction.lag.ms
	MaxCompactionLagMs     int64   // max.compaction.lag.ms
	DeleteRetentionMs      int64   // delete.retention.ms: how long a tombstone can be read
	// CompactActiveBytes lets Compact seal the active segment when it holds this much, or, in a log that was left alone
	// for a minute, less. 0 waits for segment.bytes and segment.ms, as Kafka does.
	CompactActiveBytes int64

	LogAppendTime     bool  // message.timestamp.type is LogAppendTime
	TimestampBeforeMs int64 // message.timestamp.before.max.ms
	TimestampAfterMs  int64 // message.timestamp.after.max.ms

	Compression      Compression // compression.type
	CompressionLevel int         // compression.*.level of that codec; 0 is the codec's default

	ProducerIDExpirationMs int64 // producer.id.expiration.ms
	ProducersMax           int   // bound of the producer table; the longest silent are forgotten beyond it

	// FlushMessages is flush.messages: 1 syncs every append before it counts as durable, anything larger trusts the page
	// cache and syncs in the background after so many records. 0 takes DirConfig.FlushMessages.
	FlushMessages int64
}

// Compression is compression.type. The zero value is "producer": batches stay as they were sent.
type Compression struct {
	Enforced bool
	Codec    record.Codec
}

// NeverFlush as FlushMessages is Kafka's own default of log.flush.interval.messages: page-cache mode.
const NeverFlush int64 = math.MaxInt64

// DefaultConfig is Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		SegmentBytes:           1 << 30,
		SegmentMs:              7 * 24 * 3600 * 1000,
		SegmentIndexBytes:      10 << 20,
		IndexIntervalBytes:     4096,
		MaxMessageBytes:        1048588,
		DecompressedBytesMax:   record.DecompressedBytesMaxDefault,
		Delete:                 true,
		RetentionMs:            7 * 24 * 3600 * 1000,
		RetentionBytes:         Unlimited,
		FileDeleteDelayMs:      60_000,
		MinCleanableDirtyRatio: 0.5,
		MaxCompactionLagMs:     math.MaxInt64,
		DeleteRetentionMs:      24 * 3600 * 1000,
		TimestampBeforeMs:      math.MaxInt64,
		TimestampAfterMs:       3600 * 1000,
		ProducerIDExpirationMs: 24 * 3600 * 1000,
		ProducersMax:           100_000,
	}
}

// completed fills what was left zero and cannot be zero. The bounds of timestamps can: they stay.
func (c Config) completed() Config {
	d := DefaultConfig()
	orInt64(&c.SegmentBytes, d.SegmentBytes)
	orInt64(&c.SegmentMs, d.SegmentMs)
	orInt64(&c.SegmentIndexBytes, d.SegmentIndexBytes)
	orInt64(&c.IndexIntervalBytes, d.IndexIntervalBytes)
	orInt64(&c.ProducerIDExpirationMs, d.ProducerIDExpirationMs)
	orInt64(&c.MaxCompactionLagMs, d.MaxCompactionLagMs)
	orInt(&c.MaxMessageBytes, d.MaxMessageBytes)
	orInt(&c.ProducersMax, d.ProducersMax)
	return c
}

func orInt64(v *int64, otherwise int64) {
	if *v <= 0 {
		*v = otherwise
	}
}

func orInt(v *int, otherwise int) {
	if *v <= 0 {
		*v = otherwise
	}
}

// DirConfig is how one log directory behaves.
type DirConfig struct {
	NodeID    int32
	ClusterID string // as in meta.properties; "" accepts what is there

	DirectoryID protocol.UUID // of a directory that is new; zero takes a random one

	// FlushMessages is log.flush.interval.messages. 0 and 1 sync before an append counts; NeverFlush is page-cache mode.
	FlushMessages int64

	// FreeBytesFloor is the room below which client appends are refused; 0 is the lesser of 5 % and 1 GiB, negative none.
	FreeBytesFloor int64

	// OpenFilesMax bounds the segment files held open while nobody uses them; 0 is 1024.
	OpenFilesMax int

	// CompactionBytesMax bounds the memory of one compaction's key table; 0 is 32 MiB.
	CompactionBytesMax int

	// OnDurable is called after each round with the logs whose DurableEnd moved, on the Syncer's goroutine and without
	// any lock of a log held. The slice is the Syncer's own: it is valid until the call returns. It must not call
	// TruncateTo, Close or Delete.
	OnDurable func([]*Log)

	// BeforeRound is called before each round of the Syncer, without any lock held, and may wait: the slow disk of a test.
	// Manual calls it never.
	BeforeRound func()

	// OnOffline is called once, with the reason, when the directory goes offline.
	OnOffline func(error)

	// Manual leaves the rounds to the caller: no goroutine and no timer is started, Round and SyncMark do the work. For
	// simulation, where one goroutine does everything in an order that a seed decides.
	Manual bool

	Logger *slog.Logger // nil discards
}

func (c DirConfig) completed() DirConfig {
	if c.FlushMessages <= 0 {
		c.FlushMessages = 1
	}
	orInt(&c.OpenFilesMax, 1024)
	orInt(&c.CompactionBytesMax, 32<<20)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.BeforeRound == nil {
		c.BeforeRound = func() {}
	}
	return c
}
