package config

import (
	"strings"
	"testing"
)

func TestReference(t *testing.T) {
	var page strings.Builder
	if err := Reference(&page); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Registry{BrokerProperties, TopicProperties, GroupProperties} {
		for _, p := range r.All() {
			if got := strings.Contains(page.String(), "| `"+p.Name+"` |"); got == p.Internal && p.Name != "unclean.leader.election.interval.ms" {
				t.Errorf("%s %s: on the page: %v", r.Area, p.Name, got)
			}
		}
	}
	for line := range strings.Lines(page.String()) {
		if strings.HasPrefix(line, "|") && strings.Count(line, " |") != 6 && strings.Count(line, " |") != 4 && !strings.HasPrefix(line, "|--") {
			t.Errorf("a row is torn: %s", line)
		}
	}
}
