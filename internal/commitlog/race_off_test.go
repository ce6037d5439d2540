//go:build !race

package commitlog

const slowdown = 1
