package hbase

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

// AdoptOptions say how a table is taken over.
type AdoptOptions struct {
	// DryRun: look at a sample, spread over the table's regions, and write nothing.
	DryRun bool
	// Sample is about how many rows a dry run looks at; 0 means 10,000.
	Sample int
	// From is the key to begin with, as Adopted.Next told it; empty is the table's first.
	From []byte
	// Epoch is that of the versions that rows get. With 0 every change of a source whose epoch is 1 or more is newer than what is
	// adopted. With the source's own epoch the adopted times and offsets are compared with those of its changes.
	Epoch uint32
	// Unit is what times count that are numbers.
	Unit Unit
	// Location is that of times that are texts and name no zone; nil means UTC.
	Location *time.Location
	// Offset is the column of the binlog offset; empty means update_info:binlog_offset. Another one is left as it is.
	Offset Column
	// IgnoreOffsets adopts rows whose offset cannot be read, as if it were 0.
	IgnoreOffsets bool
	// Unversioned gives rows that have no execute time one of 0. Otherwise they stay as they are: the first change of such a row
	// is put as that of a new row, beside whatever cells it has.
	Unversioned bool
	// Keep copies what is rewritten to update_info:adopted_execute_time and adopted_binlog_offset, for those who have to read the
	// old form a while longer. Nothing brings the copies up to date.
	Keep bool
	// ExamplesMax bounds how many rows are shown of each form of time; 0 is none.
	ExamplesMax int
	// LeftMax bounds how many rows are listed that were left; 0 means 100.
	LeftMax int
	// Progress is called every few hundred rows with what is done up to there.
	Progress func(Adopted)
}

const (
	adoptBatch  = 200
	adoptSample = 10_000
	adoptLeft   = 100
)

// Adopt takes over the HBase table of a source table ("database.table"), whose execute times somebody else has written, as
// text, long or int: each row gets the cells that this sink compares. Rows that have them already stay as they are, so it may be
// stopped and begun anew, and others may do the same at the same time. What cannot be read is left and told; the data and the
// keys are not touched.
//
// A row is rewritten only if its execute time and version are still those that were read; the server compares, with the row
// locked. So nothing is lost that this sink writes meanwhile. A sink refuses the changes of rows that are not yet adopted, see
// ErrForeign: adopt first, then start the sinks. Others must not write any more; rows that they wrote over are adopted again by the
// next call, with what they wrote.
//
// Those who read execute_time find 8 bytes afterwards, milliseconds, whatever was there. There is no way back but
// AdoptOptions.Keep: try DryRun first.
//
// Memory is bounded by a few pages of rows. If the error is not nil, what is told is what was done before it.
func (s *Sink) Adopt(ctx context.Context, source string, o AdoptOptions) (Adopted, error) {
	t := s.tables[source]
	if t == nil {
		return Adopted{}, fmt.Errorf("%s: no HBase table is configured for it", source)
	}
	if o.Unit > UnitMicros {
		return Adopted{}, fmt.Errorf("%s: there is no unit %d", source, o.Unit)
	}
	o.complete()
	families, err := s.client.Families(ctx, t.Name)
	if err != nil {
		return Adopted{}, err
	}
	if !slices.Contains(families, UpdateInfo) {
		return Adopted{}, fmt.Errorf("table %q: %w %q: it has nothing to adopt; add the family with alter '%[1]s', '%[3]s'", t.Name, client.ErrNoFamily, UpdateInfo)
	}
	a := &adopter{sink: s, table: t, options: &o}
	a.done.Times, a.done.Offsets, a.done.Next = map[Form]int64{}, map[Form]int64{}, o.From
	if o.DryRun {
		err = a.sample(ctx)
	} else {
		err = a.all(ctx)
	}
	return a.done, err
}

func (o *AdoptOptions) complete() {
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Offset.Family == "" {
		o.Offset.Family = UpdateInfo
	}
	if o.Offset.Qualifier == "" {
		o.Offset.Qualifier = BinlogOffset
	}
	if o.Sample <= 0 {
		o.Sample = adoptSample
	}
	if o.LeftMax <= 0 {
		o.LeftMax = adoptLeft
	}
}

type adopter struct {
	sink    *Sink
	table   *Table
	options *AdoptOptions
	done    Adopted
	dated   int64 // rows whose time was read
	shown   [forms]int
	ops     []client.Op
}

// sample looks at the first rows of each region.
func (a *adopter) sample(ctx context.Context) error {
	starts, err := a.sink.client.Starts(ctx, a.table.Name, a.options.Sample)
	if err != nil {
		return err
	}
	each := max(1, a.options.Sample/len(starts))
	for i, start := range starts {
		scan := client.Scan{Start: start, Limit: each}
		if i+1 < len(starts) {
			scan.Stop = starts[i+1]
		}
		for row, err := range a.sink.client.Rows(ctx, a.table.Name, scan) {
			if err != nil {
				return err
			}
			if a.look(&row, true) != nil {
				a.done.Adopted++
			}
		}
	}
	a.done.Next = nil
	return nil
}

func (a *adopter) all(ctx context.Context) error {
	since := 0
	for row, err := range a.sink.client.Rows(ctx, a.table.Name, client.Scan{Start: a.options.From}) {
		if err != nil {
			return err
		}
		since++
		if step := a.look(&row, true); step != nil {
			a.ops = append(a.ops, client.Op{Row: bytes.Clone(row.Key), Steps: []client.Step{*step}})
		}
		if len(a.ops) == adoptBatch || since == 10*adoptBatch {
			if err := a.flush(ctx, append(bytes.Clone(row.Key), 0)); err != nil {
				return err
			}
			since = 0
		}
	}
	return a.flush(ctx, nil)
}

// look counts a row the first time it is seen, and returns how it is rewritten, if it is.
func (a *adopter) look(row *client.Row, first bool) *client.Step {
	now := a.sink.now().UnixMilli()
	found := a.options.adoption(a.table, row, uint64(max(now, 0)))
	if first {
		a.done.Rows++
		a.done.Times[found.time]++
		if found.time != FormNone && found.time != FormUnread {
			a.done.Offsets[found.offset]++
		}
		if found.step != nil && found.time != FormNone {
			a.show(row, &found, now)
		}
	}
	switch {
	case found.left != nil:
		a.leave(row.Key, found.left)
	case found.step != nil:
		return found.step
	case found.time == FormNone:
		a.done.Unversioned++
	default:
		a.done.Ours++
	}
	return nil
}

// flush rewrites what is waiting. next is where to go on.
func (a *adopter) flush(ctx context.Context, next []byte) error {
	err := a.sink.rewrite(ctx, a.table.Name, a.ops, rewriting{
		step: func(row *client.Row) *client.Step {
			a.done.Changed++
			if len(row.Cells) == 0 {
				return nil // it was deleted
			}
			return a.look(row, false)
		},
		done:   func([]byte) { a.done.Adopted++ },
		failed: a.leave,
	})
	if err != nil {
		return err
	}
	a.ops, a.done.Next = a.ops[:0], next
	if a.options.Progress != nil {
		told := a.done
		told.Times, told.Offsets, told.Left = maps.Clone(told.Times), maps.Clone(told.Offsets), slices.Clone(told.Left)
		told.Examples = slices.Clone(told.Examples)
		a.options.Progress(told)
	}
	return nil
}
