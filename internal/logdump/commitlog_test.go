package logdump_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/logdump"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

const testNow = int64(1_700_000_000_000)

// writeLogs lets the real log write two partitions: small segments, every codec, times that go back, a new epoch each
// 40 batches, an idempotent producer. The first records of one are deleted.
func writeLogs(t *testing.T, root string) {
	t.Helper()
	files, err := disk.OpenReal(root)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	dir, err := commitlog.OpenDir(files, commitlog.DirConfig{NodeID: 1, ClusterID: "test", FreeBytesFloor: -1})
	if err != nil {
		t.Fatal(err)
	}
	for partition := range int32(2) {
		config := commitlog.DefaultConfig()
		config.SegmentBytes, config.IndexIntervalBytes = 16<<10, 500
		config.TimestampAfterMs, config.FileDeleteDelayMs = commitlogUnlimited, 0
		log, err := dir.OpenLog(commitlog.TopicPartition{Topic: "orders", Partition: partition}, protocol.UUID{9, byte(partition)}, config)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, log)
		if err := log.DeleteRecords(record.Offset(100 * partition)); err != nil {
			t.Fatal(err)
		}
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
}

const commitlogUnlimited = int64(1) << 60

func fill(t *testing.T, log *commitlog.Log) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	builder := record.NewBuilder()
	sequence := int32(0)
	for i := range 200 {
		builder.SetCodec(record.Codec(i%5), record.DefaultLevel)
		builder.SetProducer(4, 0, sequence)
		for range 1 + random.IntN(20) {
			_ = builder.Add(testNow+random.Int64N(1_000_000), fmt.Appendf(nil, "k%d", random.IntN(50)), fmt.Appendf(nil, "%064d", random.Uint64()))
			sequence++
		}
		b, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(b, commitlog.AppendOptions{LeaderEpoch: record.LeaderEpoch(i / 40), Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesOfTheLogAreInOrder(t *testing.T) {
	root := filepath.Join(t.TempDir(), "data")
	writeLogs(t, root)
	report, err := logdump.Verify(root, logdump.Options{Deep: true})
	if err != nil || len(report.Problems) > 0 || report.Folders != 2 || report.Batches < 300 || report.Files < 40 {
		var out bytes.Buffer
		_ = report.Write(&out, logdump.Options{})
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Logf("%+v", report)
	for _, path := range []string{"orders-0", "orders-1", "durable-mark", "meta.properties"} {
		var out bytes.Buffer
		if err := logdump.Dump(&out, filepath.Join(root, path), logdump.Options{Deep: true}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if path == "durable-mark" && strings.Count(out.String(), "durableEndOffset: ") != 2 {
			t.Error(out.String())
		}
	}
}
