package logdump

import (
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/skein-io/skein/internal/record"
)

// order is what must only rise along a log.
type order struct {
	next   record.Offset // after the last batch
	epoch  record.LeaderEpoch
	epochs []epochSpan
}

// epochSpan is where the batches of one epoch are.
type epochSpan struct {
	epochStart
	last record.Offset
}

// epochsSeenMax bounds the list.
const epochsSeenMax = 100_000

func newOrder() order { return order{epoch: record.NoLeaderEpoch} }

// pass takes a batch into account and says what is out of order, "" for nothing.
func (o *order) pass(b record.Batch) string {
	wrong := ""
	if b.BaseOffset() < o.next {
		wrong = fmt.Sprintf("the batch begins at offset %d and the one before ends at %d", b.BaseOffset(), o.next-1)
	}
	if b.LeaderEpoch() < o.epoch {
		wrong = fmt.Sprintf("leader epoch %d after epoch %d", b.LeaderEpoch(), o.epoch)
	}
	if b.LeaderEpoch() > o.epoch && len(o.epochs) < epochsSeenMax {
		o.epochs = append(o.epochs, epochSpan{epochStart: epochStart{b.LeaderEpoch(), b.BaseOffset()}})
	}
	if n := len(o.epochs); n > 0 && o.epochs[n-1].epoch == b.LeaderEpoch() {
		o.epochs[n-1].last = b.LastOffset()
	}
	o.next, o.epoch = max(o.next, b.NextOffset()), max(o.epoch, b.LeaderEpoch())
	return wrong
}

// segmentCheck is the check of one .log file with its indexes.
type segmentCheck struct {
	v     *verifier
	p     *partition
	name  string // of the .log
	base  record.Offset
	upper record.Offset // first offset of the segment behind; -1 for the last
	scan  scanner
	index *indexCheck
	times *indexCheck
	torn  int  // the number of a problem that is a torn tail only if no whole batch follows; -1 for none
	holes bool // there are batches that could not be read: what the indexes say of them cannot be checked
}

// segment checks the segment with number i.
func (v *verifier) segment(p *partition, i int) error {
	base := p.segments[i]
	c := &segmentCheck{v: v, p: p, name: path.Join(p.folder, fmt.Sprintf("%020d.log", base)), base: base, upper: -1, torn: -1}
	if i+1 < len(p.segments) {
		c.upper = p.segments[i+1]
	}
	file, err := v.source.open(c.name)
	if err != nil {
		return err
	}
	defer file.Close()
	v.report.Files++
	c.scan = scanner{file: file, meter: v.meter}
	if c.index, err = c.openIndex(offsetIndex, ".index"); err != nil {
		return err
	}
	defer c.index.close()
	if c.times, err = c.openIndex(timeIndex, ".timeindex"); err != nil {
		return err
	}
	defer c.times.close()
	p.order.next = max(p.order.next, base)
	return c.run()
}

func (c *segmentCheck) run() error {
	for {
		b, at, err := c.scan.next()
		if err == io.EOF && c.holes {
			return nil
		}
		if err == io.EOF {
			return errors.Join(c.index.endPositions(at), c.times.endTimes(c.p.order.next))
		}
		if errors.Is(err, errNoBatch) {
			return c.stop(err)
		}
		if err != nil {
			return err
		}
		if err := c.batch(b, at); err != nil {
			return err
		}
	}
}

func (c *segmentCheck) batch(b record.Batch, at int64) error {
	c.v.report.Batches++
	c.v.report.Bytes += int64(len(b))
	if err := b.Check(); err != nil {
		c.bad(at, c.p.order.next, err.Error())
		return c.index.passPosition(at, 0)
	}
	c.whole()
	if err := errors.Join(c.index.passPosition(at, c.p.order.next), c.times.passTime(b)); err != nil {
		return err
	}
	if wrong := c.p.order.pass(b); wrong != "" {
		c.problem(at, b.BaseOffset(), Damaged, wrong, remedyRestore)
	}
	if c.upper >= 0 && b.LastOffset() >= c.upper {
		c.problem(at, b.BaseOffset(), Damaged, fmt.Sprintf("the batch ends at offset %d, but the next segment begins at %d", b.LastOffset(), c.upper), remedyRestore)
	}
	if !c.v.options.Deep {
		c.v.report.Records += int64(b.Count())
		return nil
	}
	c.records(b, at)
	return nil
}

// records walks the records of a batch whose CRC is right.
func (c *segmentCheck) records(b record.Batch, at int64) {
	r := b.Records(c.v.options.Limits)
	defer r.Close()
	for r.Next() {
		c.v.report.Records++
	}
	if r.Err() != nil {
		c.problem(at, b.BaseOffset(), Damaged, r.Err().Error(),
			"the batch was stored as it came: consumers stop there; skip it by seeking to offset "+fmt.Sprint(b.NextOffset()))
	}
}

// stop notes that the rest of the file is no batch.
func (c *segmentCheck) stop(why error) error {
	at := c.scan.position
	zeros, err := c.scan.zeros()
	if err != nil {
		return err
	}
	what := fmt.Sprintf("the last %d bytes of the file cannot be read: %v", c.scan.file.size-at, why)
	if zeros {
		what = fmt.Sprintf("the last %d bytes of the file are zero", c.scan.file.size-at)
	}
	c.bad(at, c.p.order.next, what)
	c.v.meter.add(c.scan.file.size - at)
	return nil
}

// bad notes bytes that are no whole batch: a torn tail at the end of the last segment, above the durable mark; damage
// elsewhere.
func (c *segmentCheck) bad(at int64, offset record.Offset, what string) {
	c.holes = true
	switch {
	case c.upper >= 0:
		c.problem(at, offset, Damaged, what, remedyRestore)
	case c.p.hasMark && offset < c.p.mark.end:
		c.problem(at, offset, Damaged, fmt.Sprintf("%s; the durable mark says that the log was synced up to offset %d", what, c.p.mark.end), remedyRestore)
	default:
		c.problem(at, offset, Torn, what, "none needed: the broker cuts the log there when it starts, or is still writing")
		if !c.p.hasMark && c.v.report.More == 0 {
			c.torn = len(c.v.report.Problems) - 1
		}
	}
}

// whole notes that a whole batch follows: without a mark to say otherwise, a bad one before it was no torn tail.
func (c *segmentCheck) whole() {
	if c.torn >= 0 {
		c.v.report.Problems[c.torn].Class = Damaged
		c.v.report.Problems[c.torn].Remedy = remedyRestore
		c.torn = -1
	}
}

func (c *segmentCheck) problem(at int64, offset record.Offset, class Class, what, remedy string) {
	c.v.problem(Problem{File: c.name, Position: at, Offset: offset, Class: class, What: what, Remedy: remedy})
}
