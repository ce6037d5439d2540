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
// expression for "answer field", then " => ", then the reason. The answer is
// probe/question/version; the field is a path such as .Topics[0].ErrorCode,
// or "whole" where one of the brokers did not answer. # begins a remark.
//
//go:embed expected.txt
var expectedText string

// expectation is a difference that is meant.
type expectation struct {
	pattern *regexp.Regexp
	reason  string
	uses    int
}

func readExpected() ([]*expectation, error) {
	var all []*expectation
	for _, line := range strings.Split(expectedText, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, reason, ok := strings.Cut(line, " => ")
		if !ok {
			return nil, fmt.Errorf("expected.txt: no reason in %q", line)
		}
		compiled, err := regexp.Compile("^(?:" + strings.TrimSpace(pattern) + ")$")
		if err != nil {
			return nil, fmt.Errorf("expected.txt: %w", err)
		}
		all = append(all, &expectation{pattern: compiled, reason: reason})
	}
	return all, nil
}

// difference is one field in which two answers differ.
type difference struct {
	name, path   string
	kafka, skein string
}

// compare prints the differences and returns how many were not expected.
func compare(w io.Writer, left, right []answer, expected []*expectation, only string, all bool) int {
	same, meant := 0, 0
	var unexpected []difference
	for _, pair := range pairs(left, right) {
		found := differences(pair)
		if len(found) == 0 {
			same++
			if all {
				fmt.Fprintf(w, "same %s\n  %s\n", pair.name, pair.kafka)
			}
			continue
		}
		for _, d := range found {
			if explained(d, expected) {
				meant++
			} else {
				unexpected = append(unexpected, d)
			}
		}
	}
	printExpected(w, expected, only)
	printUnexpected(w, unexpected)
	fmt.Fprintf(w, "%d answers are the same; %d fields differ as expected, %d differ\n", same, meant, len(unexpected))
	return len(unexpected)
}

// pair is the two answers to one question.
type pair struct{ name, kafka, skein string }

// pairs matches answers by name; a name may come more than once.
func pairs(left, right []answer) []pair {
	rest := map[string][]string{}
	for _, a := range right {
		rest[a.name] = append(rest[a.name], a.text)
	}
	var all []pair
	for _, a := range left {
		p := pair{name: a.name, kafka: a.text, skein: "not asked"}
		if texts := rest[a.name]; len(texts) > 0 {
			p.skein, rest[a.name] = texts[0], texts[1:]
		}
		all = append(all, p)
	}
	for _, a := range right {
		if texts := rest[a.name]; len(texts) > 0 {
			all = append(all, pair{name: a.name, kafka: "not asked", skein: texts[0]})
			rest[a.name] = texts[1:]
		}
	}
	return all
}

func differences(p pair) []difference {
	if p.kafka == p.skein {
		return nil
	}
	var a, b any
	if json.Unmarshal([]byte(p.kafka), &a) != nil || json.Unmarshal([]byte(p.skein), &b) != nil {
		return []difference{{p.name, "whole", p.kafka, p.skein}}
	}
	var all []difference
	walk(p.name, "", a, b, &all)
	return all
}

// walk compares two trees, field by field.
func walk(name, path string, a, b any, all *[]difference) {
	if left, right, ok := both[map[string]any](a, b); ok {
		for _, key := range keysOf(left, right) {
			walk(name, path+"."+key, left[key], right[key], all)
		}
		return
	}
	if left, right, ok := both[[]any](a, b); ok && len(left) == len(right) {
		for i := range left {
			walk(name, fmt.Sprintf("%s[%d]", path, i), left[i], right[i], all)
		}
		return
	}
	if x, y := text(a), text(b); x != y {
		*all = append(*all, difference{name, path, x, y})
	}
}

func both[T any](a, b any) (x, y T, ok bool) {
	x, left := a.(T)
	y, right := b.(T)
	return x, y, left && right
}

func keysOf(left, right map[string]any) []string {
	var keys []string
	for key := range left {
		keys = append(keys, key)
	}
	for key := range right {
		if _, known := left[key]; !known {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func explained(d difference, expected []*expectation) bool {
	for _, e := range expected {
		if e.pattern.MatchString(d.name + " " + d.path) {
			e.uses++
			return true
		}
	}
	return false
}

func printExpected(w io.Writer, expected []*expectation, only string) {
	for _, e := range expected {
		switch {
		case e.uses > 0:
			fmt.Fprintf(w, "expected %dx  %s\n             %s\n", e.uses, e.pattern, e.reason)
		case only == "":
			fmt.Fprintf(w, "stale        %s\n", e.pattern)
		}
	}
}

var versionAtEnd = regexp.MustCompile(`/v(\d+)$`)

// printUnexpected puts the versions of a question that differ alike together.
func printUnexpected(w io.Writer, all []difference) {
	versions := map[difference][]string{}
	var order []difference
	for _, d := range all {
		version := versionAtEnd.FindString(d.name)
		d.name = strings.TrimSuffix(d.name, version)
		if versions[d] == nil {
			order = append(order, d)
		}
		versions[d] = append(versions[d], strings.TrimPrefix(version, "/"))
	}
	for _, d := range order {
		fmt.Fprintf(w, "DIFFERENT %s (%s) %s\n  kafka: %s\n  skein: %s\n", d.name, strings.Join(versions[d], " "), d.path, short(d.kafka), short(d.skein))
	}
}

func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(out))
}

func short(s string) string { return s[:min(len(s), 500)] }
