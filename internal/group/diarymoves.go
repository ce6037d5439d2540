package group

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
)

// movedPartitionsMax bounds what is compared of two generations. The leader's bytes are a client's.
const movedPartitionsMax = 200_000

// owner is who has a partition. A static member that comes back is the same.
type owner struct {
	instance bool
	id       string
}

func ownerOf(m *MemberValue) owner {
	if m.InstanceID != "" {
		return owner{true, m.InstanceID}
	}
	return owner{false, m.MemberID}
}

// placed is a partition, its topic by number.
type placed struct{ topic, partition int32 }

// moves compares who had which partitions and who has them now.
type moves struct {
	budget int
	topics map[string]int32
	owners map[owner]int32
	list   []protocol.GroupDiaryValueMove // by owner
	had    map[placed]int32
}

// countMoves enters into an entry how the assignment differs from the one before. Only consumers' assignments can be
// read. before may be nil.
func countMoves(e *protocol.GroupDiaryValue, before, after *GroupValue) {
	e.PartitionsAssigned, e.PartitionsMoved, e.PartitionsNew, e.PartitionsFreed, e.Moves, e.MovesOmitted = -1, -1, -1, -1, nil, 0
	if after.ProtocolType != "consumer" {
		return
	}
	if before == nil {
		before = new(GroupValue)
	}
	c := &moves{budget: movedPartitionsMax, topics: map[string]int32{}, owners: map[owner]int32{}, had: map[placed]int32{}}
	for i := range before.Members {
		m := &before.Members[i]
		who := c.owner(m)
		if !c.walk(m.Assignment, func(p placed) { c.had[p] = who }) {
			return
		}
	}
	assigned, moved, fresh := int32(0), int32(0), int32(0)
	for i := range after.Members {
		m := &after.Members[i]
		who := c.owner(m)
		if !c.walk(m.Assignment, func(p placed) {
			assigned++
			old, had := c.had[p]
			delete(c.had, p)
			switch {
			case !had:
				fresh++
				c.list[who].Gained++
			case old != who:
				moved++
				c.list[who].Gained++
				c.list[old].Lost++
			}
		}) {
			return
		}
	}
	for _, who := range c.had {
		c.list[who].Lost++
	}
	e.PartitionsAssigned, e.PartitionsMoved, e.PartitionsNew, e.PartitionsFreed = assigned, moved, fresh, int32(len(c.had))
	e.Moves, e.MovesOmitted = c.longest()
}

func (c *moves) owner(m *MemberValue) int32 {
	key := ownerOf(m)
	n, known := c.owners[key]
	if !known {
		n = int32(len(c.list))
		c.owners[key] = n
		c.list = append(c.list, protocol.GroupDiaryValueMove{})
	}
	c.list[n].MemberID, c.list[n].ClientID = clipID(m.MemberID), clip(m.ClientID, diaryNameMax)
	return n
}

// longest are the members whose partitions changed most.
func (c *moves) longest() (list []protocol.GroupDiaryValueMove, omitted int32) {
	list = slices.DeleteFunc(c.list, func(m protocol.GroupDiaryValueMove) bool { return m.Gained == 0 && m.Lost == 0 })
	slices.SortStableFunc(list, func(a, b protocol.GroupDiaryValueMove) int {
		return cmp.Or(cmp.Compare(b.Gained+b.Lost, a.Gained+a.Lost), strings.Compare(a.MemberID, b.MemberID))
	})
	if n := len(list) - diaryMovesMax; n > 0 {
		return list[:diaryMovesMax:diaryMovesMax], int32(n)
	}
	return list, 0
}

// walk calls f for each partition of an assignment. False if it cannot be read, or is too much.
//
//	+---------+--------+--------+---------+------------+-----------+------
//	| version | topics | length | topic's | partitions | partition | ...
//	| int16   | int32  | int16  | name    | int32      | int32     |
//	+---------+--------+--------+---------+------------+-----------+------
func (c *moves) walk(b []byte, f func(placed)) bool {
	if len(b) == 0 {
		return true // nothing is assigned
	}
	if len(b) < 6 || int16(binary.BigEndian.Uint16(b)) < 0 {
		return false
	}
	n := int32(binary.BigEndian.Uint32(b[2:]))
	b = b[6:]
	for range n {
		if len(b) < 2 {
			return false
		}
		length := int(int16(binary.BigEndian.Uint16(b)))
		if length < 0 || length+6 > len(b) {
			return false
		}
		topic, known := c.topics[string(b[2:2+length])]
		if !known {
			topic = int32(len(c.topics))
			c.topics[string(b[2:2+length])] = topic
		}
		count := int(int32(binary.BigEndian.Uint32(b[2+length:])))
		b = b[6+length:]
		if count < 0 || count > len(b)/4 || count+1 > c.budget {
			return false
		}
		c.budget -= count + 1
		for i := range count {
			f(placed{topic, int32(binary.BigEndian.Uint32(b[4*i:]))})
		}
		b = b[4*count:]
	}
	return n >= 0
}
