package report

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

const (
	begin = "<!-- results: written by `test/bench/run --markdown`; edits between these marks are lost -->"
	end   = "<!-- end of results -->"
)

// Markdown is the result section.
func Markdown(r *Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s, in %.0f minutes.\n\n", r.Started.UTC().Format("2006-01-02 15:04 UTC"), r.Ended.Sub(r.Started).Minutes())
	fmt.Fprintf(&b, "- Machine: %s.\n", r.Machine)
	for _, name := range sorted(r.Versions) {
		fmt.Fprintf(&b, "- %s: %s.\n", name, r.Versions[name])
	}
	for _, name := range sorted(r.Settings) {
		fmt.Fprintf(&b, "- %s: %s.\n", name, r.Settings[name])
	}
	b.WriteString("\n| " + strings.Join(heads, " | ") + " |\n|" + strings.Repeat(" --- |", len(heads)) + "\n")
	for _, l := range Lines(r) {
		b.WriteString("| " + strings.Join(l.cells(), " | ") + " |\n")
	}
	for _, failure := range r.Failures {
		fmt.Fprintf(&b, "\nNot measured: %s\n", failure)
	}
	b.WriteString("\n### The commands of this run\n\n```\n" + strings.Join(r.Commands, "\n") + "\n```\n")
	b.WriteString("\n### Everything that was measured\n\n| figure | value | side | median | least..greatest | n |\n| --- | --- | --- | --- | --- | --- |\n" + Every(r))
	return b.String()
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// WriteSection replaces the result section of a page. The page must hold the
// two marks.
func WriteSection(page string, r *Run) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	text, err := replaceSection(string(old), Markdown(r))
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(text), 0o644)
}

func replaceSection(page, section string) (string, error) {
	before, rest, found := strings.Cut(page, begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return "", fmt.Errorf("the marks %q and %q are not both there", begin, end)
	}
	return before + begin + "\n\n" + section + "\n" + end + after, nil
}
