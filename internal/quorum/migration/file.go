package migration

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum"
)

// written says whether the file is there as it is to be. Any other is left alone, by an error.
func (m *mover) written(file []byte, marked bool) (bool, error) {
	b, err := commitlog.ReadFile(m.Files, m.Out, SeedBytesMax)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case marked && bytes.Equal(b, file):
		return true, nil
	}
	return false, fmt.Errorf("the file %s is there already, and is not what would be written: give another --out, or remove it", m.Out)
}

// SeedBytesMax bounds the file.
const SeedBytesMax = 4 << 30

const partSuffix = ".part"

// write writes the file without its seal under a name of its own, durably, and compares what is there then with what was to be.
func (m *mover) write(body []byte, seed *quorum.Seed) error {
	part := m.Out + partSuffix
	if err := commitlog.ReplaceFile(m.Files, ".", part, body); err != nil {
		return fmt.Errorf("write %s: %w", part, err)
	}
	b, err := commitlog.ReadFile(m.Files, part, SeedBytesMax)
	if err != nil {
		return err
	}
	read, err := quorum.DecodeSeed(b)
	switch {
	case !errors.Is(err, quorum.ErrUnsealed):
		return fmt.Errorf("%s is not as it was written: %w", part, err)
	case !same(read, seed):
		return fmt.Errorf("%s is not as it was written: it has other records than the log in ZooKeeper", part)
	}
	return nil
}

func same(a, b *quorum.Seed) bool {
	records := func(s *quorum.Seed) []byte { return metadata.AppendRecords(nil, slices.Collect(s.Image.Records())...) }
	return a.Epoch == b.Epoch && a.Image.Offset == b.Image.Offset && a.Image.Epoch == b.Image.Epoch && a.Image.ClusterID() == b.Image.ClusterID() &&
		bytes.Equal(records(a), records(b))
}

// seal ends the file, durably, and gives it its name.
func (m *mover) seal(at int, seal []byte) error {
	part := m.Out + partSuffix
	f, err := m.Files.Open(part)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(seal, int64(at)); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("seal %s: %w; the cluster is migrated: run the command again, it writes the file once more", part, err)
	}
	if err := m.Files.Rename(part, m.Out); err != nil {
		return err
	}
	return m.Files.SyncDir(".")
}
