package verify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
)

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
