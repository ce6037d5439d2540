package spec

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const whole = `name: shop
on-failure: continue
brokers:
  addresses: ["127.0.0.1:9092", "[::1]:9093"]
  tls: {ca: ca.pem, server-name: kafka}
  sasl: {mechanism: SCRAM-SHA-256, user: sync, password: {env: KAFKA_PASSWORD}}
topics: {prefix: shop, partitions: 6}
source:
  connector: mariadb
  address: db:3306
  user: skein
  password: {file: secrets/db}
  tls: true
  server-id: 4711
  tables: [shop.*, log.events]
  except: shop.tmp_*
  keys: {log.events: [at, host]}
  gtid: false
  truncates: emit
  heartbeat: 1m
sinks:
  - type: hbase
    zookeeper: zk:2181
    tables:
      shop.orders: {name: "ns:orders", columns: {note: {family: x}, token: {skip: true}}, salt: 16, key: bytes}
      shop.*: {name: "{database}_{table}", values: bytes, nulls: empty}
    bad-records: dead-letter
    tombstones: {keep: 240h}
    truncates: apply
    truncate-versions: "ns:cuts"
  - type: mysql
    name: archive
    group: g
    session-timeout: 10s
    address: other:3306
    user: sink
    database: archive
    layout: side-table
    tables: [shop.orders]
    retries: {attempts: 7, first: 1s, longest: 1m}
    batch: {changes: 100}
`

func TestParse(t *testing.T) {
	c, err := Parse("p.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		File: "p.yaml", Name: "shop", OnFailure: FailureContinue,
		Brokers: Brokers{Addresses: []string{"127.0.0.1:9092", "[::1]:9093"}, TLS: &TLS{CA: "ca.pem", ServerName: "kafka"},
			SASL: &SASL{"SCRAM-SHA-256", "sync", Secret{Env: "KAFKA_PASSWORD"}}},
		Topics: Topics{"shop", 6},
		Read:   Read{Format: "auto", Order: "time", Zone: time.UTC, Decimals: "precise"},
		Source: &Source{Connector: "mariadb", Address: "db:3306", User: "skein", Password: Secret{File: "secrets/db"}, TLS: &TLS{}, ServerID: 4711,
			Tables: []Pattern{{"shop", "*"}, {"log", "events"}}, Except: []Pattern{{"shop", "tmp_*"}}, Keys: []DeclaredKey{{"log.events", []string{"at", "host"}}},
			Snapshot: SnapshotInitial, Format: "debezium", Schemas: true, Decimals: "precise", Truncates: true, Heartbeat: time.Minute, FailoverWait: 5 * time.Minute, Session: 10 * time.Second},
		Sinks: []Sink{
			{Name: "hbase", Type: HBase, Group: "skein-sync.shop.hbase", SessionTimeout: 45 * time.Second, DeadLetter: "shop.dead-letter", RetryFirst: 100 * time.Millisecond, RetryLongest: 10 * time.Second,
				BatchChanges: 500, BatchParallel: 4, Workers: 512, TombstonesKeep: 240 * time.Hour, SweepEvery: time.Hour, Truncates: true, TruncateVersions: "ns:cuts",
				HBase: &HBaseSink{ZooKeeper: []string{"zk:2181"}, Root: "/hbase", User: "skein"},
				Tables: []SinkTable{
					{Source: Pattern{"shop", "orders"}, Name: "ns:orders", Family: "d", Salt: 16, KeyBytes: true, Columns: []SinkColumn{{Source: "note", Family: "x"}, {Source: "token", Skip: true}}},
					{Source: Pattern{"shop", "*"}, Name: "{database}_{table}", Family: "d", Bytes: true, NullsEmpty: true},
				}},
			{Name: "archive", Type: MySQL, Group: "g", SessionTimeout: 10 * time.Second, Attempts: 7, RetryFirst: time.Second, RetryLongest: time.Minute, BatchChanges: 100, BatchParallel: 4, Workers: 512, TruncateVersions: "skein_truncates",
				MySQL: &MySQLSink{Address: "other:3306", User: "sink", Database: "archive", SideTable: true, Versions: "skein_row_versions",
					ExecuteTime: "execute_time", Position: "binlog_position", Epoch: "source_epoch", Deleted: "row_deleted"},
				Tables: []SinkTable{{Source: Pattern{"shop", "orders"}, Name: "{table}"}}},
		},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("it is\n%+v\nnot\n%+v", c, want)
	}
	orders, _ := c.Sinks[0].Target("shop", "orders")
	other, _ := c.Sinks[0].Target("shop", "items")
	if _, none := c.Sinks[0].Target("log", "events"); none || orders.Name != "ns:orders" || other.NameFor("shop", "items") != "shop_items" {
		t.Errorf("orders go to %s, items to %s", orders.Name, other.NameFor("shop", "items"))
	}
	for name, want := range map[string]bool{"shop.orders": true, "shop.tmp_1": false, "log.events": true, "log.other": false} {
		database, table, _ := SplitTable(name)
		if c.Source.Wants(database, table) != want {
			t.Errorf("the source wants %s: %v", name, !want)
		}
	}
}

// Each file in testdata is told all that is wrong with it; what is told stands behind it.
func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse("p.yaml", text)
		got := "none\n"
		if err != nil {
			got = err.Error() + "\n"
		}
		golden := strings.TrimSuffix(file, ".yaml") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nnot\n%s", file, got, want)
		}
		if strings.Contains(got, "hunter2") {
			t.Errorf("%s: a fault tells the secret:\n%s", file, got)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"a*", "a", true}, {"a*", "ba", false}, {"a*b*c", "abc", true}, {"a*b*c", "axbxbxc", true}, {"a*b*c", "acb", false},
		{"ab*b", "ab", false}, {"orders", "orders", true}, {"orders", "orders2", false}, {"*s", "orders", true}, {"o**s", "os", true},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("%s %s: %v", c.pattern, c.name, got)
		}
	}
}

// Whatever stands in a file, it is read or its faults have places in it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	for _, dir := range []string{"testdata/faults"} {
		files, _ := filepath.Glob(dir + "/*.yaml")
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	for _, text := range []string{"", "a", "a: [", "? [a]\n: b", "a: &x 1\nb: *x", "<<: {a: b}", "---\na: 1\n---\nb: 2", "\x00", "a: !!binary aGk=", "name: !x y", "{name: x, name: y}", "\xff\xfe", "%YAML 1.1\n---\na: b"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("p.yaml", text)
		var faults Faults
		switch {
		case err == nil && c == nil:
			t.Fatal("neither a file nor a fault")
		case err == nil:
			if c.Source == nil && len(c.Sinks) == 0 {
				t.Fatal("a file without parts passes")
			}
			return
		case !errors.As(err, &faults) || len(faults) == 0 || c != nil:
			t.Fatalf("%v, %v", c, err)
		}
		lines := strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(string(text)), "\n") + 2
		for _, fault := range faults {
			if fault.Line < 1 || fault.Column < 1 || fault.Reason == "" || fault.Line > lines {
				t.Errorf("%#v in %d lines", fault, lines)
			}
		}
	})
}
