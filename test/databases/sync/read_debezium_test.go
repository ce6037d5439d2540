package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/test/databases/debezium"
)

const debeziumOrders = "id BIGINT UNSIGNED, customer VARCHAR(40) NOT NULL, amount DECIMAL(12,2), state ENUM('new','paid','sent'), tags SET('gift','fragile','cold'), paid TIMESTAMP NULL, due DATE, at DATETIME(6), seal VARBINARY(16), big BIGINT UNSIGNED, note TEXT"

// captured lets Debezium itself write a table's history into the topics dbz and dbz.shop.orders, by Kafka's own producer, and returns the
// second. The source's database is deb.
func captured(t *testing.T) []*kgo.Record {
	t.Helper()
	const row = "'heron 鶴 🦆', 10.50, 'new', 'gift,fragile', '2024-03-01 10:00:00', '2024-02-29', '2024-02-29 12:34:56.789012', X'00FF8027', 18446744073709551615, NULL)"
	shared.source.exec(t, "DROP DATABASE IF EXISTS deb", "CREATE DATABASE deb CHARACTER SET utf8mb4", "CREATE TABLE deb.orders ("+debeziumOrders+", PRIMARY KEY (id))",
		"INSERT INTO deb.orders VALUES (5, "+row+", (6, "+row)
	topic(t, "read_dbz", 1) // stays empty
	topic(t, "dbz", 1)
	topic(t, "dbz.deb.orders", 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	engine, err := debezium.Start(ctx, debezium.Config{Dir: t.TempDir(), Addr: shared.source.Addr(), Database: "deb", ServerID: 7002, Brokers: shared.broker.Addr(),
		Properties: "bigint.unsigned.handling.mode=precise\ntable.include.list=deb.orders\n"})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if log := engine.Stop(); !stopped {
			t.Logf("Debezium's log ends with\n%s", log)
		}
	}()
	wait := func(lines int) {
		t.Helper()
		for range lines {
			for {
				select {
				case line, ok := <-engine.Lines:
					if !ok {
						t.Fatal("Debezium ended")
					}
					if strings.HasPrefix(line, "dbz.deb.orders\t") {
						break
					}
					continue
				case <-ctx.Done():
					t.Fatal("Debezium does not write what was changed")
				}
				break
			}
		}
	}
	wait(2) // the snapshot
	shared.source.exec(t, "INSERT INTO deb.orders VALUES (1, "+row+", (2, "+row+", (3, "+row+", (9223372036854775807, "+row,
		"UPDATE deb.orders SET state = 'paid' WHERE id = 1", "UPDATE deb.orders SET id = 30, state = 'paid' WHERE id = 3", "DELETE FROM deb.orders WHERE id = 2",
		"UPDATE deb.orders SET customer = 'was changed', amount = -5.5 WHERE id = 5", "UPDATE deb.orders SET state = 'sent', customer = 'heron', note = 'new' WHERE id = 1",
		"INSERT INTO deb.orders VALUES (4, "+row, "DELETE FROM deb.orders WHERE id = 4", "INSERT INTO deb.orders VALUES (4, "+row, "UPDATE deb.orders SET due = NULL, seal = NULL WHERE id = 4")
	// An update of the key and each delete are followed by a tombstone.
	wait(4 + 1 + 3 + 2 + 1 + 1 + 1 + 2 + 1 + 1)
	stopped = true
	return everything(t, "dbz.deb.orders")
}

// What Debezium's own code writes into a topic ends in both targets, by skein sync run.
func TestReadDebezium(t *testing.T) {
	records := captured(t)
	const columns = "id, customer, amount, state, tags, UNIX_TIMESTAMP(paid), due, at, HEX(seal), big, note"
	f := &foreign{
		format: "debezium", key: []string{"id"}, columns: debeziumOrders, records: records, table: "deb.orders", inMySQL: columns,
		wantInMySQL: func() string {
			return shared.source.rows(context.Background(), "SELECT "+columns+" FROM deb.orders ORDER BY id")
		},
		inHBase: "customer,amount,state,tags,paid,due,at,seal,big,note",
		wantInHBase: func() string { // Debezium does not tell that paid has no digits behind the second
			return shared.source.rows(context.Background(), "SELECT id, customer, amount, state, tags, CONCAT(CONVERT_TZ(paid, @@time_zone, '+00:00'), '.000000'), due, at, seal, big, note FROM deb.orders ORDER BY CAST(id AS CHAR)")
		},
		broken: []broken{
			{what: "broken JSON", says: "broken JSON", record: &kgo.Record{Key: records[0].Key, Value: records[0].Value[:len(records[0].Value)-20]}},
			{what: "no primary key", says: "no primary key", record: &kgo.Record{Value: records[0].Value}},
			{what: "a record that was flattened tells no position", says: "a record that was flattened tells no position", record: &kgo.Record{Key: records[0].Key, Value: []byte(`{"op":"c","id":1}`)}},
			{what: "column 'customer'", says: "column 'customer'", only: "mysql", record: &kgo.Record{Key: []byte(`{"id":81}`), Value: []byte(`{"op":"c","before":null,"after":{"id":81,"customer":"a name that is longer than forty characters are"},` + debeziumSource + `}`)}},
			{what: "there is no such column where it goes to: table", says: "there is no such column where it goes to: table", only: "mysql", record: &kgo.Record{Key: []byte(`{"id":82}`), Value: []byte(`{"op":"c","before":null,"after":{"id":82,"colour":"red"},` + debeziumSource + `}`)}},
		},
		good:    &kgo.Record{Key: []byte(`{"id":90}`), Value: []byte(`{"op":"c","before":null,"after":{"id":90,"customer":"crane"},` + debeziumSource + `}`)},
		goodRow: "90|crane|NULL|",
	}
	f.prove(t, "read_debezium")

	t.Run("without schemas", func(t *testing.T) {
		const name = "read_plain"
		f.target(t, name)
		topic(t, name, 1)
		for _, r := range records {
			var whole struct{ Payload json.RawMessage }
			plain := *r
			if r.Value != nil { // it is no tombstone
				if err := json.Unmarshal(r.Value, &whole); err != nil {
					t.Fatal(err)
				}
				plain.Value = whole.Payload
			}
			produce(t, name, &plain)
		}
		// Only MySQL knows what a number of days is.
		p := runPipeline(t, f.file(t, name, "stop"), "--only", "mysql")
		through(t, f.file(t, name, "stop"), "mysql")
		same(t, "MySQL", f.wantInMySQL, func() string {
			return shared.target.rows(context.Background(), "SELECT "+columns+" FROM "+name+".orders WHERE NOT row_deleted ORDER BY id")
		})
		p.stop()
	})
	t.Run("all topics", func(t *testing.T) { f.proveDebeziumTopics(t) })
}

// debeziumSource is a place behind all others.
var debeziumSource = fmt.Sprintf(`"source":{"db":"deb","table":"orders","ts_ms":%d,"file":"binlog.999999","pos":4,"row":0,"snapshot":"false"}`, time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())

// proveDebeziumTopics reads Debezium's own topics, which have its schema changes, too.
func (f *foreign) proveDebeziumTopics(t *testing.T) {
	const name = "read_dbz"
	if ddl := everything(t, "dbz"); len(ddl) == 0 {
		t.Fatal("Debezium wrote no schema change")
	}
	f.target(t, name)
	path := f.file(t, name, "stop")
	rewrite(t, path, "read: {topics: ["+name+"]", "read: {topics: [dbz, dbz.deb.orders]")
	p := runPipeline(t, path)
	through(t, path, "hbase", "mysql")
	f.same(t, name)
	p.stop()
}
