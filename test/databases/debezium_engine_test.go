package databases

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/test/services"
)

// debezium is the real Debezium, reading a real MariaDB.
type debezium struct {
	t       *testing.T
	db      *sql.DB
	records []capturedRecord
	lines   chan string
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
	d := &debezium{t: t, db: sql.OpenDB(connector), lines: make(chan string, 1000), addr: server.Addr()}
	t.Cleanup(func() { _ = d.db.Close() })
	d.db.SetMaxOpenConns(1) // USE is of one connection
	d.exec("CREATE DATABASE shop", "USE shop", debeziumTable, "INSERT INTO types VALUES (18446744073709551615,"+debeziumRow+")", "INSERT INTO types (id) VALUES (2)")
	d.capture(ctx, server.Addr(), properties)
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

func (d *debezium) capture(ctx context.Context, addr, properties string) {
	t := d.t
	jars, err := services.Jars("debezium-mariadb-"+debeziumVersion, "io.debezium:debezium-api:"+debeziumVersion,
		"io.debezium:debezium-embedded:"+debeziumVersion, "io.debezium:debezium-connector-mariadb:"+debeziumVersion)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(ctx, "javac", "-cp", filepath.Join(jars, "*"), "-d", dir, "debezium/Capture.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	host, port, _ := net.SplitHostPort(addr)
	text := fmt.Sprintf(`name=capture
connector.class=io.debezium.connector.mariadb.MariaDbConnector
offset.storage=org.apache.kafka.connect.storage.MemoryOffsetBackingStore
topic.prefix=dbz
database.hostname=%s
database.port=%s
database.user=%s
database.password=%s
database.server.id=7001
database.include.list=shop
database.ssl.mode=disable
schema.history.internal=io.debezium.relational.history.MemorySchemaHistory
skipped.operations=none
%s`, host, port, services.MariaDBUser, services.MariaDBPassword, properties)
	file := filepath.Join(dir, "capture.properties")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	java := exec.Command("java", "-Xmx256m", "-cp", dir+":"+filepath.Join(jars, "*"), "Capture", file)
	log, err := os.Create(filepath.Join(dir, "capture.log"))
	if err != nil {
		t.Fatal(err)
	}
	java.Stderr = log
	stdin, err1 := java.StdinPipe()
	stdout, err2 := java.StdoutPipe()
	if err := errors.Join(err1, err2, java.Start()); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.lines)
		in := bufio.NewReaderSize(stdout, 1<<20)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			d.lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = java.Process.Kill()
		for range d.lines { // until it has ended
		}
		_ = java.Wait()
		if t.Failed() {
			_, _ = log.Seek(0, io.SeekStart)
			out, _ := io.ReadAll(log)
			t.Logf("Debezium's log ends with\n%s", out[max(0, len(out)-3000):])
		}
		_ = log.Close()
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
