package binlog

import (
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
)

// Tables without a column that has a sign: the map has no field of signs.
func TestNoNumbers(t *testing.T) {
	for key, value := range map[string]string{
		"BINARY(8)": "'a'", "VARBINARY(8)": "'a'", "CHAR(8)": "'a'", "VARCHAR(8) CHARACTER SET latin1": "'ä'", "DATE": "'2024-02-29'", "DATETIME(3)": "'2024-02-29'",
		"ENUM('a','b')": "'b'", "UUID": "UUID()",
	} {
		config := shared.config()
		config.Start = shared.now(t)
		config.Tables = func(_, name string) bool { return name == "nonumbers" }
		shared.exec(t, "CREATE OR REPLACE TABLE nonumbers (id "+key+" PRIMARY KEY, note TEXT)", "INSERT INTO nonumbers VALUES ("+value+", 'x')")
		r := open(t, config)
		for {
			e, err := r.Next(t.Context())
			if err != nil {
				t.Errorf("%s: %v", key, err)
				break
			}
			if e.Kind == binlog.Row {
				if table := e.Change.Table; len(table.Key) != 1 || table.Key[0] != 0 || table.Columns[1].Name != "note" || e.Change.After[1].String() != "x" {
					t.Errorf("%s: %+v", key, table)
				}
				break
			}
		}
	}
}
