package quorum

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
)

// firstVersion is a slot of quorum-state as the first version of skein writes it, built by hand.
func firstVersion(sequence, term, vote uint64, voters ...uint64) []byte {
	b := []byte("SKQS\x00\x01\x00\x00")
	for _, v := range []uint64{sequence, term, vote, 0} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = append(b, 0, 0, 0, 1, 7)
	b = append(b, "cluster"...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(voters)))
	for _, v := range voters {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	binary.BigEndian.PutUint16(b[6:], uint16(len(b)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, make([]byte, 4096-len(b))...)
}

// TestFirstVersionOfState: a node that is alone writes what the first version of skein reads, and reads what that wrote.
func TestFirstVersionOfState(t *testing.T) {
	alone := members{{ID: 1, Address: "a:1", Voter: true}}
	s := &hardState{sequence: 3, term: 4, vote: 2, node: 1, clusterID: "cluster", began: alone, members: alone}
	got, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	if want := firstVersion(3, 4, 2, 2); !bytes.Equal(got, want) {
		t.Errorf("written\n%x\nwant\n%x", got[:100], want[:100])
	}
	read, err := decodeHardState(firstVersion(9, 5, 2, 2))
	if err != nil || read.sequence != 9 || read.term != 5 || !read.members.alone(1) || !slices.Equal(read.began, read.members) {
		t.Errorf("read %+v, %v", read, err)
	}
}

// TestFirstVersionOfFiles: a whole folder of a node that is alone is of the first version, snapshots too; it is opened
// again, and grows.
func TestFirstVersionOfFiles(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	l := mustOpen(t, fs, 1, func(c *Config) { c.SnapshotBytes, c.Address = 400, "a:1" })
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if err := l.create(name); err != nil {
			t.Fatal(err)
		}
	}
	l.close(t)
	names, err := listCheckpoints(fs, logFolder)
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	for _, name := range []string{names[0], stateFileName} {
		b := content(t, fs, logFolder+"/"+name)
		slot := b[:6]
		if name == stateFileName {
			slot = b[stateSlotBytes:]
		}
		if v := binary.BigEndian.Uint16(slot[4:]); v != 1 {
			t.Errorf("%s has version %d", name, v)
		}
	}
	l = mustOpen(t, fs, 2, func(c *Config) { c.Address, c.Transport = "a:1", lost{} })
	var after []Member
	l.node.Join(Member{ID: 2, Address: "b:1"}, func(m []Member, err error) {
		if err != nil {
			t.Error(err)
		}
		after = m
	})
	if err := l.node.Work(l.now); err != nil {
		t.Fatal(err)
	}
	want := []Member{{ID: 1, Address: "a:1", Directory: l.dir.ID(), Voter: true}, {ID: 2, Address: "b:1"}}
	if !slices.Equal(after, want) {
		t.Errorf("members %+v, want %+v", after, want)
	}
	image := topics(l.node.Image())
	l.close(t)
	l = mustOpen(t, fs, 3, func(c *Config) { c.Address, c.Transport = "a:1", lost{} })
	if got := l.node.Members(); !slices.Equal(got, want) || topics(l.node.Image()) != image {
		t.Errorf("after a restart: members %+v", got)
	}
	if id, _, ok := l.node.Leader(); !ok || id != metadata.NodeID(1) {
		t.Error("the only voter does not lead after a restart")
	}
	l.close(t)
}
