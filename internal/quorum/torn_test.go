package quorum

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/sim"
)

const (
	firstSegment = logFolder + "/00000000000000000000.log"
	markFile     = "durable-mark"
)

func content(t testing.TB, fs disk.FS, name string) []byte {
	t.Helper()
	b, err := commitlog.ReadFile(fs, name, checkpointBytesMax)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// overwrite makes a file hold b and nothing else.
func overwrite(t testing.TB, fs disk.FS, name string, b []byte) {
	t.Helper()
	file, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(b, 0)
	if err := errors.Join(err, file.Truncate(int64(len(b))), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// replica is an exact copy of the disk for one more life.
func replica(t testing.TB, fs *disk.Simulated) *disk.Simulated {
	t.Helper()
	if err := fs.SyncAll(); err != nil {
		t.Fatal(err)
	}
	return fs.CrashClone(sim.NewRand(1))
}

// TestTornEntry: the last entry is cut at every byte. Before its end it never happened; whole it is there, although
// nobody was told.
func TestTornEntry(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, nil)
	if err := l.create("a"); err != nil {
		t.Fatal(err)
	}
	before, mark, size := topics(l.node.Image()), content(t, fs, markFile), len(content(t, fs, firstSegment))
	if err := l.create("b"); err != nil {
		t.Fatal(err)
	}
	after, log := topics(l.node.Image()), content(t, fs, firstSegment)
	fs = fs.Kill()
	for cut := size; cut <= len(log); cut++ {
		torn := replica(t, fs)
		overwrite(t, torn, firstSegment, log[:cut])
		overwrite(t, torn, markFile, mark)
		again := mustOpen(t, torn, 2, nil)
		want := before
		if cut == len(log) {
			want = after
		}
		if got := topics(again.node.Image()); got != want {
			t.Fatalf("cut at byte %d of %d: %s, want %s", cut, len(log), got, want)
		}
		if err := again.create("c"); err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		again.close(t)
	}
}

// TestRottenEntry: a flipped bit in what was durable is refused with the log's name, never cut.
func TestRottenEntry(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, nil)
	if err := errors.Join(l.create("a"), l.create("b")); err != nil {
		t.Fatal(err)
	}
	l.close(t)
	log := content(t, fs, firstSegment)
	for at := 0; at < len(log); at += 7 {
		rotten := replica(t, fs)
		b := append([]byte(nil), log...)
		b[at] ^= 0x10
		overwrite(t, rotten, firstSegment, b)
		again, err := openLife(rotten, 2, nil)
		if err == nil {
			again.close(t)
			t.Fatalf("byte %d: a flipped bit goes unseen", at)
		}
		if !strings.Contains(err.Error(), metadata.ClusterMetadataTopic) {
			t.Fatalf("byte %d: refused without the log's name: %v", at, err)
		}
	}
}

// TestTornState: the slot that was written last is torn at every byte, and the one before counts.
func TestTornState(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	first := hardState{node: 3, clusterID: "c", term: 1, began: members{{ID: 3, Voter: true}}, members: someMembers()}
	f, err := createStateFile(fs, "d", first, false)
	if err != nil {
		t.Fatal(err)
	}
	second := f.state
	second.term, second.vote = 7, 4
	if err := f.write(second); err != nil {
		t.Fatal(err)
	}
	whole := content(t, fs, f.name)
	for cut := range len(whole) {
		torn := replica(t, fs)
		b := append([]byte(nil), whole...)
		clear(b[min(cut, stateSlotBytes):stateSlotBytes]) // slot 0 has sequence 2
		overwrite(t, torn, f.name, b)
		got, err := openStateFile(torn, "d")
		if err != nil || got == nil {
			t.Fatalf("cut at byte %d: %v, %v", cut, got, err)
		}
		if got.state.term != 1 && got.state.term != 7 || cut < 60 && got.state.term != 1 {
			t.Fatalf("cut at byte %d: term %d", cut, got.state.term)
		}
	}
}

// TestDamagedSnapshot: no cut and no flipped byte of a snapshot goes unseen.
func TestDamagedSnapshot(t *testing.T) {
	image, _, err := metadata.Apply(metadata.NewImage("c"), someRecords(40))
	if err != nil {
		t.Fatal(err)
	}
	var whole []byte
	c := checkpoint{index: 9, term: 2, clusterID: "c", members: someMembers()}
	if err := encodeCheckpoint(c, image, func(b []byte) error { whole = append(whole, b...); return nil }); err != nil {
		t.Fatal(err)
	}
	got, decoded, err := decodeCheckpoint(whole)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(c) || dump(decoded) != dump(image) || decoded.Offset != 8 || decoded.Epoch != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	for i := range whole {
		if _, _, err := decodeCheckpoint(whole[:i]); err == nil {
			t.Fatalf("cut at byte %d: decoded", i)
		}
		b := append([]byte(nil), whole...)
		b[i] ^= 1
		if _, _, err := decodeCheckpoint(b); err == nil {
			t.Fatalf("byte %d flipped: decoded", i)
		}
	}
}
