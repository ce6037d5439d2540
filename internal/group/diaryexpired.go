package group

import "github.com/skein-io/skein/internal/protocol"

// Committed offsets that expired, in the diary: of which topics, how many, and the retention that ended them. They are
// noted when their tombstones are in the log, and told with the next entry that the group writes: no record is written
// for them alone. If the group goes with its last offset, nobody is left to be told.

// noteExpired enters an offset into the diary whose tombstone was asked for because it expired.
func (s *Shard) noteExpired(r *Record) {
	g := s.groups[r.Group]
	if g == nil {
		return
	}
	d := g.open()
	if d.draft == nil {
		d.draft = protocol.NewGroupDiaryValue()
	}
	addExpired(d.draft, protocol.GroupDiaryValueExpiredOffset{TimestampMs: int64(s.now), Topic: clip(r.Topic, diaryIDMax), Partitions: 1,
		RetentionMs: r.Retention.Milliseconds(), Asked: r.Asked})
}

// addExpired adds to the line of the topic and retention. When there are enough of such lines it is only counted.
func addExpired(e *protocol.GroupDiaryValue, o protocol.GroupDiaryValueExpiredOffset) {
	for i := range e.ExpiredOffsets {
		if old := &e.ExpiredOffsets[i]; old.Topic == o.Topic && old.RetentionMs == o.RetentionMs && old.Asked == o.Asked {
			old.Partitions, old.TimestampMs = old.Partitions+o.Partitions, o.TimestampMs
			return
		}
	}
	if len(e.ExpiredOffsets) >= diaryExpiredMax {
		e.ExpiredOffsetsOmitted += o.Partitions
		return
	}
	e.ExpiredOffsets = append(e.ExpiredOffsets, o)
}
