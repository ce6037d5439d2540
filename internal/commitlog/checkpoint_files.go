package commitlog

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// The small text files of a log's folder, in Kafka's formats.
//
//	leader-epoch-checkpoint    partition.metadata
//	0                          version: 0
//	2                          topic_id: AAAAAAAAAAAAAAAAAAAAAA
//	0 0
//	5 1200
//
// The first is version, count, then epoch and start offset in each line; the second has the topic id in URL-safe
// base64 without padding.
const textFileBytesMax = 64 << 20

func encodeEpochs(entries []EpochStart) []byte {
	b := fmt.Appendf(nil, "0\n%d\n", len(entries))
	for _, e := range entries {
		b = fmt.Appendf(b, "%d %d\n", e.Epoch, e.Start)
	}
	return b
}

// decodeEpochs reads what encodeEpochs or Kafka wrote. A file that a crash cut short has no last newline or too few
// lines, and is refused.
func decodeEpochs(b []byte) ([]EpochStart, error) {
	text, whole := strings.CutSuffix(string(b), "\n")
	lines := strings.Split(text, "\n")
	if !whole || len(lines) < 2 || lines[0] != "0" {
		return nil, fmt.Errorf("%s is damaged: no version 0 or no end", epochFile)
	}
	count, err := strconv.Atoi(lines[1])
	if err != nil || count != len(lines)-2 {
		return nil, fmt.Errorf("%s is damaged: %q entries are stated, %d are there", epochFile, lines[1], len(lines)-2)
	}
	entries := make([]EpochStart, 0, count)
	for _, line := range lines[2:] {
		e, err := decodeEpoch(line)
		if err != nil {
			return nil, err
		}
		if n := len(entries); n > 0 && (entries[n-1].Epoch >= e.Epoch || entries[n-1].Start >= e.Start) {
			return nil, fmt.Errorf("%s is damaged: line %q does not ascend", epochFile, line)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func decodeEpoch(line string) (EpochStart, error) {
	a, b, _ := strings.Cut(line, " ")
	epoch, err := strconv.ParseInt(a, 10, 32)
	if err == nil && epoch >= 0 {
		var start int64
		if start, err = strconv.ParseInt(b, 10, 64); err == nil && start >= 0 {
			return EpochStart{record.LeaderEpoch(epoch), record.Offset(start)}, nil
		}
	}
	return EpochStart{}, fmt.Errorf("%s is damaged: line %q", epochFile, line)
}

func encodePartitionMetadata(topicID protocol.UUID) []byte {
	return fmt.Appendf(nil, "version: 0\ntopic_id: %s", base64.RawURLEncoding.EncodeToString(topicID[:]))
}

func decodePartitionMetadata(b []byte) (protocol.UUID, error) {
	var id protocol.UUID
	for line := range strings.Lines(string(b)) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "topic_id:")
		if !ok {
			continue
		}
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(value))
		if err != nil || len(raw) != len(id) {
			return id, fmt.Errorf("%s is damaged: %q", partitionFile, line)
		}
		return protocol.UUID(raw), nil
	}
	return id, fmt.Errorf("%s is damaged: no topic_id", partitionFile)
}
