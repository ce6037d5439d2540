package sim

import (
	"fmt"
	"hash"
	"hash/fnv"
)

// Trace is what a run did: a rolling hash over everything noted, and the newest lines for people. Two runs of one
// seed must end with the same Sum; where they differ, their lines show where they parted.
type Trace struct {
	hash     hash.Hash64
	lines    []string // ring
	next     int      // where the next line goes once the ring is full
	linesMax int
	count    uint64
}

// NewTrace keeps the newest linesMax lines; 0 keeps the hash only.
func NewTrace(linesMax int) *Trace { return &Trace{hash: fnv.New64a(), linesMax: linesMax} }

// Printf notes one line.
func (t *Trace) Printf(format string, args ...any) { t.Line(fmt.Sprintf(format, args...)) }

// Line notes one line.
func (t *Trace) Line(line string) {
	t.count++
	t.hash.Write([]byte(line)) //nolint:errcheck // hash.Hash never fails
	t.hash.Write([]byte{'\n'}) //nolint:errcheck // hash.Hash never fails
	switch {
	case t.linesMax == 0:
	case len(t.lines) < t.linesMax:
		t.lines = append(t.lines, line)
	default:
		t.lines[t.next] = line
		t.next = (t.next + 1) % t.linesMax
	}
}

// Sum is the hash of everything noted so far.
func (t *Trace) Sum() uint64 { return t.hash.Sum64() }

// Count tells how many lines were noted.
func (t *Trace) Count() uint64 { return t.count }

// Lines returns the newest lines, oldest first.
func (t *Trace) Lines() []string {
	return append(append([]string{}, t.lines[t.next:]...), t.lines[:t.next]...)
}
