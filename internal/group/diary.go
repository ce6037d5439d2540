package group

import (
	"encoding/binary"
	"slices"

	"github.com/skein-io/skein/internal/protocol"
)

// A group's diary tells what happened to it: one entry for each record that the group wrote. It is fed by the notes
// that logs and metrics get too. An entry is a record of __consumer_offsets of its own kind, in a slot that is used
// again after DiarySlots entries, so compaction bounds it. It is written with the group's record, in the same batch:
// what happened since the last one is in memory only.

const (
	// DiarySlots is how many entries a group keeps.
	DiarySlots = 64
	// DiaryEntryBytesMax is the most that an entry takes, in bytes. What is too much is left out and counted.
	DiaryEntryBytesMax = 2048
	// diaryValueBytesMax is what is taken of a value that another version of skein wrote.
	diaryValueBytesMax = 8 * DiaryEntryBytesMax
	// diaryNumberMax keeps a number that nobody counted up to from turning over.
	diaryNumberMax = 1 << 53
	// diaryValueVersion is the version of the values that are written, which stands in front of them.
	diaryValueVersion = 0
)

// DiaryValue is one slot of a group's diary.
type DiaryValue struct {
	Slot  int8
	Bytes []byte // of DiaryStored: a protocol.GroupDiaryValue behind its version; not changed any more
}

// Check says whether a slot that was read from a log can be kept. It does not look further than at the number: an entry
// of a newer version stays where it is.
func (v *DiaryValue) Check() *protocol.Error {
	switch n := v.number(); {
	case len(v.Bytes) > diaryValueBytesMax:
		return protocol.Fail(protocol.InvalidRequest, "a diary entry of %d bytes; at most %d are read", len(v.Bytes), diaryValueBytesMax)
	case n < 1 || n > diaryNumberMax || diarySlot(n) != v.Slot:
		return protocol.Fail(protocol.InvalidRequest, "a diary entry with number %d in slot %d", n, v.Slot)
	}
	return nil
}

// number is that of the entry; 0 if there is none. All versions begin alike.
func (v *DiaryValue) number() int64 { return diaryNumber(v.Bytes) }

func diaryNumber(b []byte) int64 {
	if len(b) < 10 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b[2:]))
}

func diarySlot(number int64) int8 { return int8((number - 1) % DiarySlots) }

// ReadDiaryEntry reads an entry. What it returns keeps none of the bytes.
func ReadDiaryEntry(b []byte) (*protocol.GroupDiaryValue, error) {
	entry, _, err := protocol.DecodeRecordValue(new(protocol.GroupDiaryKey), b)
	if err != nil {
		return nil, err
	}
	if entry == nil {
		return nil, protocol.Fail(protocol.InvalidRequest, "a diary entry without bytes")
	}
	return entry.(*protocol.GroupDiaryValue), nil
}

// diary is what a group keeps. nil in a group to which nothing has happened.
type diary struct {
	kept  [][]byte                  // the entries in the log, the oldest first; at most one of each slot
	last  int64                     // number of the newest entry, appended if not yet committed
	draft *protocol.GroupDiaryValue // what happened since; nil is nothing

	// Of the present generation; not in the log.
	lastSyncer string
	lastSync   Instant

	room diaryRoom // what it takes in the shard
}

// open is the diary, made if there is none.
func (g *group) open() *diary {
	if g.diary == nil {
		g.diary = &diary{room: diaryRoom{group: g}}
	}
	return g.diary
}

// replay takes a slot that is in the log.
func (d *diary) replay(v *DiaryValue, present bool) {
	if i := d.find(v.Slot); i >= 0 {
		d.kept = slices.Delete(d.kept, i, i+1)
	}
	if !present {
		if len(d.kept) == 0 {
			d.last = 0 // a shard that loads the log does not know it either
		}
		return
	}
	n := v.number()
	i := len(d.kept)
	for i > 0 && diaryNumber(d.kept[i-1]) > n {
		i--
	}
	d.kept = slices.Insert(d.kept, i, v.Bytes)
	d.last = max(d.last, n)
}

// find is the place of a slot's entry; -1 if there is none.
func (d *diary) find(slot int8) int {
	return slices.IndexFunc(d.kept, func(b []byte) bool { return diarySlot(diaryNumber(b)) == slot })
}

// entries are those in the log, the newest first.
func (d *diary) entries() [][]byte {
	if d == nil {
		return nil
	}
	list := slices.Clone(d.kept)
	slices.Reverse(list)
	return list
}

// writeDiary asks for the record of what happened up to now, in the unit of the group's own record after. Nothing is
// asked for where nothing happened.
func (s *Shard) writeDiary(g *group, after *GroupValue) {
	if g.diary == nil || g.diary.draft == nil {
		return
	}
	d := g.diary
	e := d.draft
	d.draft = nil
	d.last++
	e.Number, e.EndedMs = d.last, int64(s.now)
	g.sign(e)
	countMoves(e, g.stored, after)
	s.append(Record{Kind: DiaryStored, Group: g.id, Diary: &DiaryValue{Slot: diarySlot(e.Number), Bytes: encodeDiary(e)}})
	s.boundDiaries(g, s.now)
}

// sign says what the group is now.
func (g *group) sign(e *protocol.GroupDiaryValue) {
	e.Generation, e.Members = g.generation, int32(g.members.len())
	e.Leader, e.Protocol = clipID(g.leader), clip(g.protocol, diaryNameMax)
}

// takeBack makes an entry that was not written part of the next.
func (s *Shard) takeBack(r *Record) {
	g := s.groups[r.Group]
	if g == nil || g.diary == nil {
		return
	}
	e, err := ReadDiaryEntry(r.Diary.Bytes)
	if err != nil {
		return // never: this shard has written it
	}
	d := g.diary
	if d.last == e.Number {
		d.last--
	}
	if later := d.draft; later != nil {
		joinEntries(e, later)
	}
	d.draft = e
}

// removeDiary asks for the tombstones of the oldest entries of the diary, n at most.
func (s *Shard) removeDiary(g *group, n int) {
	if g.diary == nil {
		return
	}
	for _, b := range g.diary.kept[:min(n, len(g.diary.kept))] {
		s.append(Record{Kind: DiaryRemoved, Group: g.id, Diary: &DiaryValue{Slot: diarySlot(diaryNumber(b))}})
	}
}
