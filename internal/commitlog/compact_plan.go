package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/skein-io/skein/internal/record"
)

// A compaction takes effect by a plan that is durable before the first name changes. After a crash the plan is carried
// out again; each of its steps can be done twice.
//
//	1  <base>.log.cleaned, .index.cleaned, .timeindex.cleaned   written and synced, then the folder
//	2  <base>.compaction                                        written under another name, synced, renamed, folder synced
//	3  <base>.log.cleaned -> <base>.log and so on               each rename replaces the old file
//	4  files of the other segments in the plan                  removed; folder synced
//	5  <base>.compaction                                        removed; folder synced
//
// A crash before 2 leaves files that end in .cleaned, which the next start removes. The plan is big-endian:
//
//	0       4         8               12
//	+-------+---------+---------------+--------------------
//	| crc   | version | count         | base of each segment that is replaced, int64; the first is the new one's
//	| u32   | u32 = 1 | u32           |
//	+-------+---------+---------------+--------------------
const (
	planSuffix   = ".compaction"
	planVersion  = 1
	planBytesMax = 64 << 20
)

func encodePlan(bases []record.Offset) []byte {
	b := make([]byte, 12, 12+8*len(bases))
	binary.BigEndian.PutUint32(b[4:], planVersion)
	binary.BigEndian.PutUint32(b[8:], uint32(len(bases)))
	for _, base := range bases {
		b = binary.BigEndian.AppendUint64(b, uint64(base))
	}
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

func decodePlan(b []byte) ([]record.Offset, error) {
	if len(b) < 12 || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) || binary.BigEndian.Uint32(b[4:]) != planVersion {
		return nil, errors.New("the plan of a compaction is damaged")
	}
	count := int64(binary.BigEndian.Uint32(b[8:]))
	if count == 0 || count*8 != int64(len(b)-12) {
		return nil, fmt.Errorf("the plan of a compaction is damaged: %d segments in %d bytes", count, len(b))
	}
	bases := make([]record.Offset, count)
	for i := range bases {
		bases[i] = record.Offset(binary.BigEndian.Uint64(b[12+8*i:]))
	}
	return bases, nil
}

// swap puts the new segment in the place of the group.
func (c *cleaner) swap(to *cleanedSegment, group []*segment) error {
	l := c.log
	bases := make([]record.Offset, len(group))
	for i, s := range group {
		bases[i] = s.base
	}
	if err := ReplaceFile(l.dir.fs, l.folder, fileName(to.base, planSuffix), encodePlan(bases)); err != nil {
		if undone := l.abandonPlan(to.segment); !errors.Is(undone, errGaveUp) || !full(err) && !exhausted(err) {
			return l.dir.goOffline(errors.Join(err, undone))
		}
		return err
	}
	if err := l.exchange(to.segment, group); errors.Is(err, errGaveUp) {
		return err
	} else if err != nil {
		return l.dir.goOffline(err)
	}
	if err := l.endPlan(bases); err != nil {
		return l.dir.goOffline(err)
	}
	return nil
}

// exchange renames the new files over the old ones and changes the list of segments. Appends and lookups wait meanwhile.
func (l *Log) exchange(to *segment, group []*segment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.structure.Lock()
	defer l.structure.Unlock()
	i := slices.Index(l.segments, group[0])
	if i < 0 { // retention was faster: the plan must not bring back what it deleted
		return l.abandonPlan(to)
	}
	for j, s := range group {
		invariant(l.segments[i+j] == s, "segment replaced by somebody else", s.base, l.segments[i+j].base)
		s.drop()
	}
	for _, f := range to.cached() {
		if err := l.files.rename(f, strings.TrimSuffix(f.name, cleanedSuffix)); err != nil {
			return err
		}
	}
	l.segments = slices.Concat(l.segments[:i], []*segment{to}, l.segments[i+len(group):])
	return nil
}

// abandonPlan undoes a plan of which nothing was carried out. errGaveUp says that it did.
func (l *Log) abandonPlan(to *segment) error {
	if err := l.dir.fs.Remove(join(l.folder, fileName(to.base, planSuffix))); err != nil && !missing(err) {
		return err
	}
	if err := l.dir.fs.SyncDir(l.folder); err != nil {
		return err
	}
	to.drop()
	if err := l.removeFiles(to); err != nil {
		return err
	}
	return errGaveUp
}

// endPlan removes what the plan replaced, and the plan.
func (l *Log) endPlan(bases []record.Offset) error {
	for _, base := range bases[1:] {
		if err := l.removeFiles(newSegment(l.files, l.folder, base)); err != nil {
			return err
		}
	}
	if err := l.dir.fs.SyncDir(l.folder); err != nil {
		return err
	}
	if err := l.dir.fs.Remove(join(l.folder, fileName(bases[0], planSuffix))); err != nil && !missing(err) {
		return err
	}
	return l.dir.fs.SyncDir(l.folder)
}

// finishPlan carries out a plan that a crash interrupted.
func (l *Log) finishPlan(name string) error {
	b, err := ReadFile(l.dir.fs, join(l.folder, name), planBytesMax)
	if err != nil {
		return err
	}
	bases, err := decodePlan(b)
	if err != nil {
		return &DamagedError{File: join(l.folder, name), Offset: -1, Reason: err.Error()}
	}
	for _, suffix := range []string{logSuffix, indexSuffix, timeIndexSuffix} {
		to := join(l.folder, fileName(bases[0], suffix))
		if err := l.dir.fs.Rename(to+cleanedSuffix, to); err != nil && !missing(err) {
			return err
		}
	}
	return l.endPlan(bases)
}

// cleanerFile says, in Kafka's format of cleaner-offset-checkpoint, up to which offset the log has been compacted: below
// it no key occurs twice. If it is lost, compaction begins anew.
const cleanerFile = "cleaner-offset-checkpoint"

func (l *Log) noteCleaned(end record.Offset) error {
	content := fmt.Appendf(nil, "0\n1\n%s %d %d\n", l.name.Topic, l.name.Partition, end)
	return ReplaceFile(l.dir.fs, l.folder, cleanerFile, content)
}

func (l *Log) cleanedTo() (record.Offset, error) {
	b, err := ReadFile(l.dir.fs, join(l.folder, cleanerFile), textFileBytesMax)
	if missing(err) {
		return 0, nil
	}
	if err != nil {
		return 0, l.readFailed(err)
	}
	end, ok := decodeCleaned(string(b))
	if !ok || end > l.EndOffset() {
		return 0, nil
	}
	return end, nil
}

func decodeCleaned(text string) (record.Offset, bool) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != "0" || lines[1] != "1" {
		return 0, false
	}
	fields := strings.Fields(lines[2])
	if len(fields) != 3 {
		return 0, false
	}
	end, err := strconv.ParseInt(fields[2], 10, 64)
	return record.Offset(end), err == nil && end >= 0
}
