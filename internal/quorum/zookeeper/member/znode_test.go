package member

import (
	"bytes"
	"strings"
	"testing"
)

// TestEntries: an entry is read as it was written, in as many znodes as it takes, each below what a server takes by default; one
// byte that is another is noticed.
func TestEntries(t *testing.T) {
	for _, size := range []int{0, 1, PartBytes, PartBytes + 1, EntryBytesMax} {
		records := bytes.Repeat([]byte{7, 8, 9}, size/3+1)[:size]
		all := pieces(records)
		first := encodeEntry(12, len(all), all[0])
		epoch, count, got, err := DecodeEntry(first)
		if err != nil || epoch != 12 || count != len(all) {
			t.Fatalf("%d bytes: epoch %d, %d pieces of %d, %v", size, epoch, count, len(all), err)
		}
		for _, piece := range all[1:] {
			b := encodePiece(piece)
			if len(b) > 1<<20-1024 {
				t.Errorf("a piece has %d bytes", len(b))
			}
			rest, err := PartRecords(b)
			if err != nil {
				t.Fatal(err)
			}
			got = append(bytes.Clone(got), rest...)
		}
		if !bytes.Equal(got, records) {
			t.Errorf("%d bytes have become %d others", size, len(got))
		}
		for i := 0; i < len(first); i += len(first)/50 + 1 {
			damaged := bytes.Clone(first)
			damaged[i] ^= 4
			if _, _, _, err := DecodeEntry(damaged); err == nil {
				t.Errorf("%d bytes: byte %d is another, and nobody notices", size, i)
			}
		}
	}
}

// TestNodesThatCannotBe are refused with the znode's name.
func TestNodesThatCannotBe(t *testing.T) {
	for _, data := range []string{"", "{", `{"version":2,"offset":0}`, `{"version":1,"offset":-2}`, `{"version":1,"offset":3,"snapshot":{"offset":4,"parts":1}}`,
		`{"version":1,"offset":3,"snapshot":{"offset":2,"parts":0}}`, `[]`,
		`{"version":1,"offset":3,"epoch":2,"migrated":{"epoch":3,"voters":[{"id":1}]}}`, `{"version":2,"offset":3,"epoch":2,"migrated":{"epoch":2,"voters":[{"id":1}]}}`,
		`{"version":2,"offset":3,"epoch":2,"migrated":{"epoch":3}}`, `{"version":3,"offset":0}`} {
		if h, err := ParseHead([]byte(data)); err == nil || !strings.Contains(err.Error(), HeadPath) {
			t.Errorf("%q is %+v, %v", data, h, err)
		}
	}
	for _, data := range []string{"", "-1", "1.5", "99999999999", "x"} {
		if e, err := ParseEpoch([]byte(data)); err == nil || !strings.Contains(err.Error(), EpochPath) {
			t.Errorf("%q is %d, %v", data, e, err)
		}
	}
	if h, err := ParseHead(FirstHead()); err != nil || h.Offset != -1 {
		t.Errorf("%+v, %v", h, err)
	}
	if id, err := ParseClusterID(ClusterIDNode("abc")); err != nil || id != "abc" {
		t.Errorf("%q, %v", id, err)
	}
}

// FuzzEntry: whatever the bytes are, they are read or refused.
func FuzzEntry(f *testing.F) {
	f.Add(encodeEntry(3, 1, []byte("records")))
	f.Add(encodePiece(nil))
	f.Add([]byte{})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _, _, _ = DecodeEntry(b)
		_, _ = PartRecords(b)
	})
}
