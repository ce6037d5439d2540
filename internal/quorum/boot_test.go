package quorum

import (
	"testing"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
)

// BenchmarkFirstStart is a start on an empty folder of a real disk, from nothing to a registered broker.
func BenchmarkFirstStart(b *testing.B) {
	for b.Loop() {
		fs, err := disk.OpenReal(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		startAndStop(b, fs)
	}
}

// BenchmarkRestart is a start on a folder that has been used.
func BenchmarkRestart(b *testing.B) {
	fs, err := disk.OpenReal(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		startAndStop(b, fs)
	}
}

func startAndStop(b *testing.B, fs disk.FS) {
	dir, err := commitlog.OpenDir(fs, commitlog.DirConfig{NodeID: 1, ClusterID: "cluster"})
	if err != nil {
		b.Fatal(err)
	}
	config := testConfig(1)
	config.Dir, config.FS = dir, fs
	node, err := Open(config)
	if err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if err := node.Close(); err != nil {
		b.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
}
