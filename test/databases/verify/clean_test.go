package verify

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/verify"
)

// compare runs a comparison of one table.
func compare(t testing.TB, c *copies, table string, s sink.Reader, more func(*verify.Config)) *verify.Report {
	t.Helper()
	config := verify.Config{Source: source(t, c.db, table), Sink: s, Wait: time.Minute}
	if more != nil {
		more(&config)
	}
	report, err := verify.Run(t.Context(), config)
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
	return report
}

func (c *copies) readers() map[string]sink.Reader {
	all := map[string]sink.Reader{"MySQL, in the row": c.mysql, "MySQL, beside": c.beside}
	if c.hbase != nil {
		all["HBase"] = c.hbase
	}
	return all
}

// A copy of every type and kind of key does not differ, in any of the sinks, with rows deleted, changed and moved to other keys.
func TestClean(t *testing.T) {
	c := makeCopies(t, shapes(), true)
	p := startCarrier(t, c.db, nil, c.hbase, c.mysql, c.beside)
	r := rand.New(rand.NewPCG(1, 2))
	const rows = 300
	for i := range c.shapes {
		c.shapes[i].fill(t, c.db, r, rows)
	}
	exec(t, "DELETE FROM "+c.db+".alltypes WHERE id % 10 = 3", "UPDATE "+c.db+".alltypes SET id = id + 1000 WHERE id % 10 = 5", "UPDATE "+c.db+".alltypes SET i1 = NULL, v = 'changed ' WHERE id % 10 = 6",
		"DELETE FROM "+c.db+".text WHERE code LIKE 'key1%'", "UPDATE "+c.db+".composite SET b = CONCAT(b, '|x') WHERE a = 1")
	p.caughtUp(t)
	for name, s := range c.readers() {
		for _, shape := range c.shapes {
			report := compare(t, c, shape.name, s, func(c *verify.Config) { c.Progress = p })
			want := number(t, "SELECT COUNT(*) FROM "+c.db+"."+shape.name)
			if report.Differing() != 0 || report.InFlight != 0 || report.PartsDiffer != 0 || report.Rows != want || report.Sink != want {
				t.Errorf("%s, %s: of %d rows: %+v", name, shape.name, want, *report)
				for _, d := range report.Differences {
					t.Errorf("  %+v", d)
					for _, c := range d.Columns {
						t.Errorf("    %s: %s, %s", c.Name, text(c.Source), text(c.Sink))
					}
				}
			}
		}
	}
}

func text(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}
