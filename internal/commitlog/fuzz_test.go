package commitlog

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// bounded fails when f allocates more than eight times the input and a MiB.
func bounded(t *testing.T, input int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(8*input)+1<<20 {
		t.Fatalf("%d bytes allocated for %d bytes of input", used, input)
	}
}

func FuzzSnapshot(f *testing.F) {
	table := newProducerTable()
	f.Add(table.encodeSnapshot())
	for i := range int64(3) {
		for j := range int32(4) {
			table.apply(&batchInfo{first: record.Offset(10 * j), last: record.Offset(10*j + 2), producerID: i, producerEpoch: int16(i),
				baseSequence: 3 * j, lastSequence: 3*j + 2, maxTimestamp: testNow}, testNow)
		}
	}
	f.Add(table.encodeSnapshot())
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, len(b), func() {
			table, err := decodeSnapshot(b)
			if err != nil {
				return
			}
			again, err := decodeSnapshot(table.encodeSnapshot())
			if err != nil || !bytes.Equal(again.encodeSnapshot(), table.encodeSnapshot()) {
				t.Fatalf("what was read cannot be written and read: %v", err)
			}
		})
	})
}

func FuzzEpochFile(f *testing.F) {
	f.Add(encodeEpochs(nil))
	f.Add(encodeEpochs([]EpochStart{{0, 0}, {5, 100}, {6, 1 << 40}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, 4*len(b), func() {
			entries, err := decodeEpochs(b)
			if err != nil {
				return
			}
			again, err := decodeEpochs(encodeEpochs(entries))
			if err != nil || !slices.Equal(again, entries) {
				t.Fatalf("%v, %v", entries, err)
			}
		})
	})
}

func FuzzPartitionMetadata(f *testing.F) {
	f.Add(encodePartitionMetadata(testID))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := decodePartitionMetadata(b); err == nil {
			if again, err := decodePartitionMetadata(encodePartitionMetadata(id)); err != nil || again != id {
				t.Fatal(id, again, err)
			}
		}
	})
}

func FuzzMeta(f *testing.F) {
	f.Add(metaProperties{"cluster", protocol.UUID{1}, 7}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeMeta(b); err == nil {
			if again, err := decodeMeta(m.encode()); err != nil || again != m {
				t.Fatal(m, again, err)
			}
		}
	})
}

func FuzzPlan(f *testing.F) {
	f.Add(encodePlan([]record.Offset{0, 100, 200}))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, len(b), func() {
			if bases, err := decodePlan(b); err == nil && !bytes.Equal(encodePlan(bases), b) {
				t.Fatal(bases)
			}
		})
	})
}

func FuzzCleanerFile(f *testing.F) {
	f.Add("0\n1\norders 3 500\n")
	f.Fuzz(func(t *testing.T, text string) {
		if end, ok := decodeCleaned(text); ok && end < 0 {
			t.Fatal(end)
		}
	})
}

// FuzzMark opens a mark of any bytes: it opens or is refused, says nothing impossible, and takes entries.
func FuzzMark(f *testing.F) {
	fs := disk.NewSimulated(disk.SimulatedOptions{})
	m, _, err := openMark(fs)
	if err != nil {
		f.Fatal(err)
	}
	for i := range int32(70) {
		m.put(markKey{testID, i}, markEntry{end: record.Offset(i), epoch: 3})
	}
	if err := m.sync(); err != nil {
		f.Fatal(err)
	}
	f.Add(m.image[:markPageSize+200])
	f.Add(m.image)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		file, err := fs.Create(markFile)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		m, _, err := openMark(fs)
		if err != nil {
			return
		}
		for i := range m.slots {
			if e := m.slots[i].entry; e.end < e.start || e.start < 0 {
				t.Fatalf("%+v", e)
			}
		}
		key := markKey{protocol.UUID{77}, 1}
		m.put(key, markEntry{end: 5, epoch: 1})
		if err := m.sync(); err != nil {
			t.Fatal(err)
		}
		again, _, err := openMark(fs)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := again.get(key); !ok || e.end != 5 {
			t.Fatalf("%+v %v", e, ok)
		}
	})
}

// FuzzSegment opens a log whose only segment is any bytes: it ends with whole batches, or is refused.
func FuzzSegment(f *testing.F) {
	whole := record.Batch(batch(f, testNow, "a", "b"))
	f.Add([]byte(whole))
	f.Add([]byte(whole[:70]))
	second := record.Batch(bytes.Clone(whole))
	second.SetBaseOffset(2)
	f.Add(append(bytes.Clone(whole), second...))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := disk.NewSimulated(disk.SimulatedOptions{})
		d, err := openWith(fs, nil)
		if err != nil {
			t.Fatal(err)
		}
		name := testName.String() + "/" + fileName(0, logSuffix)
		if err := fs.MkdirAll(testName.String()); err != nil {
			t.Fatal(err)
		}
		file, err := fs.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		l, err := d.OpenLog(testName, testID, DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Verify(); err != nil {
			t.Fatal(err)
		}
		if size := l.Size(); size > int64(len(b)) {
			t.Fatalf("%d bytes of %d", size, len(b))
		}
	})
}

// FuzzIndexes reads through indexes of any bytes: the batch that is found holds the offset.
func FuzzIndexes(f *testing.F) {
	f.Add([]byte{0, 0, 0, 5, 0, 0, 0, 100}, []byte{0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 5}, byte(3))
	f.Fuzz(func(t *testing.T, index, times []byte, at byte) {
		w := newWorld(t, 1, nil)
		w.config.SegmentBytes = 1 << 20
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		for range 12 {
			if err := w.append(); err != nil {
				t.Fatal(err)
			}
		}
		s := w.l.active()
		if err := s.flushIndexes(); err != nil {
			t.Fatal(err)
		}
		overwrite(t, w.fs, s.index.file.name, index)
		overwrite(t, w.fs, s.times.file.name, times)
		s.index.keep(0)
		if _, err := s.times.keep(0); err != nil {
			t.Fatal(err)
		}
		s.index.flushed, s.times.flushed, s.times.known = len(index)/offsetEntrySize, len(times)/timeEntrySize, false
		s.recent.forget()
		end := w.l.EndOffset()
		o := record.Offset(at) % end
		slice, err := w.l.Read(o, end, 1, true)
		if err != nil {
			t.Fatal(err)
		}
		defer slice.Release()
		b, err := slice.ReadAll()
		if err != nil || record.Batch(b).BaseOffset() > o || record.Batch(b).LastOffset() < o {
			t.Fatalf("offset %d: %v", o, err)
		}
		if _, _, err := w.l.OffsetForTimestamp(testNow+int64(at), end); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := w.l.MaxTimestamp(end); err != nil || !ok {
			t.Fatal(ok, err)
		}
	})
}

func overwrite(t *testing.T, fs disk.FS, name string, b []byte) {
	t.Helper()
	file, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if len(b) > 0 {
		if _, err := file.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
	}
}
