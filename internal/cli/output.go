package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// output is the form in which a command prints what it found.
type output struct{ format string }

func (o *output) flag(c *cobra.Command) {
	c.Flags().StringVarP(&o.format, "output", "o", "text", "print `text` or json")
	complete(c, "output", "text", "json")
}

func (o *output) check(c *cobra.Command) error {
	if o.format != "text" && o.format != "json" {
		return misused(c, "--output %q: it is text or json", o.format)
	}
	return nil
}

// print writes document as one JSON document, or lets text write tables.
func (o *output) print(c *cobra.Command, document any, text func(*page)) error {
	if o.format == "json" {
		return printJSON(c.OutOrStdout(), document)
	}
	p := &page{w: c.OutOrStdout()}
	text(p)
	return p.err
}

func printJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// page is text with tables in it. The first failure sticks.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// table writes rows under a header, in columns as wide as they need. A cell without text is shown as "-".
func (p *page) table(header []string, rows [][]string) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	writeRow := func(cells []string) {
		for i, cell := range cells {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			if cell == "" {
				cell = "-"
			}
			fmt.Fprint(t, printable(cell))
		}
		fmt.Fprint(t, "\n")
	}
	writeRow(header)
	for _, row := range rows {
		writeRow(row)
	}
	p.err = t.Flush()
}

// printable is text that cannot change the terminal or the table: what clients call themselves is shown, not obeyed.
func printable(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// number and numbers write what a table's cell holds.
func number[T ~int8 | ~int16 | ~int32 | ~int64 | ~int](n T) string {
	return strconv.FormatInt(int64(n), 10)
}

func numbers[T ~int32 | ~int](list []T) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = number(n)
	}
	return strings.Join(texts, ",")
}

// span is a length of time in two units at most.
func span(d time.Duration) string {
	switch days := d / (24 * time.Hour); {
	case d < time.Second:
		return number(d.Milliseconds()) + "ms"
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return number(int64(d/time.Minute)) + "m" + number(int64(d%time.Minute/time.Second)) + "s"
	case days == 0:
		return number(int64(d/time.Hour)) + "h" + number(int64(d%time.Hour/time.Minute)) + "m"
	default:
		return number(int64(days)) + "d" + number(int64(d%(24*time.Hour)/time.Hour)) + "h"
	}
}

// plural is "1 record" or "2 records".
func plural[T ~int32 | ~int64 | ~int](n T, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}
