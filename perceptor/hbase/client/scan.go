package client

import (
	"bytes"
	"context"
	"fmt"
	"iter"
)

// Scan says which rows are wanted.
type Scan struct {
	// Start is the first row, Stop the one after the last. Empty means the table's ends.
	Start, Stop []byte
	Columns     Columns
	Filter      Filter
	// Limit is the most rows that are wanted; 0 means no limit.
	Limit int
	// Page is about how many rows one answer has; 0 means 256. An answer is also bounded to about 2 MiB.
	Page int
}

const pageBytes = 2 << 20

// Rows reads the rows of a table in the order of their keys, each whole. A region that moves or splits meanwhile does no
// harm: each row comes once. It is no snapshot: a row is as it was when its page was read. The first error ends it.
func (c *Client) Rows(ctx context.Context, table string, scan Scan) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s := scanner{client: c, table: table, scan: scan, at: scan.Start}
		if s.scan.Page <= 0 {
			s.scan.Page = 256
		}
		patience := c.patience(ctx)
		for !s.done {
			rows, err := s.next(ctx)
			if err != nil {
				if heal(err) != giveUp {
					if err = patience.wait(err); err == nil {
						s.reopen()
						continue
					}
				}
				yield(Row{}, fmt.Errorf("scan of %q: %w", table, err))
				return
			}
			patience = c.patience(ctx) // each page has the whole time
			for _, row := range rows {
				if !yield(row, nil) {
					s.close(ctx)
					return
				}
			}
		}
	}
}

// scanner is where a scan stands.
type scanner struct {
	client *Client
	table  string
	scan   Scan

	at       []byte // the row to go on from
	after    bool   // at itself was given out
	given    int
	region   *region // nil if none is open
	id       uint64
	sequence uint64
	done     bool
}

// reopen forgets the scanner: the next call opens another.
func (s *scanner) reopen() { s.region = nil }

// next asks for a page, which may be empty.
func (s *scanner) next(ctx context.Context) ([]Row, error) {
	call := scanCall{rows: uint32(s.scan.Page), bytes: pageBytes}
	if s.scan.Limit > 0 {
		call.rows = uint32(min(s.scan.Page, s.scan.Limit-s.given))
		call.limit = uint32(s.scan.Limit - s.given)
	}
	opening := s.region == nil
	if opening {
		r, err := s.client.locate(ctx, s.table, s.at)
		if err != nil {
			return nil, err
		}
		s.region, s.sequence = r, 0
		call.region, call.start, call.stop, call.after = r.name, s.at, s.scan.Stop, s.after
		call.columns, call.filter = s.scan.Columns, s.scan.Filter
	} else {
		call.scanner, call.sequence, call.limit = s.id, s.sequence, 0
	}
	r := s.region
	message, err := s.client.ask(ctx, r.addr, regionService, "Scan", call.append)
	if err != nil {
		if help := heal(err); help == lookAgain || help == reconnect {
			s.client.regions.forget(r)
		}
		return nil, err
	}
	answer, err := readScanAnswer(message)
	if err != nil {
		return nil, &connectionError{r.addr, err}
	}
	if opening {
		s.id = answer.scanner
	} else {
		s.sequence++
	}
	if err := s.advance(r, &answer); err != nil {
		return nil, err
	}
	return answer.rows, nil
}

// advance takes in what a page says. Rows that do not go on from the last would make the scan run in circles.
func (s *scanner) advance(r *region, answer *scanAnswer) error {
	for i := range answer.rows {
		row := &answer.rows[i]
		if order := bytes.Compare(row.Key, s.at); order < 0 || order == 0 && s.after {
			return fmt.Errorf("%w: row %q after row %q", errMalformed, row.Key, s.at)
		}
		s.at, s.after = row.Key, true
	}
	s.given += len(answer.rows)
	if s.scan.Limit > 0 && s.given >= s.scan.Limit || !answer.more {
		s.done = true
		return nil
	}
	if answer.moreInRegion {
		return nil
	}
	s.region = nil
	if len(r.end) == 0 || len(s.scan.Stop) > 0 && bytes.Compare(r.end, s.scan.Stop) >= 0 {
		s.done = true
		return nil
	}
	if bytes.Compare(r.end, s.at) > 0 {
		s.at, s.after = r.end, false
	}
	return nil
}

// close tells the server that no more is wanted. If that fails, the server forgets the scanner after a minute by itself.
func (s *scanner) close(ctx context.Context) {
	if s.region == nil || s.done {
		return
	}
	call := scanCall{scanner: s.id, sequence: s.sequence, close: true}
	_, _ = s.client.ask(ctx, s.region.addr, regionService, "Scan", call.append)
}
