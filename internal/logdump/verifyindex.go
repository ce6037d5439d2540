package logdump

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/skein-io/skein/internal/record"
)

// indexCheck goes over an index beside its log: entries are compared with the batch that they concern while that is at
// hand. A nil indexCheck, of a file that is not there, checks nothing: the broker makes it when it needs it.
type indexCheck struct {
	c       *segmentCheck
	name    string
	x       indexReader
	pending entry
	some    bool // pending holds an entry
	last    entry
	any     bool // last holds an entry
	wrong   bool // one problem for a file is enough: it is deleted as a whole
	maxTime int64
}

func (c *segmentCheck) openIndex(k kind, suffix string) (*indexCheck, error) {
	name := strings.TrimSuffix(c.name, ".log") + suffix
	file, err := c.v.source.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.v.report.Files++
	i := &indexCheck{c: c, name: name, x: indexReader{file: file, kind: k, base: c.base}, maxTime: record.NoTimestamp}
	if odd := file.size % entrySizes[k]; odd != 0 {
		i.problem(file.size-odd, -1, fmt.Sprintf("%d bytes more than whole entries of %d", odd, entrySizes[k]))
	}
	return i, i.advance()
}

func (i *indexCheck) close() {
	if i != nil {
		_ = i.x.file.Close()
	}
}

// advance reads the next entry into pending and checks that it is above the one before.
func (i *indexCheck) advance() error {
	i.last, i.any = i.pending, i.some
	e, err := i.x.next()
	if err == io.EOF {
		i.some = false
		return nil
	}
	if err != nil {
		return err
	}
	i.pending, i.some = e, true
	if i.any && (e.offset <= i.last.offset || e.position < i.last.position || e.timestamp < i.last.timestamp) {
		i.problem(i.at(), e.offset, "the entry is not above the one before")
	}
	return nil
}

// at is the position of the pending entry in the index file.
func (i *indexCheck) at() int64 { return (i.x.number - 1) * entrySizes[i.x.kind] }

// passPosition takes the batch at a position into account; next is the offset behind the batch before it, 0 if that is
// not known.
func (i *indexCheck) passPosition(position int64, next record.Offset) error {
	if i == nil || i.wrong {
		return nil
	}
	for i.some && i.pending.position <= position {
		switch {
		case i.pending.position < position:
			i.problem(i.at(), i.pending.offset, fmt.Sprintf("the entry points to position %d, where no batch begins", i.pending.position))
		case i.pending.offset < next:
			i.problem(i.at(), i.pending.offset, fmt.Sprintf("the entry points to position %d, behind the batch with its offset", position))
		}
		if err := i.advance(); err != nil {
			return err
		}
	}
	return nil
}

// endPositions is for the log's end: no entry may point there or behind it.
func (i *indexCheck) endPositions(size int64) error {
	if i == nil || i.wrong || !i.some || i.unused() {
		return nil
	}
	i.problem(i.at(), i.pending.offset, fmt.Sprintf("the entry points to position %d; the log can be read up to %d", i.pending.position, size))
	return nil
}

// passTime takes a batch into account: no batch up to an entry's offset may have a later time than the entry says.
func (i *indexCheck) passTime(b record.Batch) error {
	if i == nil || i.wrong {
		return nil
	}
	if err := i.checkTimes(b.LastOffset()); err != nil {
		return err
	}
	i.maxTime = max(i.maxTime, b.MaxTimestamp())
	return nil
}

// checkTimes checks the entries below an offset.
func (i *indexCheck) checkTimes(below record.Offset) error {
	for i.some && !i.wrong && i.pending.offset < below {
		if i.maxTime > i.pending.timestamp {
			i.problem(i.at(), i.pending.offset, fmt.Sprintf("the entry states %d as the latest time up to its offset; a batch there has %d", i.pending.timestamp, i.maxTime))
			return nil
		}
		if err := i.advance(); err != nil {
			return err
		}
	}
	return nil
}

// endTimes is for the log's end; next is the offset behind it.
func (i *indexCheck) endTimes(next record.Offset) error {
	if i == nil || i.wrong {
		return nil
	}
	if err := i.checkTimes(next); err != nil || i.wrong || !i.some || i.unused() {
		return err
	}
	i.problem(i.at(), i.pending.offset, fmt.Sprintf("the entry has offset %d; the log ends at %d", i.pending.offset, next))
	return nil
}

// unused says whether the pending entry is the first and zero: nothing was written yet.
func (i *indexCheck) unused() bool {
	return i.x.number == 1 && i.pending == entry{offset: i.c.base}
}

func (i *indexCheck) problem(at int64, offset record.Offset, what string) {
	if i.wrong {
		return
	}
	i.wrong = true
	i.c.v.problem(Problem{File: i.name, Position: at, Offset: offset, Class: Derived, What: what,
		Remedy: "stop the broker and delete the file: it is made again from the log when the broker starts"})
}
