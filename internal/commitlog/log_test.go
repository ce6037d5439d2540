package commitlog

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

var testID = protocol.UUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

var testName = TopicPartition{Topic: "orders", Partition: 3}

const testNow = int64(1_700_000_000_000)

// realDir opens a log directory on the real disk that the test closes.
func realDir(t testing.TB, config DirConfig) *Dir {
	t.Helper()
	fs, err := disk.OpenReal(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fs.Close() })
	return openDir(t, fs, config)
}

func openDir(t testing.TB, fs disk.FS, config DirConfig) *Dir {
	t.Helper()
	config.NodeID, config.ClusterID = 1, "test-cluster"
	if config.FreeBytesFloor == 0 {
		config.FreeBytesFloor = -1
	}
	d, err := OpenDir(fs, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func openLog(t testing.TB, d *Dir, config Config) *Log {
	t.Helper()
	l, err := d.OpenLog(testName, testID, config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// batch makes a batch of records "k<i>" to values of the given size, one ms apart from a time on.
func batch(t testing.TB, timestamp int64, values ...string) []byte {
	t.Helper()
	b := record.NewBuilder()
	for i, v := range values {
		if err := b.Add(timestamp+int64(i), fmt.Appendf(nil, "k%d", i), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	made, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// idempotent makes a batch of a producer.
func idempotent(t testing.TB, id int64, epoch int16, sequence int32, values ...string) []byte {
	t.Helper()
	b := record.NewBuilder()
	b.SetProducer(id, epoch, sequence)
	for i, v := range values {
		if err := b.Add(testNow+int64(i), []byte("k"), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	made, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func appendTo(t testing.TB, l *Log, b []byte) Appended {
	t.Helper()
	a, err := l.Append(b, AppendOptions{LeaderEpoch: 4, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// values reads every record from an offset on, across segments.
func values(t testing.TB, l *Log, from record.Offset) map[record.Offset]string {
	t.Helper()
	all, err := readValues(l, from)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func readValues(l *Log, from record.Offset) (map[record.Offset]string, error) {
	all := map[record.Offset]string{}
	for from < l.EndOffset() {
		s, err := l.Read(from, l.EndOffset(), 1<<20, true)
		if err != nil {
			return nil, err
		}
		b, err := s.ReadAll()
		s.Release()
		if err != nil {
			return nil, err
		}
		if len(b) == 0 {
			return nil, fmt.Errorf("nothing to read from %d, and the log ends at %d", from, l.EndOffset())
		}
		if from, err = collectValues(b, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func collect(t testing.TB, b []byte, all map[record.Offset]string) record.Offset {
	t.Helper()
	next, err := collectValues(b, all)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func collectValues(b []byte, all map[record.Offset]string) (next record.Offset, err error) {
	for len(b) > 0 {
		one, rest, err := record.Split(b)
		if err != nil {
			return 0, err
		}
		if err := one.Check(); err != nil {
			return 0, err
		}
		r := one.Records(record.Limits{})
		for r.Next() {
			all[r.Record().Offset] = string(r.Record().Value)
			if r.Record().Value == nil {
				all[r.Record().Offset] = tombstone
			}
		}
		if err := r.Err(); err != nil {
			return 0, err
		}
		r.Close()
		next, b = one.NextOffset(), rest
	}
	return next, nil
}

func TestAppendAndRead(t *testing.T) {
	d := realDir(t, DirConfig{})
	l := openLog(t, d, DefaultConfig())
	first := appendTo(t, l, batch(t, testNow, "a", "b"))
	second := appendTo(t, l, append(batch(t, testNow, "c"), batch(t, testNow, "d", "e")...))
	if first.First != 0 || first.Last != 1 || second.First != 2 || second.Last != 4 {
		t.Fatalf("appended %+v, %+v", first, second)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	if l.DurableEnd() != 5 || l.EndOffset() != 5 {
		t.Fatalf("durable end %d, end %d", l.DurableEnd(), l.EndOffset())
	}
	want := map[record.Offset]string{0: "a", 1: "b", 2: "c", 3: "d", 4: "e"}
	if got := values(t, l, 0); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("read %v", got)
	}
	// An offset in the middle of a batch gives the whole batch.
	s, err := l.Read(4, 5, 1<<20, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	b, _ := s.ReadAll()
	if got := record.Batch(b); got.BaseOffset() != 3 || got.LeaderEpoch() != 4 {
		t.Fatalf("batch at %d of epoch %d", got.BaseOffset(), got.LeaderEpoch())
	}
}

func TestReadBounds(t *testing.T) {
	d := realDir(t, DirConfig{})
	l := openLog(t, d, DefaultConfig())
	var sizes []int
	for i := range 50 {
		b := batch(t, testNow, string(bytes.Repeat([]byte("x"), 100+i)))
		sizes = append(sizes, len(b))
		appendTo(t, l, b)
	}
	read := func(from, upTo record.Offset, max int, atLeastOne bool) int {
		t.Helper()
		s, err := l.Read(from, upTo, max, atLeastOne)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Release()
		b, err := s.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		all := map[record.Offset]string{}
		collect(t, b, all)
		if len(all) > 0 && all[from] == "" {
			t.Fatalf("read from %d begins elsewhere", from)
		}
		return len(all)
	}
	for from := record.Offset(0); from < 50; from += slowdown {
		for upTo := from; upTo <= 50; upTo += 7 {
			total := 0
			for n := 0; n <= 20; n++ {
				want := min(n, int(upTo-from))
				if got := read(from, upTo, total, false); got != want {
					t.Fatalf("from %d up to %d with %d bytes: %d batches, want %d", from, upTo, total, got, want)
				}
				if want > 0 {
					if got := read(from, upTo, total-1, false); got != n-1 && n <= int(upTo-from) {
						t.Fatalf("from %d up to %d with %d bytes: %d batches, want %d", from, upTo, total-1, got, n-1)
					}
				}
				if int(from)+n < len(sizes) {
					total += sizes[int(from)+n]
				}
			}
			if upTo > from && read(from, upTo, 0, true) != 1 {
				t.Fatalf("from %d up to %d: not one batch", from, upTo)
			}
		}
	}
	for _, out := range []record.Offset{-1, 51} {
		if _, err := l.Read(out, 50, 100, true); protocol.CodeOf(err) != protocol.OffsetOutOfRange {
			t.Fatalf("offset %d: %v", out, err)
		}
	}
}

func TestReopen(t *testing.T) {
	for _, clean := range []bool{true, false} {
		t.Run(fmt.Sprint("clean=", clean), func(t *testing.T) {
			fs := disk.NewSimulated(disk.SimulatedOptions{Seed: 1})
			d := openDir(t, fs, DirConfig{Manual: true})
			config := DefaultConfig()
			config.SegmentBytes = 2000
			l := openLog(t, d, config)
			want := map[record.Offset]string{}
			for i := range 100 {
				v := fmt.Sprint("value ", i)
				a := appendTo(t, l, batch(t, testNow+int64(i), v))
				want[a.First] = v
			}
			if err := d.Round(); err != nil {
				t.Fatal(err)
			}
			if clean {
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
			}
			fs = fs.Kill()
			d = openDir(t, fs, DirConfig{Manual: true})
			l = openLog(t, d, config)
			if d.Clean() != clean {
				t.Fatalf("clean %v", d.Clean())
			}
			if got := values(t, l, 0); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("read %v", got)
			}
			if l.Segments() < 4 {
				t.Fatalf("%d segments", l.Segments())
			}
			r := l.Recovery()
			if r.Cut || r.RebuiltIndexes > 0 || r.Mark != 100 || r.CheckedBatches > 0 {
				t.Fatalf("recovery %+v", r)
			}
			if l.DurableEnd() != 100 {
				t.Fatalf("durable end %d", l.DurableEnd())
			}
			if found, ok, err := l.OffsetForTimestamp(testNow+42, 100); err != nil || !ok || found.Offset != 42 {
				t.Fatalf("offset for timestamp: %v %v %v", found, ok, err)
			}
			if found, ok, err := l.MaxTimestamp(60); err != nil || !ok || found.Offset != 59 {
				t.Fatalf("max timestamp: %v %v %v", found, ok, err)
			}
			if a := appendTo(t, l, batch(t, testNow+100, "next")); a.First != 100 {
				t.Fatalf("appended at %d", a.First)
			}
		})
	}
}
