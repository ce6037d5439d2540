package sync

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxwell is a record as Maxwell's documentation describes it: its time in seconds, the place in the binlog, no types.
func maxwell(kind string, ts, pos int64, id uint64, data, more string) *kgo.Record {
	return &kgo.Record{Key: fmt.Appendf(nil, `{"database":"shop","table":"orders","pk.id":%d}`, id), Value: fmt.Appendf(nil,
		`{"database":"shop","table":"orders","type":"%s","ts":%d,"xid":%d,"commit":true,"position":"mariadb-bin.000017:%[4]d","server_id":1,"thread_id":7,"data":%[5]s%[6]s}`, kind, ts, pos+9, pos, data, more)}
}

func maxwellRow(id uint64, customer, amount, state string) string {
	return fmt.Sprintf(`{"id":%d,"customer":"%s","amount":%s,"state":"%s","tags":["gift","fragile"],"paid":"2024-03-01 10:00:00","due":"2024-02-29","seal":"AP+AJw==","doc":{"n": [1, 2.50]},"note":null}`, id, customer, amount, state)
}

// What Maxwell writes into a topic ends in both targets, by skein sync run. Its records tell no types: MySQL's table does, and into
// HBase goes what the record says.
func TestReadMaxwell(t *testing.T) {
	const ts = 1709287200
	const heron = "heron 鶴 🦆"
	f := &foreign{
		format: "maxwell", key: []string{"id"},
		columns: "id BIGINT UNSIGNED, customer VARCHAR(40) NOT NULL, amount DECIMAL(12,2), state ENUM('new','paid','sent'), tags SET('gift','fragile','cold'), paid TIMESTAMP NULL, due DATE, seal VARBINARY(16), doc JSON, note TEXT",
		records: []*kgo.Record{
			{Value: []byte(`{"type":"table-create","database":"shop","table":"orders","def":{"database":"shop","charset":"utf8mb4","table":"orders","columns":[],"primary-key":["id"]},"ts":1709287000000,"sql":"CREATE TABLE orders (id BIGINT UNSIGNED PRIMARY KEY)","position":"mariadb-bin.000017:300"}`)},
			{Value: []byte(`{"database":"shop","table":"orders","type":"bootstrap-start","ts":1709287100,"data":{}}`)},
			{Key: []byte(`{"database":"shop","table":"orders","pk.id":5}`), Value: []byte(`{"database":"shop","table":"orders","type":"bootstrap-insert","ts":1709287900,"data":` + maxwellRow(5, "was there", "5.00", "new") + `}`)},
			{Key: []byte(`{"database":"shop","table":"orders","pk.id":6}`), Value: []byte(`{"database":"shop","table":"orders","type":"bootstrap-insert","ts":1709287900,"data":` + maxwellRow(6, "was there", "6.00", "new") + `}`)},
			{Value: []byte(`{"database":"shop","table":"orders","type":"bootstrap-complete","ts":1709287900,"data":{}}`)},
			maxwell("insert", ts, 400, 1, maxwellRow(1, heron, "10.50", "new"), ""),
			maxwell("insert", ts, 500, 2, maxwellRow(2, "crane", "0.01", "new"), `,"primary_key":[2],"primary_key_columns":["id"]`),
			maxwell("insert", ts, 600, 18446744073709551615, maxwellRow(18446744073709551615, "largest", "-3.00", "sent"), ""),
			maxwell("insert", ts, 700, 3, maxwellRow(3, heron, "10.50", "new"), `,"xoffset":0`),
			maxwell("update", ts, 800, 1, maxwellRow(1, heron, "10.50", "paid"), `,"old":{"state":"new"}`),
			maxwell("update", ts, 900, 3, maxwellRow(30, heron, "10.50", "paid"), `,"old":{"id":3,"state":"new"}`), // another key
			maxwell("delete", ts, 1000, 2, maxwellRow(2, "crane", "0.01", "new"), ""),
			maxwell("update", ts+1, 1100, 5, maxwellRow(5, "was changed", "5.50", "new"), `,"old":{"customer":"was there","amount":5.00}`),
			maxwell("update", ts+1, 1200, 1, maxwellRow(1, "heron", "11.50", "sent"), `,"old":{"state":"paid","customer":"heron 鶴 🦆","amount":10.50}`),
			maxwell("insert", ts+2, 1300, 4, maxwellRow(4, heron, "4.00", "new"), ""),
			maxwell("delete", ts+2, 1400, 4, maxwellRow(4, heron, "4.00", "new"), ""),
			maxwell("insert", ts+2, 1500, 4, maxwellRow(4, "comes back", "4.00", "paid"), ""),
			{Key: []byte(`{"database":"shop","table":"other","pk.id":1}`), Value: []byte(`{"database":"shop","table":"other","type":"insert","ts":1709287203,"position":"mariadb-bin.000017:1600","data":{"id":1}}`)},
		},
		inMySQL: "id, customer, amount, state, tags, UNIX_TIMESTAMP(paid), due, HEX(seal), doc, note",
		wantInMySQL: func() string {
			const rest = `|gift,fragile|1709287200|2024-02-29|00FF8027|{"n": [1, 2.50]}|NULL` + "\n"
			return "1|heron|11.50|sent" + rest + "4|comes back|4.00|paid" + rest + "5|was changed|5.50|new" + rest + "6|was there|6.00|new" + rest + "30|heron 鶴 🦆|10.50|paid" + rest +
				"18446744073709551615|largest|-3.00|sent" + rest
		},
		inHBase: "id,customer,amount,state,tags,paid,due,seal,doc,note",
		wantInHBase: func() string {
			const rest = `|["gift","fragile"]|2024-03-01 10:00:00|2024-02-29|AP+AJw==|{"n": [1, 2.50]}|NULL` + "\n"
			return "1|1|heron|11.50|sent" + rest + "18446744073709551615|18446744073709551615|largest|-3.00|sent" + rest + "30|30|heron 鶴 🦆|10.50|paid" + rest + "4|4|comes back|4.00|paid" + rest +
				"5|5|was changed|5.50|new" + rest + "6|6|was there|6.00|new" + rest
		},
		broken: []broken{
			{what: "broken JSON", says: "broken JSON", record: &kgo.Record{Value: maxwell("insert", ts, 1, 1, maxwellRow(1, heron, "1.00", "new"), "").Value[:150]}},
			{what: "no primary key", says: "no primary key", record: &kgo.Record{Value: []byte(`{"database":"shop","table":"orders","type":"insert","ts":7,"data":{"id":80}}`)}},
			{what: "is no file:offset", says: "is no file:offset", record: &kgo.Record{Key: []byte(`{"pk.id":80}`), Value: []byte(`{"database":"shop","table":"orders","type":"insert","ts":7,"position":"here","data":{"id":80}}`)}},
			{what: "no whole number", says: "no whole number", only: "mysql", record: maxwell("insert", ts, 1, 81, `{"id":"eighty-one"}`, "")},
			{what: "column 'customer'", says: "column 'customer'", only: "mysql", record: maxwell("insert", ts, 1, 81, maxwellRow(81, "a name that is longer than forty characters are", "1.00", "new"), "")},
			{what: "there is no such column where it goes to: table", says: "there is no such column where it goes to: table", only: "mysql", record: maxwell("insert", ts, 1, 82, `{"id":82,"colour":"red"}`, "")},
		},
		good: maxwell("insert", ts+3, 1700, 90, maxwellRow(90, heron, "10.50", "new"), ""), goodRow: "90|heron 鶴 🦆|10.50|new|",
	}
	f.prove(t, "read_maxwell")
}
