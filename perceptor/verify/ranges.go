package verify

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
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

// comparable reports whether the two servers order the keys in the same way and show the values as the same text. Where they
// do not, nothing would be wrong, but every range would differ.
func (s *Source) comparable(p *mysql.Place) bool {
	if len(p.Key) != len(s.table.Key) {
		return false
	}
	columns := map[int]*mysql.PlaceColumn{}
	for i := range p.Columns {
		columns[p.Columns[i].Source] = &p.Columns[i]
		if !sameText(&s.table.Columns[p.Columns[i].Source], &p.Columns[i]) {
			return false
		}
	}
	for n, i := range s.table.Key {
		c := columns[i]
		if p.Key[n] != i || c == nil || c.Collation != s.collations[i] {
			return false
		}
		switch classOf(s.table.Columns[i].Type) {
		case whole, decimals, clocks, texts, blobs:
		default:
			return false // ENUM and SET are ordered by number and compared as text; of others it is not known
		}
	}
	return true
}

// class is a group of types that show the same value as the same text.
type class uint8

const (
	others class = iota
	whole
	decimals
	clocks
	texts
	blobs
)

func classOf(t change.Type) class {
	switch t {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt, change.Year, change.Bit:
		return whole
	case change.Numeric:
		return decimals
	case change.DateType, change.TimeType, change.DateTimeType, change.TimestampType:
		return clocks
	case change.Char, change.VarChar, change.TinyText, change.TextType, change.MediumText, change.LongText, change.JSONType:
		return texts
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob:
		return blobs
	}
	return others
}

func sameText(source *change.Column, target *mysql.PlaceColumn) bool {
	switch c := classOf(source.Type); c {
	case whole, texts, blobs:
		return classOf(target.Type) == c
	case decimals, clocks:
		return source.Type == target.Type && source.Scale == target.Scale
	}
	return source.Type == target.Type
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

// sums asks both servers about the rows between two keys.
func (w *ranger) sums(ctx context.Context, v *view, low, high [][]byte) (source, target rangeSum, err error) {
	condition, err := v.s.between(low, high)
	if err != nil {
		return source, target, err
	}
	var here, there []string
	for i := range w.place.Columns {
		c := &w.place.Columns[i]
		t := v.s.table.Columns[c.Source].Type
		here, there = append(here, summed(t, mysql.Quote(v.s.table.Columns[c.Source].Name))), append(there, summed(t, mysql.Quote(c.Name)))
	}
	row := v.conn.QueryRowContext(ctx, sumQuery(here, "TRUE", v.s.quoted(), condition))
	if err := row.Scan(&source.rows, &source.known, &source.total[0], &source.total[1]); err != nil {
		return source, target, fmt.Errorf("source: %s: %w", v.s.table, err)
	}
	if w.place.Live != "" {
		condition = conjoin(condition, w.place.Live)
	}
	if err := w.target.Ask(ctx, sumQuery(there, w.place.Versioned, w.place.Table, condition), &target.rows, &target.known, &target.total[0], &target.total[1]); err != nil {
		return source, target, fmt.Errorf("target %s: %w", w.place.Table, err)
	}
	return source, target, nil
}

// sumQuery counts rows and adds their digests up, whatever their order. known is how many of them could be digested and
// have a version.
func sumQuery(columns []string, versioned, table, condition string) string {
	q := "SELECT COUNT(*),COUNT(IF(ok,h,NULL)),COALESCE(BIT_XOR(CAST(CONV(LEFT(h,16),16,10) AS UNSIGNED)),0),COALESCE(BIT_XOR(CAST(CONV(RIGHT(h,16),16,10) AS UNSIGNED)),0) FROM (SELECT MD5(CONCAT(" +
		strings.Join(columns, ",") + ")) AS h," + versioned + " AS ok FROM " + table
	if condition != "" {
		q += " WHERE " + condition
	}
	return q + ") AS r"
}

// summed is what of a column goes into a row's digest: its text with the length in front, or a digest of what may be long.
func summed(t change.Type, column string) string {
	switch classOf(t) {
	case texts:
		column = "CONVERT(" + column + " USING utf8mb4)"
	default:
		column = mysql.Shown(t, column)
	}
	switch t {
	case change.VarChar, change.TinyText, change.TextType, change.MediumText, change.LongText, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob,
		change.JSONType, change.Geometry:
		return "COALESCE(MD5(" + column + "),'n')"
	}
	column = "CAST(" + column + " AS BINARY)"
	return "COALESCE(CONCAT(LENGTH(" + column + "),':'," + column + "),'n')"
}

// step is the key of the n-th row behind low, and not behind high; nil if there are not so many.
func (v *view) step(ctx context.Context, low, high [][]byte, n int) ([][]byte, error) {
	condition, err := v.s.between(low, high)
	if err != nil {
		return nil, err
	}
	var shown, order []string
	for _, i := range v.s.table.Key {
		name := mysql.Quote(v.s.table.Columns[i].Name)
		shown, order = append(shown, mysql.Shown(v.s.table.Columns[i].Type, name)), append(order, name)
	}
	q := "SELECT " + strings.Join(shown, ",") + " FROM " + v.s.quoted()
	if condition != "" {
		q += " WHERE " + condition
	}
	q += fmt.Sprintf(" ORDER BY %s LIMIT 1 OFFSET %d", strings.Join(order, ","), n-1)
	key, into := make([][]byte, len(shown)), make([]any, len(shown))
	for i := range key {
		into[i] = &key[i]
	}
	switch err := v.conn.QueryRowContext(ctx, q).Scan(into...); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("source: %s: %w", v.s.table, err)
	}
	return key, nil
}

// between is the condition that a key is behind low and not behind high; nil is no bound.
func (s *Source) between(low, high [][]byte) (string, error) {
	condition := ""
	for _, bound := range []struct {
		key         [][]byte
		open, close string
	}{{low, ">", ">"}, {high, "<", "<="}} {
		if bound.key == nil {
			continue
		}
		part, err := s.bound(bound.key, bound.open, bound.close)
		if err != nil {
			return "", err
		}
		condition = conjoin(condition, part)
	}
	return condition, nil
}

// bound compares a key of several columns: a > 1 OR (a = 1 AND b > 2). The first column is bounded alone, too, for the index.
func (s *Source) bound(key [][]byte, open, last string) (string, error) {
	var literals, names []string
	for n, i := range s.table.Key {
		c := &s.table.Columns[i]
		literal, err := mysql.AppendTyped(nil, c.Type, key[n])
		if err != nil {
			return "", fmt.Errorf("column %s of the key: %w", c.Name, err)
		}
		literals, names = append(literals, string(literal)), append(names, mysql.Quote(c.Name))
	}
	n := len(names) - 1
	q := names[n] + last + literals[n]
	for n--; n >= 0; n-- {
		q = "(" + names[n] + open + literals[n] + " OR (" + names[n] + "=" + literals[n] + " AND " + q + "))"
	}
	if len(names) > 1 {
		q = names[0] + open + "=" + literals[0] + " AND " + q
	}
	return q, nil
}

func conjoin(a, b string) string {
	if a == "" {
		return b
	}
	return a + " AND " + b
}
