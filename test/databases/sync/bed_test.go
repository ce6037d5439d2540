package sync

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/test/services"
)

// patience bounds what takes seconds on a machine that is not loaded.
const patience = 4 * time.Minute

// shared are the servers of all tests, each in tables and topics of its own.
var shared struct {
	dir, binary    string
	broker         *services.Skein
	source, target *database
	hbaseOnce      sync.Once
	hbase          *services.HBase
	hbaseErr       error
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "skein-sync")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared.dir, shared.binary = dir, filepath.Join(dir, "skein")
	build := exec.Command("go", "build", "-o", shared.binary, "./cmd/skein")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	if shared.broker, err = services.NewSkein(shared.binary, services.Options{Dir: filepath.Join(dir, "broker"), ReadyTimeout: patience, Properties: map[string]string{
		"offsets.topic.num.partitions": "3", "group.initial.rebalance.delay.ms": "0"}}); err != nil {
		return 1, err
	}
	if err := shared.broker.Start(ctx); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.broker.Stop()) }()
	if shared.source, err = start(ctx, "source", map[string]string{
		"log-bin": "binlog", "binlog-format": "ROW", "binlog-row-image": "FULL", "binlog-row-metadata": "FULL", "server-id": "1", "gtid-strict-mode": "ON"}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.source.Kill()) }()
	if shared.target, err = start(ctx, "target", nil); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.target.Kill()) }()
	defer func() {
		if shared.hbase != nil {
			err = errors.Join(err, shared.hbase.Kill())
		}
	}()
	return m.Run(), nil
}

// database is a server, with a connection that has all rights.
type database struct {
	*services.MariaDB
	sql *sql.DB
}

func start(ctx context.Context, name string, options map[string]string) (*database, error) {
	properties := map[string]string{"innodb-flush-log-at-trx-commit": "1"}
	maps.Copy(properties, options)
	server, err := services.NewMariaDB(services.Options{Dir: filepath.Join(shared.dir, name), ReadyTimeout: patience, Properties: properties})
	if err != nil {
		return nil, err
	}
	if err := server.Start(ctx); err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.MultiStatements = services.MariaDBUser, services.MariaDBPassword, "tcp", server.Addr(), true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	d := &database{server, sql.OpenDB(connector)}
	for { // it greets before it has made the account
		if err := d.sql.PingContext(ctx); err == nil {
			return d, nil
		} else if ctx.Err() != nil {
			return nil, errors.Join(err, server.Kill())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (d *database) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := d.sql.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%.300s: %v", s, err)
		}
	}
}

// rows is an answer in text, a line for each row; or the error.
func (d *database) rows(ctx context.Context, query string) string {
	rows, err := d.sql.QueryContext(ctx, query)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = rows.Close() }()
	names, _ := rows.Columns()
	var b strings.Builder
	for rows.Next() {
		cells, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err.Error()
		}
		for i, c := range cells {
			if i > 0 {
				b.WriteByte('|')
			}
			if c.Valid {
				b.WriteString(c.String)
			} else {
				b.WriteString("NULL")
			}
		}
		b.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return b.String()
}

// zookeeper is the address of HBase, which is started by the first who wants it.
func zookeeper(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv("SKEIN_HBASE"); addr != "" {
		return addr
	}
	shared.hbaseOnce.Do(func() {
		shared.hbase, shared.hbaseErr = services.NewHBase(services.Options{Dir: filepath.Join(shared.dir, "hbase"), ReadyTimeout: patience}, services.JVM{}, 1)
		if shared.hbaseErr == nil {
			shared.hbaseErr = shared.hbase.Start(context.Background())
		}
	})
	if shared.hbaseErr != nil {
		t.Fatalf("this test needs Apache HBase %s, which a JDK and Maven bring: %v", services.HBaseVersion, shared.hbaseErr)
	}
	return shared.hbase.Addr()
}

func hbaseClient(t testing.TB) *client.Client {
	t.Helper()
	c, err := client.Open(client.Options{ZooKeeper: []string{zookeeper(t)}, RetryTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// cells are a table's rows but deleted ones, as key|qualifier=value..., a line for each; or the error.
func cells(ctx context.Context, c *client.Client, table, family string, qualifiers ...string) string {
	var b strings.Builder
	for row, err := range c.Rows(ctx, table, client.Scan{}) {
		if err != nil {
			return err.Error()
		}
		if row.Value([]byte("update_info"), []byte("deleted")) != nil {
			continue
		}
		b.Write(row.Key)
		for _, q := range qualifiers {
			value := "NULL"
			if cell := row.Value([]byte(family), []byte(q)); cell != nil {
				value = string(cell.Value)
			}
			b.WriteString("|" + value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// file writes a pipeline's file, in which $NAME stands for what is known of the bed.
func file(t testing.TB, text string) string {
	t.Helper()
	text = os.Expand(text, func(name string) string {
		switch name {
		case "BROKER":
			return shared.broker.Addr()
		case "SOURCE":
			return shared.source.Addr()
		case "TARGET":
			return shared.target.Addr()
		case "ZOOKEEPER":
			return zookeeper(t)
		}
		t.Fatalf("nothing is known of %s", name)
		return ""
	})
	dir := t.TempDir()
	for name, content := range map[string]string{"pipeline.yaml": text, "password": services.MariaDBPassword + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "pipeline.yaml")
}

// skein runs the binary to its end.
func skein(t testing.TB, args ...string) (out, errs string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, shared.binary, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("skein %v: %v", args, err)
	}
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

// process is the binary at work.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	log  *log
	done chan error
}

// log is what a process has said so far.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func runPipeline(t testing.TB, file string, more ...string) *process {
	t.Helper()
	return begin(t, append([]string{"sync", "run", file}, more...)...)
}

// begin runs the binary beside the test.
func begin(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(shared.binary, args...), log: &log{}, done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("skein %v said:\n%s", args, tail(p.log.String(), 6000))
		}
	})
	return p
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// kill ends the process as a crash does.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
}

// stop ends the process as an operator does, and wants the exit code 0.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.ended(); err != nil {
		p.t.Fatalf("it ended with %v:\n%s", err, tail(p.log.String(), 3000))
	}
}

// ended waits for the end, and returns the error of a bad exit code.
func (p *process) ended() error {
	p.t.Helper()
	select {
	case err := <-p.done:
		return err
	case <-time.After(patience):
		p.t.Fatalf("it does not end:\n%s", tail(p.log.String(), 3000))
		return nil
	}
}

// until waits for a condition.
func until(t testing.TB, what string, ask func() (state string, ok bool)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		state, ok := ask()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; the last was\n%s", what, patience, tail(state, 3000))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// same waits until two answers are the same.
func same(t testing.TB, what string, want, got func() string) {
	t.Helper()
	until(t, what, func() (string, bool) {
		w, g := want(), got()
		return fmt.Sprintf("want\n%s\ngot\n%s", w, g), w == g
	})
}

// status is what skein sync status says, as JSON.
func status(t testing.TB, file string) *pipeline.Status {
	t.Helper()
	out, errs, code := skein(t, "sync", "status", file, "-o", "json")
	if code != 0 {
		t.Fatalf("status: %s", errs)
	}
	var s pipeline.Status
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return &s
}
