package partition

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// The high watermarks of the replicas here, in Kafka's format: version, count, then topic, partition and offset in each
// line. A replica that is elected begins with its own, so that it need not say for long that it does not know. A
// partition of one replica has none: what is durable there is committed.
//
//	replication-offset-checkpoint
//	0
//	2
//	orders 0 1042
//	orders 1 977
const (
	checkpointFile     = "replication-offset-checkpoint"
	checkpointBytesMax = 256 << 20
)

func encodeCheckpoint(partitions []*Partition) []byte {
	var lines []byte
	n := 0
	for _, p := range partitions {
		if p.replicated.Load() {
			lines = fmt.Appendf(lines, "%s %d %d\n", p.Name.Topic, p.Name.Partition, p.HighWatermark())
			n++
		}
	}
	return append(fmt.Appendf(nil, "0\n%d\n", n), lines...)
}

// decodeCheckpoint reads what encodeCheckpoint or Kafka wrote. A file that a crash cut short is refused whole.
func decodeCheckpoint(b []byte) (map[metadata.TopicPartition]record.Offset, error) {
	text, whole := strings.CutSuffix(string(b), "\n")
	lines := strings.Split(text, "\n")
	if !whole || len(lines) < 2 || lines[0] != "0" {
		return nil, errors.New(checkpointFile + " is damaged: no version 0 or no end")
	}
	if n, err := strconv.Atoi(lines[1]); err != nil || n != len(lines)-2 {
		return nil, fmt.Errorf("%s is damaged: %q entries are stated, %d are there", checkpointFile, lines[1], len(lines)-2)
	}
	entries := make(map[metadata.TopicPartition]record.Offset, len(lines)-2)
	for _, line := range lines[2:] {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s is damaged: line %q", checkpointFile, line)
		}
		index, err1 := strconv.ParseInt(fields[1], 10, 32)
		offset, err2 := strconv.ParseInt(fields[2], 10, 64)
		if err1 != nil || err2 != nil || index < 0 || offset < 0 {
			return nil, fmt.Errorf("%s is damaged: line %q", checkpointFile, line)
		}
		entries[metadata.TopicPartition{Topic: fields[0], Partition: int32(index)}] = record.Offset(offset)
	}
	return entries, nil
}

// loadCheckpoint reads the file of an earlier life. Without it, or with a damaged one, high watermarks begin at the logs'
// starts.
func (h *Host) loadCheckpoint() {
	if h.files == nil {
		return
	}
	b, err := commitlog.ReadFile(h.files, checkpointFile, checkpointBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		h.known, err = decodeCheckpoint(b)
	}
	if err != nil {
		h.logger.Warn("high watermarks of the last life are not known", "cause", err)
	}
}

// CheckpointHighWatermarks writes the file if a high watermark has moved. Start has it called each
// replica.high.watermark.checkpoint.interval.ms, and Close at the end.
func (h *Host) CheckpointHighWatermarks() error {
	if h.files == nil || !h.replicates.Load() {
		return nil
	}
	h.checkpointMu.Lock()
	defer h.checkpointMu.Unlock()
	b := encodeCheckpoint(h.All())
	if bytes.Equal(b, h.checkpoint) || h.checkpoint == nil && bytes.HasPrefix(b, []byte("0\n0\n")) {
		return nil
	}
	if err := commitlog.ReplaceFile(h.files, ".", checkpointFile, b); err != nil {
		return err
	}
	h.checkpoint = b
	return nil
}
