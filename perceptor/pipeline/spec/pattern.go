package spec

import (
	"errors"
	"strings"
)

// Pattern names tables: DATABASE.TABLE, where * stands for any letters, none among them. A name that is no pattern names
// one table.
type Pattern struct{ Database, Table string }

func (p Pattern) String() string { return p.Database + "." + p.Table }

// Exact says whether it names one table.
func (p Pattern) Exact() bool { return !strings.Contains(p.Database+p.Table, "*") }

// Match says whether a table is meant.
func (p Pattern) Match(database, table string) bool {
	return matches(p.Database, database) && matches(p.Table, table)
}

func matchAny(patterns []Pattern, database, table string) bool {
	for _, p := range patterns {
		if p.Match(database, table) {
			return true
		}
	}
	return false
}

// matches tries the stars from the left: each takes as little as it can, the last one what is left.
func matches(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], after
	}
}

// SplitTable splits DATABASE.TABLE at its first dot, as the topics' names are made.
func SplitTable(name string) (database, table string, ok bool) {
	database, table, ok = strings.Cut(name, ".")
	return database, table, ok && database != "" && table != ""
}

func parsePattern(text string) (Pattern, error) {
	database, table, ok := SplitTable(text)
	if !ok {
		return Pattern{}, errors.New("it must be DATABASE.TABLE; * stands for any letters, as in shop.*")
	}
	return Pattern{database, table}, nil
}

// Target is where the rows of a table go, if the sink takes it: what names it alone rules before patterns, and of these the
// first.
func (s *Sink) Target(database, table string) (*SinkTable, bool) {
	var found *SinkTable
	for i := range s.Tables {
		t := &s.Tables[i]
		if t.Source.Match(database, table) && (found == nil || t.Source.Exact() && !found.Source.Exact()) {
			found = t
		}
	}
	return found, found != nil
}

// NameFor is the target's name for a table.
func (t *SinkTable) NameFor(database, table string) string {
	return strings.NewReplacer("{database}", database, "{table}", table).Replace(t.Name)
}
