package logdump

import (
	"math"

	"github.com/skein-io/skein/internal/record"
)

// Options say what to print and how far to look. The zero value prints batches as text and checks all that can be
// checked without decompressing.
type Options struct {
	// Deep walks the records of each batch, decompressing where need be: Dump prints them, Verify checks them.
	Deep bool
	// JSON prints one object a line instead of text.
	JSON bool
	// ConsumerOffsets decodes keys and values as those of __consumer_offsets. Without it that is done for folders of
	// that name. Only with Deep.
	ConsumerOffsets bool
	// From and Until leave out batches that end before From or begin at Until or behind it. Until 0 means no end. Dump
	// only.
	From, Until record.Offset
	// Limits bound decompression.
	Limits record.Limits
	// Progress is told now and then how many bytes of how many have been read; nil for nobody. It is called by the same
	// goroutine.
	Progress func(done, total int64)
}

// wants says whether a batch is to be printed.
func (o Options) wants(b record.Batch) bool {
	return b.LastOffset() >= o.From && b.BaseOffset() < o.until()
}

func (o Options) until() record.Offset {
	if o.Until == 0 {
		return math.MaxInt64
	}
	return o.Until
}

// progressEach is how many bytes pass between two calls of Progress.
const progressEach = 8 << 20

// meter counts the bytes that have been read.
type meter struct {
	report            func(done, total int64)
	done, told, total int64
}

func (m *meter) add(n int64) {
	m.done += n
	if m.report != nil && m.done-m.told >= progressEach {
		m.told = m.done
		m.report(m.done, max(m.total, m.done))
	}
}

func (m *meter) end() {
	if m.report != nil {
		m.report(m.done, m.done)
	}
}
