package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

func TestThePageInTheDocsIsOfThisCode(t *testing.T) {
	const name = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(name, []byte(reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != reference() {
		t.Error("docs/configuration.md is of an older table: go test ./internal/config -update")
	}
}

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
