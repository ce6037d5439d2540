package databases

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	sinkmysql "github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/test/services"
)

// debeziumTable has every type that Debezium reads right: it fails to parse a table with INET4, and its stream's UUIDs are wrong.
const debeziumTable = `CREATE TABLE types (id BIGINT UNSIGNED NOT NULL, ti TINYINT, tu TINYINT UNSIGNED, si SMALLINT, su SMALLINT UNSIGNED, mi MEDIUMINT,
mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED, d DECIMAL(20,6), d0 DECIMAL(10,0), d65 DECIMAL(65,30), f FLOAT, db DOUBLE,
b1 BIT(1), b12 BIT(12), b64 BIT(64), y YEAR, da DATE, t TIME, t3 TIME(3), t6 TIME(6), dt DATETIME, dt3 DATETIME(3), dt6 DATETIME(6), ts TIMESTAMP NULL,
ts3 TIMESTAMP(3) NULL, ts6 TIMESTAMP(6) NULL, c CHAR(10), vc VARCHAR(100), tx TEXT, bn BINARY(4), vb VARBINARY(10), bl BLOB, e ENUM('small','it''s','large'),
s SET('a','b','c'), j JSON, g GEOMETRY, PRIMARY KEY (id)) CHARACTER SET utf8mb4`

const debeziumRow = `-128,255,-32768,65535,-8388608,16777215,-2147483648,4294967295,-9223372036854775808,18446744073709551615,-12345.678901,-99,
-99999999999999999999999999999999999.999999999999999999999999999999,1.5,1e300,1,0xABC,0xFFFFFFFFFFFFFFFE,2024,'2024-02-29','-838:59:59','-00:00:01.251','12:34:56.789012',
'2024-02-29 23:59:59','2024-02-29 23:59:59.123','1000-01-01 00:00:00.000001','2023-11-14 22:13:20','2023-11-14 22:13:20.123','2023-11-14 22:13:20.123456','ch',
'übung 🦆',' "q" \\ \n','ab\0','\0\0x',0x00FF80,'it''s','a,c','{"a": 1.10}',ST_GeomFromText('POINT(1 2)',4326)`

// story makes every kind of change, and takes the records of it.
func (d *debezium) story() {
	d.until("the snapshot", func(r envelope.Record) bool { return strings.Contains(string(r.Value), `"snapshot":"last"`) })
	d.exec("INSERT INTO types VALUES (77,"+debeziumRow+")", "UPDATE types SET ti=1, d=0.5 WHERE id=2", "UPDATE types SET id=3 WHERE id=2", "DELETE FROM types WHERE id=3",
		"INSERT INTO types (id, vc) VALUES (5,'five'),(6,'six'),(7,'')", "UPDATE types SET vc = CONCAT(vc, '!') WHERE id IN (5,6,7)",
		"UPDATE types SET id = id + 1 WHERE id IN (5,6,7) ORDER BY id DESC", "ALTER TABLE types ADD COLUMN extra INT", "UPDATE types SET extra = 9 WHERE id = 8",
		"INSERT INTO types (id) VALUES (999)")
	d.until("the last row", func(r envelope.Record) bool {
		return strings.Contains(string(r.Value), `"op":"c"`) && (strings.Contains(string(r.Key), `"A+c="`) || strings.Contains(string(r.Key), `999`))
	})
}

// apply reads all records, and keeps of each row the newest change, as every sink does.
func (d *debezium) apply(o envelope.ReadOptions) (rows map[string]*change.Change, kinds map[envelope.Kind]int) {
	decoder, err := envelope.NewDecoder(o)
	if err != nil {
		d.t.Fatal(err)
	}
	rows, kinds = make(map[string]*change.Change), make(map[envelope.Kind]int)
	for i, c := range d.records {
		out, err := decoder.Decode(envelope.Place{Topic: c.topic, Offset: int64(i)}, &c.record)
		if err != nil {
			d.t.Fatalf("%v\n%s", err, c.record.Value)
		}
		kinds[out.Kind]++
		for _, one := range out.Changes {
			key := one.Image()[one.Table.Key[0]].String()
			stored, exists := rows[key]
			var v change.Version
			if exists {
				v = stored.Version
			}
			if verdict := change.Judge(v, exists, one.Version); !verdict.Puts() {
				d.t.Errorf("row %s: %s is %s after %s", key, one.Version, verdict, v)
				continue
			}
			rows[key] = one
		}
	}
	for key, c := range rows {
		if c.Op == change.Delete {
			delete(rows, key)
		}
	}
	return rows, kinds
}

// compareTable reads the table itself, and compares each value.
func (d *debezium) compareTable(got map[string]*change.Change) {
	rows, err := d.db.QueryContext(d.t.Context(), "SELECT * FROM types")
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, _ := rows.Columns()
	n := 0
	for ; rows.Next(); n++ {
		raw := make([]sql.RawBytes, len(names))
		into := make([]any, len(names))
		for i := range raw {
			into[i] = &raw[i]
		}
		if err := rows.Scan(into...); err != nil {
			d.t.Fatal(err)
		}
		c, ok := got[string(raw[0])]
		if !ok {
			d.t.Errorf("row %s is missing", raw[0])
			continue
		}
		for i, name := range names {
			at := c.Table.Column(name)
			if at < 0 {
				if name == "extra" && raw[i] == nil { // the row was changed last before the column was there
					continue
				}
				d.t.Errorf("row %s has no column %s", raw[0], name)
				continue
			}
			v := c.After[at]
			if (raw[i] == nil) != v.IsNull() || raw[i] != nil && shown(v, c.Table.Columns[at], len(raw[i])) != string(raw[i]) {
				d.t.Errorf("row %s, column %s: %q, not %q", raw[0], name, shown(v, c.Table.Columns[at], len(raw[i])), raw[i])
			}
		}
	}
	if err := rows.Err(); err != nil || n != len(got) {
		d.t.Errorf("%d rows, and %d in the table: %v", len(got), n, err)
	}
}

// shown is a value as the server sends it in text.
func shown(v change.Value, c change.Column, size int) string {
	switch v.Kind {
	case change.Bits:
	case change.Double:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64) // the driver makes a number of it, and database/sql a text of that
	default:
		return string(v.AppendText(nil, c.Scale))
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(v.Uint() >> (8 * (size - 1 - i)))
	}
	return string(b)
}

// TestDebeziumIsRead: what the real Debezium writes with schemas, of every type, is read as what is in the database.
func TestDebeziumIsRead(t *testing.T) {
	d := startDebezium(t, "bigint.unsigned.handling.mode=precise\ncolumn.propagate.source.type=.*\n")
	d.story()
	rows, kinds := d.apply(envelope.ReadOptions{})
	d.compareTable(rows)
	if kinds[envelope.DDL] == 0 || kinds[envelope.Tombstone] != 5 || kinds[envelope.Rows] < 18 {
		t.Errorf("the records were %v", kinds)
	}
	d.compareWritten()
	d.compareSunk()
}

// compareSunk puts all records into a table through the sink, in no order and twice, and compares the two tables.
func (d *debezium) compareSunk() {
	t := d.t
	d.exec("CREATE DATABASE target", "CREATE TABLE target.types LIKE shop.types",
		"ALTER TABLE target.types ADD COLUMN execute_time BIGINT NULL, ADD COLUMN binlog_position BINARY(16) NULL, ADD COLUMN source_epoch INT UNSIGNED NULL, ADD COLUMN row_deleted BOOLEAN NOT NULL DEFAULT FALSE")
	s, err := sinkmysql.Open(t.Context(), sinkmysql.Config{DSN: fmt.Sprintf("%s:%s@tcp(%s)/target", services.MariaDBUser, services.MariaDBPassword, d.addr)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	decoder, err := envelope.NewDecoder(envelope.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var changes []*change.Change
	for i, c := range d.records {
		out, err := decoder.Decode(envelope.Place{Topic: c.topic, Offset: int64(i)}, &c.record)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(append(changes, out.Changes...), out.Changes...)
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	for from := 0; from < len(changes); from += 7 {
		for _, o := range apply(t, s, changes[from:min(from+7, len(changes))]...) {
			if o.Err != nil {
				t.Error(o.Err)
			}
		}
	}
	names := selected(t, d.db, "SELECT GROUP_CONCAT(CONCAT('`', COLUMN_NAME, '`')) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'types'")
	live := "SELECT " + names + " FROM target.types WHERE NOT row_deleted"
	for _, q := range []string{"SELECT * FROM shop.types EXCEPT " + live, live + " EXCEPT SELECT * FROM shop.types"} {
		if got := selected(t, d.db, q); got != "" {
			t.Errorf("the tables differ: %q", got)
		}
	}
	if n := selected(t, d.db, "SELECT COUNT(*) FROM target.types WHERE NOT row_deleted"); n != selected(t, d.db, "SELECT COUNT(*) FROM shop.types") {
		t.Errorf("%s rows", n)
	}
}

// TestDebeziumWithoutSchemaIsRead: the same without schemas and with decimals as text, where the columns are declared.
func TestDebeziumWithoutSchemaIsRead(t *testing.T) {
	d := startDebezium(t, "bigint.unsigned.handling.mode=precise\ndecimal.handling.mode=string\nconverter.schemas.enable=false\nkey.converter.schemas.enable=false\nvalue.converter.schemas.enable=false\n")
	d.story()
	full := declaredTypes()
	before := *full
	before.Columns = full.Columns[:len(full.Columns)-1]
	// The declaration follows the table, as a schema history does.
	asked := 0
	rows, _ := d.apply(envelope.ReadOptions{Decimals: envelope.DecimalText, Tables: func(database, table string) *change.Table {
		asked++
		if database != "shop" || table != "types" {
			t.Errorf("asked for %s.%s", database, table)
		}
		if asked == 1 {
			return &before
		}
		return full
	}})
	d.compareTable(rows)
	if asked != 2 {
		t.Errorf("the columns were asked for %d times", asked)
	}
}

func declaredTypes() *change.Table {
	t := &change.Table{Database: "shop", Name: "types", Key: []int{0}}
	for _, c := range []change.Column{
		{Name: "id", Type: change.BigInt, Unsigned: true}, {Name: "ti", Type: change.TinyInt}, {Name: "tu", Type: change.TinyInt, Unsigned: true}, {Name: "si", Type: change.SmallInt},
		{Name: "su", Type: change.SmallInt, Unsigned: true}, {Name: "mi", Type: change.MediumInt}, {Name: "mu", Type: change.MediumInt, Unsigned: true}, {Name: "i", Type: change.Integer},
		{Name: "iu", Type: change.Integer, Unsigned: true}, {Name: "bi", Type: change.BigInt}, {Name: "bu", Type: change.BigInt, Unsigned: true}, {Name: "d", Type: change.Numeric, Length: 20, Scale: 6},
		{Name: "d0", Type: change.Numeric, Length: 10}, {Name: "d65", Type: change.Numeric, Length: 65, Scale: 30}, {Name: "f", Type: change.FloatType}, {Name: "db", Type: change.DoubleType},
		{Name: "b1", Type: change.Bit, Length: 1}, {Name: "b12", Type: change.Bit, Length: 12}, {Name: "b64", Type: change.Bit, Length: 64}, {Name: "y", Type: change.Year}, {Name: "da", Type: change.DateType},
		{Name: "t", Type: change.TimeType}, {Name: "t3", Type: change.TimeType, Scale: 3}, {Name: "t6", Type: change.TimeType, Scale: 6}, {Name: "dt", Type: change.DateTimeType},
		{Name: "dt3", Type: change.DateTimeType, Scale: 3}, {Name: "dt6", Type: change.DateTimeType, Scale: 6}, {Name: "ts", Type: change.TimestampType}, {Name: "ts3", Type: change.TimestampType, Scale: 3},
		{Name: "ts6", Type: change.TimestampType, Scale: 6}, {Name: "c", Type: change.Char, Length: 10}, {Name: "vc", Type: change.VarChar, Length: 100}, {Name: "tx", Type: change.TextType},
		{Name: "bn", Type: change.Binary, Length: 4}, {Name: "vb", Type: change.VarBinary, Length: 10}, {Name: "bl", Type: change.Blob},
		{Name: "e", Type: change.Enum, Members: []string{"small", "it's", "large"}}, {Name: "s", Type: change.Set, Members: []string{"a", "b", "c"}}, {Name: "j", Type: change.LongText},
		{Name: "g", Type: change.Geometry}, {Name: "extra", Type: change.Integer},
	} {
		c.Nullable = len(t.Columns) > 0
		t.Columns = append(t.Columns, c)
	}
	return t
}

// compareWritten writes each change that was read again, and compares it with what Debezium wrote, field by field and
// schema by schema. What differs by design is named in likeOurs.
func (d *debezium) compareWritten() {
	t := d.t
	decoder, err1 := envelope.NewDecoder(envelope.ReadOptions{})
	encoder, err2 := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium, Schemas: true, Prefix: "dbz", Connector: "mariadb"})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i, c := range d.records {
		out, err := decoder.Decode(envelope.Place{Topic: c.topic, Offset: int64(i)}, &c.record)
		if err != nil {
			t.Fatal(err)
		}
		if out.Kind != envelope.Rows {
			continue
		}
		written, err := encoder.Encode(nil, out.Changes[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2][]byte{{written[0].Key, c.record.Key}, {written[0].Value, c.record.Value}} {
			var ours, theirs any
			if err := errors.Join(json.Unmarshal(pair[0], &ours), json.Unmarshal(pair[1], &theirs)); err != nil {
				t.Fatal(err)
			}
			likeOurs(ours)
			likeOurs(theirs)
			if diff := treeDifference("", ours, theirs); diff != "" {
				t.Errorf("%s of row %s: %s", out.Changes[0].Op, out.Changes[0].Image()[0], diff)
			}
		}
		compared++
	}
	if compared < 18 {
		t.Errorf("%d records were compared", compared)
	}
}

// likeOurs takes out of a record what has to differ: who wrote it and when, what a snapshot's record is called among the
// others, and the widths of display in the parameters.
func likeOurs(tree any) {
	switch v := tree.(type) {
	case []any:
		for _, e := range v {
			likeOurs(e)
		}
	case map[string]any:
		if _, ok := v["op"]; ok {
			for _, name := range []string{"ts_ms", "ts_us", "ts_ns"} {
				delete(v, name)
			}
		}
		if _, ok := v["connector"]; ok {
			delete(v, "version")
			if s := v["snapshot"]; s == "first" || s == "last" {
				v["snapshot"] = "true"
			}
			if v["server_id"] == float64(0) && v["gtid"] == nil { // a snapshot's
				delete(v, "gtid")
			}
			delete(v, "thread")
		}
		if kind, ok := v["__debezium.source.column.type"].(string); ok {
			switch strings.TrimSuffix(kind, " UNSIGNED") {
			case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "YEAR", "ENUM", "SET":
				delete(v, "__debezium.source.column.length")
			}
		}
		for _, e := range v {
			likeOurs(e)
		}
	}
}

func treeDifference(path string, a, b any) string {
	x, isMap := a.(map[string]any)
	y, isMapToo := b.(map[string]any)
	if isMap && isMapToo {
		for name := range y {
			if _, ok := x[name]; !ok {
				return fmt.Sprintf("%s.%s is not written", path, name)
			}
		}
		for name, v := range x {
			w, ok := y[name]
			if !ok {
				return fmt.Sprintf("%s.%s is written, and not by Debezium", path, name)
			}
			if diff := treeDifference(path+"."+name, v, w); diff != "" {
				return diff
			}
		}
		return ""
	}
	l, isList := a.([]any)
	m, isListToo := b.([]any)
	if isList && isListToo && len(l) == len(m) {
		for i := range l {
			if diff := treeDifference(fmt.Sprintf("%s[%d]", path, i), l[i], m[i]); diff != "" {
				return diff
			}
		}
		return ""
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("%s is %v, and Debezium's %v", path, a, b)
	}
	return ""
}
