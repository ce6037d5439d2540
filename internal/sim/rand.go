package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// Rand is a stream of random numbers (ChaCha8) that a key decides completely. Not safe for concurrent use.
type Rand struct {
	*rand.Rand
	key [32]byte
}

// NewRand starts the stream of a seed.
func NewRand(seed uint64) *Rand {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], seed)
	return newRand(sha256.Sum256(b[:]))
}

func newRand(key [32]byte) *Rand { return &Rand{Rand: rand.New(rand.NewChaCha8(key)), key: key} }

// Fork starts the sub-stream of a name. It depends on the key of r and on the name, not on how many numbers r has
// given, so a new consumer with a name of its own shifts nobody else's numbers. The same name gives the same stream.
func (r *Rand) Fork(name string) *Rand {
	return newRand(sha256.Sum256(append(r.key[:], name...)))
}

// Chance is true in perMille of 1000 cases.
func (r *Rand) Chance(perMille int) bool { return r.IntN(1000) < perMille }

// Between gives a duration in [low, high]. low if high is not above it.
func (r *Rand) Between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.Int64N(int64(high-low)+1))
}
