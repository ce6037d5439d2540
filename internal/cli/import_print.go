package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// exportImports writes the offsets as ZooKeeper has them, which group reset --from-file takes.
func exportImports(file string, imports []imported) error {
	var plans []resetPlan
	for i := range imports {
		if len(imports[i].Offsets) == 0 {
			continue
		}
		p := resetPlan{Group: imports[i].Group}
		for _, o := range imports[i].Offsets {
			p.Offsets = append(p.Offsets, resetOffset{Topic: o.Topic, Partition: o.Partition, New: o.ZooKeeper})
		}
		plans = append(plans, p)
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := errors.Join(writeResetFile(f, plans), f.Close()); err != nil {
		return fmt.Errorf("export: %s: %w", file, err)
	}
	return nil
}

func printImports(p *page, imports []imported) {
	if len(imports) == 0 {
		p.line("ZooKeeper has no group of an old consumer")
	}
	for i := range imports {
		m := &imports[i]
		if i > 0 {
			p.line("")
		}
		done := ""
		if m.Executed {
			done = "imported and verified; "
		}
		p.line("group %s: %s%s of ZooKeeper, %s will be read again, %d skipped", printable(m.Group), done, plural(len(m.found), "offset"), plural(m.ReadAgain, "record"), m.Skipped)
		for _, id := range m.IDs {
			var topics []string
			for _, topic := range sortedKeys(id.Streams) {
				topics = append(topics, fmt.Sprintf("%s (%s)", topic, plural(id.Streams[topic], "stream")))
			}
			p.line("old consumer alive: %s of %s", printable(id.ID), printable(strings.Join(topics, ", ")))
		}
		if len(m.Offsets) > 0 {
			var rows [][]string
			for _, r := range m.Offsets {
				rows = append(rows, []string{r.Topic, number(r.Partition), number(r.ZooKeeper), maybe(r.Committed), number(r.New), number(r.LogStart), number(r.LogEnd), r.Owner, r.Effect})
			}
			p.table([]string{"TOPIC", "PARTITION", "ZOOKEEPER", "COMMITTED", "NEW", "START", "END", "OWNER", "EFFECT"}, rows)
		}
		for _, l := range m.LeftOut {
			p.line("left out: %s-%d at %d: %s", printable(l.Topic), l.Partition, l.ZooKeeper, l.Why)
		}
	}
}
