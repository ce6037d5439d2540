package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/verify"
)

// compared is what `skein sync verify -o json` says of one table in one sink.
type compared struct {
	Sink string `json:"sink"`
	verify.Report
}

// skeinVerify asks the binary about all tables in all sinks.
func (w *world) skeinVerify(ctx context.Context) (all []compared, code int) {
	w.Helper()
	args := []string{"sync", "verify", filepath.Join(w.dir, "pipeline.yaml"), "-o", "json", "--wait", "2m"}
	for _, t := range tables() {
		args = append(args, "shop."+t.name)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.binary, args...)
	cmd.Env = append(os.Environ(), w.sync.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			w.Fatal(err)
		}
	}
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		w.Fatalf("skein sync verify: %v\n%s%s", err, out.Bytes(), errs.Bytes())
	}
	if want := 2 * len(tables()); len(all) != want {
		w.Fatalf("skein sync verify compared %d times, not %d", len(all), want)
	}
	return all, cmd.ProcessState.ExitCode()
}

// verify lets skein itself compare: there is no difference, and of what somebody then changes in the targets by hand exactly that is
// found.
func (w *world) verify(ctx context.Context) {
	w.Helper()
	began := time.Now()
	all, code := w.skeinVerify(ctx)
	rows := int64(0)
	for _, c := range all {
		if c.Differing() > 0 || c.InFlight > 0 || c.Rows == 0 {
			w.Errorf("%s in %s: %+v", c.Table, c.Sink, c.Report)
		}
		rows += c.Rows
	}
	if code != 0 {
		w.Errorf("skein sync verify ended with code %d", code)
	}
	w.Logf("skein sync verify compared %d rows in both targets, in %v", rows, time.Since(began).Round(time.Millisecond))
	if w.Failed() {
		return
	}
	planted := map[string]string{"mysql": w.plantInMariaDB(ctx), "hbase": w.plantInHBase(ctx)}
	columns := map[string]string{"mysql": "note", "hbase": "d:note"}
	all, code = w.skeinVerify(ctx)
	for _, c := range all {
		key := planted[c.Sink]
		switch {
		case c.Table != "shop.stock" || c.Differing() != 1:
			if c.Differing() > 0 || c.Table == "shop.stock" || c.InFlight > 0 {
				w.Errorf("one row of stock is wrong; of %s in %s it is told: %+v", c.Table, c.Sink, c.Report)
			}
		case c.Different != 1 || c.Differences[0].Key != key || len(c.Differences[0].Columns) != 1 || c.Differences[0].Columns[0].Name != columns[c.Sink] || *c.Differences[0].Columns[0].Sink != byHand:
			w.Errorf("note of row %s of stock is wrong; in %s it is told: %+v", key, c.Sink, c.Differences)
		}
	}
	if code != 1 {
		w.Errorf("with two differences skein sync verify ended with code %d", code)
	}
}

// byHand is what somebody writes who should not.
const byHand = "by hand"

func (w *world) plantInMariaDB(ctx context.Context) (key string) {
	w.Helper()
	if err := w.target.sql.QueryRowContext(ctx, "SELECT sku FROM stock WHERE row_deleted = 0 ORDER BY sku LIMIT 1").Scan(&key); err != nil {
		w.Fatal(err)
	}
	if _, err := w.target.sql.ExecContext(ctx, "UPDATE stock SET note = ? WHERE sku = ?", byHand, key); err != nil {
		w.Fatal(err)
	}
	return key
}

// plantInHBase takes another row than plantInMariaDB.
func (w *world) plantInHBase(ctx context.Context) (key string) {
	w.Helper()
	if err := w.source.sql.QueryRowContext(ctx, "SELECT sku FROM stock ORDER BY sku DESC LIMIT 1").Scan(&key); err != nil {
		w.Fatal(err)
	}
	c, err := client.Open(client.Options{ZooKeeper: []string{w.hbase.Addr()}})
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	note := client.Cell{Family: []byte("d"), Qualifier: []byte("note"), Value: []byte(byHand)}
	if _, err := c.Mutate(ctx, "stock", []byte(key), nil, client.Mutation{Cells: []client.Cell{note}}); err != nil {
		w.Fatal(err)
	}
	return key
}
