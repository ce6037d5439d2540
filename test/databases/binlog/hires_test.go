package binlog

import (
	"context"
	"fmt"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
)

// Times of MariaDB's old format: with a schema that tells their digits they are exact, without it they are refused and not guessed.
func TestOldTimes(t *testing.T) {
	shared.exec(t, "SET GLOBAL mysql56_temporal_format = OFF")
	t.Cleanup(func() { _, _ = shared.sql.ExecContext(context.Background(), "SET GLOBAL mysql56_temporal_format = ON") })
	for digits := range 7 {
		for _, kind := range []struct {
			name   string
			as     change.Type
			values []string
		}{
			{"TIME", change.TimeType, times(digits)},
			{"DATETIME", change.DateTimeType, texts("0000-00-00 00:00:00", "1000-01-01 00:00:00", "9999-12-31 23:59:58.999999", "2024-02-29 12:34:56.789012", "2024-00-00 00:00:00.1", "2024-12-31 01:02:03.000001")},
			{"TIMESTAMP", change.TimestampType, texts("0000-00-00 00:00:00", "1970-01-01 00:00:01", "2038-01-19 03:14:07", "2024-02-29 12:34:56.789012")},
		} {
			t.Run(fmt.Sprintf("%s(%d)", kind.name, digits), func(t *testing.T) {
				table := fmt.Sprintf("old_%s_%d", kind.name, digits)
				shared.exec(t, fmt.Sprintf("CREATE OR REPLACE TABLE %s (id INT PRIMARY KEY, v %s(%d) NULL, after_it INT)", table, kind.name, digits))
				config := shared.config()
				config.Start = shared.now(t)
				config.Tables = func(_, name string) bool { return name == table }
				for i, v := range kind.values {
					shared.exec(t, fmt.Sprintf("SET STATEMENT sql_mode = 'ALLOW_INVALID_DATES' FOR INSERT INTO %s VALUES (%d, %s, 77)", table, i, v))
				}
				_, err := failure(t, config)
				expect(t, err, binlog.ErrSettings, "digits", table, "schema")
				config.Schema = func(_ context.Context, told *change.Table, _ change.Position) (*change.Table, error) {
					known := *told
					known.Columns = append([]change.Column(nil), told.Columns...)
					known.Columns[1].Scale = digits
					return &known, nil
				}
				want := shared.column(t, "SELECT v FROM "+table+" ORDER BY id")
				for i, e := range rows(t, open(t, config), len(want)) {
					if text := shown(e.Change.After[1], &e.Change.Table.Columns[1]); text != want[i] || e.Change.After[2].Int() != 77 || e.Change.Table.Columns[1].Type != kind.as {
						t.Errorf("%s: %s, not %s; then %s", kind.values[i], text, want[i], e.Change.After[2])
					}
				}
			})
		}
	}
}
