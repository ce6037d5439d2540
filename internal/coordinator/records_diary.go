package coordinator

import (
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// diaryKeyType is the type of a diary's keys. It is far above those of Kafka, whose loader and tools skip what they do
// not know.
const diaryKeyType = 0x4000

// decodeDiary reads a slot of a group's diary. Of the value only the number is looked at: an entry that a newer version
// wrote is kept for it.
func decodeDiary(key, value []byte, r *protocol.Reader) (group.Record, bool, error) {
	var k protocol.GroupDiaryKey
	r.Reset(key, protocol.Limits{})
	if err := k.Decode(r, 0); err != nil {
		return group.Record{}, false, err
	}
	if k.Slot < 0 || k.Slot >= group.DiarySlots {
		return group.Record{}, false, protocol.Fail(protocol.InvalidRequest, "slot %d of the diary of group %q: there are %d", k.Slot, k.Group, group.DiarySlots)
	}
	rec := group.Record{Kind: group.DiaryRemoved, Group: k.Group, Diary: &group.DiaryValue{Slot: k.Slot}}
	if value == nil {
		return rec, true, nil
	}
	rec.Kind, rec.Diary.Bytes = group.DiaryStored, append([]byte(nil), value...)
	if err := rec.Diary.Check(); err != nil {
		return group.Record{}, false, err
	}
	return rec, true, nil
}
