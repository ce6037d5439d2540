package logdump

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/skein-io/skein/internal/record"
)

// partition is what the check of one folder goes by.
type partition struct {
	folder   string
	segments []record.Offset // first offsets, ascending
	mark     marked
	hasMark  bool
	epochs   []epochStart
	order    order
}

// folder checks a partition's folder, or of it one file with what belongs to it.
func (v *verifier) folder(folder, only string) error {
	entries, err := v.source.list(folder)
	if err != nil {
		return err
	}
	p := partition{folder: folder, order: newOrder()}
	var small []fs.DirEntry
	for _, e := range entries {
		k, base, leftover := classify(e.Name())
		if e.IsDir() || leftover || k == unknown {
			continue
		}
		if k == logFile {
			p.segments = append(p.segments, base)
		} else if entrySizes[k] == 0 {
			small = append(small, e)
		}
	}
	slices.Sort(p.segments)
	v.report.Folders++
	v.findMark(&p)
	for _, e := range small {
		if only == "" || only == e.Name() {
			if err := v.smallFile(&p, e.Name()); err != nil {
				return err
			}
		}
	}
	return v.segments(&p, only)
}

// segments checks the .log files in order, each with its indexes.
func (v *verifier) segments(p *partition, only string) error {
	k, base, _ := classify(only)
	if only != "" && k != logFile && entrySizes[k] == 0 {
		return nil
	}
	for i := range p.segments {
		if only != "" && p.segments[i] != base {
			continue
		}
		err := v.segment(p, i)
		if errors.Is(err, fs.ErrNotExist) { // retention was faster
			continue
		}
		if err != nil {
			return err
		}
	}
	if only == "" {
		v.checkEnd(p)
		v.checkEpochs(p)
	}
	return nil
}

func (v *verifier) findMark(p *partition) {
	_, number, ok := topicOf(path.Base(p.folder))
	b, err := v.source.small(path.Join(p.folder, "partition.metadata"))
	if !ok || err != nil {
		return // Kafka before 2.8 has no such file
	}
	if id, err := parseTopicID(b); err == nil {
		p.mark, p.hasMark = v.marks[logID{id, number}]
	}
}

// smallFile checks a file that is read as a whole.
func (v *verifier) smallFile(p *partition, name string) error {
	full := path.Join(p.folder, name)
	b, err := v.source.small(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	v.report.Files++
	k, _, _ := classify(name)
	remedy := "stop the broker and delete the file: it is made again from the log when the broker starts"
	switch k {
	case producerSnapshot:
		_, err = checkSnapshot(b)
	case epochCheckpoint:
		p.epochs, err = parseEpochs(b)
	case partitionMetadata:
		_, err = parseTopicID(b)
		remedy = "write the topic's id into it as \"version: 0\" and \"topic_id: ID\"; skein topic describe shows the id"
	}
	if err != nil {
		v.problem(Problem{File: full, Position: -1, Offset: -1, Class: Derived, What: err.Error(), Remedy: remedy})
	}
	return nil
}

// checkEnd compares the log's end with the durable mark.
func (v *verifier) checkEnd(p *partition) {
	end := p.order.next
	if n := len(p.segments); n > 0 && end < p.segments[n-1] {
		end = p.segments[n-1]
	}
	if p.hasMark && p.mark.end > end {
		v.problem(Problem{File: p.folder, Position: -1, Offset: end, Class: Damaged,
			What:   fmt.Sprintf("the log ends at offset %d; the durable mark says that it was synced up to %d: %d offsets are missing", end, p.mark.end, p.mark.end-end),
			Remedy: remedyRestore})
	}
}

// checkEpochs compares the epochs in the batches with leader-epoch-checkpoint. Epochs above its last are not missed:
// the file may be written later than the log. Nor are those below its first, which begins where the log does since
// records were deleted.
func (v *verifier) checkEpochs(p *partition) {
	if len(p.epochs) == 0 {
		return
	}
	for _, seen := range p.order.epochs {
		at, found := slices.BinarySearchFunc(p.epochs, seen.epoch, func(e epochStart, want record.LeaderEpoch) int { return cmp.Compare(e.epoch, want) })
		if at == len(p.epochs) {
			return
		}
		behind := at
		if found {
			behind++
		}
		switch {
		case !found && at > 0:
			v.wrongEpoch(p, seen, "does not list it")
		case found && at > 0 && p.epochs[at].start > seen.start:
			v.wrongEpoch(p, seen, fmt.Sprintf("lets it begin at %d", p.epochs[at].start))
		case behind < len(p.epochs) && p.epochs[behind].start <= seen.last:
			v.wrongEpoch(p, seen, fmt.Sprintf("lets epoch %d begin at %d", p.epochs[behind].epoch, p.epochs[behind].start))
		}
	}
}

func (v *verifier) wrongEpoch(p *partition, seen epochSpan, what string) {
	v.problem(Problem{File: path.Join(p.folder, "leader-epoch-checkpoint"), Position: -1, Offset: seen.start, Class: Derived,
		What:   fmt.Sprintf("the log has leader epoch %d from offset %d to %d; the file %s", seen.epoch, seen.start, seen.last, what),
		Remedy: "stop the broker and delete the file: it is made again from the log when the broker starts"})
}

const remedyRestore = "restore the partition from a replica or a backup; skein log dump shows what can still be read"
