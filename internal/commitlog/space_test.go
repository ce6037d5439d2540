package commitlog

import (
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

func TestFloor(t *testing.T) {
	const mib = 1 << 20
	fs := disk.NewSimulated(disk.SimulatedOptions{Seed: 1, SpaceBytesMax: 64 * mib})
	d, err := OpenDir(fs, DirConfig{NodeID: 1, ClusterID: "c", Manual: true, FreeBytesFloor: 60 * mib})
	if err != nil {
		t.Fatal(err)
	}
	config := DefaultConfig()
	config.SegmentBytes = mib
	config.MaxMessageBytes = mib
	config.FileDeleteDelayMs = 0
	l := openLog(t, d, config)
	now := testNow
	var refused error
	for range 100 {
		value := make([]byte, 200<<10)
		if _, refused = l.Append(batch(t, now, string(value)), AppendOptions{Now: now}); refused != nil {
			break
		}
	}
	if code(refused) != protocol.KafkaStorageError || !code(refused).Retriable() {
		t.Fatalf("refused with %v", refused)
	}
	if d.Offline() != nil {
		t.Fatal("a full disk is no reason to go offline")
	}
	// Who keeps the cluster's state may go on, and so may readers and deletions.
	if _, err := l.Append(batch(t, now, "commit"), AppendOptions{Now: now, Origin: Coordinator}); err != nil {
		t.Fatal(err)
	}
	if got, err := readValues(l, 0); err != nil || len(got) == 0 {
		t.Fatal(err)
	}
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	if err := l.DeleteRecords(l.EndOffset()); err != nil {
		t.Fatal(err)
	}
	if n := retain(t, l, now, l.EndOffset()); n == 0 {
		t.Fatal("nothing was deleted")
	}
	// Within a second the room is noticed, without a restart.
	if _, err := l.Append(batch(t, now, "v"), AppendOptions{Now: now}); err == nil {
		t.Fatal("the file system is asked at every append")
	}
	now += spaceCheckMs
	if _, err := l.Append(batch(t, now, "v"), AppendOptions{Now: now}); err != nil {
		t.Fatal(err)
	}
}

// TestRunsFull fills the disk to the last byte, without a floor: what fails leaves no trace, and nothing is lost.
func TestRunsFull(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{Seed: 1, SpaceBytesMax: 300 << 10})
	d, err := openWith(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := DefaultConfig()
	config.SegmentBytes = 40 << 10
	config.FileDeleteDelayMs = 0
	l := openLog(t, d, config)
	now, failures := testNow, 0
	for range 200 {
		end := l.EndOffset()
		if _, err := l.Append(batch(t, now, string(make([]byte, 3000))), AppendOptions{Now: now}); err != nil {
			failures++
			if code(err) != protocol.KafkaStorageError || l.EndOffset() != end {
				t.Fatalf("%v at %d", err, l.EndOffset())
			}
		}
	}
	if failures == 0 || d.Offline() != nil {
		t.Fatalf("%d failures, offline: %v", failures, d.Offline())
	}
	if err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	fs.SetSpace(1 << 30)
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(batch(t, now, "room"), AppendOptions{Now: now}); err != nil {
		t.Fatal(err)
	}
	end := l.EndOffset()
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	d, err = openWith(fs.Crash(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if l = openLog(t, d, config); l.EndOffset() != end || l.Recovery().Cut {
		t.Fatalf("end %d, want %d; %+v", l.EndOffset(), end, l.Recovery())
	}
}
