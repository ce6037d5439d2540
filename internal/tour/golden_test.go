package tour

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/internal/tour/lane"
	"github.com/skein-io/skein/internal/tour/text"
)

var rewrite = flag.Bool("rewrite", false, "write what the tour shows into testdata")

// memberIDs are random; what is shown of them is not compared.
var memberIDs = regexp.MustCompile(`(JoinGroup.* c[0-9]-)[0-9a-f]{4}`)

// times of rows depend on which connections the client library has open already. What comes after what does not: the
// lags see to that.
var times = regexp.MustCompile(`(?m)^((?:␛\[2m)? +)(?: \d|\d\d)\.\d\d\d`)

// epochs of controllers and brokers depend on how long elections take, and on what was written meanwhile.
var epochs = regexp.MustCompile(`((?:quorum|broker) epoch) -?[0-9]+`)

// waits are how long an election took.
var waits = regexp.MustCompile(`(was made |控制器死后 )[0-9]+ ms`)

func compare(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(memberIDs.ReplaceAllString(got, "${1}xxxx"), "\x1b", "␛")
	got = times.ReplaceAllString(got, "${1} t.ttt")
	got = epochs.ReplaceAllString(got, "$1 N")
	got = waits.ReplaceAllString(got, "${1}N ms")
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("%s differs from line %d on; -rewrite writes it anew. Got:\n%s", file, i+1, strings.Join(gotLines[min(i, len(gotLines)):], "\n"))
		}
	}
}

// TestPiped: what a pipe gets of each scene, in each language. A run on a movable clock is the same each time.
func TestPiped(t *testing.T) {
	for _, words := range text.Languages() {
		for _, scene := range Scenes() {
			t.Run(scene.Name+" "+words.Name(), func(t *testing.T) {
				var out bytes.Buffer
				synctest.Test(t, func(t *testing.T) {
					playInBubble(t, scene, words.Name(), &Text{W: &out, Words: words, Columns: 80})
				})
				for i, line := range strings.Split(out.String(), "\n") {
					if n := lane.Width(line); n > 80 {
						t.Errorf("line %d has %d columns: %s", i+1, n, line)
					}
					if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
						t.Errorf("line %d has control characters: %q", i+1, line)
					}
				}
				compare(t, scene.Name+"."+words.Name()+".piped", out.String())
			})
		}
	}
}

// TestTerminal: a person at 80x24 goes from step to step by Enter, chooses faults by their keys, and ends early.
func TestTerminal(t *testing.T) {
	for _, p := range []struct {
		scene string
		step  bool
		keys  string // then Enter
		ended bool
	}{
		{"join", true, "", false},
		{"members", false, "xpl", false}, // x is no fault, and is not taken
		{"coordinator", true, "\nq", true},
	} {
		t.Run(p.scene, func(t *testing.T) {
			words, _ := text.Find("en")
			scene, _ := Find(p.scene)
			var out bytes.Buffer
			keys := []rune(p.keys)
			view := &Text{W: &out, Words: words, Columns: 80, Lines: 24, Colour: true, Step: p.step, Key: func() (rune, error) {
				if len(keys) == 0 {
					return '\n', nil
				}
				key := keys[0]
				keys = keys[1:]
				return key, nil
			}}
			synctest.Test(t, func(t *testing.T) {
				results, err := Run(context.Background(), []Scene{scene}, bubble(t), words, view)
				if ended := errors.Is(err, ErrEnded); ended != p.ended || err != nil && !ended {
					t.Error(err)
				}
				for _, r := range results {
					if !r.OK {
						t.Errorf("%+v", r)
					}
				}
			})
			compare(t, p.scene+".terminal", out.String())
		})
	}
}

// TestHTML: the page holds everything that was shown, and asks no other place for anything.
func TestHTML(t *testing.T) {
	for _, words := range text.Languages() {
		t.Run(words.Name(), func(t *testing.T) {
			page := &HTML{Viewer: Quiet{}, Words: words}
			var results []Result
			for _, scene := range Scenes() {
				synctest.Test(t, func(t *testing.T) { results = append(results, playInBubble(t, scene, words.Name(), page)) })
			}
			var out bytes.Buffer
			if err := page.Write(&out); err != nil {
				t.Fatal(err)
			}
			written := html.UnescapeString(out.String())
			if found := regexp.MustCompile(`(?i)https?:|//[a-z]|\bsrc=|@import|url\(|<script|<link|href="[^#]`).FindString(written); found != "" {
				t.Errorf("the page refers to something beside itself: %q", found)
			}
			for _, r := range results {
				for _, f := range r.Facts {
					if !strings.Contains(written, f.Text) {
						t.Errorf("the fact %q is missing", f.Text)
					}
				}
			}
			rows := 0
			for _, p := range page.pages {
				rows += len(p.Sheet.Rows)
			}
			if drawn := strings.Count(written, `class="arrow"`) + strings.Count(written, "<circle"); drawn != rows || rows == 0 {
				t.Errorf("%d of %d rows are drawn", drawn, rows)
			}
		})
	}
}
