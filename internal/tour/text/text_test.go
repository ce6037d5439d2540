package text

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// verbs are the places of arguments in a text, by number.
var verbs = regexp.MustCompile(`%[-+ 0-9.]*(\[\d\])?[a-z%]`)

// TestLanguagesAreComplete: every language has every key, with the same arguments.
func TestLanguagesAreComplete(t *testing.T) {
	for _, l := range Languages() {
		for _, key := range slices.Sorted(maps.Keys(english)) {
			said, ok := l.words[key]
			if !ok || strings.TrimSpace(said) == "" {
				t.Errorf("%s has no words for %s", l.name, key)
				continue
			}
			if got, want := arguments(t, said), arguments(t, english[key]); got != want {
				t.Errorf("%s: %s has the arguments %s, in English %s", l.name, key, got, want)
			}
		}
		for key := range l.words {
			if _, ok := english[key]; !ok {
				t.Errorf("%s has %s, which English does not", l.name, key)
			}
		}
	}
}

func arguments(t *testing.T, said string) string {
	t.Helper()
	all := verbs.FindAllString(said, -1)
	for _, v := range all {
		if !strings.Contains(v, "[") {
			t.Errorf("%q: the argument %s has no number", said, v)
		}
	}
	slices.Sort(all)
	return fmt.Sprint(slices.Compact(all))
}

func TestFind(t *testing.T) {
	for _, name := range []string{"en", "zh"} {
		if l, ok := Find(name); !ok || l.Name() != name {
			t.Errorf("%s is not found", name)
		}
	}
	if _, ok := Find("xx"); ok {
		t.Error("a language was made up")
	}
	if l, _ := Find("en"); l.Say("no.such") != "<no.such>" || l.Say("ui.step", 1, 4) != "1 of 4" {
		t.Error(l.Say("no.such"), l.Say("ui.step", 1, 4))
	}
}
