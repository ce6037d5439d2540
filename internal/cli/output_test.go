package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

func TestTableIsAlignedAndHarmless(t *testing.T) {
	var b strings.Builder
	p := page{w: &b}
	p.table([]string{"A", "LONG"}, [][]string{{"x\x1b[31m", ""}, {"ünï", "y\tz\n"}})
	want := "A          LONG\nx\\x1b[31m  -\nünï        y\\tz\\n\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestSizesAndTimes(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1 << 62: "4.6 EB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
	if got := pace(2_000_000, 3_000_000, 2*time.Second); got != "2000000 records, 3.0 MB in 2s, 1.5 MB/s" {
		t.Errorf("%q", got)
	}
	if got := pace(1, 0, 0); got != "1 record, 0 B in 0s" {
		t.Errorf("%q", got)
	}
}

// A remedy goes on a sentence: small letter, no full stop; and every code that a person is likely to meet has one.
func TestRemediesRead(t *testing.T) {
	if len(remedies) < 30 {
		t.Errorf("%d remedies", len(remedies))
	}
	for code, text := range remedies {
		if strings.HasPrefix(code.String(), "ERROR_") || text == "" || strings.HasSuffix(text, ".") || text[0] >= 'A' && text[0] <= 'Z' {
			t.Errorf("%s: %q", code, text)
		}
	}
	if remedyOf(protocol.None) != "" {
		t.Error("a remedy for no error")
	}
}

func TestAnsweredErrorsName(t *testing.T) {
	err := answered("topic t", protocol.Fail(protocol.InvalidPartitions, "too few"), "it has \x1b[1m3.")
	if got := err.Error(); got != `topic t: INVALID_PARTITIONS: it has \x1b[1m3; give at least 1 partition; the number can only grow` {
		t.Errorf("%q", got)
	}
	if code, ok := codeOf(err); !ok || code != protocol.InvalidPartitions {
		t.Errorf("code %v, %v", code, ok)
	}
}
