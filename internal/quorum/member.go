package quorum

import (
	"cmp"
	"encoding/binary"
	"slices"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Member is a node of the quorum.
type Member struct {
	ID metadata.NodeID
	// Address is where the others reach its controller listener, host:port; empty while nobody has said.
	Address string
	// Directory is the id of its log directory (KIP-853); zero while nobody has said. A node that comes back with another
	// one has lost its log, and with it what it voted for.
	Directory protocol.UUID
	// Voter says that it votes and is counted. Otherwise it is a learner, which only follows.
	Voter bool
}

// members are the members of the quorum, sorted by id. A list never changes: a change makes another.
type members []Member

// Members, as quorum-state, snapshots and changes of the members hold them:
//
//	members: number u16 | each: node id u32 | flags u8: 1 is a voter | directory, 16 bytes | address: u8 and bytes
//
// All numbers are big-endian; the ids grow.
const (
	memberVoter     = 1
	memberBytes     = 22 // before the address
	addressBytesMax = 255
	membersMax      = 1 << 10
)

func sortedMembers(list []Member) members {
	m := slices.Clone(members(list))
	slices.SortFunc(m, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return m
}

func (m members) find(id metadata.NodeID) (Member, bool) {
	i, ok := m.search(id)
	if !ok {
		return Member{ID: id}, false
	}
	return m[i], true
}

func (m members) search(id metadata.NodeID) (int, bool) {
	return slices.BinarySearchFunc(m, id, func(one Member, id metadata.NodeID) int { return cmp.Compare(one.ID, id) })
}

// with has a member added, or put in the place of the one with its id.
func (m members) with(one Member) members {
	i, ok := m.search(one.ID)
	if ok {
		m = slices.Clone(m)
		m[i] = one
		return m
	}
	return slices.Insert(slices.Clone(m), i, one)
}

func (m members) without(id metadata.NodeID) members {
	return slices.DeleteFunc(slices.Clone(m), func(one Member) bool { return one.ID == id })
}

// told has the addresses and directories of those who are members.
func (m members) told(list members) members {
	for _, known := range list {
		if one, ok := m.find(known.ID); ok && known.Address != "" {
			one.Address, one.Directory = known.Address, known.Directory
			m = m.with(one)
		}
	}
	return m
}

// alone says whether a node is the only member, and votes: nobody else has anything to say then.
func (m members) alone(id metadata.NodeID) bool { return len(m) == 1 && m[0].ID == id && m[0].Voter }

// decides says whether a node is the only voter, with or without learners.
func (m members) decides(id metadata.NodeID) bool {
	one, ok := m.find(id)
	return ok && one.Voter && m.voters() == 1
}

func (m members) voters() (n int) {
	for _, one := range m {
		if one.Voter {
			n++
		}
	}
	return n
}

// confState is what raft calls the members.
func (m members) confState() raftpb.ConfState {
	var voters, learners []uint64
	for _, one := range m {
		if one.Voter {
			voters = append(voters, raftID(one.ID))
		} else {
			learners = append(learners, raftID(one.ID))
		}
	}
	return raftpb.ConfState{Voters: voters, Learners: learners}
}

// sameConf says whether raft's members are these.
func (m members) sameConf(c *raftpb.ConfState) bool {
	want := m.confState()
	return slices.Equal(want.GetVoters(), slices.Sorted(slices.Values(c.GetVoters()))) &&
		slices.Equal(want.GetLearners(), slices.Sorted(slices.Values(c.GetLearners()))) &&
		len(c.GetVotersOutgoing()) == 0 && len(c.GetLearnersNext()) == 0
}

func (m members) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(m)))
	for _, one := range m {
		dst = binary.BigEndian.AppendUint32(dst, uint32(one.ID))
		flags := byte(0)
		if one.Voter {
			flags = memberVoter
		}
		dst = append(append(dst, flags), one.Directory[:]...)
		dst = append(append(dst, byte(len(one.Address))), one.Address...)
	}
	return dst
}

// readMembers reads what append wrote; false if that is not what b begins with.
func readMembers(b []byte) (m members, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	count := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if count > membersMax || count > len(b)/memberBytes {
		return nil, nil, false
	}
	for range count {
		if len(b) < memberBytes || len(b) < memberBytes+int(b[memberBytes-1]) || b[4] > memberVoter {
			return nil, nil, false
		}
		one := Member{ID: metadata.NodeID(int32(binary.BigEndian.Uint32(b))), Voter: b[4] == memberVoter}
		copy(one.Directory[:], b[5:])
		end := memberBytes + int(b[memberBytes-1])
		one.Address, b = string(b[memberBytes:end]), b[end:]
		if one.ID < 0 || len(m) > 0 && m[len(m)-1].ID >= one.ID {
			return nil, nil, false
		}
		m = append(m, one)
	}
	return m, b, true
}

// membersOf makes members of raft ids, as files of version 1 hold them; false if they cannot be.
func membersOf(voters, learners []uint64) (members, bool) {
	var m members
	for i, list := range [][]uint64{voters, learners} {
		for _, id := range list {
			if id == 0 || id > 1<<31 {
				return nil, false
			}
			m = append(m, Member{ID: nodeID(id), Voter: i == 0})
		}
	}
	m = sortedMembers(m)
	for i := 1; i < len(m); i++ {
		if m[i].ID == m[i-1].ID {
			return nil, false
		}
	}
	return m, true
}
