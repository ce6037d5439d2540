package endtoend

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
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

	"github.com/skein-io/skein/test/services"
)

// patience bounds what takes seconds on a machine that is not loaded.
const patience = 5 * time.Minute

// world is everything that runs.
type world struct {
	*testing.T
	dir            string
	binary         string
	source, target *database
	broker         services.Broker
	hbase          *services.HBase
	sync           *syncing
}

// database is a MariaDB server with a connection to it.
type database struct {
	*services.MariaDB
	sql *sql.DB
}

// mayPass tells errors of a server that is away, and of transactions that met each other, from mistakes.
func mayPass(err error) bool {
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) {
		return true
	}
	switch refused.Number {
	case 1053, 1205, 1213, 1927, 1020, 1412: // it shuts down; a lock was waited for too long; a deadlock; the connection was killed; changed since; defined anew
		return true
	}
	return false
}

// again does it until it is done.
func again(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || !mayPass(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// durable has a killed server have what it said it had, and many binlog files.
var durable = map[string]string{"innodb-flush-log-at-trx-commit": "1", "sync-binlog": "1", "max-binlog-size": "8M"}

func newDatabase(t testing.TB, dir string, id int, options map[string]string) *database {
	t.Helper()
	properties := map[string]string{
		"log-bin": "binlog", "binlog-format": "ROW", "binlog-row-image": "FULL", "binlog-row-metadata": "FULL", "server-id": fmt.Sprint(id), "gtid-strict-mode": "ON",
		"innodb-flush-log-at-trx-commit": "0", "sync-binlog": "0",
	}
	maps.Copy(properties, options)
	server, err := services.NewMariaDB(services.Options{Dir: dir, Properties: properties})
	if err != nil {
		t.Fatal(err)
	}
	start(t, server)
	t.Cleanup(func() { _ = server.Kill() })
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = services.MariaDBUser, services.MariaDBPassword, "tcp", server.Addr()
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	c.Logger = log.New(io.Discard, "", 0)
	first, err := mysql.NewConnector(c.Clone())
	if err != nil {
		t.Fatal(err)
	}
	admin := sql.OpenDB(first)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for { // it greets before it has made the account
		if _, err = admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4"); err == nil || ctx.Err() != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := errors.Join(err, admin.Close()); err != nil {
		t.Fatal(err)
	}
	c.DBName = "shop"
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	d := &database{MariaDB: server, sql: sql.OpenDB(connector)}
	t.Cleanup(func() { _ = d.sql.Close() })
	return d
}

func start(t testing.TB, s interface{ Start(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, dir: t.TempDir()}
	w.binary = build(t, w.dir)
	w.source, w.target = newDatabase(t, filepath.Join(w.dir, "source"), 1, durable), newDatabase(t, filepath.Join(w.dir, "target"), 2, durable)
	var err error
	if w.broker, err = services.NewSkein(w.binary, services.Options{Dir: filepath.Join(w.dir, "broker")}); err != nil {
		t.Fatal(err)
	}
	start(t, w.broker)
	t.Cleanup(func() { _ = w.broker.Kill() })
	if w.hbase, err = services.NewHBase(services.Options{Dir: filepath.Join(w.dir, "hbase"), ReadyTimeout: 4 * time.Minute}, services.JVM{}, 1); err != nil {
		t.Fatalf("this test needs Apache HBase %s, which a JDK and Maven bring: %v", services.HBaseVersion, err)
	}
	start(t, w.hbase)
	t.Cleanup(func() { _ = w.hbase.Kill() })
	return w
}

// build makes the binary that the test runs.
func build(t testing.TB, dir string) string {
	t.Helper()
	binary := filepath.Join(dir, "skein")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/skein")
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// syncing is `skein sync run`, which is killed and started again.
type syncing struct {
	binary string
	args   []string
	env    []string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	killed bool
	output bytes.Buffer
}

func (s *syncing) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := exec.Command(s.binary, s.args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = &locked{s: s}, &locked{s: s}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	s.cmd, s.exited, s.killed = cmd, exited, false
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	return nil
}

// locked lets the output be looked at while the process writes.
type locked struct{ s *syncing }

func (l *locked) Write(b []byte) (int, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.s.output.Write(b)
}

func (s *syncing) end(signal syscall.Signal) error {
	s.mu.Lock()
	cmd, exited := s.cmd, s.exited
	s.killed = true
	s.mu.Unlock()
	if err := cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-exited:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("skein sync run does not end on %v", signal)
	}
}

func (s *syncing) Kill() error { return s.end(syscall.SIGKILL) }

// alone says whether it ended without having been told to.
func (s *syncing) alone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.exited:
		return !s.killed
	default:
		return false
	}
}

// tail is the last lines of what it said.
func (s *syncing) tail(lines int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := strings.Split(s.output.String(), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
