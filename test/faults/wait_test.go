//go:build linux

package faults

import (
	"testing"
	"time"
)

// waitFor looks again and again until something is so. How often it looks decides nothing.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
