package group

import "time"

// How much the diaries of a shard take. Each is bounded, but there may be any number of groups. Where all together take
// more than Config.DiaryBytesMax, the group whose diary has not changed for longest loses the older half of its entries,
// and then the next. They go with tombstones: the log alone says what is kept, so a shard that loads it has the same.
// Which group is next follows from the order of the entries in the log, which compaction leaves as it is.
//
// What one group does depends on no other. So a group is told by a timer, an event of its own that rings at once, and what
// it does then follows from its own entries alone.

// diaryRoom is what one diary takes.
type diaryRoom struct {
	group          *group
	bytes          int // of its entries in the log
	asked          int // by which that changes with what is asked for
	trimming       bool
	next, previous *diary // in diaryList
}

// diaryList is what all diaries of a shard take.
type diaryList struct {
	bytes       int    // of all entries, with what is asked for
	first, last *diary // those with entries in the log; the one that an entry was written to last is the last
}

// diaryChange is by how many bytes a record of a diary changes it. It is the same before and after the record is appended
// or refused, for nothing else is asked for of a slot meanwhile.
func (s *Shard) diaryChange(r *Record) (d *diary, change int) {
	g := s.groups[r.Group]
	if g == nil || g.diary == nil {
		return nil, 0
	}
	d, change = g.diary, len(r.Diary.Bytes)
	if i := d.find(r.Diary.Slot); i >= 0 {
		change -= len(d.kept[i])
	}
	return d, change
}

// askRoom counts a record of a diary that is asked for, or that is not asked for any more.
func (s *Shard) askRoom(r *Record, asked bool) {
	d, change := s.diaryChange(r)
	if d == nil {
		return
	}
	if !asked {
		change = -change
	}
	d.room.asked += change
	s.diaries.bytes += change
}

// replayDiary takes a record of a diary that is in the log. The diary is there if the record stores something.
func (s *Shard) replayDiary(r *Record) {
	d, change := s.diaryChange(r)
	if d == nil {
		return
	}
	stored := r.Kind == DiaryStored
	d.replay(r.Diary, stored)
	d.room.bytes += change
	s.diaries.bytes += change
	if stored || len(d.kept) == 0 {
		s.diaries.unlink(d)
	}
	if stored {
		s.diaries.link(d)
	}
}

// leave takes out a diary that goes with its group.
func (l *diaryList) leave(d *diary) {
	if d == nil {
		return
	}
	l.bytes -= d.room.bytes + d.room.asked
	d.room.bytes, d.room.asked = 0, 0
	l.unlink(d)
}

func (l *diaryList) link(d *diary) {
	d.room.previous, d.room.next = l.last, nil
	if l.last != nil {
		l.last.room.next = d
	} else {
		l.first = d
	}
	l.last = d
}

// unlink does nothing to a diary that is not linked.
func (l *diaryList) unlink(d *diary) {
	if d.room.previous == nil && l.first != d {
		return
	}
	if d.room.previous != nil {
		d.room.previous.room.next = d.room.next
	} else {
		l.first = d.room.next
	}
	if d.room.next != nil {
		d.room.next.room.previous = d.room.previous
	} else {
		l.last = d.room.previous
	}
	d.room.next, d.room.previous = nil, nil
}

// diaryRetry is how long after a refusal tombstones are asked for again.
const diaryRetry = 10 * time.Second

// boundDiaries tells groups to lose entries, at a time, until there is room. One whose diary is just changing, if any, is
// told last.
func (s *Shard) boundDiaries(changing *group, at Instant) {
	over := s.diaries.bytes - s.cfg.DiaryBytesMax
	if s.cfg.DiaryBytesMax <= 0 {
		return
	}
	for d := s.diaries.first; d != nil && over > 0; d = d.room.next {
		if d.room.group != changing {
			over -= s.tellToTrim(d, at)
		}
	}
	if over > 0 && changing != nil && len(changing.diary.kept) > 0 {
		s.tellToTrim(changing.diary, at)
	}
}

// tellToTrim says how many bytes that will free.
func (s *Shard) tellToTrim(d *diary, at Instant) (frees int) {
	if !d.room.trimming {
		d.room.trimming = true
		s.set(DiaryTimer, d.room.group, "", at)
	}
	for _, b := range d.kept[:d.olderHalf()] {
		frees += len(b)
	}
	return frees
}

// olderHalf is how many entries go at once; at least one of those that there are.
func (d *diary) olderHalf() int { return (len(d.kept) + 1) / 2 }

// trimDiary asks for the tombstones of the older half of a diary.
func (s *Shard) trimDiary(id string) {
	g := s.groups[id]
	if g == nil || g.diary == nil {
		return
	}
	g.diary.room.trimming = false
	s.removeDiary(g, g.diary.olderHalf())
	s.boundDiaries(g, s.now)
}

// restoreRoom counts a diary that a snapshot has brought.
func (s *Shard) restoreRoom(g *group) {
	d := g.diary
	if d == nil {
		return
	}
	d.room.group = g
	for _, b := range d.kept {
		d.room.bytes += len(b)
	}
	s.diaries.bytes += d.room.bytes
	if len(d.kept) > 0 {
		s.diaries.link(d)
	}
	for i := range s.emitted {
		if r := &s.emitted[i]; r.Group == g.id && r.Diary != nil {
			s.askRoom(r, true)
		}
	}
}
