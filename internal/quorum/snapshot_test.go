package quorum

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// someRecords makes n topics of two partitions.
func someRecords(n int) []metadata.Record {
	var records []metadata.Record
	for i := range n {
		id := protocol.UUID{byte(i), byte(i >> 8), 1}
		records = append(records, &protocol.TopicRecord{Name: fmt.Sprint("topic-", i), TopicID: id})
		for p := range 2 {
			records = append(records, &protocol.PartitionRecord{
				PartitionID: int32(p), TopicID: id, Replicas: []int32{1}, Isr: []int32{1}, Leader: 1,
			})
		}
	}
	return records
}

// TestSnapshotsBoundTheLog: whatever is written over time, the folder stays small and a start finds everything.
func TestSnapshotsBoundTheLog(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, func(c *Config) { c.SnapshotBytes = 200_000 })
	value := strings.Repeat("v", 30_000)
	for i := range 400 {
		r := protocol.NewIncrementalAlterConfigsRequest()
		r.Resources = []protocol.IncrementalAlterConfigsRequestAlterConfigsResource{{
			ResourceType: int8(metadata.GroupResource), ResourceName: fmt.Sprint("g", i%3),
			Configs: []protocol.IncrementalAlterConfigsRequestAlterableConfig{{Name: "x", Value: new(fmt.Sprint(i, value))}},
		}}
		if _, err := l.ask(r); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.node.storage.bytes; got > 500_000 {
		t.Errorf("%d bytes of entries in memory", got)
	}
	entries, err := fs.List(logFolder)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	snapshots := 0
	for _, e := range entries {
		size += e.Size
		if strings.HasSuffix(e.Name, checkpointSuffix) {
			snapshots++
		}
	}
	if size > 3*segmentBytes || snapshots != 1 {
		t.Errorf("the folder has %d bytes and %d snapshots after 12 MB of entries", size, snapshots)
	}
	want := dump(l.node.Image())
	l.close(t)
	again := mustOpen(t, fs, 1, nil)
	if dump(again.node.Image()) != want {
		t.Error("the image after a start differs")
	}
	if again.node.storage.index == 0 {
		t.Error("the start did not begin from the snapshot")
	}
	again.close(t)
}

// TestSnapshotThatFails costs room and nothing else.
func TestSnapshotThatFails(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, func(c *Config) { c.SnapshotBytes = 1000 })
	fail := true
	fs.SetHook(func(c disk.Call) error {
		if fail && c.Op == disk.OpCreate && strings.HasSuffix(c.Name, partSuffix) {
			return fmt.Errorf("no room")
		}
		return nil
	})
	for i := range 40 {
		if err := l.create(fmt.Sprint("t", i)); err != nil {
			t.Fatal(err)
		}
	}
	if l.node.storage.index != 0 {
		t.Fatal("there is a snapshot")
	}
	fail = false
	for i := range 100 {
		if err := l.create(fmt.Sprint("u", i)); err != nil {
			t.Fatal(err)
		}
	}
	if l.node.storage.index == 0 {
		t.Error("no snapshot was tried again")
	}
	want := topics(l.node.Image())
	l.close(t)
	again := mustOpen(t, fs, 1, nil)
	if topics(again.node.Image()) != want {
		t.Error("the image after a start differs")
	}
	again.close(t)
}

// TestLargeEntry: one request may make an entry larger than a segment.
func TestLargeEntry(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, nil)
	if _, err := l.ask(createRequest("large", 49_000)); err != nil {
		t.Fatal(err)
	}
	if n := l.node.Image().Topic("large").Len(); n != 49_000 {
		t.Fatalf("%d partitions", n)
	}
	l.close(t)
	again := mustOpen(t, fs, 2, nil)
	if p := again.node.Image().Partition(metadata.TopicPartition{Topic: "large", Partition: 48_999}); p == nil || p.LeaderEpoch != 1 {
		t.Errorf("after a start: %+v", p)
	}
	again.close(t)
}
