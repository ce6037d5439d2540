package sync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/hbase/client"
)

const truncateFile = `name: cut
brokers: {addresses: $BROKER}
topics: {prefix: cut, partitions: 3}
source:
  connector: mariadb
  address: $SOURCE
  user: skein
  password: {file: password}
  server-id: 4712
  tables: [cut.*]
  truncates: emit
  drops: emit
sinks:
  - type: hbase
    zookeeper: $ZOOKEEPER
    create: true
    truncates: apply
    truncate-versions: cut_truncates
    tables:
      cut.*: {name: "cut_{table}"}
  - type: mysql
    address: $TARGET
    user: skein
    password: {file: password}
    database: cutcopy
    truncates: apply
    tables: [cut.*]
`

const (
	cutColumns  = "id BIGINT PRIMARY KEY, v VARCHAR(40)"
	cutVersions = ", execute_time BIGINT, binlog_position BINARY(16), source_epoch INT UNSIGNED, row_deleted BOOLEAN"
)

// cutBed are the tables of this file, and what they have in the source and in both targets.
type cutBed struct {
	*testing.T
	hbase *client.Client
}

// equal waits until both targets have what the source has.
func (b *cutBed) equal(what, table string) {
	b.Helper()
	ctx := b.Context()
	want := func() string {
		return shared.source.rows(ctx, "SELECT id, v FROM cut."+table+" ORDER BY CAST(id AS BINARY)")
	}
	same(b, what+": MySQL's "+table, want, func() string {
		return shared.target.rows(ctx, "SELECT id, v FROM cutcopy."+table+" WHERE NOT row_deleted ORDER BY CAST(id AS BINARY)")
	})
	same(b, what+": HBase's "+table, want, func() string { return cells(ctx, b.hbase, "cut_"+table, "d", "v") })
}

// writers change rows of cut.busy until they are stopped. Those of one writer have the same rest of their id.
func (b *cutBed) writers(n int) (count *atomic.Int64, stop func()) {
	count = new(atomic.Int64)
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	for w := range n {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 5))
			for i := 0; ctx.Err() == nil; i++ {
				id := n*random.IntN(150) + w
				q := fmt.Sprintf("INSERT INTO cut.busy VALUES (%d, 'w%d.%d') ON DUPLICATE KEY UPDATE v = VALUES(v)", id, w, i)
				if random.IntN(6) == 0 {
					q = fmt.Sprintf("DELETE FROM cut.busy WHERE id = %d", id)
				}
				if _, err := shared.source.sql.ExecContext(ctx, q); err != nil && ctx.Err() == nil {
					b.Error(err)
					return
				}
				count.Add(1)
			}
		})
	}
	return count, sync.OnceFunc(func() { cancel(); all.Wait() })
}

// truncates are the versions of the truncates in each partition of a table's topic, in order.
func (b *cutBed) truncates(topic string) (partitions [3][]string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	c, err := kgo.NewClient(kgo.SeedBrokers(shared.broker.Addr()), kgo.ConsumeTopics(topic))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	if err != nil {
		b.Fatal(err)
	}
	left := map[int32]bool{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = true
		}
	})
	for len(left) > 0 {
		fetched := c.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			b.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if end, _ := ends.Lookup(topic, r.Partition); r.Offset+1 >= end.Offset {
				delete(left, r.Partition)
			}
			if !strings.Contains(string(r.Value), `"op":"t"`) {
				return
			}
			for _, h := range r.Headers {
				if h.Key == "skein.version" {
					partitions[r.Partition] = append(partitions[r.Partition], string(h.Value))
				}
			}
		})
	}
	return partitions
}

// Tables are truncated, dropped and made anew while others write and the process is killed: both targets end as the source is, and each partition
// of the topic has each truncate once.
func TestTruncate(t *testing.T) {
	source, target := shared.source, shared.target
	source.exec(t, "DROP DATABASE IF EXISTS cut", "CREATE DATABASE cut", "CREATE TABLE cut.busy ("+cutColumns+")", "CREATE TABLE cut.made ("+cutColumns+")", "CREATE TABLE cut.spare ("+cutColumns+")",
		"CREATE TABLE cut.parts ("+cutColumns+") PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN MAXVALUE)")
	target.exec(t, "DROP DATABASE IF EXISTS cutcopy", "CREATE DATABASE cutcopy")
	for _, table := range []string{"busy", "made", "spare", "parts"} {
		target.exec(t, "CREATE TABLE cutcopy."+table+" ("+cutColumns+cutVersions+")")
		source.exec(t, "INSERT INTO cut."+table+" SELECT seq * 7, 'at first' FROM cut.seq_1_to_40")
	}
	// Rows that nobody writes again: if they are gone, a truncate has taken them.
	source.exec(t, "INSERT INTO cut.busy SELECT 100000 + seq, 'quiet' FROM cut.seq_1_to_400")
	b := &cutBed{t, hbaseClient(t)}
	path := file(t, truncateFile)
	if out, errs, code := skein(t, "sync", "check", path); code != 0 || !strings.Contains(out, "cutcopy.skein_truncates") || !strings.Contains(out, "cut_truncates") {
		t.Fatalf("check: %s\n%s", errs, out)
	}
	if got := target.rows(t.Context(), "SHOW TABLES FROM cutcopy LIKE 'skein%'"); got != "" {
		t.Errorf("check has made %s", got)
	}
	p := runPipeline(t, path)
	for _, table := range []string{"busy", "made", "spare", "parts"} {
		b.equal("at first", table)
	}

	const rounds = 6
	random := rand.New(rand.NewPCG(8, 8))
	count, stop := b.writers(3)
	defer stop()
	more := func(n int64) {
		t.Helper()
		from := count.Load()
		until(t, "writing", func() (string, bool) { return fmt.Sprint(count.Load()), count.Load() >= from+n })
	}
	for round := range rounds {
		more(150)
		if round%3 == 2 { // it dies just before
			p.kill()
			p = runPipeline(t, path)
		}
		source.exec(t, "TRUNCATE TABLE cut.busy")
		if round%3 != 1 { // it dies just behind
			time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
			p.kill()
			more(50)
			p = runPipeline(t, path)
		}
		more(100)
		source.exec(t, fmt.Sprintf("INSERT INTO cut.busy SELECT %d + seq, 'quiet' FROM cut.seq_1_to_200", 200000+1000*round))
	}
	more(200)
	stop()
	b.equal("behind truncates", "busy")
	if got := source.rows(t.Context(), "SELECT COUNT(*) FROM cut.busy WHERE id >= 100000"); got != "200\n" {
		t.Errorf("the source has %s quiet rows", got)
	}
	parts := b.truncates("cut.cut.busy")
	for i, versions := range parts {
		sorted := slices.Clone(versions)
		slices.Sort(sorted)
		if len(versions) != rounds || len(slices.Compact(sorted)) != rounds || !slices.Equal(versions, parts[0]) {
			t.Errorf("partition %d has the truncates %q, partition 0 %q", i, versions, parts[0])
		}
	}

	// Dropped and made anew, with fewer rows; replaced; and another table has the name at once, whose rows came under its own.
	source.exec(t, "DROP TABLE cut.made", "CREATE TABLE cut.made ("+cutColumns+")", "INSERT INTO cut.made VALUES (7, 'anew'), (1000, 'anew')")
	b.equal("made anew", "made")
	source.exec(t, "CREATE OR REPLACE TABLE cut.made ("+cutColumns+") SELECT 14 AS id, 'replaced' AS v")
	b.equal("replaced", "made")
	source.exec(t, "DROP TABLE cut.made", "RENAME TABLE cut.spare TO cut.made", "INSERT INTO cut.made VALUES (5000, 'under the other name')")
	b.equal("renamed", "made")

	// What no event tells of is told.
	source.exec(t, "ALTER TABLE cut.parts DROP PARTITION low", "INSERT INTO cut.parts VALUES (5001, 'behind')")
	until(t, "what is told", func() (string, bool) {
		out, _, _ := skein(t, "sync", "status", path)
		return out, strings.Contains(out, "rows of cut.parts were changed in part") && strings.Contains(out, "ALTER TABLE cut.parts DROP PARTITION low") &&
			strings.Contains(out, "skein sync verify FILE cut.parts --repair") && strings.Contains(out, "rows of cut.spare were renamed") && strings.Contains(out, "truncates of cut.busy, one from each partition: ")
	})
	if !strings.Contains(p.log.String(), "DROP PARTITION low") {
		t.Errorf("the log does not tell: %s", tail(p.log.String(), 2000))
	}
	s := status(t, path)
	if len(s.Source.Processes) == 0 {
		t.Fatal("nobody runs the source")
	}
	until(t, "the last row", func() (string, bool) {
		got := target.rows(t.Context(), "SELECT COUNT(*) FROM cutcopy.parts WHERE id < 100 OR id = 5001")
		return got, got == "15\n"
	})
	if out, errs, code := skein(t, "sync", "verify", path, "cut.parts", "--repair"); code != 0 {
		t.Errorf("verify: %d %s\n%s", code, errs, out)
	}
	b.equal("repaired", "parts")
	for _, table := range []string{"busy", "made", "parts"} {
		if out, errs, code := skein(t, "sync", "verify", path, "cut."+table); code != 0 {
			t.Errorf("verify %s: %d %s\n%s", table, code, errs, out)
		}
	}
	p.stop()
}
