package cli

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/pipeline"
)

func printProcesses(p *page, all []pipeline.Process) {
	if len(all) == 0 {
		p.line("no process tells of itself")
		return
	}
	var rows [][]string
	for i := range all {
		one := &all[i]
		rows = append(rows, []string{one.Pipeline, one.Part, one.Instance, processState(one), fmt.Sprintf("%.0f", one.PerSecond), number(int64(one.Done())), one.Problem})
	}
	p.table([]string{"PIPELINE", "PART", "PROCESS", "STATE", "PER-S", "CHANGES", "PROBLEM"}, rows)
}

// processState is how a process is doing, or that it is not known.
func processState(p *pipeline.Process) string {
	if p.Stale {
		return "not heard of for " + span(time.Duration(p.AgeMs)*time.Millisecond)
	}
	return string(p.State)
}

func printStatus(p *page, s *pipeline.Status) {
	p.line("pipeline %s", s.Pipeline)
	if s.Source != nil {
		p.line("")
		p.line("source")
		printParts(p, s.Source.Processes)
		printSourceStatus(p, s.Source)
	}
	for i := range s.Sinks {
		one := &s.Sinks[i]
		p.line("")
		p.line("sink %s (%s, group %s)", one.Name, one.Type, printable(one.Group))
		printParts(p, one.Processes)
		printSinkStatus(p, one)
	}
}

// printParts tells of each process that runs a part.
func printParts(p *page, all []pipeline.Process) {
	if len(all) == 0 {
		p.line("  nobody runs it")
	}
	for i := range all {
		one := &all[i]
		p.line("  %s by %s since %s, %.0f changes/s, %s", processState(one), printable(one.Instance), one.Started.Format(time.RFC3339), one.PerSecond, plural(int64(one.Done()), "change"))
		if one.Problem != "" && one.Since != nil {
			p.line("    since %s: %s", one.Since.Format(time.RFC3339), printable(one.Problem))
		}
		if one.Source != nil && one.Source.Again > 0 {
			p.line("    %s not written, because they had been before a crash", plural(int64(one.Source.Again), "record"))
		}
		if one.Source != nil {
			printUntold(p, one.Source)
		}
		if one.Sink != nil && one.Sink.Unread > 0 {
			p.line("    %s could not be read", plural(int64(one.Sink.Unread), "record"))
		}
		if one.Sink != nil && one.Sink.Fenced > 0 {
			p.line("    %s refused because another process had their partitions by then", plural(int64(one.Sink.Fenced), "change"))
		}
		if one.Sink != nil && one.Sink.Refused != nil {
			p.line("    refused last, at %s: %s: %s", one.Sink.Refused.At.Format(time.RFC3339), printable(one.Sink.Refused.Table), printable(one.Sink.Refused.Reason))
		}
	}
}

// printUntold tells which tables have lost rows of which the binlog tells nothing.
func printUntold(p *page, s *pipeline.SourceReport) {
	if more := int64(s.UntoldCount) - int64(len(s.Untold)); more > 0 {
		p.line("    %s took rows of which no event tells, before these:", plural(more, "statement"))
	}
	for _, u := range s.Untold {
		p.line("    rows of %s were %s, of which no event tells, at %s:%d, %s: %s", printable(u.Table), printable(u.What), printable(u.File), u.Offset, u.At.Format(time.RFC3339), printable(u.Statement))
		p.line("      the targets keep what they had; with what the table has now they are compared by: skein sync verify FILE %s --repair", printable(u.Table))
	}
}

func printSourceStatus(p *page, s *pipeline.SourceStatus) {
	if s.Kept == nil {
		p.line("  position  none is kept yet")
	} else {
		p.line("  position  %s", positionText(s.Kept))
	}
	switch {
	case s.Server == nil:
		p.line("  server    %s", printable(s.ServerProblem))
	case s.BehindBytes != nil:
		p.line("  server    %s: %s ahead", positionText(s.Server), size(int64(*s.BehindBytes)))
	default:
		p.line("  server    %s", positionText(s.Server))
	}
	if s.Snapshot != nil {
		reading := ""
		if s.Snapshot.Reading != "" {
			reading = ", at " + printable(s.Snapshot.Reading)
		}
		p.line("  snapshot  %d of %s, %s%s", s.Snapshot.Done, plural(s.Snapshot.Tables, "table"), plural(int64(s.Snapshot.Rows), "row"), reading)
	}
}

func positionText(at *binlog.Position) string {
	text := printable(at.String())
	if at.Clock > 0 {
		text += ", execute time " + time.UnixMilli(at.Clock).UTC().Format(time.RFC3339)
	}
	if at.Epoch > 0 {
		text += fmt.Sprintf(", epoch %d", at.Epoch)
	}
	return text
}

func printSinkStatus(p *page, s *pipeline.SinkStatus) {
	var rows [][]string
	for i := range s.Topics {
		t := &s.Topics[i]
		row := []string{t.Topic, number(t.Lag), milliseconds(t.BehindMs), milliseconds(t.SinceMs), timeText(t.Applied)}
		if t.Problem != "" {
			row = []string{t.Topic, t.Problem, "", "", ""}
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		p.table([]string{"  TOPIC", "LAG", "BEHIND-NEWEST", "BEHIND-NOW", "APPLIED-UP-TO"}, indented(rows))
	}
	rows = nil
	for _, name := range sortedKeys(s.Tables) {
		t := s.Tables[name]
		row := []string{name}
		for _, n := range []uint64{t.Put, t.Duplicate, t.Stale, t.ClockBack, t.Folded, t.Refused} {
			row = append(row, number(int64(n)))
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		p.table([]string{"  TABLE", "PUT", "DUPLICATE", "STALE", "CLOCK-BACK", "FOLDED", "REFUSED"}, indented(rows))
	}
	for _, name := range sortedKeys(s.Tables) {
		if t := s.Tables[name]; t.Truncates+t.Truncated > 0 {
			p.line("  truncates of %s, one from each partition: %d applied, %d not applied", printable(name), t.Truncated, t.Truncates)
		}
	}
	for _, b := range s.Blocked {
		p.line("  blocked at %s-%d@%d since %s: %s", printable(b.Topic), b.Partition, b.Offset, b.Since.Format(time.RFC3339), printable(b.Why))
	}
	if s.TimesProblem != "" {
		p.line("  no times: %s", printable(s.TimesProblem))
	}
}

func indented(rows [][]string) [][]string {
	for _, row := range rows {
		row[0] = "  " + row[0]
	}
	return rows
}

func milliseconds(ms *int64) string {
	if ms == nil {
		return ""
	}
	return span(time.Duration(*ms) * time.Millisecond)
}

func timeText(ms *int64) string {
	if ms == nil {
		return ""
	}
	return time.UnixMilli(*ms).UTC().Format(time.RFC3339)
}
