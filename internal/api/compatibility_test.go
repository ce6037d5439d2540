package api_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

// proofName is a name in the page's tables of proofs: a test, or a script under a testdata folder.
var proofName = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+|[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+)`")

// TestCompatibilityProofsExist looks for every test and script that the page names as a proof.
func TestCompatibilityProofsExist(t *testing.T) {
	page, err := os.ReadFile(compatibilityPage)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case d.IsDir() && (name == "out" || name == "node_modules" || len(name) > 2 && strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case strings.HasSuffix(name, "_test.go"):
			text, err := os.ReadFile(path)
			for _, f := range function.FindAllSubmatch(text, -1) {
				known[string(f[1])] = true
			}
			return err
		}
		known[strings.TrimSuffix(name, filepath.Ext(name))] = true // a script, or a source file that is named
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, proofs, found := strings.Cut(string(page), "## Mistakes that re-implementations make")
	names := proofName.FindAllStringSubmatch(proofs, -1)
	if !found || len(names) < 100 {
		t.Fatalf("the page names %d proofs", len(names))
	}
	for _, name := range names {
		if !known[name[1]] {
			t.Errorf("docs/compatibility.md names the proof %s, which is not there", name[1])
		}
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
		if row.NodesOnly {
			versions += ", between nodes only"
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
