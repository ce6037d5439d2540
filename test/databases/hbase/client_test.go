package hbase

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

var (
	family = []byte("d")
	info   = []byte("update_info")
	column = []byte("v")
)

func put(value string) client.Mutation {
	return client.Mutation{Cells: []client.Cell{{Family: family, Qualifier: column, Value: []byte(value)}}}
}

func rowPut(n int) client.Op {
	return client.Op{Row: row(n), Steps: []client.Step{{Mutations: []client.Mutation{put(fmt.Sprint(n))}}}}
}

// What the conditions mean, both ways round: it is easily got wrong.
func TestHBaseConditions(t *testing.T) {
	c := hbaseClient(t, hbaseAddr(t))
	table := hbaseTable(t, c, client.TableSpec{Families: []string{"d"}})
	compare := func(how client.Compare, value string) *client.Condition {
		return &client.Condition{Family: family, Qualifier: column, Compare: how, Value: []byte(value)}
	}
	filter := func(how client.Compare, value string) *client.Condition {
		return &client.Condition{Filter: &client.ColumnIs{Family: family, Qualifier: column, Compare: how, Value: []byte(value)}}
	}
	for i, test := range []struct {
		stored    string
		condition *client.Condition
		want      bool
	}{
		{"", client.Absent(family, column), true},
		{"m", client.Absent(family, column), false},
		{"", compare(client.Greater, "z"), false}, // an absent cell matches an empty value only
		{"", filter(client.Less, "z"), false},     // an absent row passes no filter
		{"m", compare(client.Greater, "z"), true}, // the value given is on the left
		{"m", compare(client.Greater, "a"), false},
		{"m", compare(client.Greater, "m"), false},
		{"m", compare(client.Equal, "m"), true},
		{"m", filter(client.Less, "z"), true}, // what is stored is on the left
		{"m", filter(client.Less, "a"), false},
		{"m", filter(client.Greater, "a"), true},
		{"m", &client.Condition{Filter: client.All{filter(client.Less, "z").Filter, filter(client.Greater, "a").Filter}}, true},
		{"m", &client.Condition{Filter: client.All{filter(client.Less, "z").Filter, filter(client.Greater, "n").Filter}}, false},
		{"m", &client.Condition{Filter: client.Any{filter(client.Less, "a").Filter, filter(client.Greater, "a").Filter}}, true},
	} {
		key := row(i)
		if test.stored != "" {
			if _, err := c.Mutate(t.Context(), table, key, nil, put(test.stored)); err != nil {
				t.Fatal(err)
			}
		}
		done, err := c.Mutate(t.Context(), table, key, test.condition, put("new"))
		if err != nil {
			t.Fatal(err)
		}
		found, err := c.Get(t.Context(), table, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if cell := found.Value(family, column); cell != nil {
			got = string(cell.Value)
		}
		if done != test.want || (got == "new") != test.want {
			t.Errorf("case %d: stored %q: carried out: %v, not %v; then %q is there", i, test.stored, done, test.want, got)
		}
	}
}

// A batch over several regions, read back by a scan in pages, whole, in parts and with a filter.
func TestHBaseBatchAndScan(t *testing.T) {
	c := hbaseClient(t, hbaseAddr(t))
	table := hbaseTable(t, c, client.TableSpec{Families: []string{"d"}, Splits: [][]byte{row(300), row(500), row(800)}})
	ops := make([]client.Op, 1000)
	for i := range ops {
		ops[i] = rowPut((i * 7) % 1000)
	}
	if err := c.Batch(t.Context(), table, ops); err != nil {
		t.Fatal(err)
	}
	for i := range ops {
		if ops[i].Err != nil || !ops[i].Done[0] {
			t.Fatalf("op %d: %+v", i, ops[i])
		}
	}
	scan := func(s client.Scan) (keys []int) {
		t.Helper()
		for r, err := range c.Rows(t.Context(), table, s) {
			if err != nil {
				t.Fatal(err)
			}
			n := int(binary.BigEndian.Uint32(r.Key))
			if string(r.Cells[0].Value) != fmt.Sprint(n) {
				t.Fatalf("row %d holds %q", n, r.Cells[0].Value)
			}
			keys = append(keys, n)
		}
		return keys
	}
	check := func(what string, keys []int, first, count int) {
		t.Helper()
		if len(keys) != count || keys[0] != first || keys[count-1] != first+count-1 {
			t.Errorf("%s: %d rows, from %v", what, len(keys), keys[:min(3, len(keys))])
		}
	}
	check("all", scan(client.Scan{Page: 37}), 0, 1000)
	check("from, to", scan(client.Scan{Start: row(250), Stop: row(650), Page: 100}), 250, 400)
	check("up to a region's end", scan(client.Scan{Start: row(250), Stop: row(500)}), 250, 250)
	check("limit", scan(client.Scan{Start: row(290), Limit: 20, Page: 7}), 290, 20)
	check("filter", scan(client.Scan{Filter: &client.ColumnIs{Family: family, Qualifier: column, Compare: client.Equal, Value: []byte("777")}}), 777, 1)
	gets := make([]client.Op, 1000)
	for i := range gets {
		gets[i] = client.Op{Row: row(i), Get: client.Columns{{Family: family, Qualifiers: [][]byte{column}}}}
	}
	if err := c.Batch(t.Context(), table, gets); err != nil {
		t.Fatal(err)
	}
	for i := range gets {
		if cell := gets[i].Found.Value(family, column); cell == nil || string(cell.Value) != fmt.Sprint(i) {
			t.Fatalf("get %d: %+v", i, gets[i])
		}
	}
}

// Errors have names, and one row's does not touch the others.
func TestHBaseErrors(t *testing.T) {
	c := hbaseClient(t, hbaseAddr(t))
	table := hbaseTable(t, c, client.TableSpec{Families: []string{"d"}})
	if _, err := c.Get(t.Context(), "not_there", row(1), nil); !errors.Is(err, client.ErrTableNotFound) || !strings.Contains(err.Error(), "not_there") {
		t.Errorf("a table that is not there: %v", err)
	}
	if _, err := c.Families(t.Context(), "not_there"); !errors.Is(err, client.ErrTableNotFound) {
		t.Errorf("families of a table that is not there: %v", err)
	}
	if families, err := c.Families(t.Context(), table); err != nil || len(families) != 1 || families[0] != "d" {
		t.Errorf("families: %q, %v", families, err)
	}
	elsewhere := client.Mutation{Cells: []client.Cell{{Family: []byte("nope"), Qualifier: column, Value: []byte("x")}}}
	large := put(strings.Repeat("x", 10<<20+1))
	absent := client.Absent(family, column)
	ops := []client.Op{
		{Row: row(1), Steps: []client.Step{{Condition: absent, Mutations: []client.Mutation{put("1")}}}},
		{Row: row(2), Steps: []client.Step{{Condition: absent, Mutations: []client.Mutation{elsewhere}}}},
		{Row: row(3), Steps: []client.Step{{Condition: absent, Mutations: []client.Mutation{large}}}},
		{Row: nil, Steps: []client.Step{{Condition: absent, Mutations: []client.Mutation{put("1")}}}},
		{Row: make([]byte, client.MaxRow+1), Steps: []client.Step{{Condition: absent, Mutations: []client.Mutation{put("1")}}}},
		{Row: row(4), Steps: []client.Step{{Condition: absent, Mutations: []client.Mutation{put("4")}}}},
	}
	if err := c.Batch(t.Context(), table, ops); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(ops[1].Err, client.ErrNoFamily) || !errors.Is(ops[2].Err, client.ErrTooLarge) || ops[3].Err == nil || !errors.Is(ops[4].Err, client.ErrTooLarge) {
		t.Errorf("%v\n%v\n%v\n%v", ops[1].Err, ops[2].Err, ops[3].Err, ops[4].Err)
	}
	if !ops[0].Done[0] || !ops[5].Done[0] {
		t.Errorf("rows without fault were not written: %+v, %+v", ops[0], ops[5])
	}
	small, err := client.Open(client.Options{ZooKeeper: []string{hbaseAddr(t)}, RequestMax: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = small.Close() }()
	ops = []client.Op{{Row: row(5), Steps: []client.Step{{Mutations: []client.Mutation{large}}}}, rowPut(6)}
	if err := small.Batch(t.Context(), table, ops); err != nil || !errors.Is(ops[0].Err, client.ErrTooLarge) || !ops[1].Done[0] {
		t.Errorf("a row larger than a request: %v, %v, %+v", err, ops[0].Err, ops[1])
	}
	if err := c.CreateTable(t.Context(), client.TableSpec{Name: table, Families: []string{"d"}}); err == nil || !strings.Contains(err.Error(), "TableExistsException") {
		t.Errorf("a table made twice: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := c.Get(ctx, table, row(1), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without time: %v", err)
	}
	closed := hbaseClient(t, hbaseAddr(t))
	if _, err := closed.Get(t.Context(), table, row(1), nil); err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Get(t.Context(), table, row(1), nil); !errors.Is(err, client.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
