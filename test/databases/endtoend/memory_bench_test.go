package endtoend

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/test/services"
)

// BenchmarkPipeline runs `skein sync run` with a source and both sinks in one process, while MariaDB is written to faster than the
// pipeline takes it, and tells what the process has in memory: a table of 100,000 rows of 600 bytes is read, and then transactions of
// inserts and updates come. The broker, the databases and HBase are processes of their own. One iteration is loadFor long: -benchtime 1x.
func BenchmarkPipeline(b *testing.B) {
	w := pipelineWorld(b)
	ctx, stop := context.WithCancel(b.Context())
	var writing sync.WaitGroup
	defer writing.Wait()
	defer stop()
	load := &steadyLoad{db: w.source}
	if err := load.fill(ctx, 100_000); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(w.dir, "pipeline.yaml")
	if err := os.WriteFile(file, []byte(w.pipeline()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Setenv("SKEIN_DATABASE_PASSWORD", services.MariaDBPassword)
	config, err := pipeline.Load(file)
	if err != nil {
		b.Fatal(err)
	}
	w.sync = &syncing{binary: w.binary, args: []string{"sync", "run", file}}
	start(b, w.sync)
	b.Cleanup(func() { _ = w.sync.Kill() })
	for n := range uint64(loadWriters) {
		writing.Go(func() {
			if err := load.write(ctx, rand.New(rand.NewPCG(n, 5))); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		})
	}
	w.firstRows(b, config)
	for b.Loop() {
		before, used, from := progress(b, config), w.sync.used(b), time.Now()
		for time.Since(from) < loadFor {
			time.Sleep(time.Second)
			if w.sync.alone() {
				b.Fatalf("skein sync run ended by itself:\n%s", w.sync.tail(60))
			}
		}
		after, seconds := progress(b, config), time.Since(from).Seconds()
		for name, rows := range after {
			b.ReportMetric(float64(rows-before[name])/seconds, name+"-rows/s")
		}
		b.ReportMetric((w.sync.used(b)-used).Seconds()/seconds, "processors")
	}
	b.ReportMetric(w.sync.memory(b, "VmHWM"), "max-MB")
	b.ReportMetric(w.sync.memory(b, "VmRSS"), "last-MB")
	b.ReportMetric(0, "ns/op")
	stop()
	writing.Wait()
	if err := w.sync.end(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
}

const (
	loadFor     = 40 * time.Second
	loadWriters = 4
	loadRows    = 10 // of a transaction
)

// pipelineWorld starts all servers, with the table orders in both databases.
func pipelineWorld(b *testing.B) *world {
	w := &world{dir: b.TempDir()}
	w.binary = build(b, w.dir)
	w.source, w.target = newDatabase(b, filepath.Join(w.dir, "source"), 1, nil), newDatabase(b, filepath.Join(w.dir, "target"), 2, nil)
	var err error
	if w.broker, err = services.NewSkein(w.binary, services.Options{Dir: filepath.Join(w.dir, "broker")}); err != nil {
		b.Fatal(err)
	}
	start(b, w.broker)
	b.Cleanup(func() { _ = w.broker.Kill() })
	if w.hbase, err = services.NewHBase(services.Options{Dir: filepath.Join(w.dir, "hbase"), ReadyTimeout: 4 * time.Minute}, services.JVM{}, 1); err != nil {
		b.Fatalf("this needs Apache HBase %s, which a JDK and Maven bring: %v", services.HBaseVersion, err)
	}
	start(b, w.hbase)
	b.Cleanup(func() { _ = w.hbase.Kill() })
	const columns = "id BIGINT PRIMARY KEY, customer BIGINT NOT NULL, price DECIMAL(12,2) NOT NULL, state ENUM('new','paid','sent') NOT NULL, at DATETIME(6) NOT NULL, note VARCHAR(600) NOT NULL"
	const versions = ", execute_time BIGINT, binlog_position BINARY(16), source_epoch INT UNSIGNED, row_deleted BOOLEAN NOT NULL DEFAULT FALSE"
	for db, more := range map[*database]string{w.source: "", w.target: versions} {
		if _, err := db.sql.ExecContext(b.Context(), "CREATE TABLE orders ("+columns+more+")"); err != nil {
			b.Fatal(err)
		}
	}
	return w
}

// firstRows waits until both sinks have acknowledged something.
func (w *world) firstRows(b *testing.B, c *pipeline.Config) {
	for until := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		all := progress(b, c)
		if all["hbase"] > 0 && all["mysql"] > 0 {
			return
		}
		if w.sync.alone() || time.Now().After(until) {
			b.Fatalf("nothing arrives (%v):\n%s", all, w.sync.tail(60))
		}
	}
}

// progress is how many records the source has written into topics, and each sink has acknowledged.
func progress(b *testing.B, c *pipeline.Config) map[string]int64 {
	s, err := pipeline.Inspect(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	all := map[string]int64{}
	for _, sink := range s.Sinks {
		all["source"] = 0
		for _, t := range sink.Topics {
			for _, p := range t.Partitions {
				all["source"] += p.End
				all[sink.Type] += max(p.Committed, 0)
			}
		}
	}
	return all
}

// memory is a line of the process's status, in MB.
func (s *syncing) memory(b *testing.B, name string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		b.Skipf("memory is read from /proc, which Linux has: %v", err)
	}
	_, line, _ := strings.Cut(string(status), name+":")
	kilobytes, err := strconv.ParseFloat(strings.Fields(line)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes * 1024 / 1e6
}

// used is the processor time of the process.
func (s *syncing) used(b *testing.B) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		b.Skipf("processor time is read from /proc, which Linux has: %v", err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	const user, system = 11, 12 // counted from the state, which follows the name; in hundredths of a second
	used := time.Duration(0)
	for _, at := range []int{user, system} {
		ticks, err := strconv.Atoi(strings.Fields(after)[at])
		if err != nil {
			b.Fatal(err)
		}
		used += time.Duration(ticks) * 10 * time.Millisecond
	}
	return used
}

// steadyLoad writes orders.
type steadyLoad struct {
	db   *database
	mu   sync.Mutex
	last int64
}

// take returns the first of n ids that nobody has.
func (l *steadyLoad) take(n int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last += n
	return l.last - n
}

func order(id int64, r *rand.Rand) string {
	const length = 540
	var note []byte
	for len(note) < length {
		note = append(note, noteWords[r.IntN(len(noteWords))]...)
	}
	return fmt.Sprintf("(%d,%d,%d.50,'paid','2024-02-29 12:34:56.789012','%s')", id, r.Int64N(1e6), r.IntN(10_000), note[:length])
}

// noteWords make notes that can be compressed about as well as what people write.
var noteWords = func() (all []string) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 1000 {
		word := make([]byte, 3+r.IntN(9))
		for i := range word {
			word[i] = byte('a' + r.IntN(26))
		}
		all = append(all, string(word)+" ")
	}
	return all
}()

func (l *steadyLoad) fill(ctx context.Context, rows int64) error {
	const at = 1000
	r := rand.New(rand.NewPCG(9, 9))
	for n := int64(0); n < rows; n += at {
		values := make([]string, at)
		first := l.take(at)
		for i := range values {
			values[i] = order(first+int64(i), r)
		}
		if _, err := l.db.sql.ExecContext(ctx, "INSERT INTO orders VALUES "+strings.Join(values, ",")); err != nil {
			return err
		}
	}
	return nil
}

// write writes transactions, one in two of new rows and one of rows that are there, until ctx ends.
func (l *steadyLoad) write(ctx context.Context, r *rand.Rand) error {
	for {
		values := make([]string, loadRows)
		if r.IntN(2) == 0 {
			first := l.take(loadRows)
			for i := range values {
				values[i] = order(first+int64(i), r)
			}
		} else {
			first := r.Int64N(50_000)
			for i := range values {
				values[i] = order(first+int64(i), r)
			}
		}
		statement := "INSERT INTO orders VALUES " + strings.Join(values, ",") + " ON DUPLICATE KEY UPDATE customer=VALUES(customer), price=VALUES(price), note=VALUES(note)"
		if err := again(ctx, func() error { _, err := l.db.sql.ExecContext(ctx, statement); return err }); err != nil {
			return err
		}
	}
}
