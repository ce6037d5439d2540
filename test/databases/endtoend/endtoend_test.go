package endtoend

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skein-io/skein/test/services"
)

const topicPartitions = 3

// changes is how many rows are changed. SKEIN_CHANGES=200000 is the whole proof.
func changes(t *testing.T) int64 {
	text := os.Getenv("SKEIN_CHANGES")
	if text == "" {
		return 30_000
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		t.Fatalf("SKEIN_CHANGES=%q is no number of changes", text)
	}
	return n
}

func TestEachPartIsKilled(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, table := range tables() {
		for _, db := range []*database{w.source, w.target} {
			if _, err := db.sql.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s (%s)", table.name, table.columns)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.target.sql.ExecContext(ctx, "ALTER TABLE "+table.name+
			" ADD COLUMN execute_time BIGINT, ADD COLUMN binlog_position BINARY(16), ADD COLUMN source_epoch INT UNSIGNED, ADD COLUMN row_deleted BOOLEAN NOT NULL DEFAULT FALSE"); err != nil {
			t.Fatal(err)
		}
	}
	writing := newWork(w.source.sql, changes(t))
	if err := writing.fill(ctx, 1000); err != nil {
		t.Fatal(err)
	}
	w.startSync()

	written := make(chan error, 1)
	go func() { written <- writing.run(ctx, 4) }()
	w.harm(ctx, writing, written)
	w.settle(ctx)
	w.verify(ctx)
	if err := w.sync.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	inTopics, reads, first, err := w.inTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	inBinlog, err := w.inBinlog(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	if n, some := missing(inBinlog, inTopics); n > 0 {
		t.Errorf("%d changes of the binlog are not in the topics:\n\t%s", n, some)
	}
	if n, some := missing(inTopics, inBinlog); n > 0 {
		t.Errorf("%d changes of the topics are not in the binlog:\n\t%s", n, some)
	}
	twice, some := inTopics.twice()
	t.Logf("%d rows were changed; the topics have %d changes and %d rows of the snapshot; %d were produced twice\n\t%s", writing.changes.Load(), len(inTopics), reads, twice, some)
	if t.Failed() {
		t.Log(w.sync.tail(60))
	}
}

// startSync writes the pipeline's file and runs it.
func (w *world) startSync() {
	w.Helper()
	file := filepath.Join(w.dir, "pipeline.yaml")
	if err := os.WriteFile(file, []byte(w.pipeline()), 0o600); err != nil {
		w.Fatal(err)
	}
	w.sync = &syncing{binary: w.binary, args: []string{"sync", "run", file}, env: []string{"SKEIN_DATABASE_PASSWORD=" + services.MariaDBPassword}}
	start(w.T, w.sync)
	w.Cleanup(func() { _ = w.sync.Kill() })
}

// part is one that is killed.
type part struct {
	name   string
	server interface {
		Start(context.Context) error
		Kill() error
	}
}

// harm kills each part in turn, and alters the tables, while they are written.
func (w *world) harm(ctx context.Context, writing *work, written <-chan error) {
	w.Helper()
	r := rand.New(rand.NewPCG(3, 3))
	parts := []part{{"perceptor", w.sync}, {"broker", w.broker}, {"MariaDB", w.source}, {"perceptor", w.sync}, {"HBase", w.hbase}, {"target", w.target}, {"perceptor", w.sync}, {"broker", w.broker}}
	for n, p := range parts {
		for at := writing.enough * int64(n+1) / int64(len(parts)+2); writing.changes.Load() < at; {
			select {
			case err := <-written:
				w.Fatalf("the writers ended: %v", err)
			case <-time.After(20 * time.Millisecond):
			}
			w.runs()
		}
		w.runs()
		if n >= 2 && n-2 < len(writing.tables) {
			w.alter(ctx, &writing.tables[n-2], writing)
		}
		w.Logf("%s is killed after %d changes", p.name, writing.changes.Load())
		if err := p.server.Kill(); err != nil {
			w.Fatal(err)
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
		start(w.T, p.server)
	}
	writing.harmed.Store(true)
	if err := <-written; err != nil {
		w.Fatal(err)
	}
}

// runs fails if perceptor has ended without being told to: whatever is away, it waits.
func (w *world) runs() {
	w.Helper()
	if w.sync.alone() {
		w.Fatalf("skein sync run ended by itself:\n%s", w.sync.tail(60))
	}
}

// alter changes a table, that of the target first.
func (w *world) alter(ctx context.Context, t *table, writing *work) {
	w.Helper()
	for _, sql := range t.alter {
		if strings.HasPrefix(sql, "DROP") {
			continue // what comes of older changes still has the column
		}
		if err := again(ctx, func() error { _, err := w.target.sql.ExecContext(ctx, "ALTER TABLE "+t.name+" "+sql); return err }); err != nil {
			w.Fatal(err)
		}
	}
	if err := writing.alter(ctx, t); err != nil {
		w.Fatal(err)
	}
	w.Logf("%s: %s", t.name, strings.Join(t.alter, ", "))
}

// settle waits until both targets have what the source has.
func (w *world) settle(ctx context.Context) {
	w.Helper()
	until := time.Now().Add(patience)
	for {
		all, rows, err := w.differences(ctx)
		if err == nil && len(all) == 0 {
			w.Logf("%d rows are the same in both targets", rows)
			return
		}
		w.runs()
		if time.Now().After(until) {
			w.Fatalf("the targets are not what the source is (%v):\n%s\n%s", err, strings.Join(all, "\n"), w.sync.tail(80))
		}
		time.Sleep(time.Second)
	}
}
