package verify

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"github.com/skein-io/skein/perceptor/sink"
)

// bucketsMax bounds the sums that are kept, 48 bytes for each bucket.
const (
	bucketsMin = 1 << 10
	bucketsMax = 1 << 19
)

// buckets compares tables whose keys the sink orders otherwise than the source, or whose rows no server adds up: both are
// read, and each row is added to the sum of the bucket that its key falls into. Then those are read again whose sums differ.
func (r *run) buckets(ctx context.Context) error {
	r.report.Method = "checksums of buckets"
	n := r.c.Buckets
	if n == 0 {
		var rows sql.NullInt64 // an estimate
		t := r.c.Source.table
		err := r.c.Source.db.QueryRowContext(ctx, "SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", t.Database, t.Name).Scan(&rows)
		if err != nil {
			return fmt.Errorf("source: %s: %w", t, err)
		}
		for n = bucketsMin; n < bucketsMax && int64(n)*2 < rows.Int64; n *= 2 {
		}
	}
	source, stored, err := r.sums(ctx, n)
	if err != nil {
		return err
	}
	r.report.Parts = n
	var differ []int
	for i := range source {
		if source[i] != stored[i] {
			differ = append(differ, i)
		}
	}
	r.report.PartsDiffer = len(differ)
	for len(differ) > 0 {
		// As many buckets as memory is for; at least one.
		take, held := 0, uint64(0)
		for take < len(differ) {
			more := max(source[differ[take]].rows, stored[differ[take]].rows)
			if take > 0 && held+more > uint64(r.c.HeldMax) {
				break
			}
			held += more
			take++
		}
		wanted := make(map[int]bool, take)
		for _, i := range differ[:take] {
			wanted[i] = true
		}
		if err := r.readAgain(ctx, n, wanted); err != nil {
			return err
		}
		differ = differ[take:]
	}
	return nil
}

// sums adds up both tables.
func (r *run) sums(ctx context.Context, n int) (source, stored []sum, err error) {
	source, stored = make([]sum, n), make([]sum, n)
	if err := r.sumSource(ctx, source); err != nil {
		return nil, nil, err
	}
	for row, err := range r.c.Sink.Scan(ctx, r.c.Source.table) {
		if err != nil {
			return nil, nil, err
		}
		if gone(&row) {
			r.report.Tombstones++
			continue
		}
		stored[r.digest.bucket(row.Key, n)].add(r.digest.row(&row))
		if r.report.Sink++; r.report.Sink%watchRows == 0 {
			r.watch("reading the sink", r.report.Sink)
		}
	}
	return source, stored, nil
}

func (r *run) sumSource(ctx context.Context, source []sum) error {
	v, err := r.c.Source.view(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	r.report.Position = v.at.String()
	for row, err := range v.rows(ctx, "") {
		if err != nil {
			return err
		}
		if r.report.Rows++; r.report.Rows%watchRows == 0 {
			r.watch("reading the source", r.report.Rows)
		}
		want, err := r.c.Sink.Expect(ctx, r.c.Source.table, row)
		if err != nil {
			r.report.add(Difference{Key: r.c.Source.table.KeyText(row), Kind: Missing, Reason: err.Error()}, r.c.Keep)
			continue
		}
		source[r.digest.bucket(want.Key, len(source))].add(r.digest.row(&want))
	}
	return nil
}

// gone reports whether a row is a tombstone as it should be.
func gone(row *sink.Stored) bool { return row.Deleted && !row.Leftover && row.Invalid == nil }

// readAgain finds the rows that differ in some buckets, and settles them.
func (r *run) readAgain(ctx context.Context, n int, wanted map[int]bool) error {
	expected, err := r.expectAgain(ctx, n, wanted)
	if err != nil {
		return err
	}
	var suspects [][]byte
	read := int64(0)
	for row, err := range r.c.Sink.Scan(ctx, r.c.Source.table) {
		if err != nil {
			return err
		}
		if read++; read%watchRows == 0 {
			r.watch("reading what differs in the sink", read)
		}
		if !wanted[r.digest.bucket(row.Key, n)] || gone(&row) {
			continue
		}
		want, there := expected[string(row.Key)]
		delete(expected, string(row.Key))
		if !there || want != r.digest.row(&row) {
			suspects = append(suspects, bytes.Clone(row.Key))
		}
		r.report.HeldMax = max(r.report.HeldMax, len(expected)+len(suspects))
		if len(suspects) > r.c.HeldMax { // there are more than were counted
			if err := r.settle(ctx, suspects); err != nil {
				return err
			}
			suspects = suspects[:0]
		}
	}
	for key := range expected {
		suspects = append(suspects, []byte(key))
		delete(expected, key)
	}
	r.report.HeldMax = max(r.report.HeldMax, len(suspects))
	return r.settle(ctx, suspects)
}

// expectAgain digests the source's rows of some buckets.
func (r *run) expectAgain(ctx context.Context, n int, wanted map[int]bool) (map[string]digest, error) {
	v, err := r.c.Source.view(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	expected, read := map[string]digest{}, int64(0)
	for row, err := range v.rows(ctx, "") {
		if err != nil {
			return nil, err
		}
		if read++; read%watchRows == 0 {
			r.watch("reading what differs in the source", read)
		}
		key, err := r.c.Sink.Key(ctx, r.c.Source.table, row)
		if err != nil || !wanted[r.digest.bucket(key, n)] {
			continue // what cannot be in the sink was told
		}
		want, err := r.c.Sink.Expect(ctx, r.c.Source.table, row)
		if err != nil {
			continue
		}
		expected[string(want.Key)] = r.digest.row(&want)
	}
	return expected, nil
}
