package logdump

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
)

// names are one of each kind of file.
var names = []string{
	"00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex", "00000000000000000000.txnindex",
	"00000000000000000000.snapshot", "leader-epoch-checkpoint", "partition.metadata", "meta.properties", "durable-mark",
}

// FuzzFiles takes any bytes for any file: it is printed and checked without a panic, and without more memory than the
// file and what its batches may become.
func FuzzFiles(f *testing.F) {
	for _, folder := range []string{"orders-0", "__consumer_offsets-0", "__cluster_metadata-0"} {
		tree := source{os.DirFS(filepath.Join(kafkaFolders, folder)), "."}
		entries, err := tree.list(".")
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range entries {
			b, err := tree.small(e.Name())
			if err != nil {
				f.Fatal(err)
			}
			k, _, _ := classify(e.Name())
			for i, name := range names {
				if named, _, _ := classify(name); named == k {
					f.Add(i, b)
				}
			}
		}
	}
	const decompressed = 1 << 20
	f.Fuzz(func(t *testing.T, which int, content []byte) {
		name := names[uint(which)%uint(len(names))]
		options := Options{Deep: true, JSON: which%2 == 0, ConsumerOffsets: which%3 == 0}
		options.Limits.DecompressedBytesMax = decompressed
		files := fstest.MapFS{"t-0/00000000000000000000.log": {}}
		files["t-0/"+name] = &fstest.MapFile{Data: content}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v := &verifier{source: source{files, "."}, options: options, meter: &meter{}}
		if err := v.folder("t-0", ""); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > uint64(400*len(content)+16<<20) {
			t.Errorf("%s: %d bytes allocated for %d", name, spent, len(content))
		}
		d := &dumper{source: source{mustSub(t, files), "."}, options: options, out: newPrinter(io.Discard, options), meter: &meter{}}
		d.payloads = payloads(uint(which) % 3)
		_ = d.file(name) // damage is an error, a panic is a failure
	})
}

func mustSub(t *testing.T, files fs.FS) fs.FS {
	t.Helper()
	sub, err := fs.Sub(files, "t-0")
	if err != nil {
		t.Fatal(err)
	}
	return sub
}
