package endtoend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

// content is a table as text: by row key, the columns that are not NULL.
type content map[string]map[string]string

// columnsOf are a table's columns as the source has them now.
func (w *world) columnsOf(ctx context.Context, table string) (names, types []string, err error) {
	rows, err := w.source.sql.QueryContext(ctx, "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = ? ORDER BY ordinal_position", table)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, nil, err
		}
		names, types = append(names, name), append(types, kind)
	}
	return names, types, rows.Err()
}

// selected reads a table of a MariaDB server.
func (w *world) selected(ctx context.Context, db *sql.DB, t *table, where string) (content, error) {
	names, types, err := w.columnsOf(ctx, t.name)
	if err != nil {
		return nil, err
	}
	shows := make([]string, len(names))
	for i, name := range names {
		if shows[i] = name; types[i] == "bit" {
			shows[i] = name + "+0"
		}
	}
	rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s %s", strings.Join(shows, ", "), t.name, where))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := content{}
	values, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := map[string]string{}
		for i, v := range values {
			if v != nil {
				row[names[i]] = shown(types[i], string(v))
			}
		}
		all[t.rowKey(row)] = row
	}
	return all, rows.Err()
}

// rowKey is how the HBase sink makes a key of text.
func (t *table) rowKey(row map[string]string) string {
	if len(t.key) == 1 {
		return row[t.key[0]]
	}
	parts := make([]string, len(t.key))
	for i, c := range t.key {
		parts[i] = strings.NewReplacer(`\`, `\\`, "|", `\|`).Replace(row[c])
	}
	return strings.Join(parts, "|")
}

// shown gives numbers that are no decimals one way to be written.
func shown(kind, text string) string {
	switch kind {
	case "float":
		f, err := strconv.ParseFloat(text, 32)
		if err == nil {
			return strconv.FormatUint(uint64(math.Float32bits(float32(f))), 16)
		}
	case "double":
		f, err := strconv.ParseFloat(text, 64)
		if err == nil {
			return strconv.FormatUint(math.Float64bits(f), 16)
		}
	}
	return text
}

// scanned reads a table of HBase: the columns that the source has, and no row that is deleted.
func (w *world) scanned(ctx context.Context, t *table) (content, error) {
	names, types, err := w.columnsOf(ctx, t.name)
	if err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	for i, name := range names {
		kinds[name] = types[i]
	}
	c, err := client.Open(client.Options{ZooKeeper: []string{w.hbase.Addr()}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	all := content{}
	for row, err := range c.Rows(ctx, t.name, client.Scan{}) {
		if err != nil {
			return nil, err
		}
		if row.Value([]byte("update_info"), []byte("version")) == nil {
			return nil, fmt.Errorf("row %q of %s has no version", row.Key, t.name)
		}
		if row.Value([]byte("update_info"), []byte("deleted")) != nil {
			continue
		}
		out := map[string]string{}
		for _, cell := range row.Cells {
			if kind, is := kinds[string(cell.Qualifier)]; is && string(cell.Family) == "d" {
				out[string(cell.Qualifier)] = shown(kind, string(cell.Value))
			}
		}
		all[string(row.Key)] = out
	}
	return all, nil
}

// compare tells how two contents differ: how often, and the first few.
func compare(want, got content) (differences int, first []string) {
	tell := func(format string, args ...any) {
		if differences++; len(first) < 5 {
			first = append(first, fmt.Sprintf(format, args...))
		}
	}
	for key, row := range want {
		other, is := got[key]
		if !is {
			tell("row %q is missing", key)
			continue
		}
		for c, v := range row {
			if o, is := other[c]; !is || o != v {
				tell("row %q: %s is %.60q (%v), not %.60q", key, c, o, is, v)
			}
		}
		for c, v := range other {
			if _, is := row[c]; !is {
				tell("row %q: %s is %.60q, not NULL", key, c, v)
			}
		}
	}
	for key := range got {
		if _, is := want[key]; !is {
			tell("row %q is too many", key)
		}
	}
	return differences, first
}

// differences compares the source with both targets. An error is of a server.
func (w *world) differences(ctx context.Context) (all []string, rows int, err error) {
	for _, t := range tables() {
		want, err1 := w.selected(ctx, w.source.sql, &t, "")
		inMariaDB, err2 := w.selected(ctx, w.target.sql, &t, "WHERE row_deleted = 0")
		inHBase, err3 := w.scanned(ctx, &t)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", t.name, err)
		}
		rows += len(want)
		for where, got := range map[string]content{"MariaDB": inMariaDB, "HBase": inHBase} {
			if n, first := compare(want, got); n > 0 {
				all = append(all, fmt.Sprintf("%s in %s, %d rows there and %d in the source, %d differences:\n\t%s", t.name, where, len(got), len(want), n, strings.Join(first, "\n\t")))
			}
		}
	}
	return all, rows, nil
}
