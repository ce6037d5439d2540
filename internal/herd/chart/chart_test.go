package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func grid() *Grid {
	return &Grid{Title: "a < b", Hollow: "not & yet", Columns: []string{"one", "two"}, Rows: []string{"requests", "time\n(s)"}, X: []float64{10, 100, 500}, Unit: "members", Names: []string{"old & bad", "new"},
		Cells: [][]Cell{
			{{[][]Point{{{Y: 0, There: true}, {Y: 1000, There: true}, {Y: 1e6, There: true, Hollow: true}}, {{Y: 10, There: true}, {}, {Y: 900, There: true}}}},
				{[][]Point{{{}, {}, {}}, {{Y: 1, There: true}, {Y: 2, There: true}, {Y: 3, There: true}}}}},
			{{[][]Point{{{Y: 0.25, There: true}, {Y: 1, There: true}, {Y: 9, There: true}}, {{}, {}, {}}}}, {[][]Point{{{}, {}, {}}, {{}, {}, {}}}}},
		}}
}

// TestSVG: it is XML, the same each time, every point that is there is drawn once, within the picture, and a larger value is higher up.
func TestSVG(t *testing.T) {
	svg := grid().SVG()
	if svg != grid().SVG() {
		t.Error("it is not the same twice")
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	circles := regexp.MustCompile(`<circle class="([^"]*)" cx="([0-9.]+)" cy="([0-9.]+)" r="3"><title>([^<]*)</title>`).FindAllStringSubmatch(svg, -1)
	if len(circles) != 3+2+3+3 {
		t.Fatalf("%d points", len(circles))
	}
	at := func(i int) (x, y float64) {
		x, _ = strconv.ParseFloat(circles[i][2], 64)
		y, _ = strconv.ParseFloat(circles[i][3], 64)
		return x, y
	}
	for i := range circles {
		if x, y := at(i); x < labelWide || x > labelWide+2*cellWide || y < headHigh || y > headHigh+2*cellHigh {
			t.Errorf("%v is outside", circles[i])
		}
	}
	for _, line := range [][]int{{0, 1, 2}, {3, 4}, {5, 6, 7}, {8, 9, 10}} {
		for i := 1; i < len(line); i++ {
			x, y := at(line[i])
			if before, below := at(line[i-1]); x <= before || y >= below {
				t.Errorf("%v is not to the right of %v and higher", circles[line[i]], circles[line[i-1]])
			}
		}
	}
	if !strings.Contains(svg, "all axes are logarithmic; hollow: not &amp; yet<") {
		t.Error("it does not say what a hollow point means")
	}
	if _, y := at(0); y != headHigh+cellHigh-plotBottom {
		t.Errorf("0 is at %v", y)
	}
	if _, y := at(2); y != headHigh+plotTop {
		t.Errorf("the largest is at %v", y)
	}
	if circles[2][1] != "hollow l0" || circles[1][1] != "d0" || circles[8][4] != "10: 0.25" || circles[2][4] != "500: 1000000" {
		t.Error(circles)
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Contains(svg, "http://") && strings.Count(svg, "http://") != 1 {
		t.Error(svg)
	}
}

// TestOneX: one value of x is in the middle.
func TestOneX(t *testing.T) {
	g := &Grid{Columns: []string{"a"}, Rows: []string{"r"}, X: []float64{50}, Names: []string{"n"}, Cells: [][]Cell{{{[][]Point{{{Y: 5, There: true}}}}}}}
	if svg := g.SVG(); strings.Contains(svg, "NaN") || !strings.Contains(svg, `cx="280"`) {
		t.Error(svg)
	}
}
