package verify

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/verify"
)

// holder takes changes out of a carrier.
type holder struct {
	mu      sync.Mutex
	holding bool
	held    []*change.Change
}

func (h *holder) before(changes []*change.Change) []*change.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.holding {
		return changes
	}
	h.held = append(h.held, changes...)
	return nil
}

func (h *holder) hold(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holding = on
}

// Changes are lost on their way, a repair writes what the source has, and then the lost ones come late: they lose. The next
// change of the row wins, even one whose statement began before the repair.
func TestRepairOutlivesLateChanges(t *testing.T) {
	all := shapes()
	c := makeCopies(t, all[:1], true)
	h := &holder{}
	p := startCarrier(t, c.db, h.before, c.hbase, c.mysql, c.beside)
	table := c.db + ".alltypes"
	exec(t, "INSERT INTO "+table+" (id, v) VALUES (1, 'a'), (2, 'a'), (3, 'a')")
	p.caughtUp(t)
	h.hold(true)
	exec(t, "UPDATE "+table+" SET v='b' WHERE id<3", "UPDATE "+table+" SET v='c' WHERE id=1", "DELETE FROM "+table+" WHERE id=2", "INSERT INTO "+table+" (id, v) VALUES (4, 'a')")
	p.caughtUp(t)
	h.hold(false)
	// An UPDATE begins, and waits for a lock. Meanwhile the source's clock runs ahead of it.
	locker, err := maria.sql.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = locker.Close() }()
	for _, q := range []string{"BEGIN", "SELECT * FROM " + table + " WHERE id IN (1, 2) FOR UPDATE"} {
		if _, err := locker.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := maria.sql.ExecContext(t.Context(), "UPDATE "+table+" SET v='d' WHERE id=1")
		waiting <- err
	}()
	// The server answers from memory if it is asked more often than each 100 ms.
	for deadline := time.Now().Add(patience); number(t, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") == 0; time.Sleep(250 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the UPDATE does not wait")
		}
	}
	ahead, err := maria.sql.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SET timestamp = UNIX_TIMESTAMP() + 100", "UPDATE " + table + " SET v='ahead' WHERE id=3", "SET timestamp = DEFAULT"} {
		if _, err := ahead.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	_ = ahead.Close()
	p.caughtUp(t)
	for name, s := range c.readers() {
		report := compare(t, c, "alltypes", s, func(c *verify.Config) { c.Progress, c.Repair = p, true })
		if report.Different != 1 || report.Extra != 1 || report.Missing != 1 || report.Repaired != 3 {
			t.Errorf("%s: %+v", name, report)
		}
		if again := compare(t, c, "alltypes", s, func(c *verify.Config) { c.Progress = p }); again.Differing() > 0 {
			t.Errorf("%s, repaired: %+v", name, again.Differences)
		}
		// What was held back comes now, in a wrong order and twice.
		if len(h.held) != 5 {
			t.Fatalf("%d changes are held back", len(h.held))
		}
		for _, i := range []int{2, 0, 3, 1, 4, 0, 1} {
			if o := applyOne(t, s, h.held[i]); o.Verdict != change.Stale {
				t.Errorf("%s: a late %s is %s", name, h.held[i].Op, o.Verdict)
			}
		}
		if again := compare(t, c, "alltypes", s, func(c *verify.Config) { c.Progress = p }); again.Differing() > 0 {
			t.Errorf("%s, after late changes: %+v", name, again.Differences)
		}
	}
	if _, err := locker.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	exec(t, "INSERT INTO "+table+" (id, v) VALUES (2, 'again')", "UPDATE "+table+" SET v='e' WHERE id=4")
	p.caughtUp(t)
	for name, s := range c.readers() {
		if again := compare(t, c, "alltypes", s, func(c *verify.Config) { c.Progress = p }); again.Differing() > 0 || again.InFlight > 0 {
			t.Errorf("%s, after the next changes: %+v", name, again.Differences)
		}
	}
}

// A row whose stored version is newer than everything of the source stays as it is, and the report says so. The guard would
// discard any repair.
func TestRepairOfAVersionOfNoChange(t *testing.T) {
	c := makeCopies(t, shapes()[:1], false)
	p := startCarrier(t, c.db, nil, c.mysql)
	exec(t, "INSERT INTO "+c.db+".alltypes (id, v) VALUES (1, 'a')")
	p.caughtUp(t)
	exec(t, "UPDATE "+c.in+".alltypes SET v='b', binlog_position=UNHEX('000000ff000000000000000000000000'), execute_time=execute_time+1000000000000")
	report := compare(t, c, "alltypes", c.mysql, func(c *verify.Config) { c.Progress, c.Repair, c.Wait = p, true, time.Second })
	if report.Different != 1 || report.Repaired != 0 || report.Kept != 0 || report.Open() != 1 {
		t.Fatalf("%+v", report)
	}
	if d := report.Differences[0]; d.Key != "1" || d.Repair[:12] != "not repaired" {
		t.Errorf("%+v", d)
	}
}

// A newer change reaches a row while it is repaired: it stays.
func TestRepairGivesWay(t *testing.T) {
	c := makeCopies(t, shapes()[:1], false)
	p := startCarrier(t, c.db, nil, c.mysql)
	exec(t, "INSERT INTO "+c.db+".alltypes (id, v) VALUES (1, 'a')")
	p.caughtUp(t)
	exec(t, "UPDATE "+c.in+".alltypes SET v='wrong'")
	late := &overtaken{Reader: c.mysql, before: func() {
		exec(t, "UPDATE "+c.db+".alltypes SET v='newest'")
		p.caughtUp(t)
	}}
	report := compare(t, c, "alltypes", late, func(c *verify.Config) { c.Progress, c.Repair = p, true })
	if report.Different != 1 || report.Repaired != 0 || report.Kept != 1 || report.Open() != 0 {
		t.Errorf("%+v", report)
	}
	if again := compare(t, c, "alltypes", c.mysql, func(c *verify.Config) { c.Progress = p }); again.Differing() > 0 {
		t.Errorf("%+v", again.Differences)
	}
}

// overtaken lets something happen between the look and the write.
type overtaken struct {
	sink.Reader
	before func()
}

func (o *overtaken) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	o.before()
	return o.Reader.Apply(ctx, changes, outcomes)
}

// Without knowing how far the sink is, a row that stays as it is for the whole time is a difference.
func TestWithoutProgress(t *testing.T) {
	c := makeCopies(t, shapes()[:1], false)
	exec(t, "INSERT INTO "+c.db+".alltypes (id, v) VALUES (1, 'a')")
	report := compare(t, c, "alltypes", c.mysql, func(c *verify.Config) { c.Wait = 300 * time.Millisecond })
	if report.Missing != 1 || report.InFlight != 0 {
		t.Errorf("%+v", report)
	}
	if _, err := verify.Run(t.Context(), verify.Config{Source: source(t, c.db, "alltypes"), Sink: c.mysql, Repair: true}); err == nil {
		t.Error("a repair without a version is not refused")
	}
}

// A sink that is known to be behind has nothing wrong yet.
func TestInFlight(t *testing.T) {
	c := makeCopies(t, shapes()[:1], false)
	gate := make(chan struct{})
	p := startCarrier(t, c.db, func(changes []*change.Change) []*change.Change { <-gate; return changes }, c.mysql)
	exec(t, "INSERT INTO "+c.db+".alltypes (id, v) VALUES (1, 'a'), (2, 'b')")
	report := compare(t, c, "alltypes", c.mysql, func(c *verify.Config) { c.Progress, c.Wait = p, 300*time.Millisecond })
	if report.InFlight != 2 || report.Differing() != 0 || len(report.InFlightKeys) != 2 {
		t.Errorf("%+v", report)
	}
	close(gate)
	p.caughtUp(t)
	if report := compare(t, c, "alltypes", c.mysql, func(c *verify.Config) { c.Progress = p }); report.InFlight != 0 || report.Differing() != 0 || report.Rows != 2 {
		t.Errorf("%+v", report)
	}
}
