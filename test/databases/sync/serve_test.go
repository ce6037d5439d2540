package sync

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/pipeline"
)

const servedFile = `name: served_NAME
brokers: {addresses: $BROKER}
topics: {prefix: served_NAME}
source:
  connector: mariadb
  address: $SOURCE
  user: skein
  password: {file: password}
  server-id: SERVERID
  tables: [served_NAME.*]
`

const servedMySQL = `sink:
  type: mysql
  address: $TARGET
  user: skein
  password: {file: password}
  database: served_one
  layout: side-table
  tables: [served_one.stock]
`

const servedHBase = `sink:
  type: hbase
  zookeeper: $ZOOKEEPER
  create: true
  tables: {served_two.stock: {name: served_two}}
`

// Two pipelines of one service, one into MariaDB and one into HBase, beside a broken file: each command does to its own pipeline what
// it says, and what is paused or removed writes nothing until it is back.
func TestServe(t *testing.T) {
	source, target, hbase := shared.source, shared.target, hbaseClient(t)
	dir := t.TempDir()
	named := func(name, id, sink string) string {
		path := file(t, strings.NewReplacer("NAME", name, "SERVERID", id).Replace(servedFile)+sink)
		as := filepath.Join(filepath.Dir(path), name+".yaml")
		if err := os.Rename(path, as); err != nil {
			t.Fatal(err)
		}
		return as
	}
	one, two := named("one", "4714", servedMySQL), named("two", "4715", servedHBase)
	password, err := os.ReadFile(filepath.Join(filepath.Dir(one), "password"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"password": string(password), "broken.yaml": "name: broken\nsinc: {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"served_one", "served_two"} {
		source.exec(t, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name, "CREATE TABLE "+name+".stock (id INT PRIMARY KEY, v VARCHAR(20))")
	}
	target.exec(t, "DROP DATABASE IF EXISTS served_one", "CREATE DATABASE served_one", "CREATE TABLE served_one.stock (id INT PRIMARY KEY, v VARCHAR(20))")

	written := 0
	write := func() { // to both
		t.Helper()
		written++
		for _, name := range []string{"served_one", "served_two"} {
			source.exec(t, fmt.Sprintf("INSERT INTO %s.stock VALUES (%d, 'v%[2]d')", name, written))
		}
	}
	upTo := func(n int) string {
		var b strings.Builder
		for i := 1; i <= n; i++ {
			fmt.Fprintf(&b, "%d|v%[1]d\n", i)
		}
		return b.String()
	}
	inOne := func() string { return target.rows(t.Context(), "SELECT id, v FROM served_one.stock ORDER BY id") }
	inTwo := func() string { return cells(t.Context(), hbase, "served_two", "d", "v") }
	arrives := func(what string, got func() string) {
		t.Helper()
		same(t, what, func() string { return upTo(written) }, got)
	}
	stays := func(what string, got func() string, n int) {
		t.Helper()
		if now := got(); now != upTo(n) {
			t.Errorf("%s: it has\n%s\nand not what it had, up to %d", what, now, n)
		}
	}
	do := func(command, name string) {
		t.Helper()
		if out, errs, code := skein(t, "sync", command, dir, name); code != 0 {
			t.Fatalf("%s %s: %d\n%s%s", command, name, code, out, errs)
		}
	}
	listed := func() string {
		out, errs, code := skein(t, "sync", "list", dir, "-o", "json")
		var files []pipeline.Served
		if err := json.Unmarshal([]byte(out), &files); err != nil || code != 0 {
			t.Fatalf("list: %d, %v\n%s%s", code, err, out, errs)
		}
		var all []string
		for _, f := range files {
			all = append(all, f.File+" "+f.State)
		}
		return strings.Join(all, ", ")
	}
	are := func(want string) {
		t.Helper()
		until(t, want, func() (string, bool) { got := listed(); return got, got == want })
	}

	service := begin(t, "sync", "serve", dir)
	write()
	are("broken.yaml broken")
	do("add", one)
	do("add", two)
	are("broken.yaml broken, one.yaml running, two.yaml running")
	arrives("what was there, in MariaDB", inOne)
	arrives("what was there, in HBase", inTwo)
	write()
	arrives("a change, in MariaDB", inOne)
	arrives("a change, in HBase", inTwo)

	do("pause", "served_one")
	are("broken.yaml broken, one.yaml paused, two.yaml running")
	write()
	arrives("while the other is paused, in HBase", inTwo)
	stays("while it is paused", inOne, written-1)
	do("resume", "served_one")
	are("broken.yaml broken, one.yaml running, two.yaml running")
	arrives("when it is resumed", inOne)

	do("remove", "served_two")
	are("broken.yaml broken, one.yaml running") // list tells of it as long as it runs
	write()
	arrives("while the other is removed, in MariaDB", inOne)
	stays("when it is removed", inTwo, written-1)
	do("add", two)
	are("broken.yaml broken, one.yaml running, two.yaml running")
	arrives("when it is added again", inTwo)

	// What was broken is put right, and waits for a server that is not there.
	away := strings.NewReplacer("NAME", "away", "SERVERID", "4716", "$SOURCE", "127.0.0.1:1", "$BROKER", shared.broker.Addr()).Replace(servedFile)
	if err := os.WriteFile(filepath.Join(dir, "broken.yaml"), []byte(away), 0o600); err != nil {
		t.Fatal(err)
	}
	are("broken.yaml running, one.yaml running, two.yaml running")
	write()
	arrives("beside one that waits, in MariaDB", inOne)
	arrives("beside one that waits, in HBase", inTwo)

	service.stop()
	if out, _, _ := skein(t, "sync", "list", dir); !strings.Contains(out, "no service runs in") {
		t.Errorf("afterwards\n%s", out)
	}
	write()
	stays("when the service has ended", inOne, written-1)
	stays("when the service has ended", inTwo, written-1)
}
