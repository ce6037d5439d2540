package main

import "testing"

func read(t *testing.T, text string) versions {
	t.Helper()
	var v versions
	if err := v.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVersionsText(t *testing.T) {
	for _, text := range []string{"none", "0", "3", "0-2", "1+", "4-18"} {
		if got := read(t, text).String(); got != text {
			t.Errorf("%s was read as %s", text, got)
		}
	}
	for _, text := range []string{"x", "1-", "-1", "1-x", "99999", "+"} {
		var v versions
		if err := v.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, v)
		}
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct{ field, all, want string }{
		{"0+", "3-13", "true"},
		{"none", "3-13", "false"},
		{"0-2", "3-13", "false"},
		{"13+", "3-13", "version >= 13"},
		{"0-12", "3-13", "version <= 12"},
		{"5-7", "3-13", "version >= 5 && version <= 7"},
		{"5", "3-13", "version == 5"},
	} {
		if got := read(t, c.field).within(read(t, c.all)); got != c.want {
			t.Errorf("%s within %s: got %s, want %s", c.field, c.all, got, c.want)
		}
	}
}
