package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/explain"
	"github.com/skein-io/skein/perceptor/verify"
)

// goldenText compares what was printed with a file in testdata/sync; -update writes it.
func goldenText(t *testing.T, name string, print func(*page)) {
	t.Helper()
	var got bytes.Buffer
	p := &page{w: &got}
	print(p)
	if p.err != nil {
		t.Fatal(p.err)
	}
	file := filepath.Join("testdata", "sync", name)
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s: it prints\n%s", name, got.String())
	}
}

// The story that package explain's own test tells, whole and with few changes kept.
func TestExplainText(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "perceptor", "explain", "testdata", "story.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s explain.Story
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	goldenText(t, "explain.txt", func(p *page) { printStory(p, &s) })
	s.Last, s.First, s.Between = s.First[len(s.First)-1:], s.First[:2], int64(len(s.First)-3)
	goldenText(t, "explain_few.txt", func(p *page) { printStory(p, &s) })
	none := explain.Story{Table: "shop.stock", Key: "77", Topic: "skein.shop.stock", Read: 3, Partitions: []int32{0, 1}, Sink: &explain.SinkRow{}, Verdict: "no record of this key in the topic"}
	goldenText(t, "explain_none.txt", func(p *page) { printStory(p, &none) })
}

func TestVerifyText(t *testing.T) {
	a, b := "a ", "a\x1b"
	v := change.Version{Epoch: 1, ExecuteTime: 5}
	report := &verify.Report{Table: "shop.stock", Method: "checksums of key ranges", Rows: 200_000, Sink: 200_001, Parts: 20, PartsDiffer: 2, Looked: 5, Missing: 1, Extra: 1, Different: 1, BadVersion: 1, InFlight: 1,
		Took: 1234 * time.Millisecond, Differences: []verify.Difference{
			{Key: "1", Kind: verify.Different, Version: &v, VersionText: v.String(), Columns: []verify.Column{{Name: "note", Source: &a, Sink: &b}, {Name: "left", Source: nil, Sink: &a}}},
			{Key: "2", Kind: verify.Missing, Deleted: true, Version: &v, VersionText: v.String()},
			{Key: "3", Kind: verify.Extra, Version: &v, VersionText: v.String()},
		}}
	goldenText(t, "verify.txt", func(p *page) { printVerified(p, &verified{Sink: "warehouse", Report: report}, false) })
	report.Repaired, report.Kept = 2, 1
	report.Differences[0].Repair, report.Differences[1].Repair, report.Differences[2].Repair = "repaired", "repaired", "kept: a newer change has reached the row meanwhile"
	goldenText(t, "verify_repaired.txt", func(p *page) { printVerified(p, &verified{Sink: "warehouse", Report: report}, true) })
	clean := &verify.Report{Table: "shop.stock", Method: "checksums of buckets", Rows: 1, Sink: 1, Parts: 1024, Took: time.Second}
	goldenText(t, "verify_clean.txt", func(p *page) { printVerified(p, &verified{Sink: "warehouse", Report: clean}, false) })
}
