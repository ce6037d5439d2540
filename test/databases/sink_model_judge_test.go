package databases

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
)

// meddle is somebody who writes beside the sink: a row loses its version, or a part of it.
func (m *model) meddle() {
	n := m.r.IntN(modelRows)
	row := &m.rows[n]
	if !row.versioned || m.which == mysql.SideTable {
		return
	}
	column := []string{"execute_time", "source_epoch", "binlog_position"}[m.r.IntN(3)]
	run1(m.t, m.db, fmt.Sprintf("UPDATE model SET %s = NULL WHERE n = %d", column, n))
	switch column {
	case "execute_time":
		row.versioned = false
	case "source_epoch":
		row.version.Epoch = 0
	default:
		row.version.Position = change.Position{}
	}
}

// sweep forgets some of the deleted rows.
func (m *model) sweep(s *mysql.Sink) {
	before := m.now - m.r.Int64N(30)
	want := int64(0)
	for n := range m.rows {
		if row := &m.rows[n]; row.versioned && row.deleted && row.version.ExecuteTime < before {
			*row = modelRow{}
			want++
		}
	}
	if got, err := s.Sweep(m.t.Context(), "target", "model", before); err != nil || got != want {
		m.t.Errorf("%d rows are swept, %v; not %d", got, err, want)
	}
}

// truncate takes the rows that are older, if the table is one of truncates.
func (m *model) truncate(step int, s *mysql.Sink) {
	if !m.of.truncated {
		return
	}
	v := change.Version{Epoch: 1, ExecuteTime: max(0, m.now-m.r.Int64N(20)), Position: m.position()}
	want := change.Judge(m.cut.version, m.cut.versioned, v)
	if o := truncated(m.t, s, "model", v); o.Verdict != want || o.Err != nil {
		m.t.Errorf("step %d: the truncate is %s, %v; not %s", step, o.Verdict, o.Err, want)
	}
	m.seen["truncate "+want.String()]++
	if !want.Puts() {
		return
	}
	m.cut = modelRow{versioned: true, version: v}
	for n := range m.rows {
		if row := &m.rows[n]; (row.live || row.deleted) && (!row.versioned || row.version.Compare(v) < 0) {
			*row = modelRow{versioned: true, deleted: true, version: v}
		}
	}
}

// number is n of a change's row, values are a, b and v.
func (m *model) number(c *change.Change) int { return int(c.Image()[len(m.of.key)].Int()) }

func values3(c *change.Change) []string {
	row := c.Image()
	out := make([]string, 3)
	for i, v := range row[len(row)-3:] {
		if out[i] = "NULL"; !v.IsNull() {
			out[i] = string(v.Raw())
		}
	}
	return out
}

// judge decides about a batch as change.Judge does, and compares outcomes and table.
func (m *model) judge(step int, batch []*change.Change, outcomes []sink.Outcome) {
	kept := map[int]int{}
	for i, c := range batch {
		if have, seen := kept[m.number(c)]; !seen || c.Version.Compare(batch[have].Version) > 0 {
			kept[m.number(c)] = i
		}
	}
	var collided []int
	for i, c := range batch {
		o, n := outcomes[i], m.number(c)
		row := &m.rows[n]
		want := change.Judge(row.version, row.versioned, c.Version)
		if want == change.Duplicate && row.deleted && c.Op != change.Delete {
			want = change.Newer
		}
		if m.cut.versioned && c.Version.Compare(m.cut.version) < 0 {
			want = change.Stale
		}
		switch {
		case kept[n] != i:
			if o.Verdict != change.Folded && o.Verdict != change.Duplicate || o.Err != nil {
				m.t.Errorf("step %d, row %d: %s, %v, and a newer one is in the batch", step, n, o.Verdict, o.Err)
			}
		case errors.Is(o.Err, mysql.ErrUniqueKey) && want.Puts() && c.Op != change.Delete:
			collided = append(collided, i)
			m.seen["collision"]++
			continue
		case want.Puts() && c.Op != change.Delete && slices.Contains(values3(c), tooLong):
			if o.Err == nil || errors.Is(o.Err, mysql.ErrUniqueKey) {
				m.t.Errorf("step %d, row %d: %s, %v, and a value does not fit", step, n, o.Verdict, o.Err)
			}
			m.seen["misfit"]++
			continue
		case o.Err != nil || o.Verdict != want:
			m.t.Errorf("step %d, row %d: %s, %v; not %s: %s of %s to %s", step, n, o.Verdict, o.Err, want, c.Op, row.version, c.Version)
		case want.Puts():
			*row = modelRow{live: true, versioned: true, version: c.Version, values: values3(c)}
			if c.Op == change.Delete {
				*row = modelRow{versioned: true, version: c.Version, deleted: true}
			}
		}
		m.seen[o.Verdict.String()]++
	}
	for _, i := range collided {
		v, there := values3(batch[i]), false
		for n, row := range m.rows {
			have := row.values
			there = there || row.live && n != m.number(batch[i]) && (have[0] == v[0] && v[0] != "NULL" || have[1] == v[1] && v[1] != "NULL" && have[2] == v[2] && v[2] != "NULL")
		}
		if !there {
			m.t.Errorf("step %d, row %d: %v, and no row has the value", step, m.number(batch[i]), outcomes[i].Err)
		}
	}
	m.compare(step)
}

// compare compares the table with the model.
func (m *model) compare(step int) {
	var live, versions []string
	for n, row := range m.rows {
		if row.live {
			live = append(live, fmt.Sprintf("%d,%s", n, strings.Join(row.values, ",")))
		}
		if row.versioned {
			versions = append(versions, fmt.Sprintf("%d,%d,%X,%t", row.version.Epoch, row.version.ExecuteTime, row.version.Position.Append(nil), row.deleted))
		}
	}
	if got, want := m.live("model", "n, a, b, v"), strings.Join(live, ";"); got != want {
		m.t.Errorf("step %d: the table has\n%s, not\n%s", step, got, want)
	}
	from := "model WHERE execute_time IS NOT NULL ORDER BY n"
	if m.which == mysql.SideTable { // which does not know n
		from = "skein_row_versions ORDER BY 1"
		slices.Sort(versions)
	}
	got := selected(m.t, m.db, "SELECT CONCAT_WS(',', COALESCE(source_epoch, 0), execute_time, COALESCE(HEX(binlog_position), REPEAT('0', 32)), IF(row_deleted, 'true', 'false')) FROM "+from)
	if want := strings.Join(versions, ";"); got != want {
		m.t.Errorf("step %d: the versions are\n%s, not\n%s", step, got, want)
	}
}
