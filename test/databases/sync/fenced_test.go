package sync

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/skein-io/skein/perceptor/pipeline"
)

const fencedFile = `name: fenced
brokers: {addresses: $BROKER}
topics: {prefix: fenced, partitions: 2}
source:
  connector: mariadb
  address: $SOURCE
  user: skein
  password: {file: password}
  server-id: 4713
  tables: [fenced.*]
sink:
  type: mysql
  session-timeout: 6s
  address: $TARGET
  user: skein
  password: {file: password}
  database: fenced
  tables: [fenced.stock]
`

// A process of a sink is stopped with a batch on its way, until its session is over and another process has its partitions and
// has written what it had in hand. Then the operator takes that row away, and the first process goes on: its batch reaches the server.
// With generations it is refused; without, the row is back, which shows that the batch was sent.
func TestFenced(t *testing.T) {
	for _, generations := range []bool{true, false} {
		t.Run(fmt.Sprint(generations), func(t *testing.T) {
			source, target := shared.source, shared.target
			// The names are different for each run, so that topics and groups are.
			text := strings.ReplaceAll(fencedFile, "fenced", fmt.Sprintf("fenced_%v", generations))
			name := fmt.Sprintf("fenced_%v", generations)
			if generations {
				text += "  generations: owners\n"
			}
			source.exec(t, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name, "CREATE TABLE "+name+".stock (id INT PRIMARY KEY, v VARCHAR(20))")
			target.exec(t, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name,
				"CREATE TABLE "+name+".stock (id INT PRIMARY KEY, v VARCHAR(20), execute_time BIGINT NULL, binlog_position BINARY(16) NULL, source_epoch INT UNSIGNED NULL, row_deleted BOOLEAN NOT NULL DEFAULT FALSE)")
			rows := func() string { return target.rows(t.Context(), "SELECT id, v FROM "+name+".stock ORDER BY id") }
			are := func(what, want string) {
				t.Helper()
				until(t, what, func() (string, bool) { got := rows(); return got, got == want })
			}
			gate := newGate(t, target.Addr())
			path := file(t, text)
			first := file(t, strings.Replace(text, "$TARGET", gate.addr(), 1))
			runPipeline(t, path, "--only", "source")
			zombie := runPipeline(t, first, "--only", "mysql")
			source.exec(t, "INSERT INTO "+name+".stock VALUES (1, 'one')")
			are("the first row", "1|one\n")

			gate.shut()
			source.exec(t, "INSERT INTO "+name+".stock VALUES (2, 'two')")
			until(t, "the batch that is on its way", func() (string, bool) {
				held := gate.held()
				return fmt.Sprintf("%q", held), bytes.Contains(held, []byte("START TRANSACTION"))
			})
			if err := zombie.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			next := runPipeline(t, path, "--only", "mysql")
			are("what the next process writes", "1|one\n2|two\n")
			until(t, "the commit of the next", func() (string, bool) {
				s := status(t, path).Sinks[0]
				return fmt.Sprintf("%+v", s), s.Lag == 0
			})
			target.exec(t, "DELETE FROM "+name+".stock WHERE id = 2")

			gate.open()
			if err := zombie.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if generations {
				until(t, "the refusal", func() (string, bool) {
					s := status(t, path).Sinks[0]
					return fmt.Sprintf("%+v", s.Processes), fencedOf(s, zombie) > 0 && fencedOf(s, next) == 0
				})
				if got := rows(); got != "1|one\n" {
					t.Errorf("the past owner has written: %q", got)
				}
			} else {
				are("what the past owner writes if nobody refuses it", "1|one\n2|two\n")
			}
			// Both go on as members of the group.
			want := rows()
			for id := 10; id < 30; id++ {
				source.exec(t, fmt.Sprintf("INSERT INTO %s.stock VALUES (%d, 'more')", name, id))
				want += fmt.Sprintf("%d|more\n", id)
			}
			are("what comes later", want)
			zombie.stop()
			next.stop()
		})
	}
}

// fencedOf is how many changes of a process were refused.
func fencedOf(s pipeline.SinkStatus, p *process) uint64 {
	for _, one := range s.Processes {
		if strings.HasSuffix(one.Instance, fmt.Sprintf(".%d", p.cmd.Process.Pid)) && one.Sink != nil {
			return one.Sink.Fenced
		}
	}
	return 0
}

// gate passes bytes on to a server. While it is shut, it takes what clients send and keeps it.
type gate struct {
	listener net.Listener
	mu       sync.Mutex
	opened   *sync.Cond
	closed   bool
	kept     []byte // all that was held
}

func newGate(t testing.TB, server string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l}
	g.opened = sync.NewCond(&g.mu)
	t.Cleanup(func() { _ = l.Close(); g.open() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(client, to); _ = client.Close() }()
			go func() { g.pass(to, client); _ = to.Close() }()
		}
	}()
	return g
}

func (g *gate) addr() string { return g.listener.Addr().String() }

func (g *gate) pass(to io.Writer, from io.Reader) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		g.mu.Lock()
		if g.closed {
			g.kept = append(g.kept, b[:n]...)
		}
		for g.closed {
			g.opened.Wait()
		}
		g.mu.Unlock()
		if _, failed := to.Write(b[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
	g.opened.Broadcast()
}

func (g *gate) held() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return bytes.Clone(g.kept)
}
