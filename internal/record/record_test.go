package record

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// TestGlance holds what glanceAt sees of a record against parseAny, which looks at every field one by one: on records of
// all sizes at which a number becomes longer, and on the same bytes damaged.
func TestGlance(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	lengths := []int{-1, 0, 1, 2, 50, 63, 64, 100, 8191, 8192, 20_000}
	ordinary := 0
	for _, key := range lengths {
		for _, value := range lengths {
			for _, deltas := range [][2]int64{{0, 0}, {-1, 63}, {64, 64}, {8191, 8192}, {-8193, 1 << 20}, {1 << 20, 1<<31 - 1}, {1 << 40, 3}} {
				whole := recordOf(deltas[0], deltas[1], key, value)
				if glanceAgrees(t, append(whole, whole...)) {
					ordinary++
				}
				glanceAgrees(t, whole)
				for range 30 {
					b := bytes.Clone(whole)
					for range 1 + random.IntN(3) {
						b[random.IntN(min(len(b), 24))] = byte(random.Uint32())
					}
					glanceAgrees(t, b[:1+random.IntN(len(b))])
					glanceAgrees(t, b)
				}
			}
		}
	}
	if ordinary < 300 {
		t.Errorf("glanceAt took %d records; most of these are ordinary", ordinary)
	}
}

func FuzzGlance(f *testing.F) {
	f.Add(recordOf(5, 70, -1, 100))
	f.Add(recordOf(-70, 0, 3, -1))
	f.Fuzz(func(t *testing.T, b []byte) { glanceAgrees(t, b) })
}

// glanceAgrees says whether glanceAt took the bytes; if so, parseAny must see the same in them.
func glanceAgrees(t *testing.T, b []byte) bool {
	t.Helper()
	g, ok := glanceAt(b)
	if !ok {
		return false
	}
	var want parsed
	size, bad := parseAny(b, &want)
	key, value := part(b, g.keyAt, g.keyLength), part(b, g.valueAt, g.valueSize)
	switch {
	case bad != "":
		t.Fatalf("glanceAt took % x, in which parseAny finds: %s", b[:min(len(b), 40)], bad)
	case size != g.size || want.offsetDelta != g.offsetDelta || want.timestampDelta != int64(g.timestampDelta):
		t.Fatalf("glanceAt saw %+v in % x; parseAny %d bytes, %+v", g, b[:min(len(b), 40)], size, want)
	case !bytes.Equal(key, want.key) || (key == nil) != (want.key == nil) || !bytes.Equal(value, want.value) || (value == nil) != (want.value == nil):
		t.Fatalf("glanceAt saw key % x and value of %d bytes; parseAny % x and %d", key, len(value), want.key, len(want.value))
	case want.headers.count != 0:
		t.Fatalf("glanceAt took a record with %d headers", want.headers.count)
	}
	return true
}

// recordOf is a record without headers; a length of -1 is null.
func recordOf(timestampDelta, offsetDelta int64, key, value int) []byte {
	body := binary.AppendVarint([]byte{0}, timestampDelta)
	body = binary.AppendVarint(body, offsetDelta)
	for _, n := range []int{key, value} {
		body = binary.AppendVarint(body, int64(n))
		body = append(body, make([]byte, max(0, n))...)
	}
	body = append(body, 0)
	return append(binary.AppendVarint(nil, int64(len(body))), body...)
}
