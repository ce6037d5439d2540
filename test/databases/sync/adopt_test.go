package sync

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

const adoptFile = `name: adopted
brokers: {addresses: $BROKER}
topics: {prefix: adopted, partitions: 2}
source:
  connector: mariadb
  address: $SOURCE
  user: skein
  password: {file: password}
  server-id: 4717
  snapshot: never
  tables: [adopted.*]
sink:
  type: hbase
  zookeeper: $ZOOKEEPER
  tables:
    adopted.words: {name: adopted_words}
    adopted.longs: {name: adopted_longs}
`

const (
	adoptRows = 20_000
	// adoptAt is when others wrote the rows, in seconds.
	adoptAt = 1_700_000_000
)

// report is what skein sync adopt -o json tells.
type report struct {
	Executed                                          bool
	Epoch                                             int
	Rows, Adopted, Ours, Unversioned, Failed, Changed int
	Times                                             map[string]int
	Oldest, Newest, Next                              string
	Examples                                          []struct{ Key, Form, Was, ExecuteTime string }
	Left                                              []struct{ Key, Why string }
}

func adopt(t testing.TB, path, table string, args ...string) (r report, errs string, code int) {
	t.Helper()
	out, errs, code := skein(t, append([]string{"sync", "adopt", path, table, "-o", "json"}, args...)...)
	r = reported(t, out, errs)
	return r, errs, code
}

func reported(t testing.TB, out, errs string) (r report) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, errs)
	}
	return r
}

// A table of HBase with times as text and one with longs, as others wrote them, is shown, adopted in spite of kill -9 and of an
// interrupt, and then written by a pipeline: an older change does not win, a newer one does.
func TestAdopt(t *testing.T) {
	hbase := hbaseClient(t)
	source := shared.source
	source.exec(t, "DROP DATABASE IF EXISTS adopted", "CREATE DATABASE adopted")
	for _, table := range []string{"words", "longs"} {
		source.exec(t, "CREATE TABLE adopted."+table+" (id INT PRIMARY KEY, v VARCHAR(20))")
	}
	path := file(t, adoptFile)

	word := func() []byte { return strconv.AppendInt(nil, adoptAt, 10) }
	long := func() []byte { return binary.BigEndian.AppendUint64(nil, adoptAt*1000) }
	fill(t, hbase, "adopted_words", word)
	put(t, hbase, "adopted_words", foreignRow("yesterday", []byte("yesterday")), foreignRow("bare", nil))

	// It is shown what is there, and what cannot be adopted; nothing is written.
	shown, errs, code := adopt(t, path, "adopted.words", "--sample", "1000000")
	if code != 1 || shown.Executed || shown.Epoch != 1 || shown.Rows != adoptRows+2 || shown.Adopted != adoptRows || shown.Failed != 1 || shown.Unversioned != 1 ||
		shown.Times["text, seconds"] != adoptRows || shown.Oldest != "2023-11-14T22:13:20Z" || shown.Newest != shown.Oldest {
		t.Errorf("%d: %+v", code, shown)
	}
	if len(shown.Left) != 1 || shown.Left[0].Key != "yesterday" || !strings.Contains(shown.Left[0].Why, `update_info:execute_time: "yesterday" is not a time`) {
		t.Errorf("what cannot be adopted: %+v", shown.Left)
	}
	if len(shown.Examples) != 3 || shown.Examples[0].Was != "1700000000" || shown.Examples[0].ExecuteTime != "2023-11-14T22:13:20Z" {
		t.Errorf("the examples are %+v", shown.Examples)
	}
	if !strings.Contains(errs, "nothing is changed yet: --execute does it") {
		t.Errorf("it says %q", errs)
	}
	if n := versions(t, hbase, "adopted_words"); n != 0 {
		t.Fatalf("%d rows were written although it was only to be shown", n)
	}

	// It is killed in the middle, and does the rest when it is begun anew.
	var keys []string
	for id := range adoptRows {
		keys = append(keys, rowKey(id))
	}
	slices.Sort(keys)
	some := keys[2000] // it is of a batch that is neither the first nor among the last
	var before int
	middle(t, "it is killed", func() bool {
		fill(t, hbase, "adopted_words", word)
		p := begin(t, "sync", "adopt", path, "adopted.words", "--execute")
		whenAdopted(t, hbase, "adopted_words", some)
		p.kill()
		before = versions(t, hbase, "adopted_words")
		return before < adoptRows
	})
	t.Logf("it was killed after %d of %d rows", before, adoptRows)
	rest, errs, code := adopt(t, path, "adopted.words", "--execute")
	// What the server had in hand when the process died it has written later.
	if code != 0 || !rest.Executed || rest.Ours < before || rest.Adopted == 0 || rest.Adopted+rest.Ours != adoptRows || rest.Failed != 0 || rest.Changed != 0 {
		t.Errorf("the rest: %d, %+v\n%s", code, rest, errs)
	}
	if again, errs, code := adopt(t, path, "adopted.words", "--execute"); code != 0 || again.Ours != adoptRows || again.Adopted != 0 {
		t.Errorf("again: %d, %+v\n%s", code, again, errs)
	}

	// A wrong unit adopts nothing.
	fill(t, hbase, "adopted_longs", long)
	wrong, _, code := adopt(t, path, "adopted.longs", "--unit", "seconds", "--list", "2")
	if code != 1 || wrong.Adopted != 0 || wrong.Failed != wrong.Rows || len(wrong.Left) != 2 || !strings.Contains(wrong.Left[0].Why, "1700000000000 is after the year 9999") {
		t.Errorf("a wrong unit: %d, %+v", code, wrong)
	}
	// It is interrupted, tells where it was, and goes on there.
	var interrupted report
	middle(t, "it is interrupted", func() bool {
		fill(t, hbase, "adopted_longs", long)
		p := begin(t, "sync", "adopt", path, "adopted.longs", "--execute", "--keep-old", "-o", "json")
		whenAdopted(t, hbase, "adopted_longs", some)
		if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		err := p.ended()
		document, said, _ := strings.Cut(p.log.String(), "\n}\n")
		if interrupted = reported(t, document+"\n}\n", said); err == nil {
			return false
		}
		if !strings.Contains(said, "skein: interrupted; what is adopted stays: begin anew") || !strings.Contains(said, "--from '"+interrupted.Next+"'") {
			t.Errorf("it says %q", said)
		}
		return true
	})
	t.Logf("it was interrupted after %d rows, before %q", interrupted.Rows, interrupted.Next)
	rest, errs, code = adopt(t, path, "adopted.longs", "--execute", "--keep-old", "--from", interrupted.Next)
	if code != 0 || interrupted.Next == "" || rest.Rows >= adoptRows || rest.Rows == 0 || rest.Failed != 0 || versions(t, hbase, "adopted_longs") != adoptRows {
		t.Errorf("the rest: %d, %+v\n%s", code, rest, errs)
	}

	// The pipeline: of each three rows one is changed as of before, one as of after, one not at all.
	p := runPipeline(t, path)
	until(t, "the source reads", func() (string, bool) {
		s := status(t, path).Source
		return fmt.Sprintf("%+v", s), len(s.Processes) == 1 && s.Processes[0].State == "running" && s.Kept != nil
	})
	for _, change := range []struct { // times of a source's changes never go back, so all that are older come first
		at, rest int
		v        string
	}{{adoptAt - 100, 0, "older"}, {adoptAt + 100, 1, "newer"}} {
		for _, table := range []string{"words", "longs"} {
			var values []string
			for id := change.rest; id < adoptRows; id += 3 {
				values = append(values, fmt.Sprintf("(%d, '%s')", id, change.v))
			}
			source.exec(t, fmt.Sprintf("SET TIMESTAMP = %d; INSERT INTO adopted.%s VALUES %s; SET TIMESTAMP = DEFAULT", change.at, table, strings.Join(values, ", ")))
		}
	}
	for _, table := range []string{"words", "longs"} {
		until(t, "the changes of "+table, func() (string, bool) {
			s := status(t, path).Sinks[0]
			of := s.Tables["adopted."+table]
			done := int(of.Put + of.Stale + of.ClockBack + of.Duplicate + of.Folded + of.Refused)
			return fmt.Sprintf("%+v", s), s.Lag == 0 && done >= adoptRows*2/3
		})
		wrong := 0
		for row, err := range hbase.Rows(t.Context(), "adopted_"+table, client.Scan{}) {
			if err != nil {
				t.Fatal(err)
			}
			id, err := strconv.Atoi(string(row.Key))
			if err != nil {
				continue // bare
			}
			want := []string{"theirs", "newer", "theirs"}[id%3]
			if v := row.Value([]byte("d"), []byte("v")); (v == nil || string(v.Value) != want) && wrong < 5 {
				wrong++
				t.Errorf("row %d of %s is %+v, not %s", id, table, v, want)
			}
		}
		if got := status(t, path).Sinks[0].Tables["adopted."+table]; got.Refused != 0 || got.Stale+got.ClockBack == 0 || got.Put == 0 {
			t.Errorf("of %s %+v", table, got)
		}
	}
	p.stop()
}

// middle tries until what goes on was ended in the middle, which a fast machine may not always let happen.
func middle(t testing.TB, what string, try func() bool) {
	t.Helper()
	for range 10 {
		if try() {
			return
		}
	}
	t.Fatalf("%s: it was always done before", what)
}

func rowKey(id int) string { return strconv.Itoa(id) }

// fill makes a table anew with rows as others wrote them.
func fill(t testing.TB, c *client.Client, table string, execute func() []byte) {
	t.Helper()
	if _, err := c.Families(t.Context(), table); err == nil {
		if err := c.DeleteTable(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.CreateTable(t.Context(), client.TableSpec{Name: table, Families: []string{"d", "update_info"}}); err != nil {
		t.Fatal(err)
	}
	for from := 0; from < adoptRows; from += 1000 {
		var ops []client.Op
		for id := from; id < from+1000; id++ {
			ops = append(ops, foreignRow(rowKey(id), execute()))
		}
		put(t, c, table, ops...)
	}
}

func foreignRow(key string, execute []byte) client.Op {
	cells := []client.Cell{{Family: []byte("d"), Qualifier: []byte("v"), Value: []byte("theirs")}}
	if execute != nil {
		cells = append(cells, client.Cell{Family: []byte("update_info"), Qualifier: []byte("execute_time"), Value: execute})
	}
	return client.Op{Row: []byte(key), Steps: []client.Step{{Mutations: []client.Mutation{{Cells: cells}}}}}
}

func put(t testing.TB, c *client.Client, table string, ops ...client.Op) {
	t.Helper()
	if err := c.Batch(t.Context(), table, ops); err != nil {
		t.Fatal(err)
	}
	for i := range ops {
		if ops[i].Err != nil {
			t.Fatal(ops[i].Err)
		}
	}
}

func whenAdopted(t testing.TB, c *client.Client, table, key string) {
	t.Helper()
	until(t, "the first rows", func() (string, bool) {
		row, err := c.Get(t.Context(), table, []byte(key), nil)
		if err != nil {
			t.Fatal(err)
		}
		return "", row.Value([]byte("update_info"), []byte("version")) != nil
	})
}

// versions counts the rows that are adopted.
func versions(t testing.TB, c *client.Client, table string) (n int) {
	t.Helper()
	for row, err := range c.Rows(t.Context(), table, client.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Value([]byte("update_info"), []byte("version")) != nil {
			n++
		}
	}
	return n
}
