package databases

import (
	"context"
	"database/sql"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/envelope"
	engine "github.com/skein-io/skein/test/databases/debezium"
	"github.com/skein-io/skein/test/services"
)

// debezium is the real Debezium, reading a real MariaDB.
type debezium struct {
	t       *testing.T
	db      *sql.DB
	records []capturedRecord
	lines   <-chan string
	addr    string
}

type capturedRecord struct {
	topic  string
	record envelope.Record
}

func startDebezium(t *testing.T, properties string) *debezium {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	server, err := services.NewMariaDB(services.Options{Dir: t.TempDir(), Properties: map[string]string{
		"server-id": "1", "log-bin": "binlog", "binlog-format": "ROW", "binlog-row-image": "FULL", "default-time-zone": "+00:00"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = services.MariaDBUser, services.MariaDBPassword, "tcp", server.Addr()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	d := &debezium{t: t, db: sql.OpenDB(connector), addr: server.Addr()}
	t.Cleanup(func() { _ = d.db.Close() })
	d.db.SetMaxOpenConns(1) // USE is of one connection
	d.exec("CREATE DATABASE shop", "USE shop", debeziumTable, "INSERT INTO types VALUES (18446744073709551615,"+debeziumRow+")", "INSERT INTO types (id) VALUES (2)")
	d.capture(ctx, properties)
	return d
}

func (d *debezium) exec(statements ...string) {
	d.t.Helper()
	for _, s := range statements {
		if _, err := d.db.ExecContext(d.t.Context(), s); err != nil {
			d.t.Fatalf("%s: %v", s, err)
		}
	}
}

func (d *debezium) capture(ctx context.Context, properties string) {
	t := d.t
	running, err := engine.Start(ctx, engine.Config{Dir: t.TempDir(), Addr: d.addr, Database: "shop", ServerID: 7001, Properties: properties})
	if err != nil {
		t.Fatal(err)
	}
	d.lines = running.Lines
	t.Cleanup(func() {
		if log := running.Stop(); t.Failed() {
			t.Logf("Debezium's log ends with\n%s", log)
		}
	})
}

// until takes records until one of the table is what it waits for.
func (d *debezium) until(what string, done func(envelope.Record) bool) {
	d.t.Helper()
	d.untilAny(what, func(c capturedRecord) bool { return c.topic == "dbz.shop.types" && done(c.record) })
}

// untilAny takes records until one of any topic is what it waits for.
func (d *debezium) untilAny(what string, done func(capturedRecord) bool) {
	d.t.Helper()
	limit := time.After(3 * time.Minute)
	for {
		select {
		case line, ok := <-d.lines:
			if !ok {
				d.t.Fatalf("Debezium ended before %s", what)
			}
			c := d.parse(line)
			d.records = append(d.records, c)
			if done(c) {
				return
			}
		case <-limit:
			d.t.Fatalf("Debezium did not send %s", what)
		}
	}
}

func (d *debezium) parse(line string) capturedRecord {
	text := func(s string) []byte {
		if s == "-" {
			return nil
		}
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			d.t.Fatalf("%s: %v", line, err)
		}
		return b
	}
	parts := strings.Split(line, "\t")
	c := capturedRecord{topic: parts[0], record: envelope.Record{Key: text(parts[1]), Value: text(parts[2])}}
	for _, h := range parts[3:] {
		name, value, _ := strings.Cut(h, "=")
		c.record.Headers = append(c.record.Headers, envelope.Header{Key: name, Value: text(value)})
	}
	return c
}
