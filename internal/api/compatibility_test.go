package api_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/api"
)

var update = flag.Bool("update", false, "rewrite the table of APIs in docs/compatibility.md")

const compatibilityPage = "../../docs/compatibility.md"

// TestCompatibilityPage holds the page to the table.
func TestCompatibilityPage(t *testing.T) {
	page, err := os.ReadFile(compatibilityPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(page), "<!-- apis -->\n")
	_, tail, found := strings.Cut(rest, "<!-- /apis -->")
	if !found {
		t.Fatal("the page has no place for the table of APIs")
	}
	want := head + "<!-- apis -->\n" + apiTable() + "<!-- /apis -->" + tail
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatal("docs/compatibility.md is not what the broker advertises; run go test ./internal/api -run Compatibility -update")
	}
	if err := os.WriteFile(compatibilityPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func apiTable() string {
	var b strings.Builder
	b.WriteString("| key | API | versions | stage | right |\n| --- | --- | --- | --- | --- |\n")
	for _, row := range api.Table() {
		stage := "barrier"
		if row.Stage == api.Overlaps {
			stage = "overlaps"
		}
		versions := fmt.Sprintf("%d-%d", row.Min, row.Max)
		if row.Lowest > row.Min {
			versions += fmt.Sprintf(", answered from %d", row.Lowest)
		}
		var rights []string
		for _, right := range row.Rights {
			if right == api.Open {
				rights = append(rights, "none")
				continue
			}
			rights = append(rights, fmt.Sprintf("%s on %s", right.Operation, right.Resource))
		}
		key := fmt.Sprint(int16(row.Key))
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", key, row.Key, versions, stage, strings.Join(rights, ", "))
	}
	return b.String()
}
