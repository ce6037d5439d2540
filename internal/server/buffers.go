package server

import (
	"math/bits"
	"sync"
)

// Size classes of buffers: 512 bytes, 1 KiB, ... 128 MiB.
const (
	classBitsMin = 9
	classBitsMax = 27
	classes      = classBitsMax - classBitsMin + 1
)

// buffers lends memory for frames, in sizes of powers of two, and keeps what comes back up to a bound. Memory that
// was used before is used again first, because a page that is touched for the first time costs ten times as much as
// one that is warm. Hence no sync.Pool: a garbage collection would empty it. Safe for concurrent use.
type buffers struct {
	mu       sync.Mutex
	free     [classes][][]byte // each a stack; the last one is the warmest
	kept     int64             // bytes in free
	keptMax  int64
	borrowed int64 // bytes that are out, rounded up to their classes
}

func newBuffers(keptMax int64) *buffers { return &buffers{keptMax: keptMax} }

// classOf is the index of the smallest class with room for n bytes; above the largest class it is classes.
func classOf(n int) int {
	if n <= 1<<classBitsMin {
		return 0
	}
	return min(bits.Len(uint(n-1))-classBitsMin, classes)
}

// get lends a buffer of n bytes; its content is whatever it was.
func (p *buffers) get(n int) []byte {
	class := classOf(n)
	if class == classes { // too large to keep
		return make([]byte, n)
	}
	size := 1 << (class + classBitsMin)
	p.mu.Lock()
	p.borrowed += int64(size)
	if stack := p.free[class]; len(stack) > 0 {
		last := len(stack) - 1
		b := stack[last]
		stack[last] = nil
		p.free[class] = stack[:last]
		p.kept -= int64(size)
		p.mu.Unlock()
		return b[:n]
	}
	p.mu.Unlock()
	return make([]byte, size)[:n]
}

// put takes a buffer of get back. Nobody uses it afterwards.
func (p *buffers) put(b []byte) {
	b = b[:cap(b)]
	class := classOf(len(b))
	if class == classes {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.borrowed -= int64(len(b))
	if p.kept+int64(len(b)) <= p.keptMax {
		p.kept += int64(len(b))
		p.free[class] = append(p.free[class], b)
	}
}
