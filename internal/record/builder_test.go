package record

import (
	"bytes"
	"math"
	"testing"
)

func TestInheritKeepsWhatCompactionMustKeep(t *testing.T) {
	for _, codec := range Codecs() {
		builder := NewBuilder()
		builder.SetCodec(codec, DefaultLevel)
		builder.SetBaseOffset(500)
		builder.SetLeaderEpoch(4)
		builder.SetProducer(77, 2, math.MaxInt32)
		builder.SetTransactional(true)
		for i := range int64(10) {
			if err := builder.Add(1000-i, []byte{byte(i)}, []byte("value")); err != nil {
				t.Fatal(err)
			}
		}
		b, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}

		builder.Inherit(b)
		r := b.Records(Limits{})
		for r.Next() {
			if offset := r.Record().Offset; offset == 503 || offset == 506 {
				if err := builder.Append(r.Record()); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.Close()
		compacted, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		if err := compacted.Check(); err != nil {
			t.Fatal(err)
		}
		if compacted.BaseOffset() != 500 || compacted.LastOffset() != 509 || compacted.Count() != 2 || compacted.LeaderEpoch() != 4 ||
			compacted.ProducerID() != 77 || compacted.ProducerEpoch() != 2 || compacted.LastSequence() != 8 || !compacted.Transactional() ||
			compacted.MaxTimestamp() != 997 || compacted.BaseTimestamp() != 997 || compacted.Codec() != codec {
			t.Errorf("%v: %+v", codec, compacted)
		}
		if offset, at, ok, err := compacted.FirstAt(0, Limits{}); offset != 503 || at != 997 || !ok || err != nil {
			t.Errorf("first record left: %d %d %v %v", offset, at, ok, err)
		}

		builder.Inherit(b)
		empty, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		if err := empty.Check(); err != nil || len(empty) != HeaderSize || empty.Count() != 0 || empty.LastOffset() != 509 ||
			empty.Codec() != None || empty.MaxTimestamp() != 1000 || empty.ProducerID() != 77 || empty.LastSequence() != 8 {
			t.Errorf("nothing left: %x %v", empty, err)
		}
	}
}

func TestInheritKeepsLogAppendTimeAndHorizon(t *testing.T) {
	b := built(t, None, 10, 20)
	b.SetLogAppendTime(99)
	builder := NewBuilder()
	builder.Inherit(b)
	builder.SetDeleteHorizon(7000)
	if err := builder.Add(5, []byte("k"), nil); err != nil {
		t.Fatal(err)
	}
	made, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	if horizon, ok := made.DeleteHorizon(); !ok || horizon != 7000 || !made.LogAppendTime() || made.MaxTimestamp() != 99 {
		t.Errorf("horizon %d %v, max timestamp %d", horizon, ok, made.MaxTimestamp())
	}
	if err := made.Check(); err != nil {
		t.Error(err)
	}
	builder.Inherit(made)
	if err := builder.Add(5, []byte("k"), nil); err != nil {
		t.Fatal(err)
	}
	again, err := builder.Build()
	if horizon, ok := again.DeleteHorizon(); err != nil || !ok || horizon != 7000 {
		t.Errorf("inherited horizon %d %v %v", horizon, ok, err)
	}

	b = built(t, None, 10, 20)
	builder.Inherit(b)
	builder.SetDeleteHorizon(7000)
	_ = builder.Add(15, []byte("k"), nil)
	made, _ = builder.Build()
	if _, at, ok, err := made.FirstAt(0, Limits{}); at != 15 || !ok || err != nil || made.MaxTimestamp() != 15 {
		t.Errorf("create time with a horizon: %d %v %v", at, ok, err)
	}
}

func TestBuilderRefuses(t *testing.T) {
	builder := NewBuilder()
	if _, err := builder.Build(); err == nil {
		t.Error("a batch without records")
	}
	builder.SetBaseOffset(10)
	for _, r := range []Record{{Offset: 9}, {Offset: 10 + math.MaxInt32 + 1}} {
		if err := builder.Append(&r); err == nil || builder.Count() != 0 {
			t.Errorf("offset %d: %v", r.Offset, err)
		}
	}
	if err := builder.Append(&Record{Offset: 12}); err != nil || builder.NextOffset() != 13 {
		t.Errorf("offset 12: %v", err)
	}
	if err := builder.Append(&Record{Offset: 12}); err == nil {
		t.Error("the same offset again")
	}
}

func TestAppendToAppends(t *testing.T) {
	builder := NewBuilder()
	_ = builder.Add(1, nil, []byte("x"))
	two, err := builder.AppendTo([]byte("front"))
	if err != nil {
		t.Fatal(err)
	}
	if two, err = builder.AppendTo(two); err != nil {
		t.Fatal(err)
	}
	first, rest, err := Split(two[5:])
	if err != nil || string(two[:5]) != "front" || !bytes.Equal(first, rest) || builder.Size() != len(first) {
		t.Errorf("%x, %x, %v", first, rest, err)
	}
}

func TestControlRecords(t *testing.T) {
	builder := NewBuilder()
	builder.SetControl(true)
	builder.SetTransactional(true)
	builder.SetProducer(9, 1, NoSequence)
	_ = builder.Add(1, ControlKey(ControlCommit), EndMarker(12))
	b, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(); err != nil || !b.Control() {
		t.Fatal(err)
	}
	r := b.Records(Limits{})
	defer r.Close()
	r.Next()
	kind, version, err := ParseControl(r.Record().Key)
	if kind != ControlCommit || version != 0 || err != nil || kind.String() != "COMMIT" {
		t.Errorf("%v %d %v", kind, version, err)
	}
	if epoch, version, err := ParseEndMarker(r.Record().Value); epoch != 12 || version != 0 || err != nil {
		t.Errorf("end marker: %d %d %v", epoch, version, err)
	}
	if kind, version, err := ParseControl([]byte{0, 9, 0, 99, 1}); err != nil || version != 9 || kind.String() != "UNKNOWN(99)" {
		t.Errorf("a later version: %v %d %v", kind, version, err)
	}
	if _, _, err := ParseControl([]byte{0, 0, 0}); err == nil {
		t.Error("a key of 3 bytes")
	}
	if _, _, err := ParseControl([]byte{0xff, 0xff, 0, 0}); err == nil {
		t.Error("a negative version")
	}
}
