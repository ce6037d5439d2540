package cli

import (
	"fmt"
	"strings"
	"time"
)

func (a *nodeAnatomy) print(p *page) {
	p.line("node %d (%s) at %s: %s, %s, %s", a.Node, a.Address, a.At.Format(time.RFC3339), a.state(), plural(a.Goroutines, "goroutine"), size(a.MemoryBytes))
	a.printTraffic(p)
	a.printDisk(p)
	a.printReplication(p)
	a.printDecisions(p)
}

func (a *nodeAnatomy) state() string {
	if a.State == "" {
		return "not registered"
	}
	return printable(a.State) + " (broker epoch " + orDash(maybe(a.BrokerEpoch)) + ")"
}

func (a *nodeAnatomy) printTraffic(p *page) {
	c, t := &a.Connections, &a.Traffic
	var open []string
	for _, name := range sortedKeys(c.Listeners) {
		open = append(open, printable(name)+" "+number(c.Listeners[name]))
	}
	p.line("")
	p.line("connections  %s; since the start %d accepted, %d refused, %d failed; %d have no room and are not read from", orDash(strings.Join(open, ", ")),
		c.Accepted, c.Refused, c.Failed, c.Paused)
	limit := "without a limit"
	if t.BytesInFlightMax > 0 {
		limit = "of " + size(t.BytesInFlightMax)
	}
	p.line("traffic      %s requests/s, %s/s in, %s/s out; requests hold %s %s", decimal(t.RequestsPerSecond), sizeRate(t.BytesInPerSecond),
		sizeRate(t.BytesOutPerSecond), size(t.BytesInFlight), limit)
	w := &a.Waiting
	p.line("waiting      %d for a high watermark, %d for this disk (acks=1); fetches in %s by consumers, in %s by followers", w.HighWatermark, w.Disk,
		plural(w.Consumers, "partition"), plural(w.Followers, "partition"))
	if len(a.Requests) == 0 {
		p.line("requests     none is under way")
		return
	}
	var rows [][]string
	for _, r := range a.Requests {
		rows = append(rows, []string{r.API, number(r.Queued), number(r.Waiting), number(r.Ended), elapsed(int64(r.OldestMs))})
	}
	p.line("")
	p.table([]string{"REQUESTS", "QUEUED", "WAITING", "ENDED", "OLDEST"}, rows)
}

func (a *nodeAnatomy) printDisk(p *page) {
	s := &a.Syncer
	p.line("")
	running := ""
	if s.RunningMs != nil {
		running = fmt.Sprintf("; one runs for %s ms", decimal(s.RunningMs))
	}
	p.line("syncer       %s rounds/s, %s ms each, %s files in each, the last %s ms%s; %s dirty", decimal(s.RoundsPerSecond), decimal(s.RoundMs),
		decimal(s.FilesPerRound), decimal(s.LastMs), running, plural(s.DirtyLogs, "log"))
	if s.Offline != nil {
		p.line("             the log directory is offline: %s", printable(*s.Offline))
	}
}

func (a *nodeAnatomy) printReplication(p *page) {
	n := &a.Partitions
	p.line("partitions   %d led (%d under-replicated, %d under min ISR), %d followed, %d idle", n.Led, n.UnderReplicated, n.UnderMinISR, n.Followed, n.Idle)
	if len(a.Fetchers) == 0 {
		return
	}
	var rows [][]string
	for _, f := range a.Fetchers {
		what := "waits for a pause to end"
		switch {
		case f.InFlight:
			what = "a fetch is on its way"
		case f.Partitions == f.Paused:
			what = "all are paused: refused, or being cut"
		}
		if f.Failures > 0 {
			what += ", " + plural(f.Failures, "failure") + " in a row"
		}
		rows = append(rows, []string{"from node " + number(f.Leader), number(f.Partitions), number(f.Paused), thousands(f.Lag), thousands(f.LagMax), what})
	}
	p.line("")
	p.table([]string{"FETCHERS", "PARTITIONS", "PAUSED", "LAG", "LARGEST", "STATE"}, rows)
}

func (a *nodeAnatomy) printDecisions(p *page) {
	g, k := &a.Coordinator, &a.Controller
	var groups []string
	for _, state := range sortedKeys(g.Groups) {
		groups = append(groups, number(g.Groups[state])+" "+printable(state))
	}
	told := orDash(strings.Join(groups, ", "))
	if g.Problem != nil {
		told = "not known: " + printable(*g.Problem)
	}
	p.line("")
	p.line("coordinator  %s active, %d loading, %s queued; groups %s", plural(g.Active, "partition"), g.Loading, plural(g.Queue, "event"), told)
	who := "no controller is known"
	switch {
	case k.Leads:
		who = "this node, epoch " + orDash(maybe32(k.Epoch))
	case k.Leader != nil:
		who = "node " + number(*k.Leader) + ", epoch " + orDash(maybe32(k.Epoch))
	}
	p.line("controller   %s; metadata log committed to %s, here to %s; %s and %s of the quorum queued", who, orDash(maybe(k.Committed)), orDash(maybe(k.LogEnd)),
		plural(k.Requests, "request"), plural(k.Messages, "message"))
	p.line("lease        %s", k.lease())
}

// lease is whether the node may do what another could do in its place (ADR 7).
func (k *nodeController) lease() string {
	switch {
	case k.LeaseMs == nil:
		return "none is needed: nobody else can be the controller"
	case *k.LeaseMs == 0:
		return "over: no controller counts on this node; groups are not served, nor partitions whose replicas are silent"
	}
	return fmt.Sprintf("%s ms, if the controller is not heard again", thousands(*k.LeaseMs))
}

func maybe32(n *int32) string {
	if n == nil {
		return ""
	}
	return number(*n)
}

// decimal is a number with one digit behind the point if it is small, "-" if it is not known.
func decimal(n *float64) string {
	switch {
	case n == nil:
		return "-"
	case *n < 100:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", *n), ".0")
	}
	return thousands(int64(*n + 0.5))
}

func sizeRate(n *float64) string {
	if n == nil {
		return "-"
	}
	return size(int64(*n))
}
