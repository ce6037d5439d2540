package verify

import (
	"bytes"
	"context"

	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
)

// ranges compares with a table of a server that adds rows up itself: over the network go a count and 128 bits for each range
// of keys and side, and the rows of small ranges that differ. False if the two tables cannot be compared so.
func (r *run) ranges(ctx context.Context, s *mysql.Sink) (bool, error) {
	place, err := s.Place(ctx, r.c.Source.table)
	if err != nil || !r.c.Source.comparable(&place) {
		return false, err
	}
	r.report.Method = "checksums of key ranges"
	w := &ranger{run: r, target: s, place: place}
	var low [][]byte
	for {
		high, err := w.next(ctx, low)
		if err != nil {
			return true, err
		}
		if len(w.suspects) >= r.c.HeldMax || high == nil {
			if err := w.settle(ctx); err != nil {
				return true, err
			}
		}
		if high == nil {
			return true, nil
		}
		low = high
		r.watch("comparing ranges", r.report.Rows)
	}
}

// ranger walks the ranges of a table.
type ranger struct {
	*run
	target   *mysql.Sink
	place    mysql.Place
	suspects [][]byte
}

// rangeSum is what a server says of a range.
type rangeSum struct {
	rows, known uint64
	total       [2]uint64
}

// next compares the range that follows a key, and returns its last key; nil at the table's end. Each range has a view of its
// own, so that none is old.
func (w *ranger) next(ctx context.Context, low [][]byte) (high [][]byte, err error) {
	v, err := w.c.Source.view(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if w.report.Position == "" {
		w.report.Position = v.at.String()
	}
	if high, err = v.step(ctx, low, nil, w.c.RangeRows); err != nil {
		return nil, err
	}
	source, target, err := w.sums(ctx, v, low, high)
	if err != nil {
		return nil, err
	}
	w.report.Parts++
	w.report.Rows += int64(source.rows)
	w.report.Sink += int64(target.rows)
	if source == target {
		return high, nil
	}
	w.report.PartsDiffer++
	return high, w.narrow(ctx, v, low, high, source.rows)
}

// leafRows is the size of ranges whose rows are read.
const leafRows = 200

// narrow halves a range that differs until its rows are few.
func (w *ranger) narrow(ctx context.Context, v *view, low, high [][]byte, rows uint64) error {
	if rows <= leafRows {
		return w.leaf(ctx, v, low, high)
	}
	middle, err := v.step(ctx, low, high, int(rows/2))
	if err != nil {
		return err
	}
	if middle == nil {
		return w.leaf(ctx, v, low, high)
	}
	for _, part := range [][2][][]byte{{low, middle}, {middle, high}} {
		source, target, err := w.sums(ctx, v, part[0], part[1])
		if err != nil {
			return err
		}
		if source != target {
			if err := w.narrow(ctx, v, part[0], part[1], source.rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaf compares the rows of a range.
func (w *ranger) leaf(ctx context.Context, v *view, low, high [][]byte) error {
	condition, err := v.s.between(low, high)
	if err != nil {
		return err
	}
	expected := map[string]digest{}
	for row, err := range v.rows(ctx, condition) {
		if err != nil {
			return err
		}
		want, err := w.c.Sink.Expect(ctx, v.s.table, row)
		if err != nil {
			return err
		}
		expected[string(want.Key)] = w.digest.row(&want)
	}
	if w.place.Live != "" {
		condition = conjoin(condition, w.place.Live)
	}
	for row, err := range w.target.ScanWhere(ctx, v.s.table, condition) {
		if err != nil {
			return err
		}
		if err := w.compareRow(ctx, expected, &row); err != nil {
			return err
		}
	}
	for key := range expected {
		w.suspects = append(w.suspects, []byte(key))
	}
	w.report.HeldMax = max(w.report.HeldMax, len(w.suspects))
	return nil
}

func (w *ranger) compareRow(ctx context.Context, expected map[string]digest, row *sink.Stored) error {
	want, there := expected[string(row.Key)]
	delete(expected, string(row.Key))
	if !there || want != w.digest.row(row) {
		w.suspects = append(w.suspects, bytes.Clone(row.Key))
	}
	w.report.HeldMax = max(w.report.HeldMax, len(expected)+len(w.suspects))
	if len(w.suspects) > 2*w.c.HeldMax { // a range of the source may have any number of rows in the sink
		return w.settle(ctx)
	}
	return nil
}

func (w *ranger) settle(ctx context.Context) error {
	all := w.suspects
	w.suspects = nil
	return w.run.settle(ctx, all)
}
