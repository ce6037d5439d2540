// Package chart draws small charts in rows and columns as one SVG. The same values give the same bytes. It is pure, and knows nothing
// of what it draws.
package chart

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Grid is charts in rows and columns. All have the same values of x.
type Grid struct {
	Title   string
	Columns []string
	Rows    []string
	X       []float64 // in order; each is a tick
	Unit    string    // of x
	Names   []string  // of the lines, as many as each Cell has
	Hollow  string    // what a hollow point says
	Cells   [][]Cell  // by row and column
}

// Cell is one chart: for each line a point for each x.
type Cell struct {
	Lines [][]Point
}

// Point is a value of at least 0. One that is not there is left out.
type Point struct {
	Y      float64
	There  bool
	Hollow bool // it does not say all: what is measured had not come to its end
}

const ( // in pixels
	labelWide  = 150
	cellWide   = 230
	cellHigh   = 120
	headHigh   = 76
	plotLeft   = 44
	plotTop    = 12
	plotRight  = 14
	plotBottom = 24
)

// style has two colours that differ for everybody, on light and dark pages.
const style = `<style>
text{font:12px sans-serif;fill:#333}.dim{fill:#777;font-size:11px}.head{font-weight:bold}.axis{stroke:#bbb;fill:none}
.line{fill:none;stroke-width:2}.l0{stroke:#c2410c}.l1{stroke:#1d4ed8}.d0{fill:#c2410c}.d1{fill:#1d4ed8}.hollow{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#ddd}.dim{fill:#999}.axis{stroke:#555}.l0{stroke:#fb923c}.l1{stroke:#60a5fa}.d0{fill:#fb923c}.d1{fill:#60a5fa}.hollow{fill:#111}}
</style>`

// SVG draws the grid. Both axes are logarithmic; 0 has its place at the foot of y.
func (g *Grid) SVG() string {
	var b strings.Builder
	width, height := labelWide+cellWide*len(g.Columns), headHigh+cellHigh*len(g.Rows)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n%s\n",
		width, height, width, height, html.EscapeString(g.Title), style)
	fmt.Fprintf(&b, `<text class="head" x="8" y="20">%s</text>`+"\n", html.EscapeString(g.Title))
	at := 8
	for i, name := range g.Names {
		fmt.Fprintf(&b, `<path class="line l%d" d="M%d 38h18"/><text x="%d" y="42">%s</text>`+"\n", i, at, at+24, html.EscapeString(name))
		at += 40 + 8*len(name)
	}
	fmt.Fprintf(&b, `<text class="dim" x="%d" y="42">all axes are logarithmic%s</text>`+"\n", at, html.EscapeString(g.hollow()))
	for c, name := range g.Columns {
		fmt.Fprintf(&b, `<text class="head" text-anchor="middle" x="%d" y="%d">%s</text>`+"\n", labelWide+c*cellWide+(plotLeft+cellWide-plotRight)/2, headHigh-8, html.EscapeString(name))
	}
	for r, name := range g.Rows {
		top := headHigh + r*cellHigh
		for i, part := range strings.Split(name, "\n") {
			fmt.Fprintf(&b, `<text x="8" y="%d">%s</text>`+"\n", top+plotTop+14+16*i, html.EscapeString(part))
		}
		most := g.most(r)
		for c := range g.Columns {
			g.cell(&b, &g.Cells[r][c], labelWide+c*cellWide, top, most, r == len(g.Rows)-1)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// hollow is what a hollow point means, if there is one.
func (g *Grid) hollow() string {
	for _, row := range g.Cells {
		for _, cell := range row {
			for _, line := range cell.Lines {
				for _, p := range line {
					if p.There && p.Hollow {
						return "; hollow: " + g.Hollow
					}
				}
			}
		}
	}
	return ""
}

// most is the largest value of a row, rounded up to a power of ten: the charts of a row can be compared.
func (g *Grid) most(row int) float64 {
	most := 1.0
	for _, cell := range g.Cells[row] {
		for _, line := range cell.Lines {
			for _, p := range line {
				for p.There && p.Y > most {
					most *= 10
				}
			}
		}
	}
	return most
}

func (g *Grid) cell(b *strings.Builder, cell *Cell, left, top int, most float64, last bool) {
	x0, x1 := float64(left+plotLeft), float64(left+cellWide-plotRight)
	y0, y1 := float64(top+cellHigh-plotBottom), float64(top+plotTop)
	fmt.Fprintf(b, `<path class="axis" d="M%s %sV%sH%s"/>`+"\n", number(x0), number(y1), number(y0), number(x1))
	fmt.Fprintf(b, `<text class="dim" text-anchor="end" x="%s" y="%s">0</text><text class="dim" text-anchor="end" x="%s" y="%s">%s</text>`+"\n",
		number(x0-5), number(y0+4), number(x0-5), number(y1+4), short(most))
	px := func(i int) float64 {
		low, high := math.Log(g.X[0]), math.Log(g.X[len(g.X)-1])
		if high == low {
			return (x0 + x1) / 2
		}
		return x0 + 8 + (math.Log(g.X[i])-low)/(high-low)*(x1-x0-8)
	}
	py := func(y float64) float64 { return y0 - math.Log1p(9*y)/math.Log1p(9*most)*(y0-y1) }
	for i, x := range g.X {
		fmt.Fprintf(b, `<text class="dim" text-anchor="middle" x="%s" y="%s">%s</text>`+"\n", number(px(i)), number(y0+14), short(x))
	}
	if last {
		fmt.Fprintf(b, `<text class="dim" text-anchor="end" x="%s" y="%s">%s</text>`+"\n", number(x1), number(y0+23), html.EscapeString(g.Unit))
	}
	for l, line := range cell.Lines {
		path := ""
		for i, p := range line {
			if !p.There {
				continue
			}
			verb := "L"
			if path == "" {
				verb = "M"
			}
			path += verb + number(px(i)) + " " + number(py(p.Y))
		}
		if path != "" {
			fmt.Fprintf(b, `<path class="line l%d" d="%s"/>`+"\n", l, path)
		}
		for i, p := range line {
			if !p.There {
				continue
			}
			class := "d" + strconv.Itoa(l)
			if p.Hollow {
				class = "hollow l" + strconv.Itoa(l)
			}
			fmt.Fprintf(b, `<circle class="%s" cx="%s" cy="%s" r="3"><title>%s: %s</title></circle>`+"\n", class, number(px(i)), number(py(p.Y)), short(g.X[i]), value(p.Y))
		}
	}
}

// number is a coordinate with a tenth of a pixel.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

// value is a measured value as it is told.
func value(v float64) string {
	if v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// short is a number on an axis.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', -1, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', -1, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
