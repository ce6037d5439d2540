package report

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sampled makes a run of produce1k with these rates of skein and of Kafka.
func sampled(skein, kafka []float64) *Run {
	r := &Run{Started: time.Unix(0, 0).UTC(), Ended: time.Unix(60, 0).UTC(), Machine: "a machine", Versions: map[string]string{"Go": "1"}}
	for side, values := range map[string][]float64{Skein: skein, Kafka: kafka} {
		for i, v := range values {
			r.Samples = append(r.Samples, Sample{Figure: "produce1k", Side: side, Repetition: i + 1, Values: map[string]float64{"mb_per_s": v}})
		}
	}
	return r
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want Spread
	}{
		{nil, Spread{}},
		{[]float64{4}, Spread{4, 4, 4, 1}},
		{[]float64{9, 1, 5}, Spread{5, 1, 9, 3}},
		{[]float64{4, 2}, Spread{3, 2, 4, 2}},
	} {
		if got := spread(c.in); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.in, got, c.want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		skein, kafka []float64
		want         string
	}{
		{[]float64{500, 900, 700}, []float64{600}, "met"}, // 1.17
		{[]float64{600}, []float64{600}, "missed"},
		{nil, []float64{600}, "not measured"},
	} {
		lines := Lines(sampled(c.skein, c.kafka))
		if len(lines) != 1 || lines[0].Verdict != c.want {
			t.Errorf("skein %v, kafka %v: %+v, want %s", c.skein, c.kafka, lines, c.want)
		}
	}
}

func TestAmountsAreAtMost(t *testing.T) {
	g := Goal{Figure: "f", Value: "v", Unit: "ms", Bound: 30}
	for amount, want := range map[float64]string{30: "met", 30.1: "missed"} {
		r := &Run{Samples: []Sample{{Figure: "f", Side: Skein, Values: map[string]float64{"v": amount}}}}
		if got := judge(r, g).Verdict; got != want {
			t.Errorf("%v ms: %s, want %s", amount, got, want)
		}
	}
}

func TestSectionIsReplaced(t *testing.T) {
	page := "# Head\n" + begin + "\nold\n" + end + "\ntail\n"
	got, err := replaceSection(page, "new")
	if err != nil || strings.Contains(got, "old") || !strings.HasPrefix(got, "# Head\n") || !strings.HasSuffix(got, "\ntail\n") {
		t.Fatalf("%q, %v", got, err)
	}
	if again, err := replaceSection(got, "new"); err != nil || again != got {
		t.Fatalf("a second time: %q, %v", again, err)
	}
	if _, err := replaceSection("no marks", "new"); err == nil {
		t.Fatal("a page without marks was taken")
	}
}

func TestRunSurvivesItsFile(t *testing.T) {
	r := sampled([]float64{1}, []float64{2})
	path := filepath.Join(t.TempDir(), "run.json")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestTableAndMarkdownHoldEachLine(t *testing.T) {
	r := sampled([]float64{690, 700, 710}, []float64{600, 600, 600})
	for _, text := range []string{Table(r), Markdown(r)} {
		if !strings.Contains(text, "700 (690..710)") || !strings.Contains(text, "1.17") {
			t.Errorf("something is missing in\n%s", text)
		}
	}
}
