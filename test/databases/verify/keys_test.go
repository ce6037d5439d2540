package verify

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/verify"
)

// spoil is what is done to some rows of each shape, as SET, and the cell of it.
var spoil = map[string][2]string{
	"alltypes": {"v='spoiled'", "d:v"}, "composite": {"v='spoiled'", "d:v"}, "text": {"w='spoiled'", "d:w"}, "times": {"v=-77.25", "d:v"}, "bytes": {"c='bad'", "d:c"},
}

// Rows of every kind of key are found by it: in the source, in the sink with their versions, and by the repair.
func TestKeys(t *testing.T) {
	c := makeCopies(t, shapes(), true)
	p := startCarrier(t, c.db, nil, c.hbase, c.mysql, c.beside)
	r := rand.New(rand.NewPCG(6, 6))
	for i := range c.shapes {
		c.shapes[i].fill(t, c.db, r, 200)
	}
	p.caughtUp(t)
	const wrong = 20
	for name, s := range c.readers() {
		for _, shape := range c.shapes {
			table := source(t, c.db, shape.name).Table()
			if s == sink.Reader(c.hbase) {
				n := 0
				for row, err := range s.Scan(t.Context(), table) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n > wrong {
						break
					}
					c.cellsOf(t, c.tables[shape.name], bytes.Clone(row.Key), map[string][]byte{spoil[shape.name][1]: []byte("spoiled")})
				}
			} else {
				exec(t, fmt.Sprintf("UPDATE %s.%s SET %s ORDER BY RAND(1) LIMIT %d", mysqlDatabase(c, s), shape.name, spoil[shape.name][0], wrong))
			}
			report := compare(t, c, shape.name, s, func(c *verify.Config) { c.Progress, c.Repair = p, true })
			if report.Different != wrong || report.Differing() != wrong || report.Repaired != wrong {
				t.Errorf("%s, %s: %d differ, %d repaired: %v", name, shape.name, report.Differing(), report.Repaired, told(report))
			}
			for _, d := range report.Differences {
				if d.Version == nil || d.Reason != "" {
					t.Errorf("%s, %s: row %s: version %v, %s", name, shape.name, d.Key, d.Version, d.Reason)
				}
			}
			if again := compare(t, c, shape.name, s, func(c *verify.Config) { c.Progress = p }); again.Differing() > 0 {
				t.Errorf("%s, %s, repaired: %v", name, shape.name, told(again))
			}
		}
	}
}

// Rows of HBase that the sink would never look for: it says so, and a repair leaves them, and what has their key, alone.
func TestForeignKeys(t *testing.T) {
	all := shapes()
	c := makeCopies(t, all[1:2], true) // salted, of two columns
	p := startCarrier(t, c.db, nil, c.hbase)
	c.shapes[0].fill(t, c.db, rand.New(rand.NewPCG(1, 1)), 50)
	p.caughtUp(t)
	src := source(t, c.db, "composite")
	var first sink.Stored
	for row, err := range c.hbase.Scan(t.Context(), src.Table()) {
		if err != nil {
			t.Fatal(err)
		}
		first = row
		break
	}
	found, err := c.client.Get(t.Context(), c.tables["composite"], first.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for what, key := range map[string][]byte{"another salt": append([]byte{first.Key[0] ^ 1}, first.Key[1:]...), "no key": []byte("\x00what")} {
		put := client.Mutation{}
		for _, cell := range found.Cells {
			cell.Timestamp = 0
			put.Cells = append(put.Cells, cell)
		}
		if _, err := c.client.Mutate(t.Context(), c.tables["composite"], key, nil, put); err != nil {
			t.Fatal(what, err)
		}
		want[fmt.Sprintf("%q (a key of the sink that no row of the source could have)", key)] = "extra "
	}
	report := compare(t, c, "composite", c.hbase, func(c *verify.Config) { c.Progress, c.Repair = p, true })
	if got := told(report); !maps.Equal(got, want) || report.Repaired != 0 {
		t.Errorf("%v, %d repaired", got, report.Repaired)
	}
	for _, d := range report.Differences {
		if !strings.Contains(d.Repair, "delete it by hand") {
			t.Errorf("%+v", d)
		}
	}
	if now, err := c.hbase.Look(t.Context(), src.Table(), [][]byte{first.Key}); err != nil || now[0].Deleted || now[0].Version.Compare(first.Version) != 0 {
		t.Errorf("the row with the right key is %+v, %v", now[0], err)
	}
}
