package commitlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

func TestDirIsLocked(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	if _, err := openWith(fs, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := openWith(fs.Attach(), nil); !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), "another process") {
		t.Fatal(err)
	}
}

func TestDirOfSomebodyElse(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config DirConfig
		want   string
	}{
		{DirConfig{NodeID: 2, ClusterID: "test-cluster", Manual: true}, "node.id=1"},
		{DirConfig{NodeID: 1, ClusterID: "other", Manual: true}, "cluster.id=test-cluster"},
	} {
		if _, err := OpenDir(fs, c.config); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), metaName) {
			t.Fatal(err)
		}
	}
	d, err = OpenDir(fs, DirConfig{NodeID: 1, Manual: true}) // any cluster: the one that is there
	if err != nil || d.ClusterID() != "test-cluster" || d.ID() != (protocol.UUID{9}) {
		t.Fatalf("%v", err)
	}
}

func TestDirOfANewerFormat(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	page := make([]byte, markPageSize)
	putMarkHeader(page)
	binary.BigEndian.PutUint32(page[markHeaderLen-4:], markVersion+1)
	binary.BigEndian.PutUint32(page, crc32.Checksum(page[4:markHeaderLen], castagnoli))
	writeAll(t, fs, markFile, page)
	if _, err := openWith(fs, nil); err == nil || !strings.Contains(err.Error(), markFile+" has version 2") {
		t.Fatal(err)
	}
	if err := ReplaceFile(fs, ".", metaName, []byte("version=2\nnode.id=1\ncluster.id=test-cluster\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := openWith(fs, nil); err == nil || !strings.Contains(err.Error(), metaName+" has version 2") {
		t.Fatal(err)
	}
}

func TestPartitionsWithoutMeta(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	if err := fs.MkdirAll("orders-3"); err != nil {
		t.Fatal(err)
	}
	if _, err := openWith(fs, nil); err == nil || !strings.Contains(err.Error(), "orders-3") {
		t.Fatal(err)
	}
}

func TestFolderOfAnotherTopicID(t *testing.T) {
	_, d, l := manualLog(t, DefaultConfig())
	appendTo(t, l, batch(t, testNow, "v"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenLog(testName, protocol.UUID{5}, DefaultConfig()); code(err) != protocol.KafkaStorageError && code(err) != protocol.InconsistentTopicID {
		t.Fatal(err)
	}
	if l = openLog(t, d, DefaultConfig()); l.EndOffset() != 1 {
		t.Fatal(l.EndOffset())
	}
	if _, err := d.OpenLog(testName, testID, DefaultConfig()); err == nil {
		t.Fatal("opened twice")
	}
}

func TestDeleteAndBeginAnew(t *testing.T) {
	fs, d, l := manualLog(t, DefaultConfig())
	appendTo(t, l, batch(t, testNow, "v"))
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	s, err := l.Read(0, 1, 1<<20, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Delete(); err != nil {
		t.Fatal(err)
	}
	if b, err := s.ReadAll(); err != nil || len(b) == 0 {
		t.Fatalf("a deleted log that is being read: %v", err)
	}
	s.Release()
	if _, err := l.Append(batch(t, testNow, "v"), AppendOptions{Now: testNow}); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if _, err := fs.Stat(testName.String()); err == nil {
		t.Fatal("the folder is still there")
	}
	d, err = openWith(fs.Crash(), nil)
	if err != nil {
		t.Fatal(err)
	}
	l = openLog(t, d, DefaultConfig())
	if l.EndOffset() != 0 {
		t.Fatal("the log came back")
	}
	appendTo(t, l, batch(t, testNow, "new"))
}

func TestReset(t *testing.T) {
	fs, d, l := manualLog(t, DefaultConfig())
	for range 5 {
		appendTo(t, l, batch(t, testNow, "v"))
	}
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	if err := l.Reset(1000); err != nil {
		t.Fatal(err)
	}
	if l.StartOffset() != 1000 || l.EndOffset() != 1000 || l.DurableEnd() != 1000 || len(l.Epochs()) != 0 {
		t.Fatalf("%d to %d, durable %d", l.StartOffset(), l.EndOffset(), l.DurableEnd())
	}
	d, err := openWith(fs.CrashClone(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other := openLog(t, d, DefaultConfig()); other.StartOffset() != 1000 || other.EndOffset() != 1000 {
		t.Fatalf("after a crash: %d to %d", other.StartOffset(), other.EndOffset())
	}
	if a := appendTo(t, l, batch(t, testNow, "v")); a.First != 1000 {
		t.Fatal(a)
	}
}

// TestManyLogsAreCheap opens thousands of logs that are empty: no file, no goroutine, little memory for each.
func TestManyLogsAreCheap(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := fs.Calls()
	for i := range int32(5000) {
		if _, err := d.OpenLog(TopicPartition{"t", i}, testID, DefaultConfig()); err != nil {
			t.Fatal(err)
		}
	}
	if n := fs.Calls() - calls; n > 5000 {
		t.Fatalf("%d operations for 5000 empty logs", n)
	}
}
