package api

import (
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

func TestEveryRowNamesItsRights(t *testing.T) {
	seen := map[protocol.Key]bool{}
	for _, row := range Table() {
		if seen[row.Key] {
			t.Errorf("%s stands in the table twice", row.Key)
		}
		seen[row.Key] = true
		if len(row.Rights) == 0 {
			t.Errorf("%s names no right; what everybody may ask says Open", row.Key)
		}
		for _, right := range row.Rights {
			if (right.Resource == ResourceNone) != (right.Operation == OperationNone) {
				t.Errorf("%s: right %+v is half a right", row.Key, right)
			}
		}
		if row.Start == nil || row.Min > row.Max || row.Lowest < row.Min {
			t.Errorf("%s: %d to %d, answered from %d, is no range", row.Key, row.Min, row.Max, row.Lowest)
		}
	}
}

// TestTierOneIsWhole holds the table to the versions that mainstream clients send: the least a broker must answer.
func TestTierOneIsWhole(t *testing.T) {
	want := map[protocol.Key][2]int16{
		protocol.KeyApiVersions: {0, 4}, protocol.KeyMetadata: {0, 13}, protocol.KeyProduce: {0, 13}, protocol.KeyFetch: {4, 18},
		protocol.KeyListOffsets: {1, 11}, protocol.KeyFindCoordinator: {0, 6}, protocol.KeyJoinGroup: {0, 9}, protocol.KeySyncGroup: {0, 5},
		protocol.KeyHeartbeat: {0, 4}, protocol.KeyLeaveGroup: {0, 5}, protocol.KeyOffsetCommit: {2, 10}, protocol.KeyOffsetFetch: {1, 10},
		protocol.KeyDescribeGroups: {0, 6}, protocol.KeyListGroups: {0, 5}, protocol.KeyDeleteGroups: {0, 3}, protocol.KeyCreateTopics: {0, 7},
		protocol.KeyDeleteTopics: {0, 6}, protocol.KeyCreatePartitions: {0, 3}, protocol.KeyDeleteRecords: {0, 2}, protocol.KeyDescribeConfigs: {1, 4},
		protocol.KeyIncrementalAlterConfigs: {0, 1}, protocol.KeyAlterConfigs: {0, 2}, protocol.KeyDescribeCluster: {0, 2},
		protocol.KeyDescribeTopicPartitions: {0, 0}, protocol.KeyOffsetForLeaderEpoch: {2, 4}, protocol.KeyOffsetDelete: {0, 0},
		protocol.KeyInitProducerID: {0, 5},
	}
	for _, row := range Table() {
		if versions, ok := want[row.Key]; ok && versions != [2]int16{row.Min, row.Max} {
			t.Errorf("%s is advertised from %d to %d, want %d to %d", row.Key, row.Min, row.Max, versions[0], versions[1])
		}
		delete(want, row.Key)
	}
	for key := range want {
		t.Errorf("%s is missing", key)
	}
}
