package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Bounds is what a value must be besides being of its type. Check says what is wrong, in words that follow the name
// and the value.
type Bounds interface {
	Check(v Value) error
	// String is the rule, for the reference.
	String() string
}

type between struct{ least, most float64 }

func (b between) Check(v Value) error {
	number := v.Double
	if v.Type != Double {
		number = float64(v.Long)
	}
	switch {
	case number < b.least:
		return fmt.Errorf("must be at least %s", plainNumber(b.least))
	case number > b.most:
		return fmt.Errorf("must be at most %s", plainNumber(b.most))
	}
	return nil
}

func (b between) String() string {
	if b.most == math.Inf(1) {
		return "at least " + plainNumber(b.least)
	}
	return plainNumber(b.least) + " to " + plainNumber(b.most)
}

func plainNumber(f float64) string {
	if f == math.Trunc(f) {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(f)
}

func atLeast(least float64) Bounds         { return between{least, math.Inf(1)} }
func inRange(least, most float64) Bounds   { return between{least, most} }
func oneOf(words ...string) Bounds         { return wordList{words: words} }
func oneOfAnyCase(words ...string) Bounds  { return wordList{words: words, anyCase: true} }
func rule(text string, f checkFunc) Bounds { return ruled{text, f} }

// wordList checks a string, or every element of a list.
type wordList struct {
	words   []string
	anyCase bool
}

func (b wordList) Check(v Value) error {
	elements := v.List
	if v.Type != List {
		elements = []string{v.Text}
	}
	for _, element := range elements {
		if b.anyCase {
			element = strings.ToLower(element)
		}
		if !slices.Contains(b.words, element) {
			return fmt.Errorf("must be one of: %s", strings.Join(b.words, ", "))
		}
	}
	return nil
}

func (b wordList) String() string { return "one of " + strings.Join(b.words, ", ") }

type checkFunc func(v Value) error

type ruled struct {
	text  string
	check checkFunc
}

func (b ruled) Check(v Value) error { return b.check(v) }
func (b ruled) String() string      { return b.text }

// eitherOf is a number that stands outside the range and is allowed too.
type eitherOf struct {
	exception int64
	Bounds
}

func (b eitherOf) Check(v Value) error {
	if v.Long == b.exception {
		return nil
	}
	if err := b.Bounds.Check(v); err != nil {
		return fmt.Errorf("%w, or %d", err, b.exception)
	}
	return nil
}

func (b eitherOf) String() string { return fmt.Sprintf("%s, or %d", b.Bounds, b.exception) }

// nonEmpty is a list with an element or a string with a letter.
var nonEmpty = rule("not empty", func(v Value) error {
	if v.Text == "" {
		return fmt.Errorf("must not be empty")
	}
	return nil
})
