package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing that must never happen and did.
type Finding struct {
	Class      string // such as lost-write
	About      string // the partition, group or process
	Message    string // with every value that matters
	Operations []int  // where in the history to look
}

// String is the finding in one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s %s: %s (operations %v)", f.Class, f.About, f.Message, f.Operations)
}

// findingsMax bounds what one checker reports; the last finding then says how many more there were.
const findingsMax = 20

// Checker is one rule.
type Checker struct {
	Class string // what it finds
	ID    string // its number in the fault list
	Check func(*View) []Finding
}

// Checkers are all rules for one node.
var Checkers = []Checker{
	{"lost-write", "C1", LostWrites},
	{"unseen", "C2", Unseen},
	{"inconsistent-offsets", "C3", InconsistentOffsets},
	{"duplicate", "C4", Duplicates},
	{"G1a", "C5", FailedReads},
	{"never-sent", "C5", NeverSent},
	{"poll-skip", "C6", PollSkips},
	{"nonmonotonic-poll", "C7", NonmonotonicPolls},
	{"nonmonotonic-send", "C8", NonmonotonicSends},
	{"known-offset", "C9", KnownOffsets},
	{"offset-register", "C11", OffsetRegisters},
	{"group-safety", "C12", GroupSafety},
	{"watermark", "C16", Watermarks},
	{"deleted-record", "C16", DeletedRecords},
	{"retry-offset", "C19", Retries},
}

// All runs every checker on a history.
func All(history []Operation, o Options) []Finding {
	v := NewView(history, o)
	var all []Finding
	for _, c := range Checkers {
		all = append(all, c.Check(v)...)
	}
	return all
}

// report collects the findings of one checker.
type report struct {
	class    string
	findings []Finding
	more     int
}

func (r *report) add(about fmt.Stringer, operations []int, format string, args ...any) {
	if len(r.findings) >= findingsMax {
		r.more++
		return
	}
	r.findings = append(r.findings, Finding{Class: r.class, About: about.String(),
		Message: fmt.Sprintf(format, args...), Operations: operations})
}

func (r *report) done() []Finding {
	if r.more > 0 {
		r.findings = append(r.findings, Finding{Class: r.class, About: "all", Message: fmt.Sprintf("and %d more", r.more)})
	}
	return r.findings
}

// name is a group or process as the subject of a finding.
type name string

func (n name) String() string { return string(n) }

// sortBy sorts in place and keeps the order of equals.
func sortBy[T any, K cmp.Ordered](list []T, key func(T) K) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

// sortedKeys are the keys of a map in order: no finding depends on the order of a map.
func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

func comparePartitions(a, b Partition) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
}
