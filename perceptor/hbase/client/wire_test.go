package client

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// Messages in messages, of sizes around those at which the length takes more bytes.
func TestNestedLengths(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 129, 16381, 16382, 16383, 16384, 2 << 20} {
		content := bytes.Repeat([]byte{'x'}, size)
		b, outer := begin([]byte("before"), 3)
		b, inner := begin(b, 4)
		b = appendBytes(b, 5, content)
		b = appendUint(end(end(b, inner), outer), 6, 7)
		want := appendUint(appendBytes([]byte("before"), 3, appendBytes(nil, 4, appendBytes(nil, 5, content))), 6, 7)
		if !bytes.Equal(b, want) {
			t.Errorf("%d bytes: the message differs", size)
		}
	}
}

func answerOf(id uint32, message []byte) []byte {
	b, at := beginDelimited(nil)
	b = end(appendUint(b, 1, uint64(id)), at)
	b, at = beginDelimited(b)
	return end(append(b, message...), at)
}

func resultOf(row string, cells ...Cell) []byte {
	var b []byte
	for _, c := range cells {
		var at int
		b, at = begin(b, 1)
		b = appendBytes(appendBytes(appendBytes(b, 1, []byte(row)), 2, c.Family), 3, c.Qualifier)
		b = end(appendBytes(appendUint(b, 4, c.Timestamp), 6, c.Value), at)
	}
	return b
}

// Whatever a server sends, it is read or refused.
func FuzzDecoders(f *testing.F) {
	result := resultOf("row", Cell{Family: []byte("d"), Qualifier: []byte("q"), Value: []byte("v"), Timestamp: 7})
	f.Add(answerOf(1, result))
	f.Add(answerOf(1, appendBytes(nil, 1, appendBytes(nil, 1, appendBytes(appendUint(nil, 1, 0), 2, result)))))
	f.Add(appendBytes(nil, 1, appendBool(appendBytes(nil, 1, appendUint(nil, 1, 0)), 3, true)))
	f.Add(appendBytes(appendUint(nil, 2, 9), 5, result))
	f.Add(append([]byte("PBUF"), appendRegionInfo(nil, &region{table: "a:b", start: []byte("s"), end: []byte("e"), id: 5})...))
	f.Add(append([]byte{0xff, 0, 0, 0, 1, 'm'}, append([]byte("PBUF"), appendBytes(nil, 1, appendUint(appendString(nil, 1, "host"), 2, 16000))...)...))
	f.Add(protowire.AppendTag(nil, 1, protowire.StartGroupType))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, message, _, _ := readAnswer(b)
		for _, b := range [][]byte{b, message} {
			_, _ = readScanAnswer(b)
			_, _, _ = readResult(b)
			_, _ = readException(b)
			_, _ = readProcedure(b)
			get, guarded := &Op{Row: []byte("a")}, &Op{Row: []byte("b"), Steps: []Step{{Condition: &Condition{}}, {Condition: &Condition{}}}}
			r := &region{name: []byte("r")}
			ops := []*placed{{op: get, region: r}, {op: get, region: r}, {op: guarded, region: r}}
			if err := readMulti(b, plan(ops)); err == nil {
				for _, p := range ops {
					if !p.answered {
						t.Error("an op without a result")
					}
				}
			}
			if addr, err := readZnode(b); err == nil && addr == "" {
				t.Error("a znode without an address")
			}
			if r, err := readRegionInfo(b); err == nil {
				again, err := readRegionInfo(append([]byte("PBUF"), appendRegionInfo(nil, r)...))
				if err != nil || !bytes.Equal(again.start, r.start) || !bytes.Equal(again.end, r.end) {
					t.Errorf("region %+v came back as %+v, %v", r, again, err)
				}
			}
			_, _ = readMetaRow(&Row{Key: []byte("t,,1"), Cells: []Cell{{Family: []byte("info"), Qualifier: []byte("regioninfo"), Value: b}}})
		}
	})
}

// The cache against a plain list of regions that split and merge.
func TestRegionsKnowNoOverlap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	key := func(n int) []byte {
		if n == 0 {
			return nil
		}
		return []byte{byte(n)}
	}
	k := newRegions()
	for round := range 20_000 {
		from := r.IntN(20)
		to := (from + 1 + r.IntN(20-from)) % 20 // 0 is the end of the table
		k.learn(&region{table: "t", start: key(from), end: key(to), id: uint64(round)})
		if r.IntN(4) == 0 {
			if old := k.find("t", key(r.IntN(20))); old != nil {
				k.forget(old)
			}
		}
		row := append(key(r.IntN(20)), 0)
		if got := k.find("t", row); got != nil && !got.has(row) {
			t.Fatalf("round %d: the region found does not have the row", round)
		}
		all := k.tables["t"]
		for i := 1; i < len(all); i++ {
			if overlap(all[i-1], all[i]) || bytes.Compare(all[i-1].start, all[i].start) >= 0 {
				t.Fatalf("round %d: %q to %q stands before %q to %q", round, all[i-1].start, all[i-1].end, all[i].start, all[i].end)
			}
		}
	}
}
