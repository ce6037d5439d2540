package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
)

// UntoldRows is a statement that took rows of a table, or put others in their place, of which no event and no record tells. The targets keep
// what they had until skein sync verify --repair.
type UntoldRows struct {
	// Table is DATABASE.TABLE, or DATABASE.* of a whole database, and What became of its rows, in words.
	Table string `json:"table"`
	What  string `json:"what"`
	// Statement is its text, of at most 300 bytes.
	Statement string `json:"statement"`
	// At is its time in the binlog; File and Offset are the place behind it.
	At     time.Time `json:"at"`
	File   string    `json:"file"`
	Offset uint64    `json:"offset"`
}

// untoldMax bounds the statements that are reported; the newest are.
const untoldMax = 16

// untold are the statements that a source has read.
type untold struct {
	mu   sync.Mutex
	last []UntoldRows
	n    uint64
}

// add notes a statement, and reports whether it is one that was not noted: after an error it is read again.
func (u *untold) add(rows UntoldRows) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if slices.Contains(u.last, rows) {
		return false
	}
	u.n++
	u.last = append(slices.Clone(u.last), rows) // reports have the old one
	u.last = u.last[max(0, len(u.last)-untoldMax):]
	return true
}

func (u *untold) report() ([]UntoldRows, uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last, u.n
}

// tellUntold is perceptor.FeedConfig.Untold.
func (p *sourcePart) tellUntold(u perceptor.Untold) {
	wanted := u.Table == "" && p.c.Source.WantsOf(u.Database) || u.Table != "" && p.c.Source.Wants(u.Database, u.Table)
	if !wanted {
		return
	}
	rows := UntoldRows{Table: u.Database + "." + u.Table, What: u.Kind.String(), Statement: u.SQL, At: time.UnixMilli(u.Version.ExecuteTime).UTC(), File: u.File, Offset: u.Version.Position.Offset}
	if u.Table == "" {
		rows.Table += "*"
	}
	if len(rows.Statement) > 300 {
		rows.Statement = strings.ToValidUTF8(rows.Statement[:296], "") + " ..."
	}
	if p.untold.add(rows) {
		p.log.Warn("a statement took rows, or put others in their place, that no event tells of; the targets keep what they had: compare and mend them with skein sync verify FILE TABLE --repair",
			"part", p.name, "table", rows.Table, "rows", rows.What, "statement", rows.Statement, "file", rows.File, "offset", rows.Offset)
	}
}

// Truncate implements sink.Truncater, if the sink does.
func (w *watched) Truncate(ctx context.Context, c *change.Change) (sink.Outcome, error) {
	to, able := w.Sink.(sink.Truncater)
	if !able {
		return sink.Outcome{Err: sink.ErrTruncate}, nil
	}
	if other := sharing(w.part.s, w.tables, c.Table.Database, c.Table.Name); other != "" {
		return sink.Outcome{Err: fmt.Errorf("%w: %s goes to the same table, too, and its rows would go with them", sink.ErrTruncate, other)}, nil
	}
	o, err := to.Truncate(ctx, c)
	switch {
	case err != nil && ctx.Err() == nil:
		w.part.set(Waiting, fmt.Sprintf("%s is not applied: %v", one(c), err))
	case err == nil && o.Err == nil:
		w.part.set(Running, "")
		w.part.log.Info("a truncate is applied", "part", w.part.name, "table", c.Table.String(), "version", c.Version.String(), "verdict", o.Verdict.String())
	case err == nil && w.part.s.Truncates:
		w.part.refuse(c, o.Err)
	}
	return o, err
}

// sharing is another table of the source that goes to the same table of the target; empty if there is none.
func sharing(s *spec.Sink, tables []string, database, table string) string {
	to, ok := s.Target(database, table)
	if !ok {
		return ""
	}
	if strings.Contains(to.Source.Database, "*") && !strings.Contains(to.Name, "{database}") {
		return to.Source.String()
	}
	for _, other := range tables {
		d, t, _ := spec.SplitTable(other)
		if d == database && t == table {
			continue
		}
		if at, ok := s.Target(d, t); ok && at.NameFor(d, t) == to.NameFor(database, table) {
			return other
		}
	}
	return ""
}
