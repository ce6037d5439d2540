package api

import (
	"math"
	"math/rand/v2"
	"time"
)

// Runtime is what the APIs take of the machine: time, goroutines, random numbers. A field that is nil is the real one. In
// a simulation one goroutine does everything, in an order that a seed decides.
type Runtime struct {
	Clock  func() time.Time                  // a monotonic clock
	After  func(time.Duration, func()) Timer // runs a function later, in a goroutine of its own
	Go     func(func())                      // runs a function beside the caller
	Random func(below int32) int32           // from 0 on
}

// Timer is what After gives. Stop is false if the function runs or has run.
type Timer interface{ Stop() bool }

func (r Runtime) completed() Runtime {
	if r.Clock == nil {
		r.Clock = time.Now
	}
	if r.After == nil {
		r.After = func(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
	}
	if r.Go == nil {
		r.Go = func(f func()) { go f() }
	}
	if r.Random == nil {
		r.Random = rand.Int32N
	}
	return r
}

// sessionID is an id for a fetch session.
func (r Runtime) sessionID() int32 { return r.Random(math.MaxInt32) + 1 }
