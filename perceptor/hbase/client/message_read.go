package client

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Columns says which columns are read: of a family those named, or all if none is. No Columns means the whole row.
type Columns []FamilyColumns

// FamilyColumns are columns of one family.
type FamilyColumns struct {
	Family     []byte
	Qualifiers [][]byte
}

// appendColumns appends Column{family=1, qualifier=2} for each.
func appendColumns(b []byte, number protowire.Number, columns Columns) []byte {
	for _, f := range columns {
		var at int
		b, at = begin(b, number)
		b = appendBytes(b, 1, f.Family)
		for _, q := range f.Qualifiers {
			b = appendBytes(b, 2, q)
		}
		b = end(b, at)
	}
	return b
}

// appendGet appends Get{row=1, column=2}.
func appendGet(b []byte, row []byte, columns Columns) []byte {
	return appendColumns(appendBytes(b, 1, row), 2, columns)
}

// readResult reads Result{cell=1, associated_cell_count=2, partial=5}.
func readResult(b []byte) (row Row, partial bool, err error) {
	err = eachField(b, func(f field) error {
		switch f.number {
		case 1:
			key, c, err := readCell(f.bytes)
			if err != nil {
				return err
			}
			row.Key = key
			row.Cells = append(row.Cells, c)
		case 2:
			if f.num != 0 {
				return fmt.Errorf("%w: cells beside the message, which were not asked for", errMalformed)
			}
		case 5:
			partial = f.bool()
		}
		return nil
	})
	return row, partial, err
}

// readCell reads Cell{row=1, family=2, qualifier=3, timestamp=4, value=6}.
func readCell(b []byte) (row []byte, c Cell, err error) {
	err = eachField(b, func(f field) error {
		switch f.number {
		case 1:
			row = f.bytes
		case 2:
			c.Family = f.bytes
		case 3:
			c.Qualifier = f.bytes
		case 4:
			c.Timestamp = f.num
		case 6:
			c.Value = f.bytes
		}
		return nil
	})
	return row, c, err
}

// scanCall is one call of a scan. The first names the region and what is looked for, the others the scanner.
type scanCall struct {
	region   []byte
	start    []byte
	stop     []byte
	after    bool // start itself is not wanted
	reversed bool
	columns  Columns
	filter   Filter
	scanner  uint64
	sequence uint64
	rows     uint32 // at most so many in this answer
	bytes    uint64 // about so many in this answer
	limit    uint32 // at most so many in all of the region, 0 is no limit
	close    bool
}

// append appends ScanRequest{region=1, scan=2, scanner_id=3, number_of_rows=4, close_scanner=5, next_call_seq=6,
// client_handles_partials=7, client_handles_heartbeats=8, limit_of_rows=11} with Scan{column=1, start_row=3, stop_row=4,
// filter=5, cache_blocks=8, max_result_size=10, reversed=15, caching=17, include_start_row=21}.
func (s *scanCall) append(b []byte) []byte {
	if s.region != nil {
		b = appendRegion(b, 1, s.region)
		var at int
		b, at = begin(b, 2)
		b = appendColumns(b, 1, s.columns)
		if len(s.start) > 0 {
			b = appendBytes(b, 3, s.start)
		}
		if len(s.stop) > 0 {
			b = appendBytes(b, 4, s.stop)
		}
		if s.filter != nil {
			var filter int
			b, filter = begin(b, 5)
			b = end(s.filter.append(b), filter)
		}
		b = appendBool(b, 8, false)
		b = appendUint(b, 10, s.bytes)
		b = appendBool(b, 15, s.reversed)
		b = appendUint(b, 17, uint64(s.rows))
		b = appendBool(b, 21, !s.after)
		b = end(b, at)
	} else {
		b = appendUint(b, 3, s.scanner)
		b = appendUint(b, 6, s.sequence)
	}
	b = appendUint(b, 4, uint64(s.rows))
	b = appendBool(b, 5, s.close)
	b = appendBool(b, 7, false)
	b = appendBool(b, 8, true)
	if s.limit > 0 {
		b = appendUint(b, 11, uint64(s.limit))
	}
	return b
}

// scanAnswer is ScanResponse{scanner_id=2, more_results=3, results=5, more_results_in_region=8}.
type scanAnswer struct {
	scanner      uint64
	more         bool
	moreInRegion bool
	rows         []Row
}

func readScanAnswer(b []byte) (a scanAnswer, err error) {
	a.more, a.moreInRegion = true, true
	err = eachField(b, func(f field) error {
		switch f.number {
		case 2:
			a.scanner = f.num
		case 3:
			a.more = f.bool()
		case 5:
			row, partial, err := readResult(f.bytes)
			if err != nil {
				return err
			}
			if partial {
				return fmt.Errorf("%w: a part of a row, which was not asked for", errMalformed)
			}
			if len(row.Cells) > 0 {
				a.rows = append(a.rows, row)
			}
		case 8:
			a.moreInRegion = f.bool()
		}
		return nil
	})
	return a, err
}
