package partition

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// bench is a host on a simulated disk, with one topic "t" of one partition.
type bench struct {
	host  *Host
	dir   *commitlog.Dir
	fs    *disk.Simulated
	image *metadata.Image
}

func open(t *testing.T) *bench {
	t.Helper()
	b := &bench{fs: disk.NewSimulated(disk.SimulatedOptions{Seed: 1})}
	var err error
	b.dir, err = commitlog.OpenDir(b.fs, commitlog.DirConfig{NodeID: 1, ClusterID: "c",
		OnDurable: func(logs []*commitlog.Log) { b.host.Durable(logs) },
		OnOffline: func(err error) { b.host.Offline(err) }})
	if err != nil {
		t.Fatal(err)
	}
	b.host = NewHost(HostConfig{Self: 1, Dir: b.dir, Broker: config.Defaults, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	b.apply(t, topicRecords(1)...)
	return b
}

func (b *bench) apply(t *testing.T, records ...metadata.Record) {
	t.Helper()
	if b.image == nil {
		b.image = metadata.NewImage("c")
	}
	next, delta, err := metadata.Apply(b.image, records)
	if err != nil {
		t.Fatal(err)
	}
	b.image = next
	if err := b.host.Apply(next, delta); err != nil {
		t.Fatal(err)
	}
}

// topicRecords creates topic "t" with an id that ends in n.
func topicRecords(n byte) []metadata.Record {
	topic := &protocol.TopicRecord{Name: "t", TopicID: protocol.UUID{15: n}}
	p := &protocol.PartitionRecord{TopicID: topic.TopicID, Replicas: []int32{1}, Isr: []int32{1}, Leader: 1}
	return []metadata.Record{topic, p}
}

func (b *bench) close(t *testing.T) {
	t.Helper()
	b.host.Close()
	if err := b.dir.Close(); err != nil && !errors.Is(err, disk.ErrCrashed) {
		t.Log("close: ", err)
	}
}

func records(t *testing.T) []byte {
	t.Helper()
	b := record.NewBuilder()
	if err := b.Add(time.Now().UnixMilli(), []byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestCommittedAfterTheSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		defer b.close(t)
		p := b.host.Find("t", 0)
		var woken bool
		p.Watch(NewReader(func() { woken = true }), 0)
		appended, err := p.Append(records(t), commitlog.Client, AcksAll)
		if err != nil {
			t.Fatal(err)
		}
		result := errors.New("not called")
		p.OnCommitted(appended.Last+1, func(err error) { result = err })
		synctest.Wait()
		if result != nil {
			t.Errorf("OnCommitted: %v", result)
		}
		if !woken {
			t.Error("the reader was not woken")
		}
		if hw := p.HighWatermark(); hw != 1 {
			t.Errorf("high watermark %d, want 1", hw)
		}
	})
}

func TestAFailedSyncAcknowledgesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		defer b.close(t)
		p := b.host.Find("t", 0)
		for _, op := range []disk.Op{disk.OpSync, disk.OpSyncAll} { // whichever the round takes
			b.fs.Inject(disk.Fault{Op: op, Count: 1, Err: errors.New("input/output error")})
		}
		appended, err := p.Append(records(t), commitlog.Client, AcksAll)
		if err != nil {
			t.Fatal(err)
		}
		var result error
		called := 0
		p.OnCommitted(appended.Last+1, func(err error) { result = err; called++ })
		p.OnDurable(appended.Last+1, func(err error) { called++ })
		synctest.Wait()
		if called != 2 || protocol.CodeOf(result) != protocol.KafkaStorageError {
			t.Errorf("%d callbacks, %v, want KAFKA_STORAGE_ERROR for both", called, result)
		}
		if _, err := p.Append(records(t), commitlog.Client, AcksAll); protocol.CodeOf(err) != protocol.KafkaStorageError {
			t.Errorf("the next append: %v, want KAFKA_STORAGE_ERROR", err)
		}
		if hw := p.HighWatermark(); hw != 0 {
			t.Errorf("high watermark %d, want 0", hw)
		}
	})
}

func TestDeletingATopicEndsTheWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		defer b.close(t)
		old := b.host.Find("t", 0)
		var woken bool
		old.Watch(NewReader(func() { woken = true }), 0)
		b.apply(t, &protocol.RemoveTopicRecord{TopicID: protocol.UUID{15: 1}})
		if !woken {
			t.Error("the reader of a deleted topic still waits")
		}
		if _, err := old.Append(records(t), commitlog.Client, AcksLeader); protocol.CodeOf(err) != protocol.UnknownTopicOrPartition {
			t.Errorf("append to a deleted topic: %v", err)
		}
		b.apply(t, topicRecords(2)...)
		fresh := b.host.Find("t", 0)
		if fresh == nil || fresh == old || fresh.LogEnd() != 0 {
			t.Fatalf("the topic of the same name is not a new one: %v", fresh)
		}
		if _, err := fresh.Append(records(t), commitlog.Client, AcksAll); err != nil {
			t.Errorf("append to the new topic: %v", err)
		}
		synctest.Wait()
	})
}

func TestEpochsAreCompared(t *testing.T) {
	b := open(t)
	defer b.close(t)
	p := b.host.Find("t", 0)
	for believed, want := range map[record.LeaderEpoch]protocol.Code{-1: protocol.None, 0: protocol.None, 7: protocol.UnknownLeaderEpoch} {
		if got := protocol.CodeOf(p.CheckEpoch(believed)); got != want {
			t.Errorf("epoch %d: %v, want %v", believed, got, want)
		}
	}
}

// TestDeletedFilesGo has the files of a deleted topic removed, also when the process ended before it could.
func TestDeletedFilesGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		if _, err := b.host.Find("t", 0).Append(records(t), commitlog.Client, AcksAll); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := b.fs.MkdirAll("old-0.id-delete"); err != nil { // what an earlier life left
			t.Fatal(err)
		}
		b.apply(t, &protocol.RemoveTopicRecord{TopicID: protocol.UUID{15: 1}})
		b.close(t)
		entries, err := b.fs.List(".")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Dir && e.Name != "old-0.id-delete" {
				t.Errorf("folder %s is still there", e.Name)
			}
		}
		dir, err := commitlog.OpenDir(b.fs, commitlog.DirConfig{NodeID: 1})
		if err != nil {
			t.Fatal(err)
		}
		dir.Reap(0)
		if _, err := b.fs.Stat("old-0.id-delete"); err == nil {
			t.Error("the folder of an earlier life is still there")
		}
		if err := dir.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
