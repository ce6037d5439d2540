package source

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/source"
)

const chaosRows = 8_000

// fill makes three tables with keys of other kinds.
func fill(t testing.TB, d *database, name string, rows int) {
	t.Helper()
	d.fresh(t, name)
	d.exec(t,
		"CREATE TABLE "+name+".a (id INT PRIMARY KEY, v INT, s VARCHAR(50))",
		"CREATE TABLE "+name+".b (x VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL, n INT NOT NULL, v DECIMAL(10,2), PRIMARY KEY (x, n))",
		"CREATE TABLE "+name+".c (d DATETIME(3) NOT NULL, k BINARY(6) NOT NULL, v INT, e ENUM('x','y','z'), PRIMARY KEY (d, k))",
		fmt.Sprintf("INSERT INTO %s.a SELECT seq * 3, seq, REPEAT('a', seq %% 50) FROM seq_1_to_%d", name, rows),
		fmt.Sprintf("INSERT INTO %s.b SELECT CONCAT(ELT(1 + seq %% 4, 'k', 'K', 'ü', 'Z'), seq DIV 40), seq, seq / 100 FROM seq_1_to_%d", name, rows),
		fmt.Sprintf("INSERT INTO %s.c SELECT '2024-01-01' + INTERVAL seq %% 500 MINUTE, UNHEX(LPAD(HEX(seq), 12, '0')), seq, 1 + seq %% 3 FROM seq_1_to_%d", name, rows))
}

// writers change the tables all the time: rows are inserted, updated, deleted, and get other keys. They do not write much faster than the
// source tells: it would never be done. But they do write, for the source may wait for them.
func writers(t testing.TB, d *database, p *topic, name string, n, rows int) (stop func(), written *atomic.Int64) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	written = &atomic.Int64{}
	before := p.told.Load()
	for w := range n {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 8))
			for ctx.Err() == nil {
				for pause := 0; pause < 20 && ctx.Err() == nil && written.Load() > 1_000+(p.told.Load()-before)/20; pause++ {
					time.Sleep(time.Millisecond)
				}
				if _, err := d.sql.ExecContext(ctx, statement(r, name, rows)); err == nil {
					written.Add(1)
				} else if ctx.Err() == nil {
					time.Sleep(time.Millisecond) // a key that is there, or the server is not
				}
			}
		})
	}
	return sync.OnceFunc(func() { cancel(); wg.Wait() }), written
}

// statement is one that changes a few rows.
func statement(r *rand.Rand, name string, rows int) string {
	id, v := 1+r.IntN(rows), r.IntN(1_000_000)
	x := fmt.Sprintf("%s%d", []string{"k", "K", "ü", "Z", "Ü", "z"}[r.IntN(6)], id/40)
	switch r.IntN(15) {
	case 0:
		return fmt.Sprintf("INSERT INTO %s.a VALUES (%d, %d, 'new')", name, r.IntN(4*rows), v)
	case 1:
		return fmt.Sprintf("DELETE FROM %s.a WHERE id = %d", name, 3*id)
	case 2:
		return fmt.Sprintf("UPDATE %s.a SET id = %d WHERE id = %d", name, r.IntN(4*rows), 3*id)
	case 3, 4:
		return fmt.Sprintf("UPDATE %s.a SET v = %d WHERE id BETWEEN %d AND %d", name, v, 3*id, 3*id+12)
	case 5:
		return fmt.Sprintf("INSERT INTO %s.b VALUES ('%s', %d, NULL)", name, x, v)
	case 6:
		return fmt.Sprintf("DELETE FROM %s.b WHERE x = '%s' AND n = %d", name, x, id)
	case 7:
		return fmt.Sprintf("UPDATE %s.b SET x = IF(x = UPPER(x), LOWER(x), UPPER(x)) WHERE x = '%s'", name, x)
	case 8:
		return fmt.Sprintf("UPDATE %s.b SET v = %d WHERE x = '%s'", name, v, x)
	case 9:
		return fmt.Sprintf("INSERT INTO %s.c VALUES ('2024-01-01' + INTERVAL %d MINUTE, UNHEX('%012x'), %d, 2)", name, r.IntN(600), v, v)
	case 10:
		return fmt.Sprintf("DELETE FROM %s.c WHERE d = '2024-01-01' + INTERVAL %d MINUTE LIMIT 2", name, r.IntN(500))
	case 11:
		return fmt.Sprintf("UPDATE %s.c SET d = d + INTERVAL %d SECOND WHERE d = '2024-01-01' + INTERVAL %d MINUTE LIMIT 3", name, r.IntN(90), r.IntN(500))
	case 12:
		return fmt.Sprintf("UPDATE %s.c SET v = %d WHERE d = '2024-01-01' + INTERVAL %d MINUTE", name, v, r.IntN(500))
	case 13:
		return fmt.Sprintf("BEGIN; UPDATE %s.a SET v = v + 1 WHERE id = %d; DELETE FROM %[1]s.a WHERE id = %[2]d; INSERT INTO %[1]s.a VALUES (%[2]d, %d, 'again'); COMMIT", name, 3*id, v)
	}
	return fmt.Sprintf("UPDATE %s.b SET n = n + 1000000 WHERE x = '%s' LIMIT 1", name, x)
}

// Three tables are changed all the time while their snapshot is taken. The source dies again and again, with some of what it told
// written and some not, and goes on from the State that was kept; the server is killed twice. In the end the topic has what the tables
// have, whether it is applied in order or by the rule, and no version ever goes down.
func TestChaos(t *testing.T) {
	d := own(t, map[string]string{"max-binlog-size": "262144"})
	fill(t, d, "chaos", chaosRows)
	r := rand.New(rand.NewPCG(5, 5))
	p := newTopic()
	stop, written := writers(t, d, p, "chaos", 3, chaosRows)
	defer stop()
	var read, again, views, passed uint64
	deaths, inside, kills := 0, 0, 0
	config := d.config(t, "chaos")
	config.Log = nil
	config.ChunkRows, config.ViewMax = 97, 30*time.Millisecond
	for {
		config.Counts = &source.Counts{}
		from, found := p.state(t)
		s := open(t, config, from, found)
		p.run(t, s, r, 200+r.IntN(2_500))
		done := true
		for _, name := range []string{"a", "b", "c"} {
			at, _ := s.State().Snapshot.Of("chaos." + name)
			done = done && at.Done
		}
		read, again, views, passed = read+config.Counts.Read(), again+config.Counts.Again(), views+config.Counts.Views(), passed+config.Counts.Passed()
		if done && deaths >= 20 {
			stop()
			p.finish(t, s, d, 3)
			break
		}
		if !done {
			inside++
		}
		_ = s.Close()
		p.die(r)
		if deaths++; deaths == 6 || deaths == 13 {
			kills++
			if err := d.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := d.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d deaths, %d of them in the snapshot, %d kills; %d statements; %d rows read in %d views, %d left out, %d views passed, %d records recognised",
		deaths, inside, kills, written.Load(), read, views, again, passed, p.again)
	for _, name := range []string{"a", "b", "c"} {
		p.compare(t, d, "chaos", name)
	}
	if inside < 15 || read < 20_000 || p.again == 0 || written.Load() < 300 {
		t.Error("that was too easy")
	}
}

// The server is killed under an open source, in the middle of a view: it goes on by itself.
func TestKilledUnderView(t *testing.T) {
	d := own(t, nil)
	fill(t, d, "killed", chaosRows)
	config := d.config(t, "killed")
	config.ChunkRows, config.ViewMax = 500, time.Minute
	p, r := newTopic(), rand.New(rand.NewPCG(1, 2))
	stop, _ := writers(t, d, p, "killed", 2, chaosRows)
	defer stop()
	s := open(t, config, source.State{}, false)
	for range 3 {
		p.run(t, s, r, 3_000)
		if err := d.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	p.finish(t, s, d, 3)
	for _, name := range []string{"a", "b", "c"} {
		p.compare(t, d, "killed", name)
	}
}
