// Package debezium runs the real Debezium, out of Maven's repository, beside a MariaDB server.
package debezium

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/skein-io/skein/test/services"
)

// Version is the newest whose MariaDB connector can be had whole.
const Version = "3.5.0.Final"

//go:embed Capture.java
var capture []byte

// Config says what an Engine reads.
type Config struct {
	// Dir is where its files go.
	Dir string
	// Addr is MariaDB's, which has services.MariaDBUser.
	Addr string
	// Database is the one that is read, and ServerID the number of the replica that it makes.
	Database string
	ServerID int
	// Properties are more lines, of Debezium's own settings.
	Properties string
	// Brokers, if it is not empty, has each record produced by Kafka's own producer, as Debezium's server does it.
	Brokers string
}

// Engine is Debezium at work.
type Engine struct {
	// Lines are its records, as Capture.java writes them. It is closed when Debezium has ended.
	Lines <-chan string

	java  *exec.Cmd
	stdin io.Closer
	log   *os.File
}

// Start runs Debezium. Its topics begin with "dbz".
func Start(ctx context.Context, c Config) (*Engine, error) {
	jars, err := services.Jars("debezium-mariadb-"+Version, "io.debezium:debezium-api:"+Version, "io.debezium:debezium-embedded:"+Version, "io.debezium:debezium-connector-mariadb:"+Version)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, err
	}
	properties := fmt.Sprintf(`name=capture
connector.class=io.debezium.connector.mariadb.MariaDbConnector
offset.storage=org.apache.kafka.connect.storage.MemoryOffsetBackingStore
topic.prefix=dbz
database.hostname=%s
database.port=%s
database.user=%s
database.password=%s
database.server.id=%d
database.include.list=%s
database.ssl.mode=disable
schema.history.internal=io.debezium.relational.history.MemorySchemaHistory
skipped.operations=none
%s`, host, port, services.MariaDBUser, services.MariaDBPassword, c.ServerID, c.Database, c.Properties)
	source, file := filepath.Join(c.Dir, "Capture.java"), filepath.Join(c.Dir, "capture.properties")
	if err := errors.Join(os.WriteFile(source, capture, 0o644), os.WriteFile(file, []byte(properties), 0o644)); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "javac", "-cp", filepath.Join(jars, "*"), "-d", c.Dir, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("javac: %w\n%s", err, out)
	}
	args := []string{"-Xmx256m", "-cp", c.Dir + ":" + filepath.Join(jars, "*"), "Capture", file}
	if c.Brokers != "" {
		args = append(args, c.Brokers)
	}
	e := &Engine{java: exec.Command("java", args...)}
	if e.log, err = os.Create(filepath.Join(c.Dir, "capture.log")); err != nil {
		return nil, err
	}
	e.java.Stderr = e.log
	stdin, err1 := e.java.StdinPipe()
	stdout, err2 := e.java.StdoutPipe()
	if err := errors.Join(err1, err2, e.java.Start()); err != nil {
		return nil, errors.Join(err, e.log.Close())
	}
	e.stdin = stdin
	lines := make(chan string, 1000)
	e.Lines = lines
	go func() {
		defer close(lines)
		in := bufio.NewReaderSize(stdout, 1<<20)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	return e, nil
}

// Stop ends it and returns the end of its log.
func (e *Engine) Stop() (log string) {
	_ = e.stdin.Close()
	_ = e.java.Process.Kill()
	for range e.Lines { // until it has ended
	}
	_ = e.java.Wait()
	_, _ = e.log.Seek(0, io.SeekStart)
	out, _ := io.ReadAll(e.log)
	_ = e.log.Close()
	return string(out[max(0, len(out)-3000):])
}
