package cli

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestResetEffects(t *testing.T) {
	at := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		committed  *int64
		wanted     int64
		start, end int64
		want       int64
		again      int64
		skipped    int64
		effect     string
	}{
		{at(5), 2, 0, 10, 2, 3, 0, "3 records will be read again"},
		{at(5), 9, 0, 10, 9, 0, 4, "4 records will be skipped"},
		{at(5), 5, 0, 10, 5, 0, 0, "no change"},
		{at(5), 99, 0, 10, 10, 0, 5, "5 records will be skipped; clamped: 99 is beyond the log end"},
		{at(5), 1, 3, 10, 3, 2, 0, "2 records will be read again; clamped: 1 is before the log start"},
		{at(5), 4, 3, 10, 4, 1, 0, "1 record will be read again"},
		// What retention took is neither read again nor skipped by the reset.
		{at(1), 1, 3, 10, 3, 0, 0, "no record is read again or skipped; 2 before the log start are gone already; clamped: 1 is before the log start"},
		{at(1), 4, 3, 10, 4, 0, 1, "1 record will be skipped; 2 before the log start are gone already"},
		// Of what is beyond the end nothing can be read again.
		{at(20), 8, 3, 10, 8, 2, 0, "2 records will be read again"},
		{at(20), 20, 3, 10, 10, 0, 0, "no record is read again or skipped; clamped: 20 is beyond the log end"},
		{nil, 3, 3, 10, 3, 0, 0, "begins at the first record"},
		{nil, 10, 3, 10, 10, 0, 7, "7 records will be skipped"},
		{nil, 0, 0, 0, 0, 0, 0, "begins at the first record"},
	} {
		r := resetOffset{Committed: c.committed, New: c.wanted, LogStart: c.start, LogEnd: c.end}
		r.settle()
		if r.New != c.want || r.ReadAgain != c.again || r.Skipped != c.skipped || r.Effect != c.effect || (r.ClampedFrom != nil) != (c.want != c.wanted) {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}

func TestChosenTopics(t *testing.T) {
	chosen, err := chosenTopics(&cobra.Command{}, []string{"a", "b:2,0"})
	if err != nil || len(chosen) != 2 || chosen["a"] != nil || len(chosen["b"]) != 2 || chosen["b"][0] != 0 {
		t.Errorf("%v, %v", chosen, err)
	}
	for _, bad := range [][]string{{""}, {"a:"}, {"a:-1"}, {"a:1,x"}, {"a", "a:1"}, {":1"}, {"a:99999999999"}} {
		if chosen, err := chosenTopics(&cobra.Command{}, bad); err == nil {
			t.Errorf("%q was taken: %v", bad, chosen)
		}
	}
}

func TestResetDurationsAndTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "0s": 0, "PT1H": time.Hour, "P7D": 7 * 24 * time.Hour, "P1DT2H3M4.5S": 26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"pt0s": 0,
	} {
		if got, ok := durationOf(text); !ok || got != want {
			t.Errorf("%s is %v %v, want %v", text, got, ok, want)
		}
	}
	for _, bad := range []string{"", "-5m", "P", "PT", "P1DT", "P1Y", "1D", "PT-5M", "P99999999999999999999D"} {
		if got, ok := durationOf(bad); ok {
			t.Errorf("%q was taken as %v", bad, got)
		}
	}
	want := time.Date(2026, 11, 20, 12, 0, 0, 500_000_000, time.UTC)
	for _, text := range []string{"2026-11-20T12:00:00.5Z", "2026-11-20T12:00:00.500", "2026-11-20T14:00:00.500+02:00", "2026-11-20T14:00:00.500+0200"} {
		if got, ok := datetimeOf(text); !ok || !got.Equal(want) {
			t.Errorf("%s is %v %v, want %v", text, got, ok, want)
		}
	}
	for _, bad := range []string{"", "2026-11-20", "yesterday", "12:00:00"} {
		if got, ok := datetimeOf(bad); ok {
			t.Errorf("%q was taken as %v", bad, got)
		}
	}
}

func TestResetFile(t *testing.T) {
	for _, c := range []struct {
		file   string
		groups []string
		want   resetRows
	}{
		{"t,0,5\nt,1,0\n", []string{"g"}, resetRows{"g": {"t": {0: 5, 1: 0}}}},
		{"\"t\",0, 5\r\n\n u , 1,2", []string{"g"}, resetRows{"g": {"t": {0: 5}, "u": {1: 2}}}},
		{"g,t,0,5\nh,t,0,6\n", []string{"g"}, resetRows{"g": {"t": {0: 5}}}},
		{"g,t,0,5\nh,t,0,6\n", []string{"h", "g"}, resetRows{"g": {"t": {0: 5}}, "h": {"t": {0: 6}}}},
	} {
		rows, err := parseResetFile(strings.NewReader(c.file), c.groups)
		if err != nil || !reflect.DeepEqual(rows, c.want) {
			t.Errorf("%q of %v: %v, %v", c.file, c.groups, rows, err)
		}
	}
	for file, want := range map[string]string{
		"":                           "there is no offset for group g",
		"h,t,0,5\n":                  "there is no offset for group g",
		"t,0\n":                      "line 1: 2 fields",
		"t,0,1\nt,x,1\n":             `line 2: "x" of topic "t" is no partition`,
		"t,-1,1\n":                   `line 1: "-1" of topic "t" is no partition`,
		",0,1\n":                     `line 1: "0" of topic "" is no partition`,
		"t,0,-1\n":                   `line 1: "-1" is no offset`,
		"t,0,1\n\nt,0,2\n":           "line 3: t-0 of group g stands there twice",
		"t,0,\"1\n":                  "line 1",
		"g,t,0,1,5,6\n":              "line 1: 6 fields",
		"t,0,99999999999999999999\n": "is no offset",
	} {
		if rows, err := parseResetFile(strings.NewReader(file), []string{"g"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %q", file, rows, err, want)
		}
	}
	if rows, err := parseResetFile(strings.NewReader("t,0,1\n"), []string{"g", "h"}); err == nil {
		t.Errorf("three fields with two groups: %v", rows)
	}
	var out strings.Builder
	plans := []resetPlan{{Group: "g", Offsets: []resetOffset{{Topic: "t", New: 5}, {Topic: "t", Partition: 1, New: 7}}}}
	if err := writeResetFile(&out, plans); err != nil || out.String() != "t,0,5\nt,1,7\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	if err := writeResetFile(&out, append(plans, resetPlan{Group: "h,i", Offsets: []resetOffset{{Topic: "t"}}})); err != nil || out.String() != "g,t,0,5\ng,t,1,7\n\"h,i\",t,0,0\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
