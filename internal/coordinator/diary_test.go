package coordinator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

func (n *node) why(groupID string) group.WhyReply {
	n.t.Helper()
	s := new(slot[group.WhyReply])
	n.Why(groupID, true, s.set)
	return *s.get(n.t)
}

func (n *node) leave(groupID, memberID, reason string) {
	n.t.Helper()
	s := new(slot[group.LeaveReply])
	n.Leave(group.LeaveRequest{GroupID: groupID, Members: []group.LeavingMember{{MemberID: memberID, Reason: reason}}}, s.set)
	if r := s.get(n.t); r == nil || r.Err != nil || r.Members[0].Err != nil {
		n.t.Fatalf("leave: %+v", r)
	}
}

// entries reads a diary.
func entries(t *testing.T, r group.WhyReply) []*protocol.GroupDiaryValue {
	t.Helper()
	var list []*protocol.GroupDiaryValue
	for _, b := range r.Entries {
		e, err := group.ReadDiaryEntry(b)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// logRecords are the keys and values of a log, in order.
func logRecords(t *testing.T, log *memLog) (keys, values [][]byte, batches []int) {
	t.Helper()
	for i, b := range log.batches {
		records := b.Records(record.Limits{})
		for records.Next() {
			r := records.Record()
			keys, values, batches = append(keys, append([]byte(nil), r.Key...)), append(values, bytes.Clone(r.Value)), append(batches, i)
		}
		if err := records.Err(); err != nil {
			t.Fatal(err)
		}
		records.Close()
	}
	return keys, values, batches
}

// TestDiarySurvives: a diary is there after a restart and with the next coordinator, byte for byte, with the dates of the
// day. It costs no batch of its own.
func TestDiarySurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		began := time.Now()
		id := n.member("g")
		wantCode(t, "commit", n.commit("g", id, 1, 7).get(t).Err, protocol.None)
		time.Sleep(3 * time.Second)
		n.leave("g", id, "the consumer unsubscribed")
		before := n.why("g")
		told := entries(t, before)
		if len(told) != 2 || told[0].Cause == nil || told[0].Cause.Reason != "the consumer unsubscribed" || told[0].Cause.ClientHost != "/127.0.0.1" ||
			told[0].StartedMs != began.Add(3*time.Second).UnixMilli() || told[1].Generation != 1 {
			t.Fatalf("told %+v", told)
		}
		if len(before.Offsets) != 1 || before.Offsets[0].Partitions[0].Expiry != group.Instant(began.Add(3*time.Second+7*24*time.Hour).UnixMilli()) {
			t.Fatalf("offsets %+v", before.Offsets)
		}
		// The group's records: created, assigned with a diary, offset, emptied with a diary. Four batches, six records.
		keys, _, batches := logRecords(t, n.logs[0])
		if n.logs[0].appends != 4 || len(keys) != 6 || batches[1] != batches[2] || batches[4] != batches[5] {
			t.Fatalf("%d batches, records %x in %v", n.logs[0].appends, keys, batches)
		}

		n.Resigned(0, 1)
		synctest.Wait()
		n.Elected(0, 2, n.logs[0])
		synctest.Wait()
		if after := n.why("g"); !reflect.DeepEqual(after.Entries, before.Entries) {
			t.Fatalf("after the load %+v", entries(t, after))
		}
		// It goes on with the next number.
		n.member("g")
		if told := entries(t, n.why("g")); len(told) != 3 || told[0].Number != 3 || told[0].Generation != 3 {
			t.Fatalf("told %+v", told)
		}
		// And it goes with the group.
		n.leave("g", n.describe("g").Members[0].MemberID, "")
		deleted := new(slot[group.DeleteReply])
		n.Delete("g", deleted.set)
		wantCode(t, "delete", deleted.get(t).Err, protocol.None)
		if left := compacted(t, n.logs[0]); len(left) != 0 {
			t.Fatalf("left after compaction: %x", left)
		}
		wantCode(t, "why", n.why("g").Err, protocol.GroupIDNotFound)
	})
}

// compacted returns what compaction leaves of a log: of each key the last value, without tombstones.
func compacted(t *testing.T, log *memLog) map[string][]byte {
	t.Helper()
	keys, values, _ := logRecords(t, log)
	left := map[string][]byte{}
	for i, key := range keys {
		if values[i] == nil {
			delete(left, string(key))
		} else {
			left[string(key)] = values[i]
		}
	}
	return left
}

// TestDiaryIsBounded: of a group that rebalances for ever, compaction leaves 64 entries of bounded size, and a coordinator
// that loads them tells the same.
func TestDiaryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		for range 100 {
			n.leave("g", n.member("g"), "again")
			time.Sleep(time.Second)
		}
		left := compacted(t, n.logs[0])
		if len(left) != 1+group.DiarySlots {
			t.Fatalf("%d records are left", len(left))
		}
		log := new(memLog)
		b := record.NewBuilder()
		for key, value := range left { // in any order
			if len(value) > group.DiaryEntryBytesMax {
				t.Fatalf("a record of %d bytes", len(value))
			}
			if err := b.Add(1, []byte(key), value); err != nil {
				t.Fatal(err)
			}
		}
		batch, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(batch); err != nil {
			t.Fatal(err)
		}
		before := n.why("g")
		n.Elected(0, 2, log)
		synctest.Wait()
		if after := n.why("g"); !reflect.DeepEqual(after.Entries, before.Entries) || len(after.Entries) != group.DiarySlots || entries(t, after)[0].Number != 200 {
			t.Fatalf("%d entries, before %d", len(after.Entries), len(before.Entries))
		}
	})
}

// TestDiariesOfAPartitionAreBounded: of many groups that rebalance for ever, compaction leaves entries of a bounded size
// together. The next coordinator tells of every group what the one before did, byte for byte. What is cut goes in the
// batch of the entry that was too much.
func TestDiariesOfAPartitionAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const groups, most = 100, 64 << 10
		cfg := testConfig()
		cfg.Group.DiaryBytesMax = most
		n := startNode(t, cfg, 1)
		ids := make([]string, groups)
		for i := range ids {
			ids[i] = n.member(memberName(i))
		}
		for round := range 10 {
			for i, id := range ids {
				if round > 0 && i%7 == 0 {
					continue // these have not changed for long
				}
				r := n.join(memberName(i), id).get(t)
				if r == nil || r.Err != nil {
					t.Fatalf("join: %+v", r)
				}
				if r := n.sync(memberName(i), id, r.Generation, id+"=p0").get(t); r == nil || r.Err != nil {
					t.Fatalf("sync: %+v", r)
				}
			}
			time.Sleep(500 * time.Millisecond) // no session ends
		}
		size, entriesLeft := 0, 0
		for key, value := range compacted(t, n.logs[0]) {
			if key[0] == diaryKeyType>>8 {
				size += len(value)
				entriesLeft++
			}
		}
		if size > most || size < most*3/4 {
			t.Errorf("%d entries of %d bytes are left, want up to %d", entriesLeft, size, most)
		}
		told := make([]group.WhyReply, groups)
		for i := range ids {
			told[i] = n.why(memberName(i))
			if told[i].Err != nil {
				t.Fatal(told[i].Err)
			}
		}
		if len(told[0].Entries) > 0 || len(told[groups-1].Entries) == 0 {
			t.Errorf("%d entries are left of the group that changed first, %d of the one that changed last", len(told[0].Entries), len(told[groups-1].Entries))
		}
		keys, values, batches := logRecords(t, n.logs[0])
		writes := map[int]bool{} // batches with an entry
		for i, key := range keys {
			writes[batches[i]] = writes[batches[i]] || key[0] == diaryKeyType>>8 && values[i] != nil
		}
		for i, key := range keys {
			if key[0] == diaryKeyType>>8 && values[i] == nil && !writes[batches[i]] {
				t.Fatalf("batch %d has a tombstone and no entry", batches[i])
			}
		}

		n.Resigned(0, 1)
		synctest.Wait()
		n.Elected(0, 2, n.logs[0])
		synctest.Wait()
		for i := range ids {
			if after := n.why(memberName(i)); !reflect.DeepEqual(after.Entries, told[i].Entries) {
				t.Fatalf("group %d: %d entries, %d after the load", i, len(told[i].Entries), len(after.Entries))
			}
		}
		if again := compacted(t, n.logs[0]); len(again) != entriesLeft+groups {
			t.Errorf("the load wrote: %d records are left, were %d", len(again), entriesLeft+groups)
		}
	})
}

// TestDiaryReplays: a shard that is given the lines of the flight recorder comes to the same diary, byte for byte.
func TestDiaryReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("g")
		other := n.join("g", "").get(t).MemberID
		joined := n.join("g", other)
		time.Sleep(1100 * time.Millisecond)
		rejoined := n.join("g", id)
		if r := rejoined.get(t); r == nil || r.Err != nil || joined.get(t) == nil {
			t.Fatalf("joined %+v", r)
		}
		n.sync("g", id, 2, id+"=p0", other+"=p1").get(t)
		n.leave("g", other, "done")
		time.Sleep(11 * time.Second)
		live := n.why("g")
		told := entries(t, live)
		if len(told) != 3 || told[1].Waits[0].MemberID != id || told[1].Waits[0].WaitMs != 1100 {
			t.Fatalf("told %+v", told)
		}
		var dump bytes.Buffer
		if err := n.Dump(0, &dump); err != nil {
			t.Fatal(err)
		}
		shard := group.New(n.cfg.Group)
		var fx group.Effects
		var last group.Instant
		for lines := bufio.NewScanner(&dump); lines.Scan(); {
			var r group.Recorded
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			shard.Step(r.At, r.Event, &fx)
			last = r.At
		}
		fx.Reset()
		shard.Step(last, &group.Why{Token: 1, GroupID: "g", Offsets: true}, &fx)
		if replayed := *fx.Replies[0].Body.(*group.WhyReply); !reflect.DeepEqual(replayed, live) {
			t.Fatalf("replayed %+v\nlive %+v", replayed, live)
		}
	})
}

// TestBadDiarySlots: what no skein wrote is skipped, what a newer one wrote stays.
func TestBadDiarySlots(t *testing.T) {
	key := func(slot int8) []byte {
		return protocol.AppendRecord(nil, &protocol.GroupDiaryKey{Group: "g", Slot: slot}, 0)
	}
	number := func(version byte, n byte) []byte { return []byte{0, version, 0, 0, 0, 0, 0, 0, 0, n} }
	var r protocol.Reader
	for _, c := range []struct {
		name       string
		key, value []byte
		ok         bool
	}{
		{"good", key(0), number(0, 1), true},
		{"newer", key(1), number(9, 2), true},
		{"another slot", key(1), number(0, 1), false},
		{"no such slot", key(64), number(0, 65), false},
		{"a slot below", key(-1), nil, false},
		{"no number", key(0), []byte{0, 0, 0}, false},
		{"number 0", key(0), number(0, 0), false},
		{"a number that nobody counts to", key(0), append([]byte{0, 0}, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc1), false},
		{"too long", key(0), append(number(0, 1), make([]byte, 64<<10)...), false},
		{"cut key", key(0)[:4], nil, false},
	} {
		if _, known, err := decode(c.key, c.value, &r); known != c.ok || (err == nil) != c.ok {
			t.Errorf("%s: known %v, %v", c.name, known, err)
		}
	}
}
