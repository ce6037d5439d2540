package record

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

// anyTime are checks that refuse no time.
var anyTime = Checks{BeforeMax: Unlimited, AfterMax: Unlimited}

// built makes a client's batch of records with the timestamps given; each has a key and a value.
func built(t testing.TB, codec Codec, timestamps ...int64) Batch {
	t.Helper()
	builder := NewBuilder()
	builder.SetCodec(codec, DefaultLevel)
	for _, timestamp := range timestamps {
		if err := builder.Add(timestamp, []byte("key"), []byte("value")); err != nil {
			t.Fatal(err)
		}
	}
	b, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestInspectionFindsMaxTimestamp(t *testing.T) {
	for _, codec := range Codecs() {
		b := built(t, codec, 10, 30, 20, 30, -1)
		b.SetMaxTimestamp(999) // a client may claim anything
		seen, err := b.ValidateRecords(Limits{}, anyTime)
		if err != nil || !seen.Walked || seen.MaxTimestamp != 30 || seen.MaxTimestampDelta != 1 {
			t.Errorf("%v: %+v %v", codec, seen, err)
		}
		b.SetMaxTimestamp(seen.MaxTimestamp)
		b.SetBaseOffset(100)
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		if offset, ok, err := b.OffsetOfMaxTimestamp(Limits{}); offset != 101 || !ok || err != nil {
			t.Errorf("%v: OffsetOfMaxTimestamp: %d %v %v", codec, offset, ok, err)
		}
		if offset, at, ok, err := b.FirstAt(11, Limits{}); offset != 101 || at != 30 || !ok || err != nil {
			t.Errorf("%v: FirstAt(11): %d %d %v %v", codec, offset, at, ok, err)
		}
		if _, _, ok, err := b.FirstAt(31, Limits{}); ok || err != nil {
			t.Errorf("%v: FirstAt(31): %v %v", codec, ok, err)
		}
	}
}

func TestRecordsAreRefusedOneByOne(t *testing.T) {
	const now = 1_000_000
	window := Checks{Now: now, BeforeMax: 100, AfterMax: 10}
	appended := window
	appended.LogAppendTime = true
	keys := anyTime
	keys.RequireKeys = true
	both := window
	both.RequireKeys = true
	for _, c := range []struct {
		name       string
		checks     Checks
		timestamps []int64
		keyless    bool // of the last record
		code       protocol.Code
		indexes    []int32
	}{
		{"in range", window, []int64{now - 100, now, now + 10}, false, protocol.None, nil},
		{"too early, too late", window, []int64{now - 101, now, now + 11}, false, protocol.InvalidTimestamp, []int32{0, 2}},
		{"no timestamp", window, []int64{NoTimestamp}, false, protocol.None, nil},
		{"log append time", appended, []int64{1, now * 2}, false, protocol.None, nil},
		{"extreme timestamps", anyTime, []int64{math.MinInt64, 0}, false, protocol.None, nil},
		{"extreme timestamps, bounds", window, []int64{math.MinInt64, now}, false, protocol.InvalidTimestamp, []int32{0}},
		{"no key", keys, []int64{1, 2}, true, protocol.InvalidRecord, []int32{1}},
		{"no key, not compacted", anyTime, []int64{1, 2}, true, protocol.None, nil},
		{"no key and untimely", both, []int64{1, now}, true, protocol.InvalidTimestamp, []int32{0, 1}},
	} {
		for _, codec := range Codecs() {
			builder := NewBuilder()
			builder.SetCodec(codec, DefaultLevel)
			for i, timestamp := range c.timestamps {
				key := []byte("k")
				if c.keyless && i == len(c.timestamps)-1 {
					key = nil
				}
				_ = builder.Add(timestamp, key, nil)
			}
			b, err := builder.Build()
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.ValidateRecords(Limits{}, c.checks)
			var list *RecordErrors
			if protocol.CodeOf(err) != c.code || errors.As(err, &list) != (c.code != protocol.None) {
				t.Errorf("%s, %v: %v", c.name, codec, err)
				continue
			}
			for i, index := range c.indexes {
				if len(list.Records) != len(c.indexes) || list.Records[i].Index != index {
					t.Errorf("%s, %v: %+v", c.name, codec, list.Records)
				}
			}
		}
	}
}

func TestRecordErrorsAreBounded(t *testing.T) {
	b := built(t, None, make([]int64, 1000)...)
	_, err := b.ValidateRecords(Limits{}, Checks{Now: 5000, BeforeMax: 1})
	var list *RecordErrors
	if !errors.As(err, &list) || len(list.Records) != recordErrorsMax || !strings.Contains(err.Error(), "1000 of 1000") {
		t.Errorf("%v", err)
	}
}

func TestTrustCompressed(t *testing.T) {
	rubbish := sealed(append(make([]byte, HeaderSize), "no records at all"...), Zstd, 3)
	trust := anyTime
	trust.TrustCompressed = true
	if seen, err := rubbish.ValidateRecords(Limits{}, trust); err != nil || seen.Walked {
		t.Errorf("trusted: %+v %v", seen, err)
	}
	timed := trust
	timed.AfterMax = 1
	keyed := trust
	keyed.RequireKeys = true
	for name, checks := range map[string]Checks{"not trusted": anyTime, "times matter": timed, "keys matter": keyed} {
		if _, err := rubbish.ValidateRecords(Limits{}, checks); protocol.CodeOf(err) != protocol.InvalidRecord {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain := sealed(append(make([]byte, HeaderSize), "no records at all....."...), None, 3)
	if _, err := plain.ValidateRecords(Limits{}, trust); protocol.CodeOf(err) != protocol.InvalidRecord {
		t.Errorf("records that are not compressed are always walked: %v", err)
	}
}

// The count in the header, the offset deltas and the sizes must all agree with the records.
func TestStructureIsChecked(t *testing.T) {
	records := goldenBytes(t)[HeaderSize:]
	with := func(payload []byte, count int32) Batch {
		return sealed(append(make([]byte, HeaderSize), payload...), None, count)
	}
	edit := func(at int, to byte) []byte {
		b := append([]byte{}, records...)
		b[at] = to
		return b
	}
	for name, b := range map[string]Batch{
		"a record more than counted":   with(records, 1),
		"a record less than counted":   with(append(records[:24:24], 0), 3),
		"both offset deltas 0":         with(edit(12, 0), 2),
		"offset delta 2":               with(edit(12, 4), 2),
		"negative offset delta":        with(edit(3, 1), 2),
		"length one too small":         with(edit(0, 0x0e), 2),
		"length one too large":         with(edit(0, 0x12), 2),
		"length negative":              with(edit(0, 0x01), 2),
		"length 0":                     with(edit(0, 0x00), 2),
		"key one too long":             with(edit(4, 0x04), 2),
		"key length -2":                with(edit(4, 0x03), 2),
		"value one too long":           with(edit(6, 0x04), 2),
		"a header more than there are": with(edit(8, 0x02), 2),
		"negative count of headers":    with(edit(8, 0x01), 2),
		"header key null":              with(edit(19, 0x01), 2),
		"header value too long":        with(edit(21, 0x06), 2),
		"varint without end":           with(append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, records[8:]...), 2),
	} {
		if err := b.Check(); err != nil {
			t.Fatalf("%s: the header is not in order: %v", name, err)
		}
		if _, err := b.ValidateRecords(Limits{}, anyTime); protocol.CodeOf(err) != protocol.InvalidRecord {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecordsTruncatedAtEveryByte(t *testing.T) {
	for _, codec := range Codecs() {
		b := built(t, codec, 1, 2, 3)
		for n := HeaderSize; n < len(b); n++ {
			cut := append(Batch{}, b[:n]...)
			cut.putInt32(atLength, int32(n-PrefixSize))
			cut.sealCRC()
			if err := cut.Check(); err != nil && codec != None {
				t.Fatal(err)
			}
			if _, err := cut.ValidateRecords(Limits{}, anyTime); protocol.CodeOf(err) != protocol.InvalidRecord {
				t.Errorf("%v cut to %d of %d bytes: %v", codec, n, len(b), err)
			}
		}
	}
}
