package api_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The notes name a test as package.TestName, and a scenario or a scene as a path.
var (
	notedTest = regexp.MustCompile("`([a-z][a-z0-9/]*)\\.(Test[A-Za-z0-9_]+)`")
	notedFile = regexp.MustCompile("`((?:internal|consumer|test|skeintest)/[A-Za-z0-9_./]+)`")
)

// TestNotesNameRealTests: whatever docs/notes-to-code.md says is shown by something that is there, in each of its rows.
func TestNotesNameRealTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/notes-to-code.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| statement") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 4 {
			t.Errorf("a row with %d cells: %s", len(cells), line)
			continue
		}
		if holds := cells[1]; holds != "yes" && holds != "no" && holds != "partly" {
			t.Errorf("%s: it holds %q", cells[0], holds)
		}
		if len(missingProofs(t, cells[3])) > 0 || proofs(cells[3]) == 0 {
			t.Errorf("%s: %d proofs, of which there are not: %v", cells[0], proofs(cells[3]), missingProofs(t, cells[3]))
		}
	}
	if rows < 30 {
		t.Errorf("the notes have %d rows", rows)
	}
	if missing := missingProofs(t, string(page)); len(missing) > 0 {
		t.Errorf("docs/notes-to-code.md names what is not there: %v", missing)
	}
}

// TestMissingProofs: what is not there is found.
func TestMissingProofs(t *testing.T) {
	for text, want := range map[string]int{
		"`internal/api.TestNotesNameRealTests`, `internal/api/notes_test.go`": 0,
		"`internal/api.TestNotes`": 1,
		"`internal/nothing.TestNotesNameRealTests` and `internal/group/testdata/Z99_no`": 2,
		"`internal/group.TestNotesNameRealTests`":                                        1,
	} {
		if missing := missingProofs(t, text); len(missing) != want {
			t.Errorf("%s: %v", text, missing)
		}
	}
}

func proofs(text string) int {
	return len(notedTest.FindAllString(text, -1)) + len(notedFile.FindAllString(text, -1))
}

// missingProofs lists what a text names and is not there.
func missingProofs(t *testing.T, text string) (missing []string) {
	t.Helper()
	for _, named := range notedTest.FindAllStringSubmatch(text, -1) {
		files, err := filepath.Glob(filepath.Join("../..", named[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || strings.Contains(string(source), "\nfunc "+named[2]+"(")
		}
		if !found {
			missing = append(missing, named[0])
		}
	}
	for _, named := range notedFile.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("../..", named[1])); err != nil && !notedTest.MatchString(named[0]) {
			missing = append(missing, named[0])
		}
	}
	return missing
}
