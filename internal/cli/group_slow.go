package cli

import (
	"time"

	"github.com/spf13/cobra"
)

// slowMembers is who holds a group up: now, and in its last rebalance.
type slowMembers struct {
	WaitedFor        []waitedFor `json:"waitedFor"`
	WaitedForOmitted int32       `json:"waitedForOmitted"`
	Rebalanced       *time.Time  `json:"rebalanced"` // when the last rebalance ended; null if the diary has none
	TookMs           *int64      `json:"tookMs"`
	Waits            []diaryWait `json:"waits"` // in it, the longest first
}

// askSlow asks a group's coordinator who is slow.
func askSlow(c *cobra.Command, n *connection, group string) (*slowMembers, error) {
	why, err := askWhy(c, n, group, false)
	if err != nil {
		return nil, err
	}
	s := &slowMembers{WaitedFor: why.WaitedFor, WaitedForOmitted: why.WaitedForOmitted, Waits: []diaryWait{}}
	for i := range why.Entries {
		if e := &why.Entries[i]; e.Started != nil && e.Members > 0 {
			s.Rebalanced, s.TookMs, s.Waits = e.Written, e.DurationMs, e.Waits
			break
		}
	}
	return s, nil
}

func (s *slowMembers) print(p *page) {
	printWaitedFor(p, s.WaitedFor, s.WaitedForOmitted)
	if s.Rebalanced == nil || s.TookMs == nil {
		return
	}
	p.line("last rebalance at %s, took %s", s.Rebalanced.Format(diaryTime), elapsed(*s.TookMs))
	for i := range s.Waits {
		p.line("  %s", s.Waits[i].phrase())
	}
}

// printWaitedFor names those whose request a group waits for.
func printWaitedFor(p *page, members []waitedFor, omitted int32) {
	for i := range members {
		w := &members[i]
		p.line("now waiting for the %s of %s, for %s already", w.Request, w.name(), elapsed(w.WaitMs))
	}
	if omitted > 0 {
		p.line("and for %s more", plural(omitted, "member"))
	}
}
