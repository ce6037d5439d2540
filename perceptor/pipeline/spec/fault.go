package spec

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	File         string
	Line, Column int    // from 1
	Key          string // the way to it: sinks[0].tables.shop.orders.salt; empty for the file as a whole
	Value        string // what stands there, if it may be shown
	Reason       string
	Nearest      string // a name that may have been meant, or ""
}

// Error is one line: place, key, value, reason.
func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", f.File, f.Line, f.Column)
	if f.Key != "" {
		b.WriteString(f.Key)
		if f.Value != "" {
			fmt.Fprintf(&b, " = %q", f.Value)
		}
		b.WriteString(": ")
	}
	b.WriteString(f.Reason)
	if f.Nearest != "" {
		fmt.Fprintf(&b, "; did you mean %s?", f.Nearest)
	}
	return b.String()
}

// Faults is everything that is wrong, in the order of the lines.
type Faults []*Fault

// Error has a line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the faults to errors.As.
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

const shownMax = 60

// shown is a value as a fault may show it. What stands before an @ may be an account with its password.
func shown(value string) string {
	if at := strings.LastIndexByte(value, '@'); at >= 0 {
		value = "***" + value[at:]
	}
	if utf8.RuneCountInString(value) > shownMax {
		value = string([]rune(value)[:shownMax]) + "..."
	}
	return value
}
