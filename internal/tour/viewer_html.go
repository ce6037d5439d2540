package tour

import (
	"fmt"
	"html/template"
	"io"

	"github.com/skein-io/skein/internal/tour/text"
)

// HTML is a Viewer that makes one page of everything, which needs nothing beside itself. Another Viewer may be shown the
// same run.
type HTML struct {
	Viewer
	Words text.Language
	pages []*Page
}

// After keeps the page.
func (h *HTML) After(p *Page) error {
	h.pages = append(h.pages, p)
	return h.Viewer.After(p)
}

// Write writes the document.
func (h *HTML) Write(w io.Writer) error {
	return document.Execute(w, struct {
		Language, Title string
		Pages           []*Page
	}{h.Words.Name(), h.Words.Say("ui.html.title"), h.pages})
}

var document = template.Must(template.New("tour").Funcs(template.FuncMap{
	// The drawing is made of escaped text; see lane.Sheet.SVG.
	"drawing": func(p *Page) template.HTML { return template.HTML(p.Sheet.SVG()) },
	"shown":   func(v any) string { return fmt.Sprint(plainly(v)) },
}).Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fcfcfa; --dim: #75808c; --line: #b9c1c9; --good: #1d7a46; --bad: #b3372c; --blue: #2a5fa8 }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe5ea; --paper: #14191e; --dim: #8793a0; --line: #46515c; --good: #58c184; --bad: #ee7a6d; --blue: #86b4f0 } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
h2 { margin: 3rem 0 .3rem } h3 { margin: 2.2rem 0 .2rem; font-size: 1em; color: var(--dim) }
p { max-width: 44rem; margin: .4rem 0 } nav a { margin-right: 1.2rem; color: var(--blue) }
figure { margin: .8rem 0; overflow-x: auto } svg { font: 13px ui-monospace, monospace; display: block }
svg text { fill: var(--ink) } svg .dim { fill: var(--dim) } svg .change { fill: var(--good) } svg .fault { fill: var(--bad) } svg circle.plain { fill: var(--dim) }
svg .track { stroke: var(--line); stroke-width: 1.5; fill: none } svg .arrow { stroke: var(--blue); stroke-width: 1.5; fill: none }
table { border-collapse: collapse; font: 14px ui-monospace, monospace; margin: .8rem 0 } th { color: var(--dim); text-align: left } td, th { padding: .1rem 1.2rem .1rem 0 }
ul { list-style: none; padding: 0 } li::before { content: "✓ "; color: var(--good) } li.bad::before { content: "✗ "; color: var(--bad) } small { color: var(--dim) }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<nav>{{range .Pages}}{{if eq .Number 1}}<a href="#{{.Scene}}">{{.Title}}</a>{{end}}{{end}}</nav>
{{range .Pages}}{{if eq .Number 1}}<h2 id="{{.Scene}}">{{.Title}}</h2>
<p>{{.About}}</p>
{{end}}<h3>{{.Number}} / {{.Total}}</h3>
<p>{{.Say}}</p>
{{if .Sheet.Rows}}<figure>{{drawing .}}</figure>
{{end}}{{range .Tables}}<table><tr>{{range .Header}}<th>{{.}}</th>{{end}}</tr>{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>{{end}}</table>
{{end}}<ul>{{range .Facts}}<li{{if not .OK}} class="bad"{{end}}>{{.Text}} <small>{{.Source}}{{if not .OK}}: {{shown .Got}} ≠ {{shown .Want}}{{end}}</small></li>{{end}}</ul>
{{end}}</body>
</html>
`))
