package decode

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/record"
)

// batch makes one batch of values from base on; set changes its header before it is built.
func batch(t testing.TB, base int64, codec record.Codec, set func(*record.Builder), values ...string) []byte {
	t.Helper()
	b := record.NewBuilder()
	b.SetBaseOffset(record.Offset(base))
	b.SetLeaderEpoch(5)
	b.SetCodec(codec, 0)
	if set != nil {
		set(b)
	}
	for i, v := range values {
		if err := b.Add(int64(1000+i), []byte("key"), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	built, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(built)
}

func marker(t testing.TB, base, producer int64, kind record.ControlType) []byte {
	t.Helper()
	b := record.NewBuilder()
	b.SetBaseOffset(record.Offset(base))
	b.SetProducer(producer, 0, -1)
	b.SetTransactional(true)
	b.SetControl(true)
	if err := b.Add(0, record.ControlKey(kind), record.EndMarker(0)); err != nil {
		t.Fatal(err)
	}
	built, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(built)
}

func transactional(producer int64) func(*record.Builder) {
	return func(b *record.Builder) {
		b.SetProducer(producer, 0, 0)
		b.SetTransactional(true)
	}
}

// all reads what a cursor yields, as offset=value.
func all(c *Cursor) []string {
	var got []string
	for r := c.Next(); r != nil; r = c.Next() {
		got = append(got, fmt.Sprintf("%d=%s", r.Offset, r.Value))
	}
	return got
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, not %v", got, want)
	}
}

func TestCursorReadsEveryCodec(t *testing.T) {
	for _, codec := range record.Codecs() {
		data := append(batch(t, 10, codec, nil, "a", "b"), batch(t, 12, codec, nil, "c")...)
		c := New(data, 11, nil, Config{})
		first := c.Next()
		key, value := first.Key, first.Value
		expect(t, all(c), "12=c")
		if c.Position() != 13 || c.LeaderEpoch() != 5 || c.Err() != nil {
			t.Fatal(c.Position(), c.LeaderEpoch(), c.Err())
		}
		c.Close()
		for range 3 { // whoever gets the pool's buffers next must not write into what is kept
			other := New(batch(t, 0, codec, nil, "zzzzzzzz", "zzzzzzzz"), 0, nil, Config{})
			all(other)
			other.Close()
		}
		if string(key) != "key" || string(value) != "b" {
			t.Errorf("%v: what was kept is %q=%q now", codec, key, value)
		}
	}
}

// Compaction leaves gaps: at the front, within and at the end of a batch, and batches with nothing in them.
func TestCursorGoesOverGaps(t *testing.T) {
	whole := batch(t, 10, record.None, nil, "a", "b", "c", "d")
	b := record.NewBuilder()
	b.Inherit(record.Batch(whole))
	b.SetBaseOffset(10)
	if err := b.Append(&record.Record{Offset: 12, Timestamp: 1002, Value: []byte("c")}); err != nil {
		t.Fatal(err)
	}
	built, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	data := append(slices.Clone(built), batch(t, 20, record.None, nil, "x")...)
	c := New(data, 10, nil, Config{})
	expect(t, all(c), "12=c", "20=x")
	if c.Position() != 21 {
		t.Fatal(c.Position())
	}
	c = New(slices.Clone(built), 13, nil, Config{})
	expect(t, all(c))
	if want := int64(record.Batch(built).NextOffset()); c.Position() != max(want, 13) {
		t.Fatal(c.Position(), want)
	}
}

func TestCursorReadCommitted(t *testing.T) {
	var data []byte
	data = append(data, batch(t, 0, record.None, transactional(1), "a0", "a1")...) // aborted
	data = append(data, batch(t, 2, record.None, transactional(2), "b2")...)       // committed
	data = append(data, batch(t, 3, record.None, nil, "n3")...)
	data = append(data, marker(t, 4, 1, record.ControlAbort)...)
	data = append(data, batch(t, 5, record.None, transactional(1), "a5")...) // another transaction, committed
	data = append(data, marker(t, 6, 2, record.ControlCommit)...)
	data = append(data, marker(t, 7, 1, record.ControlCommit)...)
	aborted := []Aborted{{ProducerID: 1, FirstOffset: 0}}
	c := New(data, 0, aborted, Config{ReadCommitted: true})
	expect(t, all(c), "2=b2", "3=n3", "5=a5")
	if c.Position() != 8 {
		t.Fatal(c.Position())
	}
	expect(t, all(New(data, 0, aborted, Config{})), "0=a0", "1=a1", "2=b2", "3=n3", "5=a5")
	// From the middle of the transaction that is aborted.
	expect(t, all(New(data, 1, aborted, Config{ReadCommitted: true})), "2=b2", "3=n3", "5=a5")
}

// What is cut off at the end comes again with the next answer; what is damaged is an error with its place, and what is
// in front of it is delivered.
func TestCursorDamage(t *testing.T) {
	good := batch(t, 0, record.None, nil, "a", "b")
	next := batch(t, 2, record.Gzip, nil, "c", "d")
	data := append(slices.Clone(good), next...)
	for cut := range len(next) {
		c := New(data[:len(good)+cut], 0, nil, Config{})
		expect(t, all(c), "0=a", "1=b")
		if c.Err() != nil || c.Position() != 2 {
			t.Fatalf("cut at byte %d of the second batch: %v, %d", cut, c.Err(), c.Position())
		}
	}
	for at := range next {
		bad := slices.Clone(data)
		bad[len(good)+at] ^= 0x10
		c := New(bad, 0, nil, Config{})
		got := all(c)
		if len(got) < 2 || got[1] != "1=b" {
			t.Fatalf("flip at %d: %v", at, got)
		}
		for _, v := range got[2:] { // base offset and leader epoch have no checksum
			if v[len(v)-1] != 'c' && v[len(v)-1] != 'd' {
				t.Fatalf("flip at %d: %v", at, got)
			}
		}
		if err := c.Err(); err != nil {
			corrupt, ok := errors.AsType[*Corrupt](err)
			if !ok || corrupt.Offset != 2 {
				t.Fatalf("flip at %d: %v", at, err)
			}
		}
	}
	if c := New(good[:30], 0, nil, Config{}); c.Next() != nil || c.Err() == nil {
		t.Error("an answer that ends within its first batch is no error")
	}
	bomb := batch(t, 0, record.Gzip, nil, string(make([]byte, 1<<20)))
	c := New(bomb, 0, nil, Config{DecompressedBytesMax: 1 << 16})
	if c.Next() != nil || c.Err() == nil {
		t.Error("a batch that is too large when decompressed is no error")
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(batch(f, 3, record.Zstd, nil, "a", "b"), int64(3))
	f.Add(append(batch(f, 0, record.None, transactional(7), "a"), marker(f, 1, 7, record.ControlAbort)...), int64(0))
	f.Fuzz(func(t *testing.T, data []byte, from int64) {
		before := slices.Clone(data)
		c := New(data, from, []Aborted{{ProducerID: 7}}, Config{ReadCommitted: true, DecompressedBytesMax: 1 << 20})
		defer c.Close()
		last := from - 1
		for r := c.Next(); r != nil; r = c.Next() {
			if int64(r.Offset) <= last && last >= from {
				t.Fatalf("offset %d after %d", r.Offset, last)
			}
			if last = int64(r.Offset); last < from {
				t.Fatalf("offset %d in front of %d", last, from)
			}
		}
		if c.Position() < from {
			t.Fatalf("the position went back from %d to %d", from, c.Position())
		}
		if !slices.Equal(before, data) {
			t.Fatal("the answer was changed")
		}
	})
}

func BenchmarkCursor(b *testing.B) {
	var values []string
	for range 100 {
		values = append(values, string(make([]byte, 100)))
	}
	data := batch(b, 0, record.None, nil, values...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		c := New(data, 0, nil, Config{})
		for c.Next() != nil {
		}
		c.Close()
	}
}
