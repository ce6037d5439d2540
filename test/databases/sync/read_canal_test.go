package sync

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// canal is a flat message, as Canal's documentation describes it: every value a string, the execute time es in milliseconds.
func canal(kind string, es int64, data, old string) *kgo.Record {
	return &kgo.Record{Value: fmt.Appendf(nil, `{"data":%s,"database":"shop","es":%d,"gtid":"","id":%[2]d,"isDdl":false,"mysqlType":{"id":"bigint(20) unsigned","customer":"varchar(40)","amount":"decimal(12,2)",`+
		`"state":"enum('new','paid','sent')","tags":"set('gift','fragile','cold')","paid":"timestamp","due":"date","seal":"varbinary(16)","note":"text"},"old":%s,"pkNames":["id"],"sql":"",`+
		`"sqlType":{"id":-5,"customer":12,"amount":3,"state":4,"tags":-7,"paid":93,"due":91,"seal":-3,"note":2005},"table":"orders","ts":%d,"type":"%s"}`, data, es, old, es+40, kind)}
}

func canalRow(id int, customer, amount, state string) string {
	return fmt.Sprintf(`{"id":"%d","customer":%s,"amount":"%s","state":"%s","tags":"3","paid":"2024-03-01 18:00:00","due":"2024-02-29","seal":"\u0000\u00ff\u0080'","note":null}`, id, customer, amount, state)
}

// What Canal writes into a topic ends in both targets, by skein sync run.
func TestReadCanal(t *testing.T) {
	const at = 1709287200000
	one := func(id int, state string) string { return "[" + canalRow(id, `"heron 鶴 🦆"`, "10.50", state) + "]" }
	f := &foreign{
		format: "canal", read: `, zone: "+08:00"`, key: []string{"id"},
		columns: "id BIGINT UNSIGNED, customer VARCHAR(40) NOT NULL, amount DECIMAL(12,2), state ENUM('new','paid','sent'), tags SET('gift','fragile','cold'), paid TIMESTAMP NULL, due DATE, seal VARBINARY(16), note TEXT",
		records: []*kgo.Record{
			{Value: []byte(`{"data":null,"database":"shop","es":1709287000000,"gtid":"","id":1,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"CREATE TABLE orders (id BIGINT UNSIGNED PRIMARY KEY)","sqlType":null,"table":"orders","ts":1709287000010,"type":"CREATE"}`)},
			canal("INSERT", at, "["+canalRow(1, `"heron 鶴 🦆"`, "10.50", "1")+","+canalRow(2, `"crane"`, "0.01", "1")+","+canalRow(18446744073709551615>>1, `"largest"`, "-3.00", "3")+"]", "null"),
			canal("INSERT", at+1000, one(3, "1"), "null"),
			canal("UPDATE", at+2000, one(1, "2"), `[{"state":"1"}]`),
			canal("UPDATE", at+3000, one(30, "2"), `[{"id":"3","state":"1"}]`), // another key
			canal("DELETE", at+4000, "["+canalRow(2, `"crane"`, "0.01", "1")+"]", "null"),
			canal("UPDATE", at+5000, "["+canalRow(1, `"heron"`, "11.50", "3")+"]", `[{"state":"2","customer":"heron 鶴 🦆","amount":"10.50"}]`),
			canal("INSERT", at+6000, one(4, "1"), "null"),
			canal("DELETE", at+7000, one(4, "1"), "null"),
			canal("INSERT", at+8000, "["+canalRow(4, `"comes back"`, "4.00", "2")+"]", "null"),
			{Value: []byte(`{"data":[{"id":"1"}],"database":"shop","es":1709287209000,"gtid":"","id":9,"isDdl":false,"mysqlType":{"id":"int"},"old":null,"pkNames":["id"],"sql":"","sqlType":{"id":4},"table":"other","ts":1709287209001,"type":"INSERT"}`)},
		},
		inMySQL: "id, customer, amount, state, tags, UNIX_TIMESTAMP(paid), due, HEX(seal), note",
		wantInMySQL: func() string {
			const rest = "|gift,fragile|1709287200|2024-02-29|00FF8027|NULL\n"
			return "1|heron|11.50|sent" + rest + "4|comes back|4.00|paid" + rest + "30|heron 鶴 🦆|10.50|paid" + rest + "9223372036854775807|largest|-3.00|sent" + rest
		},
		inHBase: "id,customer,amount,state,tags,paid,due,seal,note",
		wantInHBase: func() string {
			const rest = "|gift,fragile|2024-03-01 10:00:00|2024-02-29|\x00\xff\x80'|NULL\n"
			return "1|1|heron|11.50|sent" + rest + "30|30|heron 鶴 🦆|10.50|paid" + rest + "4|4|comes back|4.00|paid" + rest + "9223372036854775807|9223372036854775807|largest|-3.00|sent" + rest
		},
		broken: []broken{
			{what: "broken JSON", says: "broken JSON", record: &kgo.Record{Value: canal("INSERT", at, one(1, "1"), "null").Value[:200]}},
			{what: "no primary key", says: "no primary key", record: &kgo.Record{Value: []byte(`{"data":[{"id":"1"}],"database":"shop","es":1,"isDdl":false,"mysqlType":{"id":"int"},"old":null,"pkNames":null,"table":"orders","ts":2,"type":"INSERT"}`)}},
			{what: "the row image is partial", says: "the row image is partial", record: &kgo.Record{Value: []byte(`{"data":[{"id":"1"}],"database":"shop","es":1,"isDdl":false,"mysqlType":{"id":"int","note":"text"},"old":null,"pkNames":["id"],"table":"orders","ts":2,"type":"INSERT"}`)}},
			{what: "column 'customer'", says: "column 'customer'", only: "mysql", record: canal("INSERT", at, "["+canalRow(81, `"a name that is longer than forty characters are"`, "1.00", "1")+"]", "null")},
			{what: "no column colour", says: "no column colour", only: "mysql", record: &kgo.Record{Value: []byte(`{"data":[{"id":"82","colour":"red"}],"database":"shop","es":1,"isDdl":false,"mysqlType":{"id":"int","colour":"text"},"old":null,"pkNames":["id"],"table":"orders","ts":2,"type":"INSERT"}`)}},
		},
		good: canal("INSERT", at+9000, one(90, "1"), "null"), goodRow: "90|heron 鶴 🦆|10.50|new|",
	}
	f.prove(t, "read_canal")
}
