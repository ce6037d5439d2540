package cli

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase"
)

func TestAdoptText(t *testing.T) {
	done := &hbase.Adopted{
		Rows: 1000, Adopted: 990, Ours: 3, Unversioned: 2, Failed: 5, Oldest: 1_700_000_000_000, Newest: 4_000_000_000_123, Ahead: 1,
		Times:   map[hbase.Form]int64{hbase.FormTextSeconds: 700, hbase.FormLongMillis: 293, hbase.FormNone: 2, hbase.FormUnread: 5},
		Offsets: map[hbase.Form]int64{hbase.FormNone: 1, hbase.FormFile: 992},
		Examples: []hbase.AdoptExample{
			{Key: []byte("\x0342"), Form: hbase.FormTextSeconds, Time: []byte("1700000000"), Offset: []byte("mysql-bin.000007:1234"),
				Version: change.Version{Epoch: 1, ExecuteTime: 1_700_000_000_000, Position: change.Position{File: 7, Offset: 1234}}},
			{Key: []byte("7"), Form: hbase.FormLongMillis, Time: []byte{0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0}, Version: change.Version{Epoch: 1, ExecuteTime: 1_700_000_000_000}},
		},
		Left: []hbase.Left{{Key: []byte("a\x1b"), Err: errors.New(`update_info:execute_time: "yesterday" is not a time`)}},
	}
	a := adoptedOf(done)
	a.Table, a.Sink, a.Target, a.Epoch, a.took = "shop.orders", "hbase", "sales:orders", 1, time.Second
	goldenText(t, "adopt.txt", func(p *page) { printAdopted(p, a) })
	a.Executed, a.zero, a.Changed, a.Ahead, a.Left, a.Failed, a.Examples = true, true, 1, 0, nil, 0, nil
	goldenText(t, "adopt_executed.txt", func(p *page) { printAdopted(p, a) })
}

// Every key is read back as it was.
func TestHBaseKey(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	for _, key := range [][]byte{all, []byte(`\x00`), []byte("plain|1"), nil} {
		text := hbaseKey(key)
		got, err := parseHBaseKey(text)
		if err != nil || !bytes.Equal(got, key) {
			t.Errorf("%q: %q, %v", key, got, err)
		}
	}
	if got := hbaseKey([]byte("\x03a\\'b")); got != `\x03a\x5C\x27b` {
		t.Error(got)
	}
	for _, text := range []string{`\`, `a\x1`, `\y00`, `\xg0`} {
		if got, err := parseHBaseKey(text); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
}
