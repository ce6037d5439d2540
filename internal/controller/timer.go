package controller

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
)

// TimerKind says what a timer is for.
type TimerKind uint8

// The kinds of timers.
const (
	SessionTimer TimerKind = iota // of one broker
	BalanceTimer                  // there is one
)

// TimerKey tells timers apart: at most one runs for each key.
type TimerKey struct {
	Kind   TimerKind
	Broker metadata.NodeID // NoNode but for a SessionTimer
}

// Timer asks for the key's Event at a time, in place of an earlier timer with the same key; the zero time cancels that.
type Timer struct {
	TimerKey
	At time.Time
}

// Event is what the controller is told when the timer with this key ends.
func (k TimerKey) Event() Event {
	if k.Kind == BalanceTimer {
		return &BalanceDue{}
	}
	return &SessionExpired{Broker: k.Broker}
}

func sessionTimer(broker metadata.NodeID, at time.Time) Timer {
	return Timer{TimerKey{SessionTimer, broker}, at}
}

func balanceTimer(at time.Time) Timer {
	return Timer{TimerKey{BalanceTimer, metadata.NoNode}, at}
}
