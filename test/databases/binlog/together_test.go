package binlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// Tables of many columns of all types, in any order, some without a sign, a charset or members in between: the metadata of one
// column is not another's. With a value and NULLs of each.
func TestTypesTogether(t *testing.T) {
	all := typeCases()
	for i := range all {
		// What makes a row too large for a table is left to the test of single types.
		all[i].values = slices.DeleteFunc(slices.Clone(all[i].values), func(v string) bool { return len(v) > 300 || strings.Contains(v, "REPEAT") })
	}
	all = slices.DeleteFunc(all, func(c typeCase) bool { return len(c.values) == 0 || strings.HasPrefix(c.column, "VARCHAR(16000)") })
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 11))
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			cases := all[:30]
			table := fmt.Sprintf("together_%d", seed)
			config := shared.config()
			config.Start = shared.now(t)
			config.Tables = func(_, name string) bool { return name == table }
			config.Schema = func(_ context.Context, told *change.Table, _ change.Position) (*change.Table, error) {
				known := *told
				known.Columns = slices.Clone(told.Columns)
				for i, c := range cases {
					switch c.as {
					case change.JSONType, change.UUID, change.INET4, change.INET6:
						known.Columns[i+1].Type = c.as
					}
				}
				return &known, nil
			}
			var definitions, shows []string
			for i, c := range cases {
				definitions = append(definitions, fmt.Sprintf("c%d %s", i, c.column))
				show := strings.ReplaceAll(c.show, "v", fmt.Sprintf("c%d", i))
				switch {
				case c.show == "":
					show = fmt.Sprintf("c%d", i)
				case strings.HasPrefix(c.show, "CONVERT"):
					show = fmt.Sprintf("CONVERT(c%d USING utf8mb4)", i)
				}
				shows = append(shows, show)
			}
			shared.exec(t, "DROP TABLE IF EXISTS "+table, fmt.Sprintf("CREATE TABLE %s (id INT, %s, PRIMARY KEY (id))", table, strings.Join(definitions, ", ")))
			conn, err := shared.sql.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := conn.ExecContext(t.Context(), "SET sql_mode = 'ALLOW_INVALID_DATES'"); err != nil {
				t.Fatal(err)
			}
			const n = 20
			for row := range n {
				values := []string{fmt.Sprint(row)}
				for _, c := range cases {
					v := "NULL"
					if r.IntN(4) > 0 {
						v = c.values[r.IntN(len(c.values))]
					}
					values = append(values, v)
				}
				if _, err := conn.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO %s VALUES (%s)", table, strings.Join(values, ", "))); err != nil {
					t.Fatal(err)
				}
			}
			got := rows(t, open(t, config), n)
			for i, c := range cases {
				want := shared.column(t, fmt.Sprintf("SELECT %s FROM %s ORDER BY id", strings.ReplaceAll(shows[i], "CAST(c AS", fmt.Sprintf("CAST(c%d AS", i)), table))
				for row, e := range got {
					column := &e.Change.Table.Columns[i+1]
					if column.Type != c.as || column.Name != fmt.Sprintf("c%d", i) || column.Unsigned != strings.Contains(c.column, "UNSIGNED") {
						t.Fatalf("%s is told as %+v", c.column, column)
					}
					if text := shown(e.Change.After[i+1], column); !same(c.as, text, want[row]) {
						t.Errorf("%s: %.100q, not %.100q", c.column, text, want[row])
					}
				}
			}
		})
	}
}
