package services

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"time"
)

// MariaDB is one MariaDB server. It is a database, not a broker, and has what the two share: an address, a folder, Start, Stop
// and Kill.
type MariaDB struct {
	*process
	properties map[string]string
}

// The account that has all rights, from loopback only.
const (
	MariaDBUser     = "skein"
	MariaDBPassword = "skein"
)

// NewMariaDB prepares a server; nothing runs before Start. Properties are names of server options, without dashes in front.
func NewMariaDB(o Options) (*MariaDB, error) {
	p, err := newProcess("mariadb", o)
	if err != nil {
		return nil, err
	}
	return &MariaDB{process: p, properties: maps.Clone(o.Properties)}, nil
}

// Start runs the server and returns when it greets. The first start makes the folder, which takes some seconds. The programs
// are Debian's: they are installed if they are missing and this process is root.
func (m *MariaDB) Start(ctx context.Context) error {
	server, err := installMariaDB(ctx)
	if err != nil {
		return err
	}
	if err := m.install(ctx); err != nil {
		return err
	}
	accounts := fmt.Sprintf("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO %[1]s@'%%' WITH GRANT OPTION;\n", MariaDBUser, MariaDBPassword)
	if err := os.WriteFile(m.file("accounts.sql"), []byte(accounts), 0o644); err != nil {
		return err
	}
	if err := m.launch(exec.Command(server, m.arguments()...)); err != nil {
		return err
	}
	return m.waitGreeting(ctx)
}

func (m *MariaDB) file(name string) string { return filepath.Join(m.dir, name) }

func (m *MariaDB) arguments() []string {
	_, port, _ := net.SplitHostPort(m.addr)
	options := map[string]string{
		"datadir": m.file("data"), "tmpdir": m.file("tmp"), "port": port, "bind-address": "127.0.0.1", "socket": socketPath(port), "pid-file": m.file("pid"),
		"init-file": m.file("accounts.sql"), "character-set-server": "utf8mb4", "skip-name-resolve": "ON", "innodb-buffer-pool-size": "64M",
	}
	maps.Copy(options, m.properties)
	args := append([]string{"--no-defaults"}, asRoot()...)
	for name, value := range options {
		args = append(args, "--"+name+"="+value)
	}
	sort.Strings(args[1:])
	return args
}

// socketPath is short: a socket's path may have 107 characters at most.
func socketPath(port string) string {
	return filepath.Join(os.TempDir(), "skein-mariadb-"+port+".sock")
}

// asRoot is for root only, which the programs refuse to be run by unless they are told so.
func asRoot() []string {
	if os.Geteuid() != 0 {
		return nil
	}
	return []string{"--user=root"}
}

// install makes the system tables, once. Temporary tables are in a folder of their own: a server that starts deletes those that it finds,
// which may be another's.
func (m *MariaDB) install(ctx context.Context) error {
	if err := os.MkdirAll(m.file("tmp"), 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(m.file("data/mysql")); err == nil {
		return nil
	}
	args := append([]string{"--no-defaults", "--datadir=" + m.file("data"), "--skip-test-db"}, asRoot()...)
	program := exec.CommandContext(ctx, "mariadb-install-db", args...)
	program.Env = append(os.Environ(), "TMPDIR="+m.file("tmp"))
	if out, err := program.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, out[max(0, len(out)-3000):])
	}
	return nil
}

// waitGreeting returns when the server sends a connection the first byte of its greeting.
func (m *MariaDB) waitGreeting(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	for {
		err := greeted(ctx, m.addr)
		if err == nil {
			return nil
		}
		select {
		case <-m.exited:
			m.forget()
			return fmt.Errorf("%s exited before it was ready: %w\n%s", m.name, m.err, m.logTail())
		case <-ctx.Done():
			_ = m.Kill()
			return fmt.Errorf("%s was not ready within %v: %w\n%s", m.name, m.timeout, err, m.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func greeted(ctx context.Context, addr string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

// installMariaDB returns the path of the server.
func installMariaDB(ctx context.Context) (string, error) {
	const program, packages = "mariadbd", "mariadb-server-core mariadb-client-core"
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	const path = "/usr/sbin/" + program // Debian's; not in everybody's PATH
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("%s is not installed; run: apt-get install %s", program, packages)
	}
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", "mariadb-server-core", "mariadb-client-core"}} {
		if out, err := exec.CommandContext(ctx, "apt-get", args...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out[max(0, len(out)-3000):])
		}
	}
	return exec.LookPath(path)
}
