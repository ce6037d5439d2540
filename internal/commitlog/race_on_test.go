//go:build race

package commitlog

// slowdown is how many times fewer cases the exhaustive tests try: the race detector looks at every access, and the
// cases are one goroutine's.
const slowdown = 10
