package protocol

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// seeds are bodies that are right, for the fuzzers to spoil.
func seeds(add func(key Key, version int16, body []byte)) {
	for _, g := range goldenFrames {
		frame := unspaced(g.hex)
		r := NewReader(frame, Limits{})
		if err := NewRequestHeader().Decode(r, HeaderVersion(g.key, g.version)); err != nil {
			panic(err)
		}
		add(g.key, g.version, r.Remaining())
	}
	for key := Key(0); int(key) < len(apis); key++ {
		if lowest, highest := Decodable(key); highest >= lowest {
			add(key, highest, AppendMessage(nil, NewRequest(key), highest))
		}
	}
}

// FuzzRequest decodes any body as a request: it stays within the budget, and what it takes it writes and reads again.
func FuzzRequest(f *testing.F) {
	seeds(func(key Key, version int16, body []byte) { f.Add(int16(key), version, body) })
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		m := NewRequest(Key(key))
		if m == nil || decodeWithin(t, m, version, body) != nil {
			return
		}
		readsBack(t, m, NewRequest(Key(key)), version)
	})
}

// FuzzResponse does the same for responses, which skein's own clients and followers read.
func FuzzResponse(f *testing.F) {
	seeds(func(key Key, version int16, body []byte) { f.Add(int16(key), version, body) })
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		m := NewResponse(Key(key))
		if m == nil || decodeWithin(t, m, version, body) != nil {
			return
		}
		readsBack(t, m, NewResponse(Key(key)), version)
	})
}

func readsBack(t *testing.T, m, again Message, version int16) {
	written := AppendMessage(nil, m, version)
	r := NewReader(written, Limits{AllocBytesMax: 1 << 30})
	if err := again.Decode(r, version); err != nil || len(r.Remaining()) > 0 {
		t.Fatalf("%T v%d: %v, %d bytes left of %x", m, version, err, len(r.Remaining()), written)
	}
	if second := AppendMessage(nil, again, version); !bytes.Equal(second, written) {
		t.Fatalf("%T v%d:\nfirst  %x\nsecond %x", m, version, written, second)
	}
}

// FuzzRequestAgainstKmsg gives the same body to kmsg: where both take it, they have read the same. kmsg keeps tagged
// fields that it does not know and writes fields before the version that has them, and we skip both; so what kmsg
// writes is read by us once more before it is compared. Only bodies that we take are given to kmsg: it may take very
// long over the others.
func FuzzRequestAgainstKmsg(f *testing.F) {
	seeds(func(key Key, version int16, body []byte) { f.Add(int16(key), version, body) })
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		ours, theirs := NewRequest(Key(key)), kmsg.RequestForKey(key)
		if ours == nil || theirs == nil || version > theirs.MaxVersion() {
			return
		}
		r := NewReader(body, Limits{})
		if ours.Decode(r, version) != nil {
			return
		}
		theirs.SetVersion(version)
		if theirs.ReadFrom(body[:len(body)-len(r.Remaining())]) != nil {
			return
		}
		through := NewRequest(Key(key))
		if err := through.Decode(NewReader(theirs.AppendTo(nil), Limits{AllocBytesMax: 1 << 30}), version); err != nil {
			t.Fatalf("%s v%d: what kmsg made of %x: %v", Key(key), version, body, err)
		}
		if got, want := AppendMessage(nil, ours, version), AppendMessage(nil, through, version); !bytes.Equal(got, want) {
			t.Fatalf("%s v%d:\nours %x\nkmsg %x", Key(key), version, got, want)
		}
	})
}

// FuzzRecord reads any bytes as a key and a value of __consumer_offsets, as a metadata record, and as what consumers
// put into classic groups.
func FuzzRecord(f *testing.F) {
	key := NewOffsetCommitKey()
	key.Group, key.Topic = "g", "t"
	f.Add(AppendRecord(nil, key, 0), AppendRecord(nil, NewOffsetCommitValue(), 4))
	group := NewGroupMetadataKey()
	f.Add(AppendRecord(nil, group, 0), AppendRecord(nil, NewGroupMetadataValue(), 4))
	f.Add(AppendMetadataRecord(nil, NewPartitionRecord(), 2), AppendMetadataRecord(nil, NewConfigRecord(), 0))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		spent := allocatedBy(func() {
			if k, err := DecodeRecordKey(key); err == nil {
				_, _, _ = DecodeRecordValue(k, value)
			}
			_, _, _ = DecodeMetadataRecord(key)
			_, _, _ = DecodeSubscription(value)
			_, _, _ = DecodeAssignment(value)
		})
		if limit := 16*(len(key)+len(value)) + 4<<20; spent > limit {
			t.Errorf("%d bytes allocated for %d and %d bytes", spent, len(key), len(value))
		}
	})
}
