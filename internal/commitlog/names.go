package commitlog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/record"
)

// TopicPartition names a log. Its folder is called "topic-partition".
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String is the name of the folder, such as "orders-3".
func (t TopicPartition) String() string { return t.Topic + "-" + strconv.Itoa(int(t.Partition)) }

// parseFolderName takes the name of a folder apart; ok is false for one that no log has.
func parseFolderName(name string) (t TopicPartition, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 {
		return t, false
	}
	n, err := strconv.ParseInt(name[i+1:], 10, 32)
	t = TopicPartition{name[:i], int32(n)}
	return t, err == nil && n >= 0 && t.String() == name
}

// Files of a log's folder, under Kafka's names.
const (
	logSuffix       = ".log"
	indexSuffix     = ".index"
	timeIndexSuffix = ".timeindex"
	snapshotSuffix  = ".snapshot"
	deletedSuffix   = ".deleted" // behind another suffix: waits for file.delete.delay.ms
	cleanedSuffix   = ".cleaned" // behind another suffix: compaction is still writing it
	swapSuffix      = ".swap"    // behind another suffix: complete, about to replace what it was made from

	epochFile     = "leader-epoch-checkpoint"
	partitionFile = "partition.metadata"
	temporary     = ".tmp"    // behind a name: written whole, then renamed
	deleteSuffix  = "-delete" // behind a folder's name and topic id: its files go
	straySuffix   = "-stray"  // behind a folder's name and topic id: nobody knows the topic
)

// offsetDigits is the number of digits of an offset in a file's name.
const offsetDigits = 20

// fileName is the name of a file that begins at an offset, such as "00000000000000000000.log".
func fileName(base record.Offset, suffix string) string {
	return fmt.Sprintf("%0*d%s", offsetDigits, int64(base), suffix)
}

// parseFileName takes such a name apart; ok is false for every other name.
func parseFileName(name string) (base record.Offset, suffix string, ok bool) {
	if len(name) <= offsetDigits || name[offsetDigits] != '.' {
		return 0, "", false
	}
	n, err := strconv.ParseInt(name[:offsetDigits], 10, 64)
	if err != nil || n < 0 || strings.HasPrefix(name, "+") {
		return 0, "", false
	}
	return record.Offset(n), name[offsetDigits:], true
}
