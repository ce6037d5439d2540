package commitlog

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares lines with a file of testdata.
func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at the change, then run with -update. Got:\n%s", path, got)
	}
}

// TestGoldenTraces pins every operation that changes the disk, in its order: a sync that moves is a visible difference.
func TestGoldenTraces(t *testing.T) {
	value := strings.Repeat("v", 100)
	some := func(t *testing.T, w *world, n int) {
		t.Helper()
		for range n {
			b := keyed(t, testNow, record.NoSequence, []string{"k"}, []string{value})
			if _, err := w.l.Append(b, AppendOptions{LeaderEpoch: 1, Now: testNow}); err != nil {
				t.Fatal(err)
			}
		}
	}
	round := func(t *testing.T, w *world) {
		t.Helper()
		if err := w.d.Round(); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name   string
		before func(t *testing.T, w *world)
		do     func(t *testing.T, w *world)
	}{
		{"first-append", nil, func(t *testing.T, w *world) { some(t, w, 1); round(t, w) }},
		{"append", func(t *testing.T, w *world) { some(t, w, 1); round(t, w) },
			func(t *testing.T, w *world) { some(t, w, 2); round(t, w) }},
		{"roll", func(t *testing.T, w *world) { some(t, w, 8); round(t, w) },
			func(t *testing.T, w *world) { some(t, w, 1); round(t, w) }},
		{"truncate", func(t *testing.T, w *world) { some(t, w, 12); round(t, w) },
			func(t *testing.T, w *world) {
				if err := w.l.TruncateTo(3); err != nil {
					t.Fatal(err)
				}
				round(t, w)
			}},
		{"retain", func(t *testing.T, w *world) { some(t, w, 20); round(t, w) },
			func(t *testing.T, w *world) {
				if err := w.l.DeleteRecords(15); err != nil {
					t.Fatal(err)
				}
				if _, err := w.l.Retain(testNow, 20); err != nil {
					t.Fatal(err)
				}
			}},
		{"compact", func(t *testing.T, w *world) { some(t, w, 20); round(t, w) },
			func(t *testing.T, w *world) {
				if _, err := w.l.Compact(testNow, 20); err != nil {
					t.Fatal(err)
				}
			}},
		{"close", func(t *testing.T, w *world) { some(t, w, 4); round(t, w) },
			func(t *testing.T, w *world) {
				if err := w.d.Close(); err != nil {
					t.Fatal(err)
				}
			}},
		{"open-after-kill", func(t *testing.T, w *world) { some(t, w, 12); round(t, w); some(t, w, 1); w.fs = w.fs.Kill() },
			func(t *testing.T, w *world) {
				if err := w.open(); err != nil {
					t.Fatal(err)
				}
				round(t, w)
			}},
		{"delete", func(t *testing.T, w *world) { some(t, w, 3); round(t, w) },
			func(t *testing.T, w *world) {
				if err := w.l.Delete(); err != nil {
					t.Fatal(err)
				}
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := compacting(t, 1, nil)
			if err := w.open(); err != nil {
				t.Fatal(err)
			}
			if c.before != nil {
				c.before(t, w)
			}
			w.fs.ResetTrace()
			c.do(t, w)
			golden(t, c.name+".trace", w.fs.Trace())
		})
	}
}
