package commitlog

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

func TestAppendRefuses(t *testing.T) {
	config := DefaultConfig()
	config.MaxMessageBytes = 2000
	config.SegmentBytes = 3000
	cases := []struct {
		name    string
		records func() []byte
		compact bool
		want    protocol.Code
	}{
		{"nothing", func() []byte { return nil }, false, protocol.InvalidRecord},
		{"a header", func() []byte { return batch(t, testNow, "v")[:30] }, false, protocol.CorruptMessage},
		{"a wrong CRC", func() []byte { b := batch(t, testNow, "v"); b[len(b)-2] ^= 1; return b }, false, protocol.CorruptMessage},
		{"magic 1", func() []byte { b := batch(t, testNow, "v"); b[16] = 1; return b }, false, protocol.InvalidRecord},
		{"too large a batch", func() []byte { return batch(t, testNow, strings.Repeat("v", 2000)) }, false, protocol.MessageTooLarge},
		{"too much for a segment", func() []byte {
			return append(batch(t, testNow, strings.Repeat("v", 1800)), batch(t, testNow, strings.Repeat("v", 1800))...)
		}, false, protocol.RecordListTooLarge},
		{"a time of the future", func() []byte { return batch(t, testNow+2*hour, "v") }, false, protocol.InvalidTimestamp},
		{"no key on a compacted topic", func() []byte { return keyless(t, "v") }, true, protocol.InvalidRecord},
		{"a second batch that is bad", func() []byte {
			b := batch(t, testNow, "v")
			bad := batch(t, testNow, "w")
			bad[len(bad)-2] ^= 1
			return append(b, bad...)
		}, false, protocol.CorruptMessage},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config := config
			config.Compact = c.compact
			_, _, l := manualLog(t, config)
			_, err := l.Append(c.records(), AppendOptions{Now: testNow})
			if code(err) != c.want {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if l.EndOffset() != 0 || l.Size() != 0 || l.Segments() > 1 {
				t.Fatal("something was written")
			}
			if _, err := l.Append(batch(t, testNow, "good"), AppendOptions{Now: testNow}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func keyless(t testing.TB, values ...string) []byte {
	t.Helper()
	b := record.NewBuilder()
	for _, v := range values {
		if err := b.Add(testNow, nil, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	made, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestRecordErrorsCountThroughBatches(t *testing.T) {
	config := DefaultConfig()
	config.Compact = true
	_, _, l := manualLog(t, config)
	_, err := l.Append(append(batch(t, testNow, "a", "b", "c"), keyless(t, "d", "e")...), AppendOptions{Now: testNow})
	e, ok := errors.AsType[*RejectedError](err)
	if !ok || len(e.Records) != 2 || e.Records[0].Index != 3 || e.Records[1].Index != 4 {
		t.Fatalf("%+v", err)
	}
	if code(err) != protocol.InvalidRecord {
		t.Fatal(err)
	}
}

func TestLogAppendTime(t *testing.T) {
	config := DefaultConfig()
	config.LogAppendTime = true
	_, _, l := manualLog(t, config)
	a, err := l.Append(batch(t, 5, "a", "b"), AppendOptions{Now: testNow})
	if err != nil || a.LogAppendTime != testNow || a.MaxTimestamp != testNow {
		t.Fatalf("%+v, %v", a, err)
	}
	found, ok, err := l.OffsetForTimestamp(testNow, l.EndOffset())
	if err != nil || !ok || found != (TimestampOffset{testNow, 0}) {
		t.Fatalf("%+v %v %v", found, ok, err)
	}
}

// TestRecompression keeps what a client sent but for the codec, and mixes batches that need it with those that do not.
func TestRecompression(t *testing.T) {
	for _, codec := range record.Codecs() {
		t.Run(codec.String(), func(t *testing.T) {
			config := DefaultConfig()
			config.Compression = Compression{Enforced: true, Codec: codec}
			_, _, l := manualLog(t, config)
			var all []byte
			for i, c := range record.Codecs() {
				b := record.NewBuilder()
				b.SetCodec(c, 0)
				for j := range 20 {
					if err := b.Add(testNow, []byte("k"), fmt.Appendf(nil, "%d/%d %s", i, j, strings.Repeat("x", 50))); err != nil {
						t.Fatal(err)
					}
				}
				made, err := b.Build()
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, made...)
			}
			a, err := l.Append(all, AppendOptions{Now: testNow})
			if err != nil || a.Last != 99 {
				t.Fatalf("%+v, %v", a, err)
			}
			s, err := l.Read(0, 100, 1<<20, true)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Release()
			b, err := s.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for rest := b; len(rest) > 0; n++ {
				var one record.Batch
				if one, rest, err = record.Split(rest); err != nil {
					t.Fatal(err)
				}
				if one.Codec() != codec || one.BaseOffset() != record.Offset(20*n) {
					t.Fatalf("batch %d at %d has codec %v", n, one.BaseOffset(), one.Codec())
				}
			}
			got := values(t, l, 0)
			if n != 5 || len(got) != 100 || !strings.HasPrefix(got[99], "4/19 ") {
				t.Fatalf("%d batches, %d records, the last %q", n, len(got), got[99])
			}
		})
	}
}

func TestReplicaKeepsOffsetsAndEpochs(t *testing.T) {
	_, _, l := manualLog(t, DefaultConfig())
	b := record.Batch(batch(t, testNow, "a", "b"))
	b.SetBaseOffset(10)
	b.SetLeaderEpoch(7)
	a, err := l.Append(b, AppendOptions{Origin: Replica, LeaderEpoch: 99, Now: testNow})
	if err != nil || a.First != 10 || a.Last != 11 {
		t.Fatalf("%+v, %v", a, err)
	}
	if epoch, ok := l.LatestEpoch(); !ok || epoch != 7 {
		t.Fatalf("epoch %d", epoch)
	}
	b.SetBaseOffset(11)
	if _, err := l.Append(b, AppendOptions{Origin: Replica, Now: testNow}); err == nil {
		t.Fatal("an overlap was taken")
	}
}

func TestLargestTimestampIsCorrected(t *testing.T) {
	_, _, l := manualLog(t, DefaultConfig())
	b := record.Batch(batch(t, testNow, "a", "b"))
	b.SetMaxTimestamp(testNow - 1000) // a lie with a right CRC
	a, err := l.Append(b, AppendOptions{Now: testNow})
	if err != nil || a.MaxTimestamp != testNow+1 {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := l.Verify(); err != nil {
		t.Fatal(err)
	}
}
