package api

import (
	"strings"
	"testing"
)

func TestLineTailKeepsWholeLastLines(t *testing.T) {
	var all strings.Builder
	tail := lineTail{max: 100}
	for i := range 50 {
		line := strings.Repeat("x", i%7) + "\n"
		all.WriteString(line)
		if _, err := tail.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		kept := string(append([]byte(nil), tail.buf...))
		if !strings.HasSuffix(all.String(), kept) {
			t.Fatalf("kept %q of %q", kept, all.String())
		}
	}
	kept := string(tail.bytes())
	before := all.String()[:tail.omitted]
	if len(kept) > 100 || len(kept) < 90 || before+kept != all.String() || !strings.HasSuffix(before, "\n") {
		t.Errorf("kept %q, omitted %d of %d", kept, tail.omitted, all.Len())
	}
	long := lineTail{max: 10}
	_, _ = long.Write([]byte(strings.Repeat("y", 100)))
	if kept := long.bytes(); len(kept) != 0 || long.omitted != 100 {
		t.Errorf("a line longer than the bound: kept %q, omitted %d", kept, long.omitted)
	}
}
