package tour

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNoWordIsMissing: what was shown has no key in place of words. What it compares, the other tests have written.
func TestNoWordIsMissing(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	missing := regexp.MustCompile(`<[a-z]+\.[a-z.-]+>|%!|\(MISSING\)`)
	for _, file := range files {
		shown, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := missing.FindString(string(shown)); found != "" {
			t.Errorf("%s: %s", file, found)
		}
	}
}

// TestEveryScene has words and steps, and no two have one name.
func TestEveryScene(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Scenes() {
		if seen[s.Name] || strings.ToLower(s.Name) != s.Name {
			t.Errorf("scene name %q", s.Name)
		}
		seen[s.Name] = true
		if found, ok := Find(s.Name); !ok || found.Name != s.Name {
			t.Errorf("%s is not found", s.Name)
		}
	}
	if _, ok := Find("nothing"); ok {
		t.Error("a scene was made up")
	}
}
