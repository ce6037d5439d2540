package quorum

import (
	"bytes"
	"slices"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

func someEntries() []*raftpb.Entry {
	data := appendProposal(nil, 3, someRecords(2))
	return []*raftpb.Entry{
		{Index: new(uint64(5)), Term: new(uint64(1)), Type: raftpb.EntryNormal.Enum()},
		{Index: new(uint64(6)), Term: new(uint64(1)), Type: raftpb.EntryNormal.Enum(), Data: data},
		{Index: new(uint64(7)), Term: new(uint64(4)), Type: raftpb.EntryConfChange.Enum(), Data: []byte("x")},
	}
}

func someMembers() members {
	return members{{ID: 1, Address: "a:1", Voter: true}, {ID: 2, Address: "b:1", Directory: protocol.UUID{2}}, {ID: 7}}
}

// sameVote: a file of version 1 has no addresses.
func sameVote(a, b Member) bool { return a.ID == b.ID && a.Voter == b.Voter }

// FuzzEntries: batches of the metadata log, whole or not, decode to entries that encode to batches of the same entries.
func FuzzEntries(f *testing.F) {
	b, err := encodeEntries(someEntries(), 1, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := decodeEntries(b)
		if err != nil {
			return
		}
		for i := 1; i < len(entries); i++ {
			if entries[i].GetIndex() != entries[i-1].GetIndex()+1 {
				return // storage.load refuses it
			}
		}
		again, err := encodeEntries(entries, 1, len(b)%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		second, err := decodeEntries(again)
		if err != nil || len(second) != len(entries) {
			t.Fatalf("%d entries became %d: %v", len(entries), len(second), err)
		}
		for i := range entries {
			if !bytes.Equal(entries[i].GetData(), second[i].GetData()) || entries[i].GetTerm() != second[i].GetTerm() {
				t.Fatalf("entry %d changed", i)
			}
			_, _, _ = decodeProposal(entries[i].GetData())
		}
	})
}

// FuzzProposal: the data of an entry.
func FuzzProposal(f *testing.F) {
	f.Add(appendProposal(nil, 1, someRecords(1)))
	f.Add([]byte{proposalVersion, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		sequence, records, err := decodeProposal(b)
		if err != nil {
			return
		}
		again, second, err := decodeProposal(appendProposal(nil, sequence, records))
		if err != nil || again != sequence || len(second) != len(records) {
			t.Fatalf("sequence %d became %d, %d records %d: %v", sequence, again, len(records), len(second), err)
		}
	})
}

// FuzzState: one slot of quorum-state.
func FuzzState(f *testing.F) {
	alone := members{{ID: 4, Voter: true}}
	for _, s := range []hardState{
		{sequence: 1, term: 2, vote: 3, node: 4, clusterID: "c", began: alone, members: alone},
		{sequence: 2, term: 2, vote: 3, node: 4, clusterID: "c", began: alone, members: someMembers(), replacedIndex: 7, replacedTerm: 1},
	} {
		b, err := s.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeHardState(b)
		if err != nil {
			return
		}
		again, err := s.encode()
		if err != nil {
			return // more members than are ever written
		}
		if second, err := decodeHardState(again); err != nil || second.term != s.term || !slices.Equal(second.members, s.members) || !slices.Equal(second.began, s.began) {
			t.Fatalf("%+v became %+v: %v", s, second, err)
		}
	})
}

// FuzzCheckpoint: a snapshot file.
func FuzzCheckpoint(f *testing.F) {
	image, _, err := metadata.Apply(metadata.NewImage("c"), someRecords(3))
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range []members{{{ID: 1, Voter: true}}, someMembers()} {
		var b []byte
		c := checkpoint{index: 4, term: 1, clusterID: "c", members: m}
		if err := encodeCheckpoint(c, image, func(part []byte) error { b = append(b, part...); return nil }); err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, image, err := decodeCheckpoint(b)
		if err != nil {
			return
		}
		var again []byte
		if err := encodeCheckpoint(c, image, func(part []byte) error { again = append(again, part...); return nil }); err != nil {
			t.Fatal(err)
		}
		if d, second, err := decodeCheckpoint(again); err != nil || dump(second) != dump(image) || !slices.EqualFunc(d.members, c.members, sameVote) {
			t.Fatalf("a snapshot changed: %v", err)
		}
	})
}
