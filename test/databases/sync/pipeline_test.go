package sync

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/pipeline"
)

const shopFile = `name: shop
brokers: {addresses: $BROKER}
topics: {prefix: shop, partitions: 3}
source:
  connector: mariadb
  address: $SOURCE
  user: skein
  password: {file: password}
  server-id: 4711
  tables: [shop.*]
sinks:
  - type: hbase
    zookeeper: $ZOOKEEPER
    create: true
    tables:
      shop.orders: {name: shop_orders, salt: 4}
      shop.items: {name: shop_items}
  - type: mysql
    address: $TARGET
    user: skein
    password: {file: password}
    database: copy
    layout: side-table
    tables: [shop.*]
    bad-records: dead-letter
`

const (
	ordersTable = "(id BIGINT PRIMARY KEY, customer VARCHAR(40) NOT NULL, note TEXT, amount DECIMAL(12,2) NOT NULL)"
	itemsTable  = "(order_id BIGINT, line INT, what VARCHAR(40), PRIMARY KEY (order_id, line))"
)

// The whole way, while the process, the target's server and the broker are killed: both targets end as the source is, status tells
// what goes on, and what is told to end ends.
func TestPipeline(t *testing.T) {
	source, target := shared.source, shared.target
	source.exec(t, "DROP DATABASE IF EXISTS shop", "CREATE DATABASE shop", "CREATE TABLE shop.orders "+ordersTable, "CREATE TABLE shop.items "+itemsTable)
	target.exec(t, "DROP DATABASE IF EXISTS copy", "CREATE DATABASE copy", "CREATE TABLE copy.orders "+ordersTable, "CREATE TABLE copy.items "+itemsTable)
	path := file(t, shopFile)
	work(t, 0) // the snapshot finds these
	if out, errs, code := skein(t, "sync", "check", path); code != 0 {
		t.Fatalf("check fails: %s\n%s", errs, out)
	}
	hbase := hbaseClient(t)
	equal := func(what string) {
		t.Helper()
		ctx := t.Context()
		same(t, what+": MySQL's orders", func() string { return source.rows(ctx, "SELECT * FROM shop.orders ORDER BY id") }, func() string { return target.rows(ctx, "SELECT * FROM copy.orders ORDER BY id") })
		same(t, what+": MySQL's items", func() string { return source.rows(ctx, "SELECT * FROM shop.items ORDER BY 1, 2") }, func() string { return target.rows(ctx, "SELECT * FROM copy.items ORDER BY 1, 2") })
		same(t, what+": HBase's items", func() string {
			return source.rows(ctx, "SELECT CONCAT(order_id, '|', line), what FROM shop.items ORDER BY CAST(CONCAT(order_id, '|', line) AS BINARY)")
		}, func() string { return cells(ctx, hbase, "shop_items", "d", "what") })
		same(t, what+": HBase's orders", func() string {
			return source.rows(ctx, "SELECT COUNT(*), SUM(amount) FROM shop.orders")
		}, func() string { return totals(cells(ctx, hbase, "shop_orders", "d", "amount")) })
	}

	p := runPipeline(t, path)
	work(t, 1) // while it is taken
	equal("at first")
	s := status(t, path)
	if len(s.Source.Processes) != 1 || len(s.Sinks) != 2 || s.Sinks[0].Processes[0].State != "running" || s.Source.Kept == nil || s.Source.Server == nil {
		t.Errorf("status is %+v", s)
	}
	until(t, "lag", func() (string, bool) {
		s = status(t, path)
		return fmt.Sprintf("%+v", s.Sinks), s.Sinks[0].Lag == 0 && s.Sinks[1].Lag == 0 && s.Source.BehindBytes != nil && *s.Source.BehindBytes == 0
	})
	if s.Source.Snapshot == nil || s.Source.Snapshot.Done != 2 || s.Source.Snapshot.Rows == 0 {
		t.Errorf("the snapshot is %+v", s.Source.Snapshot)
	}
	if got := s.Sinks[1].Tables["shop.orders"]; got.Put == 0 || got.Refused != 0 {
		t.Errorf("of orders %+v", got)
	}
	for _, topic := range s.Sinks[1].Topics {
		if topic.Lag != 0 || topic.Applied == nil || topic.BehindMs == nil || *topic.BehindMs != 0 || len(topic.Partitions) != 3 {
			t.Errorf("of a topic %+v", topic)
		}
	}

	p.kill()
	work(t, 2)
	p = runPipeline(t, path)
	equal("after a crash")

	if err := target.Kill(); err != nil {
		t.Fatal(err)
	}
	work(t, 3)
	until(t, "blocked", func() (string, bool) {
		s := status(t, path).Sinks[1]
		return fmt.Sprintf("%+v", s), s.Lag > 0 && len(s.Blocked) > 0 && s.Blocked[0].Why != "" && s.Blocked[0].Topic != ""
	})
	if out, _, _ := skein(t, "sync", "status", path); !strings.Contains(out, "blocked at shop.shop.") {
		t.Errorf("status does not say where it is blocked:\n%s", out)
	}
	if err := target.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal("after the target was away")

	if err := shared.broker.Kill(); err != nil {
		t.Fatal(err)
	}
	work(t, 4)
	if err := shared.broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal("after the broker was away")

	target.exec(t, "ALTER TABLE copy.items MODIFY what VARCHAR(5)")
	source.exec(t, "INSERT INTO shop.items VALUES (900, 1, 'far too long'), (901, 1, 'ok')")
	until(t, "the bad record", func() (string, bool) {
		got := target.rows(t.Context(), "SELECT * FROM copy.items WHERE order_id >= 900")
		s := status(t, path).Sinks[1]
		return got + fmt.Sprintf("%+v", s), got == "901|1|ok\n" && s.Tables["shop.items"].Refused == 1 && s.Lag == 0
	})
	out, _, _ := skein(t, "consume", "shop.dead-letter", "--bootstrap-server", shared.broker.Addr(), "--from-beginning", "-e", "-o", "json")
	if !strings.Contains(out, "far too long") || !strings.Contains(out, "skein-error") {
		t.Errorf("the dead letters are %s", out)
	}

	p.stop()
	s = status(t, path)
	for _, left := range [][]pipeline.Process{s.Source.Processes, s.Sinks[0].Processes, s.Sinks[1].Processes} {
		for _, one := range left {
			if !one.Stale { // the one that was killed may be told of for a while
				t.Errorf("somebody is said to run it: %+v", one)
			}
		}
	}
}

// work changes rows in each way, 60 transactions of them.
func work(t *testing.T, round int) {
	t.Helper()
	for i := range 20 {
		id := round*20 + i
		shared.source.exec(t,
			fmt.Sprintf("INSERT INTO shop.orders VALUES (%d, 'customer %d', NULL, %d.25)", id, id, id),
			fmt.Sprintf("INSERT INTO shop.items VALUES (%d, 1, 'goose'), (%d, 2, 'yarn')", id, id),
			fmt.Sprintf("UPDATE shop.orders SET note = 'sent', amount = amount + 1 WHERE id %% 7 = %d", i%7))
		if i%5 == 4 {
			shared.source.exec(t, fmt.Sprintf("DELETE FROM shop.orders WHERE id = %d", id-2), fmt.Sprintf("DELETE FROM shop.items WHERE order_id = %d AND line = 2", id-1),
				fmt.Sprintf("UPDATE shop.items SET line = 3 WHERE order_id = %d AND line = 1", id))
		}
	}
}

// totals counts lines of key|amount and adds the amounts.
func totals(lines string) string {
	n, cents := 0, 0
	for line := range strings.Lines(lines) {
		_, amount, _ := strings.Cut(strings.TrimSpace(line), "|")
		var whole, part int
		if _, err := fmt.Sscanf(amount, "%d.%d", &whole, &part); err != nil {
			return lines
		}
		n, cents = n+1, cents+100*whole+part
	}
	return fmt.Sprintf("%d|%d.%02d\n", n, cents/100, cents%100)
}
