package sync

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/test/services"
)

const electFile = `name: elected
brokers: {addresses: "BROKERS"}
topics: {prefix: elected, partitions: 3}
source:
  connector: mariadb
  address: $SOURCE
  user: skein
  password: {file: password}
  server-id: 4721
  tables: [elected.*]
  session-timeout: 6s
sink:
  type: mysql
  address: $TARGET
  user: skein
  password: {file: password}
  database: elected
  tables: [elected.*]
`

// Two processes run the same file: one runs the source and the other stands by. The one is killed, stopped and woken up, and ended: the
// other goes on, nobody pushes anybody out of the server, and the target ends as the source is.
func TestElected(t *testing.T) { elected(t, shared.broker.Addr()) }

// It is the same with Apache Kafka.
func TestElectedKafka(t *testing.T) {
	kafka, err := services.NewKafka(services.Options{Dir: t.TempDir(), ReadyTimeout: patience, Properties: map[string]string{
		"offsets.topic.num.partitions": "3", "offsets.topic.replication.factor": "1"}}, services.JVM{})
	if err == nil {
		err = kafka.Start(t.Context())
	}
	if err != nil {
		t.Fatalf("this test needs Apache Kafka, which a JDK and Maven bring: %v", err)
	}
	t.Cleanup(func() { _ = kafka.Kill() })
	elected(t, kafka.Addr())
}

func elected(t *testing.T, broker string) {
	source, target := shared.source, shared.target
	const versions = ", execute_time BIGINT, binlog_position BINARY(16), source_epoch INT UNSIGNED, row_deleted BOOLEAN"
	source.exec(t, "DROP DATABASE IF EXISTS elected", "CREATE DATABASE elected", "CREATE TABLE elected.stock (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)")
	target.exec(t, "DROP DATABASE IF EXISTS elected", "CREATE DATABASE elected", "CREATE TABLE elected.stock (id BIGINT PRIMARY KEY, n BIGINT"+versions+")")
	path := file(t, strings.ReplaceAll(electFile, "BROKERS", broker))
	done := make(chan struct{})
	writing := make(chan error, 1)
	go func() { // all the while
		for i := 0; ; i++ {
			select {
			case <-done:
				writing <- nil
				return
			default:
			}
			for _, s := range []string{"INSERT INTO elected.stock VALUES (%[1]d, 1)", "UPDATE elected.stock SET n = n + 1 WHERE id > %[1]d - 10", "DELETE FROM elected.stock WHERE id = %[1]d - 7"} {
				if _, err := source.sql.Exec(fmt.Sprintf(s, i)); err != nil {
					writing <- err
					return
				}
			}
		}
	}()

	running := map[string]*process{}
	join := func() *process {
		p := runPipeline(t, path)
		running[fmt.Sprintf(".%d", p.cmd.Process.Pid)] = p
		return p
	}
	of := func(instance string) *process {
		for suffix, p := range running {
			if strings.HasSuffix(instance, suffix) {
				return p
			}
		}
		return nil
	}
	// active waits until one of those that live runs the source and others stand by, and the position moves.
	active := func(what string, others int) *process {
		t.Helper()
		var found *process
		var before string
		until(t, what, func() (string, bool) {
			s := status(t, path).Source
			standby := 0
			found = nil
			for _, one := range s.Processes {
				switch {
				case one.Stale || of(one.Instance) == nil:
				case one.State == pipeline.Running:
					found = of(one.Instance)
				case one.State == pipeline.Standby:
					standby++
				}
			}
			at := fmt.Sprint(s.Kept)
			moves := before != "" && before != at
			before = at
			return fmt.Sprintf("%+v", s), found != nil && standby == others && moves
		})
		return found
	}
	gone := func(p *process) { delete(running, fmt.Sprintf(".%d", p.cmd.Process.Pid)) }

	join()
	join()
	first := active("one of two", 1)
	if out, _, _ := skein(t, "sync", "status", path); !strings.Contains(out, "standby by ") {
		t.Errorf("status does not tell of the one that stands by:\n%s", out)
	}
	first.kill()
	gone(first)
	second := active("after one is killed", 0)
	third := join()
	if got := active("another one joins", 1); got != second {
		t.Errorf("the source has moved to the process that joined")
	}

	if err := second.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := fmt.Sprintf(".%d", second.cmd.Process.Pid)
	delete(running, stopped)
	if got := active("after one is stopped", 0); got != third {
		t.Error("it is not the other one")
	}
	running[stopped] = second
	if err := second.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := active("after it is woken up", 1); got != third {
		t.Error("the one that was woken up runs the source")
	}
	third.stop()
	gone(third)
	if got := active("after one has ended", 0); got != second {
		t.Error("it is not the other one")
	}
	if strings.Contains(third.log.String(), "the connection is made anew") {
		t.Errorf("two were at the server at the same time:\n%s", tail(third.log.String(), 3000))
	}

	close(done)
	if err := <-writing; err != nil {
		t.Fatal(err)
	}
	same(t, "the target", func() string {
		return source.rows(t.Context(), "SELECT COUNT(*), SUM(id * n), SUM(n) FROM elected.stock")
	}, func() string {
		return target.rows(t.Context(), "SELECT COUNT(*), SUM(id * n), SUM(n) FROM elected.stock WHERE NOT COALESCE(row_deleted, 0)")
	})
	second.stop()
}
