package pipeline

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

// A secret is read from the folder of the file or from the environment; what is wrong names the place and tells nothing else.
func TestReveal(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good": "hunter2\n", "lines": "hunter2\n\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PIPELINE_TEST_SECRET", "hunter3")
	t.Setenv("PIPELINE_TEST_EMPTY", "")
	c := &Config{File: filepath.Join(dir, "p.yaml")}
	for _, test := range []struct {
		s           spec.Secret
		want, fault string
	}{
		{spec.Secret{}, "", ""}, {spec.Secret{File: "good"}, "hunter2", ""}, {spec.Secret{File: "lines"}, "hunter2\n", ""},
		{spec.Secret{File: filepath.Join(dir, "good")}, "hunter2", ""}, {spec.Secret{Env: "PIPELINE_TEST_SECRET"}, "hunter3", ""},
		{spec.Secret{File: "none"}, "", "no such file"}, {spec.Secret{File: "empty"}, "", "has 0 bytes"},
		{spec.Secret{Env: "PIPELINE_TEST_NONE"}, "", "PIPELINE_TEST_NONE is not set"}, {spec.Secret{Env: "PIPELINE_TEST_EMPTY"}, "", "is not set"},
	} {
		got, err := Reveal(c, "sink x: password", test.s)
		if got != test.want || (err == nil) != (test.fault == "") || err != nil && (!strings.Contains(err.Error(), test.fault) || !strings.HasPrefix(err.Error(), "sink x: password: ")) {
			t.Errorf("%s: %q, %v", test.s, got, err)
		}
	}
}

// What a file says comes to the sinks: passwords of any letters, the mapping, TLS.
func TestOpenOptions(t *testing.T) {
	const password = "p:/@#?&=ä\\'\""
	t.Setenv("PIPELINE_TEST_SECRET", password)
	c, err := spec.Parse("p.yaml", []byte(`name: x
brokers: {addresses: "b:1", sasl: {mechanism: PLAIN, user: u, password: {env: PIPELINE_TEST_SECRET}}, tls: true}
sinks:
  - {type: mysql, address: "m:1", user: u, password: {env: PIPELINE_TEST_SECRET}, database: d, tables: {shop.*: {name: "copy.{table}_{database}"}, a.b: }, tls: {server-name: other}, version-columns: {epoch: e}}
  - {type: hbase, zookeeper: "z:1", tables: {shop.*: {name: "{table}", columns: {c: {family: f}, s: {skip: true}}, values: bytes}, shop.x: {salt: 3, key: bytes, nulls: empty}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := MySQLConfig(c, &c.Sinks[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range [][4]string{{"shop", "orders", "copy", "orders_shop"}, {"a", "b", "d", "b"}, {"un", "known", "d", "known"}} {
		if database, name := m.Target(table[0], table[1]); database != table[2] || name != table[3] {
			t.Errorf("%v goes to %s.%s", table, database, name)
		}
	}
	parsed, err := driver.ParseDSN(m.DSN)
	if err != nil || parsed.Passwd != password || parsed.Addr != "m:1" || parsed.DBName != "d" || parsed.TLS == nil || parsed.TLS.ServerName != "other" || parsed.TLS.MinVersion != tls.VersionTLS12 {
		t.Errorf("the connection is %+v, %v", parsed, err)
	}
	if m.Columns.Epoch != "e" || m.Columns.Deleted != "row_deleted" {
		t.Errorf("the columns are %+v", m.Columns)
	}
	h := HBaseOptions(&c.Sinks[1], []string{"shop.x", "shop.y", "other.z"})
	if got := fmt.Sprintf("%+v", h.Tables["shop.y"]); len(h.Tables) != 2 || h.Tables["shop.x"].Salt != 3 || h.Tables["shop.x"].Key == 0 || h.Tables["shop.y"].Columns["c"].Family != "f" || !h.Tables["shop.y"].Columns["s"].Skip {
		t.Errorf("HBase's tables are %s, %+v", got, h.Tables)
	}
	if got := TablesOf(c, &c.Sinks[0], []string{"skein.shop.b", "skein.shop.a", "skein.a.b", "skein.other.c", "skein.positions", "x.shop.c"}); fmt.Sprint(got) != "[a.b shop.a shop.b]" {
		t.Errorf("the tables are %v", got)
	}
	if options, err := Transport(c); err != nil || len(options) != 2 {
		t.Errorf("%d options, %v", len(options), err)
	}
}
