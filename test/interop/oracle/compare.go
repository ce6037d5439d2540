package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// expectedText lists the differences that are meant, one a line: a regular
// expression for the name of the answer, "=>", and the reason. A line that
// begins with # is a remark.
//
//go:embed expected.txt
var expectedText string

func readExpected() ([]*expectation, error) {
	var all []*expectation
	for _, text := range strings.Split(expectedText, "\n") {
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		pattern, reason, ok := strings.Cut(text, " => ")
		if !ok {
			return nil, fmt.Errorf("expected.txt: no reason in %q", text)
		}
		compiled, err := regexp.Compile("^" + pattern + "$")
		if err != nil {
			return nil, fmt.Errorf("expected.txt: %w", err)
		}
		all = append(all, &expectation{pattern: compiled, reason: reason})
	}
	return all, nil
}

// compare prints the differences and returns how many were not expected.
func compare(w io.Writer, left, right []answer, expected []*expectation, only string, all bool) int {
	same, meant, unexpected := 0, 0, 0
	answered := map[string]string{}
	for _, a := range right {
		answered[a.name] = a.text
	}
	for _, a := range left {
		got, ok := answered[a.name]
		delete(answered, a.name)
		switch {
		case ok && got == a.text:
			same++
			if all {
				fmt.Fprintf(w, "same      %s\n          %s\n", a.name, a.text)
			}
		case explain(w, a.name, expected, all):
			meant++
		default:
			unexpected++
			fmt.Fprintf(w, "DIFFERENT %s\n%s", a.name, difference(a.text, got))
		}
	}
	for _, a := range right {
		if text, extra := answered[a.name]; extra {
			unexpected++
			fmt.Fprintf(w, "DIFFERENT %s\n  only skein: %s\n", a.name, text)
		}
	}
	stale(w, expected, only)
	fmt.Fprintf(w, "%d answers are the same, %d differ as expected, %d differ\n", same, meant, unexpected)
	return unexpected
}

// explain reports whether a difference is expected.
func explain(w io.Writer, name string, expected []*expectation, all bool) bool {
	for _, e := range expected {
		if e.pattern.MatchString(name) {
			if all || !e.used {
				fmt.Fprintf(w, "expected  %s: %s\n", name, e.reason)
			}
			e.used = true
			return true
		}
	}
	return false
}

// stale names expectations that nothing fits any more.
func stale(w io.Writer, expected []*expectation, only string) {
	for _, e := range expected {
		if !e.used && only == "" {
			fmt.Fprintf(w, "stale     %v\n", e)
		}
	}
}

// difference names the fields that differ, or gives both texts where they are
// no JSON.
func difference(kafka, skein string) string {
	var a, b any
	if json.Unmarshal([]byte(kafka), &a) != nil || json.Unmarshal([]byte(skein), &b) != nil {
		return fmt.Sprintf("  kafka: %s\n  skein: %s\n", short(kafka), short(skein))
	}
	var lines []string
	walk("", a, b, &lines)
	if len(lines) > 40 {
		lines = append(lines[:40], fmt.Sprintf("  and %d more\n", len(lines)-40))
	}
	return strings.Join(lines, "")
}

func walk(path string, a, b any, lines *[]string) {
	left, isObject := a.(map[string]any)
	right, alsoObject := b.(map[string]any)
	if isObject && alsoObject {
		keys := make([]string, 0, len(left))
		for key := range left {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			walk(path+"."+key, left[key], right[key], lines)
		}
		return
	}
	leftList, isList := a.([]any)
	rightList, alsoList := b.([]any)
	if isList && alsoList && len(leftList) == len(rightList) {
		for i := range leftList {
			walk(fmt.Sprintf("%s[%d]", path, i), leftList[i], rightList[i], lines)
		}
		return
	}
	x, y := fmt.Sprint(text(a)), fmt.Sprint(text(b))
	if x != y {
		*lines = append(*lines, fmt.Sprintf("  %s  kafka: %s  skein: %s\n", path, short(x), short(y)))
	}
}

func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func short(s string) string { return s[:min(len(s), 700)] }
