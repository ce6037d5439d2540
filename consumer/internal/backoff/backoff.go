// Package backoff holds the one rule by which everything in a consumer waits after failures.
package backoff

import "time"

// Pause is how long to wait after so many failures in a row before the one at hand: least, doubled for each of them, at most most.
// A least of 0 is most.
func Pause(least, most time.Duration, before int) time.Duration {
	wait := least
	for ; before > 0 && wait > 0 && wait < most; before-- {
		wait *= 2
	}
	if wait <= 0 || wait > most {
		return most
	}
	return wait
}
