package verify

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
)

// Progress says how far changes have come. Its positions are of the source's epoch.
type Progress interface {
	// Reached is a place in the source's binlog up to which all changes are on their way to the sink, with the clock that was
	// reached there. False if that is not known.
	Reached(ctx context.Context) (binlog.Position, bool, error)
	// Applied is a place up to which the sink has taken all of them. False if that is not known.
	Applied(ctx context.Context) (binlog.Position, bool, error)
}

// Config says what is compared. Source and Sink have to be set.
type Config struct {
	Source *Source
	Sink   sink.Reader
	// Progress tells when the sink has everything. Without it a row differs that has not changed in the source for the time
	// of Wait and is not right in the sink, and nothing can be repaired.
	Progress Progress
	// Wait is how long a row that differs is looked at again. 30 s if it is 0.
	Wait time.Duration
	// Keep is how many differences the report names. 100 if it is 0.
	Keep int
	// HeldMax bounds the keys that are in memory at once; if more rows differ, the table is read several times. 100,000 if it
	// is 0.
	HeldMax int
	// Buckets is how many the rows are put into where ranges of keys cannot be compared; a power of two. It goes by the
	// table's size if it is 0.
	Buckets int
	// RangeRows is how many rows of the source a range has; 10,000 if it is 0.
	RangeRows int
	// Repair writes the source's row where the sink's differs.
	Repair bool
	// Watch is told now and then what is done and how far it is. It may be nil.
	Watch func(doing string, rows int64)
}

const (
	heldDefault  = 100_000
	lookBatch    = 200
	rangeDefault = 10_000
)

// run is Run at work.
type run struct {
	c      *Config
	report *Report
	digest *digester
	watch  func(doing string, rows int64)
}

// Run compares, and repairs if that is wanted. Differences are in the report, not in the error.
func Run(ctx context.Context, c Config) (*Report, error) {
	c.Wait = cmp.Or(c.Wait, 30*time.Second)
	c.Keep = cmp.Or(c.Keep, 100)
	c.HeldMax = cmp.Or(c.HeldMax, heldDefault)
	c.RangeRows = cmp.Or(c.RangeRows, rangeDefault)
	switch {
	case c.Wait < 0 || c.Keep < 0 || c.HeldMax < 1 || c.RangeRows < 1 || c.Buckets < 0 || c.Buckets&(c.Buckets-1) != 0:
		return nil, fmt.Errorf("verify: Wait %v, Keep %d, HeldMax %d, RangeRows %d, Buckets %d: out of bounds", c.Wait, c.Keep, c.HeldMax, c.RangeRows, c.Buckets)
	case c.Repair && c.Progress == nil:
		return nil, fmt.Errorf("verify: %s cannot be repaired: how far the source's changes have come is not known, and the version of a repair is made of it", c.Source.table)
	}
	r := &run{c: &c, report: &Report{Table: c.Source.table.String(), Differences: []Difference{}}, digest: newDigester(), watch: c.Watch}
	if r.watch == nil {
		r.watch = func(string, int64) {}
	}
	began := time.Now()
	err := r.compare(ctx)
	r.report.Took = time.Since(began)
	return r.report, err
}

func (r *run) compare(ctx context.Context) error {
	if s, ok := r.c.Sink.(*mysql.Sink); ok {
		p, err := r.ranges(ctx, s)
		if err != nil || p {
			return err
		}
	}
	return r.buckets(ctx)
}

// watchRows is how often Watch is told, in rows.
const watchRows = 4096
