package machine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestParseCPU(t *testing.T) {
	const stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 1 2 3 4 150 275 5 6 20 0 9 0 1000 0 0"
	got, err := parseCPU(stat)
	if err != nil || got != (CPU{1.5, 2.75}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := parseCPU("42 (a) S 1"); err == nil {
		t.Fatal("a short line was taken")
	}
}

func TestParseMemory(t *testing.T) {
	const rollup = "00400000-7ffe [rollup]\nRss:               2048 kB\nPss:  1 kB\nAnonymous:         1024 kB\n"
	got, err := parseMemory(rollup)
	if err != nil || got != (Memory{RSS: 2 << 20, Anonymous: 1 << 20}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := parseMemory("Rss: 1 kB\n"); err == nil {
		t.Fatal("a text without Anonymous was taken")
	}
}

func TestTouchLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := Touch(t.Context(), dir, 3<<20); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestOwnProcessCanBeRead(t *testing.T) {
	pid := os.Getpid()
	if _, err := ReadCPU(pid); err != nil {
		t.Error(err)
	}
	if m, err := ReadMemory(pid); err != nil || m.RSS < m.Anonymous || m.Anonymous == 0 {
		t.Errorf("memory %+v, %v", m, err)
	}
	if peak, err := ReadPeak(pid); err != nil || peak < 1<<20 {
		t.Errorf("peak %v, %v", peak, err)
	}
	if busy, err := ReadBusy(); err != nil || busy <= 0 {
		t.Errorf("busy %v, %v", busy, err)
	}
	if Description(".") == "" {
		t.Error("no description")
	}
}
