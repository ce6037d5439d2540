package explain

import (
	"fmt"
	"math"

	"github.com/skein-io/skein/perceptor/change"
)

// facts are what the verdict is made of.
type facts struct {
	newest *Step // by version
	// later is how many of the changes that the rule puts are newer than what the sink has.
	later int64
	of    *Step // the change that the sink's version is of
	// unread records could not be read, so nobody knows whether they are of the row.
	unread int64
	// different columns of the sink's row are not what the source's row would be.
	different int
}

// saw takes in a step.
func (f *facts) saw(s *Step, row *SinkRow) {
	if s.Version == nil || s.Rule == "" {
		return
	}
	if row != nil && row.Version != nil && *s.Version == *row.Version && f.of == nil {
		f.of = s
		row.Of = fmt.Sprintf("%d:%d", s.Partition, s.Offset)
	}
	if f.newest == nil || s.Version.Compare(*f.newest.Version) > 0 {
		f.newest = s
	}
	puts := s.Rule == change.Absent.String() || s.Rule == change.Newer.String()
	if puts && (row == nil || row.Version == nil || s.Version.Compare(*row.Version) > 0) {
		f.later++
	}
}

// conclude says in a sentence what follows.
func (t *telling) conclude() {
	t.story.Verdict = verdict(t.story, &t.facts)
	if t.facts.unread > 0 {
		t.story.Verdict += fmt.Sprintf(" (%d records cannot be read, and may be of any row)", t.facts.unread)
	}
}

func verdict(s *Story, f *facts) string {
	if s.Sink != nil && s.Sink.Invalid != "" {
		return "the sink's row has a version that the sink did not write: " + s.Sink.Invalid
	}
	switch {
	case f.newest == nil && s.Sink != nil && s.Sink.Version != nil && isRepair(*s.Sink.Version):
		return "no record of this key in the topic; the sink's row is of a repair" + content(s, f)
	case f.newest == nil:
		return "no record of this key in the topic: it was compacted or has expired, or was never written" + missing(s)
	case s.Sink == nil:
		return fmt.Sprintf("the newest change is at offset %d of partition %d: %s, %s", f.newest.Offset, f.newest.Partition, f.newest.Op, f.newest.VersionText)
	case s.Sink.Version == nil:
		return absent(s, f)
	}
	switch order := s.Sink.Version.Compare(*f.newest.Version); {
	case order == 0:
		return "the sink has the newest change" + content(s, f)
	case order > 0 && isRepair(*s.Sink.Version):
		return "the sink's row is of a repair that is newer than every change in the topic" + content(s, f)
	case order > 0:
		return "the sink's version is of no change in the topic, and newer than all of them: somebody else wrote it, or the topic has forgotten the change" + content(s, f)
	case f.of == nil && !isRepair(*s.Sink.Version):
		return "the sink's version is of no change in the topic; " + behind(s, f)
	}
	return behind(s, f)
}

// isRepair reports whether a version is one that package verify makes.
func isRepair(v change.Version) bool { return v.Position.Row == math.MaxUint32 }

// behind says how far the sink is behind, and why if that can be told.
func behind(s *Story, f *facts) string {
	text := fmt.Sprintf("the sink is %s behind", changes(f.later))
	switch {
	case s.Committed == nil:
		return text
	case f.newest.Passed != nil && *f.newest.Passed:
		return text + fmt.Sprintf(", though group %s has passed them (it is at offset %d of partition %d): they were dead-lettered, or written to another table; skein sync verify --repair writes the row",
			s.Group, s.Committed[f.newest.Partition], f.newest.Partition)
	}
	return text + fmt.Sprintf(": group %s is at offset %d of partition %d, and the newest change at %d", s.Group, s.Committed[f.newest.Partition], f.newest.Partition, f.newest.Offset)
}

// absent is of a row that the sink does not have at all.
func absent(s *Story, f *facts) string {
	if f.newest.Op == change.Delete.String() && f.newest.Passed != nil && *f.newest.Passed {
		return "the sink has nothing of the row, and the newest change is its delete: the tombstone was swept"
	}
	return "the sink has nothing of the row; " + behind(s, f)
}

// content says what the data are beside a version that is right.
func content(s *Story, f *facts) string {
	switch {
	case s.SourceExists == nil:
		return ""
	case *s.SourceExists && s.Sink.Deleted:
		return "; the source has the row, and the sink has it as deleted"
	case !*s.SourceExists && s.Sink.Exists:
		return "; the source does not have the row any more"
	case f.different > 0:
		return fmt.Sprintf(", but %d of its columns are not what the source has: a change is on its way to the topic, or somebody wrote to the sink; skein sync verify tells", f.different)
	}
	return ", and its data are the source's"
}

func missing(s *Story) string {
	switch {
	case s.SourceExists == nil:
		return ""
	case *s.SourceExists && (s.Sink == nil || !s.Sink.Exists):
		return "; the source has the row"
	case !*s.SourceExists:
		return "; the source does not have the row either"
	}
	return ""
}

func changes(n int64) string {
	if n == 1 {
		return "1 change"
	}
	return fmt.Sprintf("%d changes", n)
}
